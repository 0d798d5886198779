"""The emulated modem as a process of its own."""

import sys
from asyncio import create_subprocess_exec, timeout
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textko_server.emulated.modem.air import Air

LIMIT_S = 30


class ModemProcess:
    def __init__(self, process: Process, folder: Path) -> None:
        self._process = process
        self.folder = folder
        self.air = Air(folder / "air.jsonl")
        self.port = ""

    async def tell(self, line: str) -> None:
        """A command of its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def hear(self) -> str:
        """The next line it writes."""
        assert self._process.stdout is not None
        async with timeout(LIMIT_S):
            return (await self._process.stdout.readline()).decode().strip()

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        async with timeout(LIMIT_S):
            await self._process.wait()


@asynccontextmanager
async def running_modem(folder: Path, *options: str) -> AsyncIterator[ModemProcess]:
    process = await create_subprocess_exec(
        sys.executable, "-m", "textko_server.emulated.modem", str(folder), *options,
        stdin=PIPE, stdout=PIPE,
    )  # fmt: skip
    modem = ModemProcess(process, folder)
    try:
        word, _, modem.port = (await modem.hear()).partition(" ")
        assert word == "ready"
        yield modem
        await modem.stop()
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
