"""`textko serve` that is killed, and comes back at the same port with the same data."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests import forks
from tests.ports import free_port
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.model import State

# What it imports only when it runs.
_WARM = (
    "textko_server.cli.serve", "textko_server.cli.first_steps", "textko_server.cli.serve_signals",
    "textko_server.server", "uvloop",
)  # fmt: skip
LOOK_INTERVAL_S = 0.05


class KillableServer:
    def __init__(self, data_dir: Path, *settings: str) -> None:
        """Started already. `settings`: each as SECTION.KEY=VALUE."""
        self._data_dir = data_dir
        self.port = free_port()
        self._arguments = [
            "serve", "--data-dir", str(data_dir), "--listen", f"127.0.0.1:{self.port}",
            "--set", "accounts.bcrypt_rounds=4",
        ]  # fmt: skip
        for setting in settings:
            self._arguments += ["--set", setting]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Also again. It takes requests then."""
        log_path = self._data_dir.with_suffix(".log")
        with log_path.open("w") as log:
            self._process = forks.start(
                "textko_server.__main__", self._arguments, warm=_WARM,
                stdout=log.fileno(), stderr=log.fileno(), cwd=self._data_dir.parent,
            )  # fmt: skip
        end = time.monotonic() + forks.LIMIT_S
        while "started" not in log_path.read_text():
            assert self._process.poll() is None, log_path.read_text()
            assert time.monotonic() < end, log_path.read_text()
            time.sleep(0.01)

    def kill(self) -> None:
        """At once, and not before it is gone."""
        self._process.kill()
        self._process.wait()

    async def start_again(self) -> None:
        await asyncio.to_thread(self.start)

    async def kill_and_start(self) -> None:
        self.kill()
        await self.start_again()

    # --- what its operator does ---

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[AdminClient]:
        async with AdminClient.over_socket(self._data_dir / "textko.sock") as client:
            yield client

    async def send(self, *texts: str) -> list[str]:
        """One message each; their ids."""
        async with self.admin() as admin:
            return [
                (await admin.send_message(wire.NewMessage(to=[f"+2519110000{n:02}"], text=text))).id
                for n, text in enumerate(texts, 1)
            ]

    async def states(self, message_ids: list[str]) -> list[State]:
        return await self.until(message_ids, lambda _states: True)

    async def until(
        self, message_ids: list[str], is_enough: Callable[[list[State]], bool]
    ) -> list[State]:
        """The first states of them that are; nobody kills it meanwhile."""
        async with asyncio.timeout(forks.LIMIT_S), self.admin() as admin:
            while True:
                page = await admin.list_messages()
                by_id = {message.id: message.state for message in page.messages}
                states = [by_id[message_id] for message_id in message_ids]
                if is_enough(states):
                    return states
                await asyncio.sleep(LOOK_INTERVAL_S)

    async def inbox(self) -> list[str]:
        async with self.admin() as admin:
            return sorted(text.text for text in (await admin.list_incoming()).incoming)
