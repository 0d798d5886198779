"""kill -9 of a modem's program, and of the server, at every step: each segment is on the air at
most once, and no text is lost, neither out nor in.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests import forks
from tests.forks import ForkedProcess
from tests.killable_server import LOOK_INTERVAL_S, KillableServer
from tests.servers import RunningServer, running_server
from textko_server import admin_wire as wire
from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.emulated.modem.emulated_modem import IMEI, EmulatedModem
from textko_server.emulated.modem.steps import Step
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.records import Paired

# What the program imports only when it runs.
WARM = ("textko_server.cli.phone", "textko_server.phone.modem.program")
LIMIT_S = 60.0
# The steps are shared out, so that the shares can be tried side by side.
SHARES_COUNT = 4
AT_ONCE = 4
MAX_LIVES = 40
SENDER = "+35799654321"
SECOND = "Anything else?"
LONG = "Καλημέρα 👋 " * 8
QUICK = DispatchSettings(lease_s=2, retry_after_s=1)


class Device(msgspec.Struct, frozen=True):
    id: int
    state: Path


async def pair(server: RunningServer, state: Path) -> Device:
    """As the program does it once, of which the protocol says that it cannot be repeated."""
    code = await server.gateway.pairing.create_code(server.regular.user.id)
    body = {"code": code.code, "name": "Modem", "sims": [{"slot": 1}]}
    async with server.http.post(f"{server.url}/device/v1/pair", json=body) as response:
        paired = await response.json()
    journal = Journal(state / f"{IMEI}.journal")
    journal.write(Paired(paired["deviceId"], "Modem", paired["token"], paired["pollUrl"]))
    journal.close()
    device_id = server.gateway.public_ids.decode(Kind.DEVICE, paired["deviceId"])
    assert device_id is not None
    return Device(device_id, state)


@asynccontextmanager
async def program(
    modem: EmulatedModem, state: Path, *, step: int = 0, log: Path | None = None
) -> AsyncIterator[ForkedProcess]:
    """Killed at the end of the block, if not before."""
    arguments = [
        str(step), str(log or state / "steps"),
        "phone", "modem", str(modem.link), "--state", str(state), "--ports", f"{state}/none*",
    ]  # fmt: skip
    process = await asyncio.to_thread(forks.start, "tests.crashing_modem", arguments, warm=WARM)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Seen:
    """What the server knows of one text out and the texts in."""

    def __init__(self, server: RunningServer, device: Device) -> None:
        self._server = server
        self._device = device
        self._recipient_id = 0

    async def submit(self, text: str) -> int:
        """The recipient it has."""
        gateway = self._server.gateway
        principal = await gateway.api_keys.authenticate_key(self._server.regular.key)
        submission = Submission(text, ["+35799123456"], Dialect.TEXTKO, device_id=self._device.id)
        [submitted] = await gateway.messages.submit(principal, [submission])
        self._recipient_id = self._recipient_id or submitted.recipient_ids[0]
        return submitted.recipient_ids[0]

    async def outcome(self, recipient_id: int = 0) -> tuple[str, str | None]:
        """Of the first text, or of another one."""
        query = "SELECT state, error_code FROM recipients WHERE id = ?"
        key = recipient_id or self._recipient_id
        [row] = await self._server.gateway.db.fetch_all(query, (key,))
        return row[0], row[1]

    async def incoming(self) -> list[str]:
        query = "SELECT text FROM incoming_messages WHERE device_id = ?"
        rows = await self._server.gateway.db.fetch_all(query, (self._device.id,))
        return [row[0] for row in rows]

    async def until_over(self, process: ForkedProcess) -> None:
        """Or until the process has ended."""
        async with asyncio.timeout(LIMIT_S):
            while process.poll() is None:
                state, _error = await self.outcome()
                if state in ("delivered", "failed") and len(await self.incoming()) == 1:
                    return
                await asyncio.sleep(LOOK_INTERVAL_S)

    async def until_settled(self) -> None:
        """All that will come of it has come: a second text, which comes after it, is delivered."""
        async with asyncio.timeout(LIMIT_S):
            await self._until_state(self._recipient_id, "sent", "delivered", "failed")
            await self._until_state(await self.submit(SECOND), "delivered")
            incoming: list[str] = []
            while not incoming:
                await asyncio.sleep(LOOK_INTERVAL_S)
                incoming = await self.incoming()

    async def _until_state(self, recipient_id: int, *states: str) -> None:
        state = ""
        while state not in states:
            await asyncio.sleep(LOOK_INTERVAL_S)
            state, _error = await self.outcome(recipient_id)


def fault(modem: EmulatedModem, outcome: tuple[str, str | None], incoming: list[str]) -> str:
    """Empty: everything is as promised."""
    times = Counter((part.part_number, part.text) for part in modem.air.parts())
    if any(count > 1 for count in times.values()):
        return f"on the air {times}"
    if incoming != ["Hi"]:
        return f"incoming {incoming}"
    if outcome[0] in ("sent", "delivered"):
        is_out = [text.is_whole for text in modem.sent_texts if text.text == LONG] == [True]
        return "" if is_out else f"{outcome[0]}, and not on the air"
    return "" if outcome == ("failed", "unknown_whether_sent") else f"{outcome}"


@pytest.mark.parametrize("share", range(SHARES_COUNT))
async def test_program_killed_at_any_step_sends_once_and_loses_nothing(
    tmp_path: Path, share: int
) -> None:
    async with running_server(tmp_path / "server", clock=Clock(), dispatch=QUICK) as server:
        lives: list[tuple[list[str], bool, str]] = []
        while all(has_died for _steps, has_died, _fault in lives):
            assert len(lives) < MAX_LIVES
            steps = [share + 1 + SHARES_COUNT * (len(lives) + place) for place in range(AT_ONCE)]
            lives += await asyncio.gather(
                *(one_life(server, tmp_path / f"modem{step}", step) for step in steps)
            )

    assert [(steps[-1:], fault) for steps, _has_died, fault in lives if fault] == []
    reached = {step for steps, _has_died, _fault in lives for step in steps}
    assert {
        "before noting Sending", "before writing PDU", "after writing PDU",
        "before noting SegmentSent", "after saying claims", "before writing AT+CMGD",
    } <= reached  # fmt: skip
    assert len(lives) > 10


async def one_life(server: RunningServer, folder: Path, step: int) -> tuple[list[str], bool, str]:
    """A text of two segments goes out and one comes in; killed at that step, and started again."""
    device = await pair(server, folder)
    seen, log = Seen(server, device), folder / "steps"
    async with EmulatedModem(folder / "modem") as modem:
        async with program(modem, device.state, step=step, log=log) as killed:
            modem.receive(SENDER, "Hi")
            await seen.submit(LONG)
            await seen.until_over(killed)
            has_died = killed.poll() is not None
        steps = log.read_text().splitlines()
        async with program(modem, device.state):
            await seen.until_settled()
        return steps, has_died, fault(modem, await seen.outcome(), await seen.incoming())


SENDING_STEPS = (
    Step.PROMPT, Step.PROMPTED, Step.PDU, Step.ON_AIR, Step.ANSWERED, Step.REPORT, Step.REPORTED
)  # fmt: skip


@pytest.mark.parametrize("step", list(Step))
async def test_program_killed_while_the_modem_stands_at_any_step(
    tmp_path: Path, step: Step
) -> None:
    async with (
        running_server(tmp_path / "server", clock=Clock(), dispatch=QUICK) as server,
        EmulatedModem(tmp_path / "modem") as modem,
    ):
        device = await pair(server, tmp_path / "state")
        seen = Seen(server, device)
        modem.steps.hold_at(step)
        async with program(modem, device.state), asyncio.timeout(LIMIT_S):
            await seen.submit(LONG)
            if step not in SENDING_STEPS:
                modem.receive(SENDER, "Hi")
            await modem.steps.until_held()
        modem.steps.release()
        if step in SENDING_STEPS:
            modem.receive(SENDER, "Hi")
        async with program(modem, device.state):
            await seen.until_settled()

        assert fault(modem, await seen.outcome(), await seen.incoming()) == ""


@pytest.mark.parametrize(
    "step", [Step.PROMPTED, Step.ON_AIR, Step.ANSWERED, Step.REPORTED, Step.RECEIVED, Step.DELETED]
)
async def test_server_killed_at_any_step_gets_every_text_delivered_once(
    tmp_path: Path, step: Step
) -> None:
    server = await asyncio.to_thread(KillableServer, tmp_path / "data")
    try:
        async with server.admin() as admin:
            await admin.create_user(wire.NewUser(email="you@example.org", password="correct horse"))
            pairing = await admin.create_pairing_code(wire.NewPairingCode())
        state = tmp_path / "state"
        async with EmulatedModem(tmp_path / "modem") as modem:
            async with aiohttp.ClientSession() as http:
                body = {"code": pairing.code, "name": "Modem", "sims": [{"slot": 1}]}
                url = pairing.url.partition("/pair#")[0]
                paired = await (await http.post(f"{url}/device/v1/pair", json=body)).json()
            journal = Journal(state / f"{IMEI}.journal")
            journal.write(Paired(paired["deviceId"], "Modem", paired["token"], paired["pollUrl"]))
            journal.close()
            modem.steps.hold_at(step)
            async with program(modem, state):
                async with server.admin() as admin:
                    sent = await admin.send_message(wire.NewMessage(to=["+35799123456"], text=LONG))
                modem.receive(SENDER, "Hi")
                async with asyncio.timeout(LIMIT_S):
                    await modem.steps.until_held()
                server.kill()
                modem.steps.release()
                await server.start_again()
                outcome, incoming = await until_known(server, sent.id)
            assert fault(modem, outcome, incoming) == ""
            assert outcome[0] == "delivered"
    finally:
        server.kill()


async def until_known(
    server: KillableServer, message_id: str
) -> tuple[tuple[str, str | None], list[str]]:
    """What became of the text out, and the texts that came in."""
    async with asyncio.timeout(LIMIT_S), server.admin() as admin:
        while True:
            message = await admin.get_message(message_id)
            incoming = [text.text for text in (await admin.list_incoming()).incoming]
            if message.state in ("delivered", "failed") and incoming:
                return (message.state, None), incoming
            await asyncio.sleep(LOOK_INTERVAL_S)
