"""A phone with CHT Gateway as a process that is killed, and a server that is, too."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from tests.killable_server import KillableServer
from tests.talking_process import TalkingProcess, talking_process
from textko_server import admin_wire as wire
from textko_server.emulated.cht_app import OnAir, Step
from textko_server.emulated.cht_app.radio import Radio
from textko_server.model import State

POLL_INTERVAL_S = 0.02
# Longer than any start under load: no phone here falls silent.
CLAIM_TIMEOUT_S = 600


class Installation(KillableServer):
    """With one account."""

    def __init__(self, folder: Path, claim_timeout_s: int = CLAIM_TIMEOUT_S) -> None:
        super().__init__(folder / "data", f"dispatch.claim_timeout_s={claim_timeout_s}")

    async def add_phone(self) -> str:
        """Its address, at this machine."""
        async with self.admin() as admin:
            await admin.create_user(wire.NewUser(email="you@example.org", password="correct horse"))
            created = await admin.create_device(wire.NewDevice(app="cht", name="Drawer"))
        login = created.url.partition("://")[2].partition("@")[0]
        return f"http://{login}@127.0.0.1:{self.port}/api/cht"

    async def until_delivered(self, message_ids: list[str], *, but: int = 0) -> Counter[State]:
        """All `but` so many; answers how many are in which state then."""
        wanted_count = len(message_ids) - but
        return Counter(
            await self.until(
                message_ids, lambda states: states.count(State.DELIVERED) == wanted_count
            )
        )


@asynccontextmanager
async def installation(
    folder: Path, claim_timeout_s: int = CLAIM_TIMEOUT_S
) -> AsyncIterator[Installation]:
    made = await asyncio.to_thread(Installation, folder, claim_timeout_s)
    try:
        yield made
    finally:
        made.kill()


def app_process(
    url: str, folder: Path, *options: str, stop_at: Step | None = None
) -> AbstractAsyncContextManager[TalkingProcess]:
    """Killed at the end of the block."""
    arguments = [url, "--folder", str(folder), "--poll-interval", str(POLL_INTERVAL_S), *options]
    if stop_at is not None:
        arguments += ["--stop-at", stop_at.value]
    return talking_process("textko_server.emulated.cht_app.__main__", arguments)


async def until_it_says(process: TalkingProcess, line: str) -> None:
    while (said := await process.hear()) != line:
        assert said, f"it ended before it said: {line}"


def on_air(folder: Path) -> list[OnAir]:
    """Every text that left the phone, however often it was killed."""
    radio = Radio(folder / "radio.db", {})
    try:
        return radio.on_air
    finally:
        radio.close()
