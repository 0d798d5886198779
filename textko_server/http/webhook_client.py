"""Posts a webhook delivery over HTTP. Refuses to know what it says and what the answer leads to.

A receiver cannot make it follow redirects, read without end, keep cookies or reach an address that
is not allowed: every socket it opens is checked for the very address it connects to, so there is no
second look-up that could give another one. TLS and Host still carry the name.
"""

import asyncio
import contextlib
import errno
import re
import socket
import threading
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from textko_server.clock import Clock
from textko_server.config import WebhookSettings
from textko_server.gateway.webhook_delivery import WebhookAnswer, WebhookUnreachable
from textko_server.gateway.webhook_targets import refusal_of

MAX_EXCERPT_BYTES = 1_000
_SECONDS = re.compile(r"[0-9]{1,10}")


class WebhookClient:
    """Open with `async with`; `post` is what gateway.webhook_delivery.WebhookLoop asks for."""

    def __init__(self, settings: WebhookSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "WebhookClient":
        connector = aiohttp.TCPConnector(
            limit=self._settings.parallel_count,
            force_close=True,  # a kept connection that the receiver drops would cost an attempt
            resolver=ThreadResolver(self._settings.parallel_count),
            socket_factory=self._open_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=4_096,
            headers={"Accept": "*/*", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> WebhookAnswer:
        """The answer to one POST, whatever its status. Raises: WebhookUnreachable."""
        if self._session is None:
            raise WebhookUnreachable("the server is stopping")
        try:
            response = await self._session.post(
                url, headers=headers, data=body, allow_redirects=False
            )
        except TimeoutError as error:
            reason = f"no answer within {self._settings.timeout_s:g} s"
            raise WebhookUnreachable(reason) from error
        except aiohttp.ClientConnectorDNSError as error:
            raise WebhookUnreachable(f"cannot resolve {error.host}: {error.os_error}") from error
        except aiohttp.ClientConnectorCertificateError as error:
            reason = f"cannot trust {error.host}: {error.certificate_error}"
            raise WebhookUnreachable(reason) from error
        except aiohttp.ClientConnectorError as error:
            reason = f"cannot connect to {error.host}: {error.strerror or error.os_error}"
            raise WebhookUnreachable(reason) from error
        except (aiohttp.ClientError, OSError, RuntimeError, ValueError) as error:
            # RuntimeError is what uvloop raises for some failed connects, ValueError what a name
            # that cannot be encoded as a host raises.
            raise WebhookUnreachable(str(error) or type(error).__name__) from error
        try:
            excerpt = await _read_excerpt(response)
        finally:
            response.close()
        return WebhookAnswer(
            status=response.status,
            retry_after_s=self._retry_after_s(response.headers.get("Retry-After", "")),
            answer_excerpt=excerpt.decode("utf-8", "replace"),
        )

    def _open_socket(self, target: tuple[Any, ...]) -> socket.socket:
        family, kind, protocol, _, address = target
        reason = refusal_of(address[0], allow_private=self._settings.allow_private_targets)
        if reason is not None:
            raise OSError(errno.EACCES, f"refused: {reason}")
        return socket.socket(family, kind, protocol)

    def _retry_after_s(self, value: str) -> int | None:
        """RFC 9110, 10.2.3: seconds, or a date."""
        if _SECONDS.fullmatch(value):
            return int(value)
        try:
            at_s = parsedate_to_datetime(value).timestamp()
        except (ValueError, OverflowError):
            return None
        return max(0, int(at_s) - self._clock.now_ms() // 1000)


async def _read_excerpt(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of the body. The status is the answer: a body that breaks off is fine."""
    excerpt = b""
    try:
        while len(excerpt) < MAX_EXCERPT_BYTES:
            chunk = await response.content.read(MAX_EXCERPT_BYTES - len(excerpt))
            if not chunk:
                break
            excerpt += chunk
    except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        pass
    return excerpt


class ThreadResolver(AbstractResolver):
    """Look-ups on threads of their own, which nobody waits for.

    The event loop's shared threads would be used up by a few names whose servers hang, and password
    checks with them; and a pool's threads would be waited for when the program ends.
    """

    def __init__(self, parallel_count: int) -> None:
        self._free = asyncio.Semaphore(parallel_count)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[ResolveResult]] = loop.create_future()

        def finish(results: list[ResolveResult], error: OSError | UnicodeError | None) -> None:
            self._free.release()
            if found.done():
                return
            if error is None:
                found.set_result(results)
            else:
                found.set_exception(error)

        def look_up() -> None:
            results, failure = [], None
            try:
                results = _look_up(host, port, family)
            except (OSError, UnicodeError) as error:
                failure = error
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(finish, results, failure)

        await self._free.acquire()
        threading.Thread(target=look_up, name="textko-webhook-dns", daemon=True).start()
        return await found

    async def close(self) -> None:
        """Nothing to close: threads end with their look-ups."""


def _look_up(host: str, port: int, family: int) -> list[ResolveResult]:
    infos = socket.getaddrinfo(
        host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG
    )
    return [
        ResolveResult(
            hostname=host,
            host=str(address[0]),
            port=port,
            family=found_family,
            proto=protocol,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )
        for found_family, _, protocol, _, address in infos
    ]
