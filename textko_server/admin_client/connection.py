"""One connection to the admin API: where, as whom, requests, answers, refusals and live events."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from textko_server import admin_wire as wire
from textko_server.admin_client.curl import curl_line
from textko_server.errors import TextkoError

_PREFIX = "/admin/v1"
_CONNECT_S = 10.0
# Deleting an account with a long history takes its time.
_ANSWER_S = 600.0
# Four heartbeats of an event stream.
_STREAM_SILENCE_S = 60.0
_PIECE_BYTES = 1 << 18

# Method, path, query, body, whether a file was uploaded.
_Request = tuple[str, str, wire.Request | None, wire.Request | None, bool]

T = TypeVar("T")


class AdminError(TextkoError):
    """The server refused; `problem` is its answer."""

    def __init__(self, problem: wire.Problem) -> None:
        text = problem.detail or problem.title or f"the server answered {problem.status}"
        super().__init__(text)
        self.problem = problem
        self.code = problem.code or "error"


class ServerNotReachable(TextkoError):
    """Nobody answers there, or not as a textko server does; the sentence says where."""

    code = "server_not_reachable"


class Connection:
    """Use as `async with AdminClient.over_socket(path) as admin:`.

    Every method raises AdminError and ServerNotReachable. `user` is an e-mail or an id.
    """

    def __init__(self, base_url: str, socket_path: Path | None, token: str | None) -> None:
        self._base_url = base_url.rstrip("/")
        self._socket_path = socket_path
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession
        self._last_request: _Request | None = None

    @classmethod
    def over_socket(cls, socket_path: Path, token: str | None = None) -> Self:
        """As the operator of the server that owns this socket; or, on the socket for programs of
        the dashboard, as whose `token` (a JWT) it is.
        """
        return cls("http://textko", socket_path, token)

    @classmethod
    def at_url(cls, url: str, token: str | None = None) -> Self:
        """`token`: an API key or a JWT; None: only `log_in` and `create_first_admin` work."""
        return cls(url, None, token)

    @property
    def place(self) -> str:
        """Where the server is, for people."""
        return self._base_url if self._socket_path is None else str(self._socket_path)

    async def __aenter__(self) -> Self:
        connector: aiohttp.BaseConnector = (
            aiohttp.TCPConnector()
            if self._socket_path is None
            else aiohttp.UnixConnector(str(self._socket_path))
        )
        timeout = aiohttp.ClientTimeout(total=_ANSWER_S, connect=_CONNECT_S)
        self._session = aiohttp.ClientSession(
            connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def call(
        self,
        method: str,
        path: str,
        answer_type: type[T],
        body: wire.Request | None = None,
        query: wire.Request | None = None,
    ) -> T:
        content = await self.request(method, path, body, query)
        try:
            return msgspec.json.decode(content, type=answer_type)
        except msgspec.MsgspecError as error:
            raise ServerNotReachable(
                f"{self.place} did not answer as a textko server does: is this its address?"
            ) from error

    async def request(
        self,
        method: str,
        path: str,
        body: wire.Request | None = None,
        query: wire.Request | None = None,
        *,
        upload: AsyncIterator[bytes] | None = None,
        headers: dict[str, str] | None = None,
    ) -> bytes:
        self._last_request = (method, path, query, body, upload is not None)
        try:
            async with self._session.request(
                method,
                self._base_url + _PREFIX + path,
                params=_parameters(query),
                data=upload if body is None else msgspec.json.encode(body),
                headers=self._headers | (headers or {}),
                allow_redirects=False,
            ) as response:
                status, content = response.status, await response.read()
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._not_reachable(error) from error
        if not 200 <= status < 300:
            raise _refusal(status, content)
        return content

    @asynccontextmanager
    async def download(self, path: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """The body of an answer in pieces, whatever its length."""
        self._last_request = ("GET", path, None, None, False)
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_STREAM_SILENCE_S)
        try:
            async with self._session.get(
                self._base_url + _PREFIX + path,
                headers=self._headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.read())
                yield response.content.iter_chunked(_PIECE_BYTES)
        except aiohttp.ClientError as error:
            raise self._not_reachable(error) from error

    # --- the same by hand ---

    def curl_of(
        self,
        method: str,
        path: str,
        query: wire.Request | None = None,
        body: wire.Request | None = None,
        *,
        is_upload: bool = False,
    ) -> str:
        """The line for a shell that asks the same; see curl.py. `path` is below /admin/v1."""
        return curl_line(
            method,
            self._base_url + _PREFIX + path,
            query=_parameters(query),
            body=body,
            socket_path=self._socket_path,
            has_key="Authorization" in self._headers,
            is_upload=is_upload,
        )

    @property
    def last_request_as_curl(self) -> str | None:
        """Of whoever asked last through this client, the stream of events apart; None: nobody."""
        if self._last_request is None:
            return None
        method, path, query, body, is_upload = self._last_request
        return self.curl_of(method, path, query, body, is_upload=is_upload)

    def _not_reachable(self, error: Exception) -> ServerNotReachable:
        if self._socket_path is not None:
            data_dir = self._socket_path.parent
            return ServerNotReachable(
                f"no server is running on {data_dir}: start one with `textko --data-dir {data_dir}"
                " serve`, or name another with --data-dir or --url"
            )
        return ServerNotReachable(f"no server answers at {self._base_url}: {_reason(error)}")

    # --- live events ---

    @asynccontextmanager
    async def events(self, user: str | None = None) -> AsyncIterator[AsyncIterator[wire.Event]]:
        """What happens from the moment this is entered until the server stops.

        Yields an event named `heartbeat` every 15 s in between. `lost` means the reader was too
        slow: read afresh.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_S, sock_read=_STREAM_SILENCE_S)
        try:
            async with self._session.get(
                self._base_url + _PREFIX + "/events",
                params=_parameters(of_user(user)),
                headers=self._headers,
                timeout=timeout,
            ) as response:
                if response.status != 200:
                    raise _refusal(response.status, await response.read())
                yield self._read_events(response.content)
        # Not OSError: that would take the caller's own timeouts and broken pipes for ours.
        except aiohttp.ClientError as error:
            raise self._not_reachable(error) from error

    async def _read_events(self, content: aiohttp.StreamReader) -> AsyncIterator[wire.Event]:
        async for line in content:
            if line.startswith(b"data: "):
                yield msgspec.json.decode(line[6:], type=wire.Event)
            elif line.startswith(b":"):
                yield wire.Event(event="heartbeat")


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__


def _refusal(status: int, content: bytes) -> AdminError:
    try:
        return AdminError(msgspec.json.decode(content, type=wire.Problem))
    except msgspec.MsgspecError:
        return AdminError(wire.Problem(status=status))


def path_of(*segments: str) -> str:
    return "".join(f"/{quote(segment, safe='@')}" for segment in segments)


def of_user(user: str | None) -> wire.UserQuery:
    return wire.UserQuery(user=user)


def _parameters(query: wire.Request | None) -> dict[str, str]:
    values: dict[str, Any] = {} if query is None else msgspec.to_builtins(query)
    return {name: str(value) for name, value in values.items() if value is not None}
