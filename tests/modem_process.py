"""The emulated modem as a process of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.talking_process import TalkingProcess, talking_process
from textko_server.emulated.modem.air import Air

LIMIT_S = 30


class ModemProcess:
    def __init__(self, process: TalkingProcess, folder: Path) -> None:
        self._process = process
        self.folder = folder
        self.air = Air(folder / "air.jsonl")
        self.port = ""

    async def tell(self, line: str) -> None:
        """A command of its standard input."""
        self._process.tell(line)

    async def hear(self) -> str:
        """The next line it writes."""
        return await self._process.hear()

    async def stop(self) -> None:
        self._process.end_telling()
        assert await self._process.ended() == 0


@asynccontextmanager
async def running_modem(folder: Path, *options: str) -> AsyncIterator[ModemProcess]:
    program = "textko_server.emulated.modem.__main__"
    async with talking_process(program, [str(folder), *options]) as process:
        modem = ModemProcess(process, folder)
        word, _, modem.port = (await modem.hear()).partition(" ")
        assert word == "ready"
        yield modem
        await modem.stop()
