"""The command line: what it prints, what it changes, and how it ends."""

import asyncio
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.commands import CommandLine
from tests.server_process import WAIT_LIMIT_S, ServerProcess
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import __version__, cli

NUMBER = "+251911222333"


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """On the data directory of `server`."""
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


@pytest.fixture
def offline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    """Where no server runs."""
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "nobody", capsys, monkeypatch)


def phone_of(server: RunningServer) -> dict[str, str]:
    return {"Authorization": f"Bearer {server.regular.device_token}"}


# --- a server of its own ---


def test_server_lives_from_first_start_to_sigterm(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    try:
        server.wait_for("--first-admin-token")
        created = server.textko(
            "user", "create", "you@example.org", "--role", "ADMIN", "--password-stdin", "--json",
            stdin="correct horse\n",
        )  # fmt: skip
        key = server.textko("key", "create", "--user", "you@example.org", "--name", "x", "--json")
        pairing = server.textko("device", "pair", "--user", "you@example.org", "--json")
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(WAIT_LIMIT_S)
        stop_s = time.monotonic() - started
    finally:
        server.process.kill()
        server.process.wait()

    assert json.loads(created.stdout)["role"] == "ADMIN"
    assert len(json.loads(key.stdout)["key"]) == 64
    assert json.loads(pairing.stdout)["url"].endswith("/pair#" + json.loads(pairing.stdout)["code"])
    assert code == 0
    assert stop_s < 10  # scripts/torture --stop has how long it really takes
    assert not (tmp_path / "data" / "textko.sock").exists()


def test_second_server_on_a_data_directory_says_so(tmp_path: Path) -> None:
    first = ServerProcess(tmp_path / "data")
    try:
        first.wait_for("started")
        second = first.textko("serve", "--listen", "127.0.0.1:0")
    finally:
        first.process.kill()
        first.process.wait()

    assert second.returncode == 1
    assert "another textko is running on" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--listen", "nowhere"], "server.listen must be host:port"),
        (["--set", "webhooks.timeout"], "--set needs SECTION.KEY=VALUE"),
        (["--set", "webhooks.timout_s=5"], "the nearest known one is webhooks.timeout_s"),
        (["--config", "absent.toml"], "cannot read"),
    ],
)
async def test_serve_refuses_wrong_settings_in_one_sentence(
    offline: CommandLine, arguments: list[str], sentence: str
) -> None:
    outcome = await offline("serve", *arguments)

    assert outcome.code == 2
    assert sentence in outcome.err
    assert len(outcome.err.splitlines()) == 1


# --- how it ends ---


async def test_version_needs_no_server(offline: CommandLine) -> None:
    shown = await offline("version")
    said = await offline.json("version")

    assert shown.out.startswith(f"textko {__version__} (package, Python 3.")
    assert said["version"] == __version__
    assert said["form"] == "package"


@pytest.mark.parametrize(
    "arguments", [["status"], ["user", "list"], ["message", "send", "--to", "1", "--text", "x"]]
)
async def test_no_server_is_exit_code_3(offline: CommandLine, arguments: list[str]) -> None:
    outcome = await offline(*arguments)

    assert outcome.code == 3
    assert "no server is running on" in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nonsense"], ["user"], ["user", "create"], ["--nonsense", "status"],
        ["message", "send", "--text", "x"], ["key", "create", "--user", "a@b"],
        ["user", "create", "a@b"], ["key", "create", "--name", "x", "--expires", "soon"],
        ["--url", "sms.example.org", "status"], ["device", "pace", "x", "1"],
        ["user", "create", "a@b", "--first-admin-token", "x", "--generate-password"],
    ],
)  # fmt: skip
async def test_wrong_usage_is_exit_code_2(offline: CommandLine, arguments: list[str]) -> None:
    outcome = await offline(*arguments)

    assert outcome.code == 2
    assert outcome.err
    assert "Traceback" not in outcome.err


async def test_slip_in_a_command_is_told_all_there_are(offline: CommandLine) -> None:
    outcome = await offline("devcie", "pair", "serve")

    assert outcome.code == 2
    assert "'devcie'" in outcome.err
    assert "'device'" in outcome.err


async def test_option_value_may_be_the_name_of_a_command(offline: CommandLine) -> None:
    outcome = await offline("--config", "serve", "version")

    assert outcome.code == 0


async def test_refusal_of_the_server_is_exit_code_1(textko: CommandLine) -> None:
    outcome = await textko("user", "role", ADMIN_EMAIL, "REGULAR")

    assert outcome.code == 1
    assert outcome.err == (
        "textko: the last admin cannot be demoted or deleted; make another one first\n"
    )


async def test_unexpected_error_shows_no_traceback_without_debug(
    offline: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_options: Any) -> int:
        raise RuntimeError("secret inside")

    monkeypatch.setattr("textko_server.cli.version.run_version", fail)

    outcome = await offline("version")

    assert outcome.code == 1
    assert outcome.err == "textko: this failed inside (RuntimeError); --debug shows where\n"
    with pytest.raises(RuntimeError):
        await offline("version", "--debug")


async def test_global_options_stand_before_or_after_the_command(
    server: RunningServer, textko: CommandLine, tmp_path: Path
) -> None:
    data_dir = str(server.server.settings.server.data_dir)
    elsewhere = str(tmp_path / "elsewhere")

    before = await textko("--json", "user", "list")
    after = await textko("user", "list", "--json")
    overruled = await textko("--data-dir", elsewhere, "user", "list", "--data-dir", data_dir)

    assert before.json == after.json
    assert overruled.code == 0


async def test_help_of_every_command_shows_the_global_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["message", "send", "--help"]) == 0

    shown = capsys.readouterr().out
    assert "--data-dir" in shown
    assert "--wait" in shown


# --- by URL ---


async def test_url_takes_an_api_key_or_a_login(
    server: RunningServer, textko: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_key = await textko.json("--url", server.url, "--key", server.regular.key, "device", "list")
    monkeypatch.setenv("TEXTKO_API_KEY", server.regular.key)
    by_environment = await textko.json("--url", server.url, "device", "list")
    monkeypatch.delenv("TEXTKO_API_KEY")
    monkeypatch.setenv("TEXTKO_PASSWORD", "correct horse")
    by_login = await textko.json("--url", server.url, "--login", REGULAR_EMAIL, "device", "list")
    nobody = await textko("--url", server.url, "device", "list")

    assert by_key == by_environment == by_login
    assert [d["user"] for d in by_key["devices"]] == [REGULAR_EMAIL]
    assert nobody.code == 1


# --- users and keys ---


async def test_user_is_made_limited_and_deleted(textko: CommandLine) -> None:
    made = await textko.json("user", "create", "new@example.org", "--generate-password")
    role = await textko("user", "role", "new@example.org", "ADMIN")
    limits = await textko.json(
        "user", "limits", "new@example.org", "--credits", "5", "--subscription-ends", "2030-01-31"
    )
    unlimited = await textko.json("user", "limits", "new@example.org", "--credits", "unlimited")
    password = await textko("user", "password", made["id"], "--password-stdin", stdin="12345678\n")
    asked = await textko("user", "delete", "new@example.org")
    deleted = await textko("user", "delete", "new@example.org", "--yes")
    listed = await textko("user", "list")

    assert len(made["password"]) == 20
    assert "is ADMIN now" in role.out
    assert limits["credits"] == 5
    assert unlimited["credits"] is None
    assert unlimited["subscriptionEndsAt"] == limits["subscriptionEndsAt"]
    assert password.code == 0
    assert asked.code == 2
    assert "0 devices, 0 API keys" in asked.err
    assert deleted.code == 0
    assert [line.split()[1] for line in listed.out.splitlines()] == [
        "E-MAIL", ADMIN_EMAIL, REGULAR_EMAIL,
    ]  # fmt: skip


async def test_first_admin_token_makes_an_admin_elsewhere(
    server: RunningServer, textko: CommandLine
) -> None:
    refused = await textko(
        "--url", server.url, "user", "create", "me@example.org", "--password-stdin",
        "--first-admin-token", "guessed", stdin="correct horse\n",
    )  # fmt: skip

    assert refused.code == 1
    assert "this link is not valid" in refused.err


async def test_key_is_named_by_its_name(textko: CommandLine) -> None:
    made = await textko.json(
        "key", "create", "--user", REGULAR_EMAIL, "--name", "Shop", "--scopes",
        "send_sms,read_delivery", "--expires", "2030-12-31",
    )  # fmt: skip
    listed = await textko("key", "list", "--user", REGULAR_EMAIL)
    renamed = await textko("key", "rename", "shop", "Web shop")
    revoked = await textko("key", "revoke", made["prefix"])
    unclear = await textko("key", "revoke", "everything")
    deleted = await textko("key", "delete", "Web shop", "--yes")

    assert made["scopes"] == ["send_sms", "read_delivery"]
    assert "Shop" in listed.out
    assert made["key"] not in listed.out
    assert (renamed.code, revoked.code, deleted.code) == (0, 0, 0)
    assert unclear.code == 2
    assert "2 keys are called 'everything'" in unclear.err


async def test_key_may_be_limited_to_devices(server: RunningServer, textko: CommandLine) -> None:
    device = server.regular.device_id
    made = await textko.json(
        "key", "create", "--user", REGULAR_EMAIL, "--name", "Shop", "--devices", "Phone of regular"
    )
    brought = await textko.json(
        "key", "import", "--user", REGULAR_EMAIL, "--name", "Old", "--devices", device,
        stdin="old-gateway-0123456789\n",
    )  # fmt: skip
    freed = await textko.json("key", "change", made["id"], "--devices", "all")
    unknown = await textko("key", "create", "--name", "x", "--devices", "no such phone")

    assert (made["deviceIds"], brought["deviceIds"], freed["deviceIds"]) == (
        [device], [device], None
    )  # fmt: skip
    assert unknown.code == 2


async def test_key_made_elsewhere_is_read_from_standard_input(
    server: RunningServer, textko: CommandLine
) -> None:
    token = "an-old-token-of-another-gateway"
    imported = await textko(
        "key", "import", "--user", REGULAR_EMAIL, "--name", "old", stdin=f"{token}\n"
    )

    answer = await server.request("GET", "/admin/v1/me", headers={"x-api-key": token})
    assert imported.code == 0
    assert answer.status == 200


# --- devices ---


async def test_pairing_shows_a_qr_code_and_waits_for_the_phone(
    server: RunningServer, textko: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: asyncio.Queue[str] = asyncio.Queue()
    create = server.gateway.pairing.create_code

    async def create_and_tell(*arguments: Any, **options: Any) -> Any:
        pairing = await create(*arguments, **options)
        codes.put_nowait(pairing.code)
        return pairing

    monkeypatch.setattr(server.gateway.pairing, "create_code", create_and_tell)
    waiting = asyncio.create_task(textko("device", "pair", "--user", REGULAR_EMAIL))
    async with asyncio.timeout(WAIT_LIMIT_S):
        code = await codes.get()
        body = {"code": code, "name": "Kitchen", "model": "\x1b[31mPixel", "sims": []}
        await server.request("POST", "/device/v1/pair", body)
        outcome = await waiting

    assert outcome.code == 0
    assert code in outcome.out
    assert "█" in outcome.out
    assert f"curl -fsS {server.url}/t/{code} | python -" in outcome.out
    assert "paired: Kitchen (�[31mPixel)" in outcome.out


async def test_device_is_shown_paced_renamed_disabled_and_deleted(
    server: RunningServer, textko: CommandLine
) -> None:
    device_id, name = server.regular.device_id, server.regular.device.name
    paced = await textko("device", "pace", name, "1", "--per-minute", "20", "--per-day", "500")
    changed = await textko.json("device", "pace", name, "1", "--per-day", "0")
    wrong_slot = await textko("device", "pace", name, "2", "--per-day", "5")
    shown = await textko("device", "show", name)
    disabled = await textko("device", "disable", device_id)
    enabled = await textko.json("device", "enable", device_id)
    renamed = await textko("device", "rename", device_id, "Shelf")
    deleted = await textko("device", "delete", "Shelf", "--yes")
    listed = await textko.json("device", "list", "--user", REGULAR_EMAIL)

    assert "messages a minute: 20; messages a day: 500" in paced.out
    assert (changed["pace"]["perMinute"], changed["pace"]["perDay"]) == (20, None)
    assert wrong_slot.code == 2
    assert "+251911000001" in shown.out
    assert "gets no more messages" in disabled.out
    assert enabled["isEnabled"]
    assert (renamed.code, deleted.code) == (0, 0)
    assert listed == {"devices": []}


# --- messages ---


async def test_message_is_sent_listed_shown_cancelled_and_queued_again(
    textko: CommandLine,
) -> None:
    made = await textko.json(
        "message", "send", "--user", REGULAR_EMAIL, "--to", f"{NUMBER},+251911222444", "--stdin",
        "--priority", "otp", "--at", "2030-01-31T10:00+03:00", stdin="Hello\nthere\n",
    )  # fmt: skip
    listed = await textko("message", "list", "--state", "scheduled")
    shown = await textko("message", "show", made["id"])
    cancelled = await textko("message", "cancel", made["id"])
    requeued = await textko.json("message", "requeue", made["id"])

    assert (made["text"], made["priority"], made["scheduledAt"]) == (
        "Hello\nthere", "otp", 1_896_073_200_000,
    )  # fmt: skip
    assert f"{NUMBER} +1" in listed.out
    assert "Hello⏎there" in listed.out
    assert "submitted through the admin API" in shown.out
    assert cancelled.out == "cancelled for 2 recipients\n"
    assert requeued == {"count": 2}


async def test_message_is_found_counted_and_sent_again(textko: CommandLine) -> None:
    for text in ("Your code is 1234", "Good morning"):
        await textko.json(
            "message", "send", "--user", REGULAR_EMAIL, "--to", NUMBER, "--text", text
        )
    filters = (
        "--text",
        "CODE",
        "--number",
        NUMBER[:6],
        "--state",
        "queued,sent",
        "--from",
        "2026-01-01",
    )

    found = await textko.json("message", "list", *filters)
    counts = await textko.json("message", "count", *filters)
    plain = await textko("message", "count")
    [message] = found["messages"]
    too_early = await textko("message", "resend", message["id"])
    again = await textko.json("message", "resend", message["id"], "--all")

    assert message["text"] == "Your code is 1234"
    assert counts == {"byState": {"queued": 1}, "total": 1, "isExact": True, "searchedTo": None}
    assert plain.out.split() == ["queued", "2", "total", "2"]
    assert too_early.code == 1
    assert (again["text"], again["recipients"][0]["phoneNumber"]) == (message["text"], NUMBER)
    assert again["id"] != message["id"]


async def test_wait_follows_a_message_to_its_end(
    server: RunningServer, textko: CommandLine, clock: FrozenClock
) -> None:
    arguments = ["--to", NUMBER, "--device", server.regular.device.name, "--sim", "1"]
    waiting = asyncio.create_task(
        textko("message", "send", "--user", REGULAR_EMAIL, "--text", "Hello", *arguments, "--wait")
    )
    async with asyncio.timeout(WAIT_LIMIT_S):
        offers: list[Any] = []
        while not offers:
            offered = await server.request(
                "POST", "/device/v1/sync?wait=5", {}, headers=phone_of(server)
            )
            offers = offered.json["offers"]
        job_id = offers[0]["jobId"]
        reports = [{"jobId": job_id, "state": s, "at": START_MS} for s in ("sent", "delivered")]
        for body in ({"claims": [job_id], "capacity": 0}, {"reports": reports, "capacity": 0}):
            await server.request("POST", "/device/v1/sync", body, headers=phone_of(server))
        outcome = await waiting

    assert outcome.code == 0
    states = [line.split()[3] for line in outcome.out.splitlines()]
    assert states == ["queued", "offered", "claimed", "sent", "delivered"]


async def test_wait_ends_with_sent_where_nobody_will_tell_of_delivery(
    server: RunningServer, textko: CommandLine
) -> None:
    code = (await server.gateway.pairing.create_code(server.regular.user.id)).code
    body = {"code": code, "name": "Termux", "sims": [{"slot": 1}], "deliveryReports": False}
    paired = (await server.request("POST", "/device/v1/pair", body)).json
    headers = {"Authorization": f"Bearer {paired['token']}"}
    arguments = ["--to", NUMBER, "--device", "Termux", "--text", "Hello", "--wait"]
    waiting = asyncio.create_task(textko("message", "send", "--user", REGULAR_EMAIL, *arguments))
    async with asyncio.timeout(WAIT_LIMIT_S):
        offers: list[Any] = []
        while not offers:
            poll = await server.request("POST", "/device/v1/sync?wait=5", {}, headers=headers)
            offers = poll.json["offers"]
        job_id = offers[0]["jobId"]
        reports = [{"jobId": job_id, "state": "sent", "at": START_MS}]
        for said in ({"claims": [job_id], "capacity": 0}, {"reports": reports, "capacity": 0}):
            await server.request("POST", "/device/v1/sync", said, headers=headers)
        outcome = await waiting

    assert outcome.code == 0


async def test_waiting_too_long_is_exit_code_1(textko: CommandLine) -> None:
    outcome = await textko(
        "message", "send", "--user", REGULAR_EMAIL, "--to", NUMBER, "--text", "x",
        "--wait-s", "0.05", "--json",
    )  # fmt: skip

    assert outcome.code == 1
    assert outcome.json["state"] == "queued"


async def test_incoming_text_cannot_move_the_cursor(
    server: RunningServer, textko: CommandLine
) -> None:
    told = {
        "id": "1", "from": NUMBER, "text": "\x1b[2Jhi \u202eevil\u202c 日本",
        "receivedAt": START_MS,
    }  # fmt: skip
    await server.request("POST", "/device/v1/sync", {"incoming": [told]}, headers=phone_of(server))

    listed = await textko("inbox", "list", "--device", server.regular.device_id)
    as_json = await textko.json("inbox", "list", "--user", REGULAR_EMAIL)

    assert "�[2Jhi �evil� 日本" in listed.out
    assert as_json["incoming"][0]["text"] == told["text"]


# --- webhooks ---


async def test_webhook_gets_another_name_url_and_events(textko: CommandLine) -> None:
    url = "https://shop.example.org/sms"
    added = await textko.json("webhook", "add", url, "--user", REGULAR_EMAIL, "--name", "Shop")
    moved = await textko.json("webhook", "change", "Shop", "--new-url", url + "/new")
    changed = await textko.json(
        "webhook", "change", added["id"], "--name", "Till", "--events", "MESSAGE_SENT"
    )
    nothing = await textko("webhook", "change", added["id"])

    assert (moved["url"], moved["events"]) == (url + "/new", added["events"])
    assert (changed["name"], changed["events"]) == ("Till", ["MESSAGE_SENT"])
    assert nothing.code == 2


async def test_webhook_of_smsgate_takes_the_key_its_receiver_knows(textko: CommandLine) -> None:
    added = await textko.json(
        "webhook", "add", "https://shop.example.org/sms", "--user", REGULAR_EMAIL,
        "--format", "smsgate", "--secret-stdin", stdin="a key\n",
    )  # fmt: skip

    assert added["events"] == ["sms:received", "sms:sent", "sms:delivered", "sms:failed"]
    assert (added["format"], added["secret"]) == ("smsgate", "a key")


async def test_webhook_is_added_tested_and_its_log_read(textko: CommandLine) -> None:
    async with WebhookReceiver() as receiver:
        url = receiver.url("/sms")
        added = await textko.json(
            "webhook", "add", url, "--user", REGULAR_EMAIL, "--events", "MESSAGE_RECEIVED"
        )
        tested = await textko("webhook", "test", url)
        [delivery] = (await textko.json("webhook", "deliveries", url))["deliveries"]
        attempts = await textko("webhook", "attempts", delivery["id"])
        again = await textko("webhook", "redeliver", delivery["id"])
        failed = await textko.json("webhook", "redeliver", url, "--failed")
        rotated = await textko.json("webhook", "rotate-secret", url)
        disabled = await textko("webhook", "disable", url)
        untestable = await textko("webhook", "test", url)
        enabled = await textko.json("webhook", "enable", url)
        shown = await textko("webhook", "show", url)
        listed = await textko("webhook", "list")
        deleted = await textko("webhook", "delete", url, "--yes")

    assert added["events"] == ["MESSAGE_RECEIVED"]
    assert tested.code == 0
    assert "it answered 200" in tested.out
    assert '"test":true' in attempts.out
    assert again.out == "1 delivery is sent again\n"
    assert failed == {"count": 0}
    assert rotated["secret"] != added["secret"]
    assert "is disabled" in disabled.out
    assert (untestable.code, enabled["isEnabled"]) == (1, True)
    assert "MESSAGE_RECEIVED" in shown.out
    assert url in listed.out
    assert deleted.code == 0


# --- settings and status ---


async def test_config_shows_values_and_sources(offline: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "textko.toml").write_text('[server]\nlisten = "127.0.0.1:9000"\n')

    shown = await offline("config", "show")
    checked = await offline.json("config", "check")

    [line] = [line for line in shown.out.splitlines() if line.startswith("server.listen ")]
    assert line.split() == [
        "server.listen", '"127.0.0.1:9000"', "textko.toml:", str(tmp_path / "textko.toml"),
    ]  # fmt: skip
    assert checked == {"ok": True, "changed": 2}


async def test_config_check_names_what_is_wrong(offline: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text("[server]\nlissen = 1\n")

    outcome = await offline("config", "check", "--config", str(tmp_path / "wrong.toml"))

    assert outcome.code == 2
    assert "the nearest known one is server.listen" in outcome.err


async def test_running_server_shows_its_own_settings(
    server: RunningServer, textko: CommandLine
) -> None:
    shown = {s["name"]: s for s in (await textko.json("config", "show", "--running"))["settings"]}

    assert shown["accounts.bcrypt_rounds"]["value"] == 4


async def test_status_shows_the_queue(textko: CommandLine) -> None:
    status = await textko.json("status")
    plain = await textko("status")

    assert (status["version"], status["queueDepth"]) == (__version__, 0)
    assert {concern["code"] for concern in status["concerns"]} >= {"no_message"}
    assert "No text has been sent yet" in plain.out
    assert "waiting for a phone  0" in plain.out
