"""The program for Termux as the server hands it out, its installation, and what --check finds."""

import ast
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers import RunningServer
from tests.termux_phones import Termux, termux, until
from textko_server import __version__
from textko_server.emulated.termux.stand_ins import SWITCHES
from textko_server.http.termux import program

OLDEST_PYTHON = (3, 9)


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Termux]:
    """Nothing is installed on it yet."""
    async with termux(tmp_path) as made:
        yield made


# --- what is handed out ---


async def test_every_well_formed_code_gets_the_same_program(server: RunningServer) -> None:
    real = (await server.gateway.pairing.create_code(server.regular.user.id)).code
    answers = [
        await server.request("GET", f"/t/{code}") for code in (real, "ZZZZ-ZZZZ", "zzzzzzzz")
    ]

    assert {answer.status for answer in answers} == {200}
    texts = [re.sub(r'\nCODE = ".*"\n', "\n", a.content.decode()) for a in answers]
    assert texts[0] == texts[1] == texts[2]
    headers = [{k: v for k, v in a.headers.items() if k != "Date"} for a in answers]
    assert headers[0] == headers[1]
    assert headers[0]["Cache-Control"] == "no-store"
    assert headers[0]["Content-Type"] == "text/x-python; charset=utf-8"


@pytest.mark.parametrize("code", ["K7QM", "K7QM-2XWD-9", 'K"QM-2XWD', "K7QM-2XW%0A", ""])
async def test_what_is_no_code_is_not_found(server: RunningServer, code: str) -> None:
    assert (await server.request("GET", f"/t/{code}")).status == 404


async def test_address_code_and_version_are_filled_in(server: RunningServer) -> None:
    answer = await server.request("GET", "/t/k7qm-2xwd")
    names = {
        node.targets[0].id: node.value.value
        for node in ast.parse(answer.content).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }

    assert (names["SERVER"], names["CODE"]) == (server.url, "K7QM-2XWD")
    assert names["VERSION"] == __version__


@pytest.mark.parametrize("host", ['x"; import os; "', "a b", "x/y z", "x\\"])
async def test_host_that_is_none_does_not_get_into_the_program(
    server: RunningServer, host: str
) -> None:
    answer = await server.request("GET", "/t/K7QM-2XWD", headers={"Host": host})

    assert answer.status == 400


def test_program_needs_nothing_but_an_old_python() -> None:
    tree = ast.parse(program("https://sms.example.org", "K7QM-2XWD"), feature_version=OLDEST_PYTHON)
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else alias.name) or "."
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }

    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names


def test_no_two_parts_of_the_program_use_one_name() -> None:
    tree = ast.parse(program("https://sms.example.org", "K7QM-2XWD"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    names = Counter(node.name for node in tree.body if isinstance(node, kinds))
    names.update(
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    )

    assert [name for name, count in names.items() if count > 1] == []


# --- installing ---


async def test_plain_http_is_said_to_be_what_it_is(bare: Termux) -> None:
    installed = await bare.install()

    assert "plain http: whoever is in the same network can read the texts" in installed.output


async def test_code_that_is_used_up_is_refused_in_a_sentence(bare: Termux) -> None:
    line = await bare.line()
    text = (await bare.server.request("GET", line)).content.decode()
    await bare.phone.install(text)

    again = await bare.phone.install(text, "--again")

    assert again.code == 1
    assert "this pairing code has been used: ask for a new one" in again.output


async def test_other_pairing_is_not_overwritten_unasked(bare: Termux) -> None:
    await bare.install("--name", "First")

    unasked = await bare.install("--name", "Second")
    again = await bare.install("--name", "Third", "--again")

    assert (unasked.code, again.code) == (1, 0)
    assert "--again" in unasked.output
    rows = await bare.server.gateway.db.fetch_all(
        "SELECT name FROM devices WHERE app_name = 'textko-termux' ORDER BY id"
    )
    assert [name for (name,) in rows] == ["First", "Third"]


async def test_phone_where_something_is_missing_keeps_the_code_good(bare: Termux) -> None:
    text = (await bare.server.request("GET", await bare.line())).content.decode()
    bare.phone.android.switch(permissions=[])
    refused = await bare.phone.install(text)
    bare.phone.android.switch(permissions=SWITCHES["permissions"])

    mended = await bare.phone.install(text)

    assert refused.code == 1
    assert "the code is still good" in refused.output
    assert mended.code == 0, mended.output


async def test_two_copies_do_not_run(bare: Termux) -> None:
    await bare.install()

    second = await bare.phone.command("run")

    assert second.code == 4
    assert "it runs already" in second.output


async def test_program_that_ends_at_once_is_not_called_started(bare: Termux) -> None:
    place = bare.phone.home / ".textko"
    place.mkdir()
    (place / "sqlite3.py").write_text("raise ImportError")  # found before Python's own

    installed = await bare.install()

    assert installed.code == 1
    assert "installed, but it does not run" in installed.output
    assert "installed in" not in installed.output


async def test_start_script_of_termux_boot_runs_the_program(bare: Termux) -> None:
    await bare.install()
    lines = (bare.phone.home / ".termux/boot/textko").read_text().splitlines()

    assert lines[0].endswith("/sh")
    assert lines[1] == "termux-wake-lock"
    assert lines[2].endswith(f" {bare.phone.home}/.textko/textko.py run")
    assert bare.phone.android.switches()["is_awake"]


async def test_uninstalled_program_leaves_nothing(bare: Termux) -> None:
    await bare.install()

    unasked = await bare.phone.command("--uninstall")
    removed = await bare.phone.command("--uninstall", "--yes")

    assert (unasked.code, removed.code) == (1, 0)
    assert [path.name for path in bare.phone.home.rglob("*")] == [".termux", "boot"]
    assert not bare.phone.android.switches()["is_awake"]


async def test_phone_deleted_at_the_server_stops_and_forgets_its_token(bare: Termux) -> None:
    await bare.put_on()
    await bare.phone.start()
    principal = await bare.server.gateway.accounts.authenticate_jwt(bare.server.regular.jwt)
    [device] = await bare.server.gateway.devices.list_devices(principal)
    await bare.server.gateway.devices.delete(principal, device.id)

    assert await bare.phone.ended() == 3
    assert "txd_" not in (bare.phone.home / ".textko" / "config.json").read_text()
    assert (await bare.phone.command("run")).code == 3
    assert (await bare.install("--name", "Back")).code == 0  # without --again: it is nobody's


# --- checking ---

# What is wrong, and what --check says of it.
BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "app": ({"has_app": False}, "is the app Termux:API installed"),
    "SMS permission": ({"permissions": ["READ_PHONE_STATE"]}, "android.permission.READ_SMS"),
    "send permission": (
        {"permissions": ["READ_SMS", "READ_CONTACTS", "READ_PHONE_STATE"]},
        "android.permission.SEND_SMS",
    ),
    "phone permission": (
        {"permissions": ["READ_SMS", "READ_CONTACTS", "SEND_SMS"]},
        "android.permission.READ_PHONE_STATE",
    ),
    "crashing app": ({"mute": ["termux-sms-list"]}, "termux-sms-list printed nothing"),
    "no SIM": ({"slots": []}, "Android sees no SIM that is ready"),
    "hanging list": ({"hanging": ["termux-sms-list"]}, "termux-sms-list gave no answer"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_check_names_what_is_broken(bare: Termux, what: str) -> None:
    switches, sentence = BROKEN[what]
    await bare.put_on()
    bare.phone.configure(commandLimitS=3)
    bare.phone.android.switch(**switches)

    checked = await bare.phone.command("--check")

    assert checked.code == 1
    assert any(
        line.startswith("PROBLEM") and sentence in line for line in checked.output.splitlines()
    ), checked.output


async def test_check_says_what_only_a_person_can_see_to(bare: Termux) -> None:
    await bare.install()
    bare.phone.android.switch(has_boot_app=False, does_app_select=False)
    for number in range(3):
        bare.phone.receive("+251911000000", f"text {number}")

    checked = await bare.phone.command("--check")

    assert checked.code == 0, checked.output
    assert "note     battery: cannot be read from here" in checked.output
    assert "the app Termux:Boot is missing" in checked.output
    assert "from before 2025" in checked.output


async def test_check_without_the_package_or_a_pairing_says_so(bare: Termux) -> None:
    await bare.put_on()
    bare.phone.remove_command("termux-sms-send")
    without_package = await bare.phone.command("--check")
    (bare.phone.home / ".textko" / "config.json").unlink()
    without_pairing = await bare.phone.command("--status")

    assert "pkg install termux-api" in without_package.output
    assert without_pairing.code == 3
    assert "this phone is not paired" in without_pairing.output


async def test_check_tells_a_wrong_clock_from_the_servers(bare: Termux) -> None:
    await bare.put_on()
    program_file = bare.phone.home / ".textko" / "textko.py"
    ahead = "import time as _t\n_now = _t.time\n_t.time = lambda: _now() + 4000\n"
    text = program_file.read_text()
    future = "from __future__ import annotations\n"
    program_file.write_text(text.replace(future, future + ahead, 1))

    checked = await bare.phone.command("--check")

    assert re.search(r"note +clock: this phone is 4\d\d\d s ahead of the server", checked.output)


async def test_status_says_what_waits(bare: Termux) -> None:
    await bare.put_on()
    bare.phone.android.switch(is_listing_sent=False)
    bare.phone.configure(filedWithinS=60)
    await bare.phone.start()
    await bare.submit("Hello")

    async def has_begun() -> bool:
        return bool(bare.phone.on_air)

    await until(has_begun)
    status = await bare.phone.command("--status")

    assert re.search(r"^sending +1$", status.output, re.MULTILINE)
    assert re.search(r"^phone +Termux, [0-9a-f]{24}$", status.output, re.MULTILINE)
