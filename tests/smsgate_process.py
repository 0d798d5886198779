"""A phone with SMSGate's app as a process that is killed, and a server that is, too."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.ports import free_port
from tests.server_process import WAIT_LIMIT_S, ServerProcess
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.emulated.smsgate_app import AirRecord
from textko_server.emulated.smsgate_app.radio import air_records
from textko_server.emulated.smsgate_app.steps import Step
from textko_server.model import State

PRIVATE_TOKEN = "a-private-token"
EMAIL = "you@example.org"
# Ten seconds of the app's become a twentieth of one.
SCALE = 0.005
# Long enough for a start under load, short enough to see a phone fall silent.
CLAIM_TIMEOUT_S = 3
_OVER = (State.SENT, State.DELIVERED, State.FAILED)


class Installation:
    """A server that comes back at the same port with the same data, and its one account."""

    def __init__(self, folder: Path) -> None:
        self._data_dir = folder / "data"
        self._port = free_port()
        self._server = self._started()

    def _started(self) -> ServerProcess:
        server = ServerProcess(
            self._data_dir, "--listen", f"127.0.0.1:{self._port}",
            "--set", f"dispatch.claim_timeout_s={CLAIM_TIMEOUT_S}",
            "--set", f"smsgate.private_token={PRIVATE_TOKEN}",
            "--set", f"smsgate.private_token_user={EMAIL}",
        )  # fmt: skip
        server.wait_for("started")
        return server

    def kill(self) -> None:
        """At once, and not before it is gone."""
        self._server.process.kill()
        self._server.process.wait()

    async def start_again(self) -> None:
        self._server = await asyncio.to_thread(self._started)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/api/mobile/v1"

    async def add_user(self) -> None:
        async with self._admin() as admin:
            await admin.create_user(wire.NewUser(email=EMAIL, password="correct horse"))

    async def send(self, *texts: str) -> list[str]:
        """Ids of the messages."""
        async with self._admin() as admin:
            return [
                (await admin.send_message(wire.NewMessage(to=[f"+2519110000{n:02}"], text=text))).id
                for n, text in enumerate(texts, 1)
            ]

    async def states(self, message_ids: list[str]) -> list[State]:
        async with self._admin() as admin:
            return [(await admin.get_message(message_id)).state for message_id in message_ids]

    async def until_delivered(self, message_ids: list[str], *, but: int = 0) -> None:
        """Once all are, or all `but` so many, of which nothing more will be heard.

        What a slow machine let fail as silent meanwhile is delivered when its phone says so.
        """
        async with asyncio.timeout(3 * WAIT_LIMIT_S):
            while True:
                others = [s for s in await self.states(message_ids) if s is not State.DELIVERED]
                if len(others) <= but and all(state in _OVER for state in others):
                    return
                await asyncio.sleep(0.02)

    async def until_over(self, message_ids: list[str]) -> None:
        """Once each was sent, or failed because nothing was heard of it."""
        async with asyncio.timeout(3 * WAIT_LIMIT_S):
            while True:
                if all(state in _OVER for state in await self.states(message_ids)):
                    return
                await asyncio.sleep(0.02)

    async def inbox(self) -> list[str]:
        async with self._admin() as admin:
            return sorted(text.text for text in (await admin.list_incoming()).incoming)

    @asynccontextmanager
    async def _admin(self) -> AsyncIterator[AdminClient]:
        async with AdminClient.over_socket(self._data_dir / "textko.sock") as client:
            yield client


@asynccontextmanager
async def installation(folder: Path) -> AsyncIterator[Installation]:
    made = await asyncio.to_thread(Installation, folder)
    try:
        await made.add_user()
        yield made
    finally:
        await asyncio.to_thread(made.kill)


class AppProcess:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def receive(self, sender: str, text: str) -> None:
        """A text comes in to the phone."""
        assert self._process.stdin is not None
        line = json.dumps({"sender": sender, "text": text}) + "\n"
        self._process.stdin.write(line.encode())

    async def until_at(self, step: Step, about: str = "") -> None:
        """Until it says that it is there; what it said before is passed over."""
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_LIMIT_S):
            while line := await self._process.stdout.readline():
                name, said = json.loads(line)
                if name == step.value and about in said:
                    return
        raise AssertionError(f"it ended before it came to {step}")

    async def until_dead(self) -> None:
        """Until it has killed itself."""
        assert self._process.stdout is not None
        async with asyncio.timeout(WAIT_LIMIT_S):
            await self._process.stdout.read()
            assert await self._process.wait() == -signal.SIGKILL


@asynccontextmanager
async def app_process(
    installed: Installation, folder: Path, *options: str, die_at: str = ""
) -> AsyncIterator[AppProcess]:
    """Killed at the end of the block, if it did not die before."""
    arguments = [
        "--url", installed.url, "--private-token", PRIVATE_TOKEN, "--data", str(folder),
        "--time-scale", str(SCALE), *options,
    ]  # fmt: skip
    if die_at:
        arguments += ["--die-at", die_at]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "textko_server.emulated.smsgate_app", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    try:
        yield AppProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
        # Whoever does not read all it says keeps the pipe open.
        await process.communicate()


def on_air(folder: Path) -> list[AirRecord]:
    """Every text that left the phone, however often its app was killed."""
    return air_records(folder / "air.jsonl")
