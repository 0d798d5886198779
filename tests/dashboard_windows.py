"""A window of the dashboard without a browser: its websocket, and the program behind it."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.servers import Person, RunningServer

WAIT_S = 20.0
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?<>=]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[^\[\]])")


class Window:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._seen = ""
        self.everything = ""
        """All that was drawn, without colours."""
        self.said: list[list[object]] = []
        """What was for the page, not for its terminal."""

    async def send(self, *message: object) -> None:
        """As the page does: `stdin`, `resize`, `ping`, `focus`, `blur`."""
        await self._socket.send_str(json.dumps(message))

    async def send_text(self, text: str) -> None:
        await self._socket.send_str(text)

    async def type(self, text: str) -> None:
        await self.send("stdin", text)

    async def wait_for(self, text: str) -> None:
        """Until this has been drawn since the last such wait; in one piece, without colours."""
        await self._read_until(lambda: text in self._seen, text)
        self._seen = self._seen.partition(text)[2]

    async def wait_for_word(self, name: str) -> object:
        """What the page is told under this name."""
        await self._read_until(lambda: any(word[0] == name for word in self.said), name)
        return next(word[1] for word in self.said if word[0] == name)

    async def _read_until(self, is_so: Callable[[], bool], wanted: str) -> None:
        try:
            async with asyncio.timeout(WAIT_S):
                while not is_so():
                    frame = await self._socket.receive()
                    assert frame.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), (
                        f"closed before {wanted!r} came, after {self._seen[-2000:]!r}"
                    )
                    self._take(frame)
        except TimeoutError:
            raise AssertionError(f"{wanted!r} never came: {self._seen[-2000:]!r}") from None

    def _take(self, frame: aiohttp.WSMessage) -> None:
        if frame.type is aiohttp.WSMsgType.BINARY:
            drawn = _ESCAPE.sub("", frame.data.decode("utf-8", "replace"))
            self._seen += drawn
            self.everything += drawn
        elif frame.type is aiohttp.WSMsgType.TEXT:
            self.said.append(json.loads(frame.data))

    async def wait_closed(self) -> int | None:
        """The close code, once the server has closed it."""
        async with asyncio.timeout(WAIT_S):
            while not self._socket.closed:
                await self._socket.receive()
        return self._socket.close_code

    async def close(self) -> None:
        await self._socket.close()


@asynccontextmanager
async def opened_window(
    server: RunningServer,
    person: Person,
    *,
    shows_all: bool = False,
    size: tuple[int, int] = (80, 24),
) -> AsyncIterator[Window]:
    """As a browser opens it that is logged in. Raises aiohttp.WSServerHandshakeError: refused."""
    path = "/dashboard/admin/ws" if shows_all else "/dashboard/ws"
    async with server.http.ws_connect(
        f"{server.url}{path}?width={size[0]}&height={size[1]}",
        headers={"Origin": server.url, "Cookie": f"textko_login={person.jwt}"},
    ) as socket:
        yield Window(socket)


def programs(data_dir: Path) -> list[int]:
    """Process ids of the programs that this server's windows run."""
    found = []
    socket_path = str(data_dir / "web.sock").encode()
    for folder in Path("/proc").iterdir():
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # no process, or gone meanwhile
        if socket_path in arguments:
            found.append(int(folder.name))
    return found


async def wait_for_programs(data_dir: Path, count: int) -> list[int]:
    """Their ids, once there are so many."""
    async with asyncio.timeout(WAIT_S):
        while len(found := await asyncio.to_thread(programs, data_dir)) != count:  # noqa: ASYNC110 - processes have no event
            await asyncio.sleep(0.02)
    return found
