"""The phone's way out: one request at a time as OkHttp makes it, and what Android forbids.

By reading: the release APK speaks cleartext with 127.0.0.1 only (`network_security_config.xml`),
the insecure one with anybody; certificates are trusted when the system, or an authority that the
user installed, signed them. ktor follows redirects of GET only. Refuses to know what is asked.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp
from yarl import URL

from textko_server.emulated.smsgate_app.faults import IllegalArgument, NoConnection
from textko_server.emulated.smsgate_app.options import AppOptions

_NO_HEADERS = ("User-Agent", "Content-Type", "Accept")
# OkHttp's own for connecting and reading.
LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=10)


class Answer:
    """Read to its end."""

    def __init__(self, status: int, content_type: str, body: bytes) -> None:
        self.status = status
        self.content_type = content_type
        self.body = body

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


class Network:
    def __init__(self, options: AppOptions) -> None:
        self._is_insecure = options.is_insecure
        self._ca_file = options.ca_file
        self._session: aiohttp.ClientSession | None = None
        self.is_online = asyncio.Event()
        self.is_online.set()
        self._connections: set[asyncio.Timeout] = set()

    async def open(self) -> None:
        context = ssl.create_default_context()
        if self._ca_file is not None:
            context.load_verify_locations(self._ca_file)
        self._session = aiohttp.ClientSession(
            cookie_jar=aiohttp.DummyCookieJar(), connector=aiohttp.TCPConnector(ssl=context)
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def lose(self) -> None:
        """No data connection until `find`; what is under way breaks. Texts are not touched."""
        self.is_online.clear()
        for connection in self._connections:
            connection.reschedule(asyncio.get_running_loop().time())
        # A connection that is breaking must not be broken again.
        self._connections.clear()

    def find(self) -> None:
        self.is_online.set()

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limits: aiohttp.ClientTimeout = LIMITS,
    ) -> Answer:
        """Raises: NoConnection, IllegalArgument for an address that is none."""
        async with self.stream(method, url, headers, body, limits) as response:
            content = await response.read()
            return Answer(response.status, response.content_type, content)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        limits: aiohttp.ClientTimeout = LIMITS,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer to be read as it comes. Raises as `ask` does, also while it is read."""
        if self._session is None:
            raise NoConnection("the network is closed")
        target = self._allowed(url)
        try:
            async with asyncio.timeout(None) as connection:
                self._connections.add(connection)
                async with self._session.request(
                    method, target, headers=dict(headers), data=body, timeout=limits,
                    allow_redirects=method == "GET", skip_auto_headers=_NO_HEADERS,
                ) as response:  # fmt: skip
                    yield response
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise NoConnection(f"{url}: {error!r}") from error
        finally:
            self._connections.discard(connection)

    def _allowed(self, url: str) -> URL:
        target = URL(url, encoded=True)
        if target.scheme not in ("http", "https") or not target.host:
            raise IllegalArgument(f"not an address: {url}")
        if target.scheme == "http" and not self._is_insecure and target.host != "127.0.0.1":
            raise NoConnection(
                f"CLEARTEXT communication to {target.host} not permitted by network security policy"
            )
        if not self.is_online.is_set():
            raise NoConnection(f"Unable to resolve host {target.host}")
        return target
