"""A phone with CHT Gateway as a process that is killed, and a server that is, too."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.ports import free_port
from tests.server_process import WAIT_LIMIT_S, ServerProcess
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.emulated.cht_app import OnAir, Step
from textko_server.emulated.cht_app.radio import Radio
from textko_server.model import State

POLL_INTERVAL_S = 0.02
# Longer than any start under load: no phone here falls silent.
CLAIM_TIMEOUT_S = 600


class Installation:
    """A server that comes back at the same port with the same data, and its one account."""

    def __init__(self, folder: Path, claim_timeout_s: int = CLAIM_TIMEOUT_S) -> None:
        self._data_dir = folder / "data"
        self._port = free_port()
        self._claim_timeout_s = claim_timeout_s
        self._server = self._start()

    def _start(self) -> ServerProcess:
        server = ServerProcess(
            self._data_dir, "--listen", f"127.0.0.1:{self._port}",
            "--set", f"dispatch.claim_timeout_s={self._claim_timeout_s}",
        )  # fmt: skip
        server.wait_for("started")
        return server

    async def kill_and_start(self) -> None:
        self._server.process.kill()
        await asyncio.to_thread(self._server.process.wait)
        self._server = await asyncio.to_thread(self._start)

    def stop(self) -> None:
        self._server.process.kill()
        self._server.process.wait()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AdminClient]:
        async with AdminClient.over_socket(self._data_dir / "textko.sock") as client:
            yield client

    async def add_phone(self) -> str:
        """Its address, at this machine."""
        async with self.admin() as admin:
            await admin.create_user(wire.NewUser(email="you@example.org", password="correct horse"))
            created = await admin.create_device(wire.NewDevice(app="cht", name="Drawer"))
        login = created.url.partition("://")[2].partition("@")[0]
        return f"http://{login}@127.0.0.1:{self._port}/api/cht"

    async def send(self, *texts: str) -> list[str]:
        """Ids of the messages."""
        async with self.admin() as admin:
            return [
                (await admin.send_message(wire.NewMessage(to=[f"+2519110000{n:02}"], text=text))).id
                for n, text in enumerate(texts, 1)
            ]

    async def states(self, message_ids: list[str]) -> list[State]:
        async with self.admin() as admin:
            return [(await admin.get_message(message_id)).state for message_id in message_ids]

    async def until_delivered(self, message_ids: list[str], *, but: int = 0) -> Counter[State]:
        """All `but` so many; answers how many are in which state then."""
        async with asyncio.timeout(3 * WAIT_LIMIT_S):
            while True:
                states = Counter(await self.states(message_ids))
                if states[State.DELIVERED] == len(message_ids) - but:
                    return states
                await asyncio.sleep(POLL_INTERVAL_S)

    async def inbox(self) -> list[str]:
        async with self.admin() as admin:
            return [text.text for text in (await admin.list_incoming()).incoming]


@asynccontextmanager
async def installation(
    folder: Path, claim_timeout_s: int = CLAIM_TIMEOUT_S
) -> AsyncIterator[Installation]:
    made = await asyncio.to_thread(Installation, folder, claim_timeout_s)
    try:
        yield made
    finally:
        await asyncio.to_thread(made.stop)


@asynccontextmanager
async def app_process(
    url: str, folder: Path, *options: str, stop_at: Step | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Killed at the end of the block."""
    arguments = [url, "--folder", str(folder), "--poll-interval", str(POLL_INTERVAL_S), *options]
    if stop_at is not None:
        arguments += ["--stop-at", stop_at.value]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "textko_server.emulated.cht_app", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def until_it_says(process: asyncio.subprocess.Process, line: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(WAIT_LIMIT_S):
        while (said := (await process.stdout.readline()).decode()) != line + "\n":
            assert said, f"it ended before it said: {line}"


def on_air(folder: Path) -> list[OnAir]:
    """Every text that left the phone, however often it was killed."""
    radio = Radio(folder / "radio.db", {})
    try:
        return radio.on_air
    finally:
        radio.close()
