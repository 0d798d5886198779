"""A program that was forked and is talked with: in lines, by its standard input and output."""

import asyncio
import os
from asyncio import StreamReader, StreamReaderProtocol
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests import forks

# Whoever does not read all it says must not keep it from going on.
_UNREAD_BYTES = 2**24


class TalkingProcess:
    def __init__(self, process: forks.ForkedProcess, told: int, said: StreamReader) -> None:
        self._process = process
        self._told = told
        self._said = said

    def tell(self, line: str) -> None:
        os.write(self._told, f"{line}\n".encode())

    async def hear(self) -> str:
        """The next line that it writes; empty: it has closed its output, or is dead."""
        async with asyncio.timeout(forks.LIMIT_S):
            return (await self._said.readline()).decode().rstrip("\n")

    def end_telling(self) -> None:
        """Its standard input ends here."""
        if self._told >= 0:
            os.close(self._told)
            self._told = -1

    async def ended(self) -> int:
        """How it ended, by itself."""
        async with asyncio.timeout(forks.LIMIT_S):
            while await self._said.readline():
                pass
            return await asyncio.to_thread(self._process.wait)


@asynccontextmanager
async def talking_process(program: str, arguments: Sequence[str]) -> AsyncIterator[TalkingProcess]:
    """Killed at the end of the block, if it has not ended."""
    stdin, told = os.pipe()
    said, stdout = os.pipe()
    try:
        process = await asyncio.to_thread(
            forks.start, program, arguments, stdin=stdin, stdout=stdout
        )
    finally:
        os.close(stdin)
        os.close(stdout)
    reader = StreamReader(limit=_UNREAD_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: StreamReaderProtocol(reader), os.fdopen(said, "rb")
    )
    talking = TalkingProcess(process, told, reader)
    try:
        yield talking
    finally:
        process.kill()
        process.wait()
        talking.end_telling()
        transport.close()
