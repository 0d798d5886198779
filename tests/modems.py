"""A modem at work in a test: emulated, with the server of the protocol, and quick pauses."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from tests.protocol_server import CODE, ProtocolServer
from textko_server.clock import Clock
from textko_server.emulated.modem.emulated_modem import EmulatedModem
from textko_server.phone.modem.commands import Limits
from textko_server.phone.modem.events import ModemEvent
from textko_server.phone.modem.program import ModemProgram
from textko_server.phone.modem.radio import Pauses

QUICK = Pauses(
    look_ms=200,
    look_again_ms=50,
    reopen_ms=20,
    reopen_most_ms=100,
    rest_ms=100,
    drain_ms=600_000,
    drain_often_ms=200,
    give_back_ms=200,
)
QUICK_LIMITS = Limits(answer_s=3.0, send_s=1.0)
LIMIT_S = 30.0


class ModemStory:
    """What the program tells, and when."""

    def __init__(self) -> None:
        self.events: list[ModemEvent] = []
        self._changed = asyncio.Event()

    def note(self, event: ModemEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def names(self) -> list[str]:
        return [event.event for event in self.events]

    def details(self, name: str) -> list[str]:
        return [event.detail or "" for event in self.events if event.event == name]

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not is_so():
                self._changed.clear()
                await self._changed.wait()

    async def until_told(self, name: str, count: int = 1) -> None:
        await self.until(lambda: self.names().count(name) >= count)


async def until(is_so: Callable[[], bool]) -> None:
    """For what nobody tells of: files, and what a modem holds."""
    async with asyncio.timeout(LIMIT_S):
        while not is_so():  # noqa: ASYNC110 - there is nothing to wait on
            await asyncio.sleep(0.01)


def journal_of(state: Path) -> str:
    """What the one modem whose program ran there has written down; empty while it has not."""
    return "".join(path.read_text() for path in state.glob("*.journal"))


@asynccontextmanager
async def modem_program(
    server: ProtocolServer, folder: Path, *modems: EmulatedModem | str, **settings: Any
) -> AsyncIterator[ModemStory]:
    """Runs until the block ends, and then comes to an orderly end. `folder`: its state."""
    story = ModemStory()
    program_settings: dict[str, Any] = {
        "patterns": (),
        "pauses": QUICK,
        "limits": QUICK_LIMITS,
    } | settings

    async def ask_for_code(_name: str) -> tuple[str, str]:
        return server.url, CODE

    ports = [modem if isinstance(modem, str) else str(modem.link) for modem in modems]
    async with aiohttp.ClientSession() as session:
        program = ModemProgram(
            session,
            Clock(),
            folder,
            ports,
            ask_for_code=ask_for_code,
            on_event=story.note,
            **program_settings,
        )
        running = asyncio.create_task(program.run())
        try:
            yield story
        finally:
            program.stop()
            async with asyncio.timeout(LIMIT_S):
                await running
