"""A built program as it is tried: where it is, what it is started with, and what it says."""

import asyncio
import json
import os
import re
import tempfile
import time
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from building.layout import BuildFailed

# Under emulation a start takes many seconds.
WAIT_S = 120.0
# After its start, until its memory is looked at.
_REST_S = 1.0
# No HOME, and nothing else of whoever builds.
BARE = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Program:
    command: tuple[str, ...]
    """What comes before its own words."""
    data_dir: str
    """As the program calls it."""
    environment: dict[str, str] = field(default_factory=lambda: dict(BARE))

    def words(self, *words: str) -> list[str]:
        return [*self.command, "--data-dir", self.data_dir, *words]

    async def run(self, *words: str) -> str:
        """What it says. Raises BuildFailed: it failed."""
        process = await asyncio.create_subprocess_exec(
            *self.words(*words), stdout=PIPE, stderr=PIPE, env=self.environment
        )
        async with asyncio.timeout(WAIT_S):
            said, complaint = await process.communicate()
        if process.returncode != 0:
            raise BuildFailed(
                f"{' '.join(self.words(*words))}: exit code {process.returncode}\n"
                f"{said.decode()}{complaint.decode()}"
            )
        return said.decode()

    async def json(self, *words: str) -> Any:
        return json.loads(await self.run(*words, "--json"))

    @asynccontextmanager
    async def started(self, *words: str) -> AsyncIterator["Running"]:
        """Until left, then stopped by SIGTERM."""
        with tempfile.TemporaryFile() as log:
            process = await asyncio.create_subprocess_exec(
                *self.words(*words), stdout=log, stderr=STDOUT, env=self.environment
            )
            running = Running(process, log)
            try:
                yield running
            finally:
                await running.stop()


@dataclass(frozen=True)
class Running:
    process: Process
    _log: IO[bytes]

    @property
    def said(self) -> str:
        return os.pread(self._log.fileno(), 1_000_000, 0).decode()

    async def stop(self) -> int:
        """Its exit code."""
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait()


@dataclass(frozen=True)
class Server:
    url: str
    start_s: float
    memory_mb: float


@asynccontextmanager
async def serving(program: Program) -> AsyncIterator[Server]:
    """Stopped as a service manager does; raises BuildFailed when it does not end well."""
    began = time.monotonic()
    async with program.started("serve", "--listen", "127.0.0.1:0") as running:
        async with asyncio.timeout(WAIT_S):
            while not (port := re.search(r" started .*port=(\d+)", running.said)):
                if running.process.returncode is not None:
                    raise BuildFailed(f"serve ended:\n{running.said}")
                await asyncio.sleep(0.02)
        took_s = time.monotonic() - began
        await asyncio.sleep(_REST_S)
        memory_mb = _memory_mb(running.process.pid)
        try:
            yield Server(f"http://127.0.0.1:{port[1]}", took_s, memory_mb)
        except BuildFailed as failure:
            raise BuildFailed(f"{failure}\nThe server's log:\n{running.said}") from failure
        if (code := await running.stop()) or " error " in running.said:
            raise BuildFailed(f"serve ended with exit code {code}:\n{running.said}")


def _memory_mb(pid: int) -> float:
    """Of the process and those it started."""
    total_kb, tree = 0, [pid]
    for one in tree:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            tree += map(int, children.read_text().split())
        found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{one}/status").read_text())
        total_kb += int(found[1]) if found else 0
    return total_kb / 1024
