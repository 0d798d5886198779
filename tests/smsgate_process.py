"""A phone with SMSGate's app as a process that is killed, and a server that is, too."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.killable_server import KillableServer
from tests.talking_process import TalkingProcess, talking_process
from textko_server import admin_wire as wire
from textko_server.emulated.smsgate_app import AirRecord
from textko_server.emulated.smsgate_app.radio import air_records
from textko_server.emulated.smsgate_app.steps import Step
from textko_server.model import State

PRIVATE_TOKEN = "a-private-token"
EMAIL = "you@example.org"
# Ten seconds of the app's become a twentieth of one.
SCALE = 0.005
# Longer than any start under load: no phone falls silent, and what it was given stays its own.
CLAIM_TIMEOUT_S = 600
# To see one fall silent.
SHORT_CLAIM_TIMEOUT_S = 3
_OVER = (State.SENT, State.DELIVERED, State.FAILED)


class Installation(KillableServer):
    """With the one account that phones join."""

    def __init__(self, folder: Path, claim_timeout_s: int) -> None:
        super().__init__(
            folder / "data",
            f"dispatch.claim_timeout_s={claim_timeout_s}",
            f"smsgate.private_token={PRIVATE_TOKEN}",
            f"smsgate.private_token_user={EMAIL}",
        )

    @property
    def app_url(self) -> str:
        """As typed in the app."""
        return f"{self.url}/api/mobile/v1"

    async def until_delivered(self, message_ids: list[str], *, but: int = 0) -> None:
        """Once all are, or all `but` so many, of which nothing more will be heard.

        What a slow machine let fail as silent meanwhile is delivered when its phone says so.
        """

        def is_enough(states: list[State]) -> bool:
            others = [state for state in states if state is not State.DELIVERED]
            return len(others) <= but and all(state in _OVER for state in others)

        await self.until(message_ids, is_enough)

    async def until_over(self, message_ids: list[str]) -> None:
        """Once each was sent, or failed because nothing was heard of it."""
        await self.until(message_ids, lambda states: all(state in _OVER for state in states))


@asynccontextmanager
async def installation(
    folder: Path, claim_timeout_s: int = CLAIM_TIMEOUT_S
) -> AsyncIterator[Installation]:
    made = await asyncio.to_thread(Installation, folder, claim_timeout_s)
    try:
        async with made.admin() as admin:
            await admin.create_user(wire.NewUser(email=EMAIL, password="correct horse"))
        yield made
    finally:
        made.kill()


class AppProcess:
    def __init__(self, process: TalkingProcess) -> None:
        self._process = process

    def receive(self, sender: str, text: str) -> None:
        """A text comes in to the phone."""
        self._process.tell(json.dumps({"sender": sender, "text": text}))

    async def until_at(self, step: Step, about: str = "") -> None:
        """Until it says that it is there; what it said before is passed over."""
        while line := await self._process.hear():
            name, said = json.loads(line)
            if name == step.value and about in said:
                return
        raise AssertionError(f"it ended before it came to {step}")

    async def until_dead(self) -> None:
        """Until it has killed itself."""
        assert await self._process.ended() == -signal.SIGKILL


@asynccontextmanager
async def app_process(
    installed: Installation, folder: Path, *options: str, die_at: str = ""
) -> AsyncIterator[AppProcess]:
    """Killed at the end of the block, if it did not die before."""
    arguments = [
        "--url", installed.app_url, "--private-token", PRIVATE_TOKEN, "--data", str(folder),
        "--time-scale", str(SCALE), *options,
    ]  # fmt: skip
    if die_at:
        arguments += ["--die-at", die_at]
    program = "textko_server.emulated.smsgate_app.__main__"
    async with talking_process(program, arguments) as process:
        yield AppProcess(process)


def on_air(folder: Path) -> list[AirRecord]:
    """Every text that left the phone, however often its app was killed."""
    return air_records(folder / "air.jsonl")
