"""`textko phone modem`, as it is typed."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.modems import LIMIT_S
from tests.servers import RunningServer, running_server
from textko_server.clock import Clock
from textko_server.emulated.modem.emulated_modem import EmulatedModem
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step
from textko_server.gateway.submissions import Submission
from textko_server.model import Device, Dialect

SENDER = "+35799654321"


class Run:
    """A program that runs."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []

    async def until_it_says(self, words: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(2 * LIMIT_S):
            while not any(words in line for line in self.lines):
                line = await self.process.stdout.readline()
                assert line, self.lines
                self.lines.append(line.decode())

    async def end(self) -> tuple[int | None, str, str]:
        """Wait for it: exit code, output, errors."""
        async with asyncio.timeout(2 * LIMIT_S):
            output, errors = await self.process.communicate()
        return self.process.returncode, "".join(self.lines) + output.decode(), errors.decode()


@asynccontextmanager
async def modem_command(
    folder: Path, *arguments: str, environ: dict[str, str] | None = None
) -> AsyncIterator[Run]:
    """`textko phone modem …`, killed at the end of the block if it still runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "textko_server", "phone", "modem", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
        cwd=Path(__file__).parent.parent,
        env={"HOME": str(folder), "XDG_STATE_HOME": str(folder / "home")} | (environ or {}),
    )  # fmt: skip
    try:
        yield Run(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.fixture
async def living(tmp_path: Path) -> AsyncIterator[RunningServer]:
    async with running_server(tmp_path / "data", clock=Clock()) as server:
        yield server


@pytest.fixture
async def emulated(tmp_path: Path) -> AsyncIterator[EmulatedModem]:
    async with EmulatedModem(tmp_path / "modem") as modem:
        yield modem


async def modem_of(server: RunningServer) -> Device:
    """The one device of the regular user that is a modem."""
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    devices = await server.gateway.devices.list_devices(principal)
    [device] = [d for d in devices if d.app_name == "textko-modem"]
    return device


async def test_server_on_the_same_machine_pairs_the_modem_by_itself(
    living: RunningServer, emulated: EmulatedModem, tmp_path: Path
) -> None:
    user = living.regular.user.email
    data = ["--data-dir", str(tmp_path / "data")]
    async with modem_command(tmp_path, str(emulated.link), *data, "--user", user) as run:
        await run.until_it_says("ready")
        device = await modem_of(living)
        run.process.send_signal(signal.SIGTERM)
        code, _output, errors = await run.end()

    assert (code, errors) == (0, "")
    assert device.name == "Textko Emulated 0017"
    assert (tmp_path / "home/textko/modems/860000000000017.journal").exists()


async def test_pairing_url_and_later_start_without_it(
    living: RunningServer, emulated: EmulatedModem, tmp_path: Path
) -> None:
    code = await living.gateway.pairing.create_code(living.regular.user.id)
    port, state = str(emulated.link), ["--state", str(tmp_path / "state")]
    url = f"{living.url}/pair#{code.code}"
    async with modem_command(tmp_path, port, *state, "--pair", url, "--name", "Shelf") as run:
        await run.until_it_says("ready")
    async with modem_command(tmp_path, port, *state, "--json") as run:
        await run.until_it_says("ready")
        emulated.receive(SENDER, "Hello")
        await run.until_it_says('"incoming"')
        run.process.terminate()
        exit_code, output, _errors = await run.end()

    events = [json.loads(line) for line in output.splitlines()]
    assert exit_code == 0
    assert {event["modem"] for event in events if event["event"] == "ready"} == {"Shelf"}
    assert "Hello" not in output
    assert SENDER not in output


async def test_code_that_is_none_ends_it_with_a_sentence(
    living: RunningServer, emulated: EmulatedModem, tmp_path: Path
) -> None:
    arguments = [str(emulated.link), "--url", living.url, "--code", "WRONG"]
    async with modem_command(tmp_path, *arguments) as run:
        code, _output, errors = await run.end()

    assert code == 1
    assert "pairing code" in errors


async def test_without_a_server_here_it_says_what_is_needed(
    emulated: EmulatedModem, tmp_path: Path
) -> None:
    arguments = [str(emulated.link), "--data-dir", str(tmp_path / "nothing")]
    async with modem_command(tmp_path, *arguments) as run:
        code, _output, errors = await run.end()

    assert code == 3
    assert "--pair" in errors


async def test_signal_while_no_modem_is_there_ends_it(tmp_path: Path) -> None:
    async with modem_command(tmp_path, str(tmp_path / "ttyUSB0")) as run:
        await run.until_it_says("waiting")
        run.process.terminate()
        code, output, errors = await run.end()

    assert (code, errors) == (0, "")
    assert "there is no" in output


async def test_text_that_is_with_the_modem_is_answered_for_before_it_ends(
    living: RunningServer, tmp_path: Path
) -> None:
    code = await living.gateway.pairing.create_code(living.regular.user.id)
    async with EmulatedModem(tmp_path / "modem") as emulated:
        url = f"{living.url}/pair#{code.code}"
        async with modem_command(tmp_path, str(emulated.link), "--pair", url) as run:
            await run.until_it_says("ready")
            device = await modem_of(living)
            emulated.steps.hold_at(Step.ON_AIR)
            principal = await living.gateway.api_keys.authenticate_key(living.regular.key)
            submission = Submission("Hi", [SENDER], Dialect.TEXTKO, device_id=device.id)
            [submitted] = await living.gateway.messages.submit(principal, [submission])
            async with asyncio.timeout(LIMIT_S):
                await emulated.steps.until_held()
            run.process.terminate()
            emulated.steps.release()
            exit_code, _output, errors = await run.end()

    query = "SELECT state FROM recipients WHERE id = ?"
    [(state,)] = await living.gateway.db.fetch_all(query, (submitted.recipient_ids[0],))
    assert (exit_code, errors) == (0, "")
    assert state in ("sent", "delivered")


@pytest.mark.parametrize("pin", ["", "12", "abcd", "12345678901"])
async def test_pin_that_can_be_none_is_refused_before_the_modem_sees_it(
    tmp_path: Path, pin: str
) -> None:
    path = tmp_path / "pin"
    path.write_text(f"{pin}\n")
    async with EmulatedModem(tmp_path / "modem", sim=Sim(pin="4711")) as emulated:
        arguments = [str(emulated.link), "--pin-file", str(path)]
        async with modem_command(tmp_path, *arguments) as run:
            code, _output, errors = await run.end()

        assert code == 1
        assert "4 to 8 digits" in errors
        assert emulated.commands == []


async def test_list_and_check_as_json(emulated: EmulatedModem, tmp_path: Path) -> None:
    async with modem_command(
        tmp_path, "--list", "--json", "--ports", str(emulated.link.with_name("tty*"))
    ) as run:
        _code, listed, _errors = await run.end()
    async with modem_command(tmp_path, "--check", str(emulated.link), "--json") as run:
        code, checked, _errors = await run.end()

    assert json.loads(listed) == {
        "modems": [
            {
                "port": str(emulated.link), "modem": "Textko Emulated", "imei": "860000000000017",
                "sim": "READY", "note": "",
            }
        ]
    }  # fmt: skip
    findings: list[dict[str, Any]] = json.loads(checked)["findings"]
    assert code == 0
    # The modem is this test's: it has the port open, as no real one has.
    wrong = {finding["check"] for finding in findings if finding["level"] != "ok"}
    assert wrong == {"other programs"}


async def test_check_of_what_is_wrong_exits_1_and_says_what_to_do(tmp_path: Path) -> None:
    async with (
        EmulatedModem(tmp_path / "modem", sim=Sim(is_inserted=False)) as emulated,
        modem_command(tmp_path, "--check", str(emulated.link)) as run,
    ):
        code, output, _errors = await run.end()

    assert code == 1
    assert "problem  SIM: there is no SIM in the modem (CME error 10)" in output
    assert "-> put one in" in output


async def test_without_a_port_it_says_where_to_look(tmp_path: Path) -> None:
    async with modem_command(tmp_path) as run:
        code, _output, errors = await run.end()

    assert code == 2
    assert "--list" in errors
