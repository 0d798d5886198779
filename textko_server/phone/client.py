"""One device's conversation with the server: pair once, then sync, repeated until it is answered.

Follows docs/device-protocol.md, sections 3 and 4. Refuses to know what is said: see simulated.py.
"""

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import msgspec

from textko_server.clock import Clock
from textko_server.errors import Invalid, TextkoError, Unauthenticated, Unavailable
from textko_server.phone.wire import Pairing, PairRequest, Problem, SyncAnswer, SyncRequest

FIRST_RETRY_MS = 1_000
MAX_RETRY_MS = 60_000
# How long an answer may take beyond the hold the phone asked for: a busy disk, a slow network.
ANSWER_LIMIT_S = 20
CONNECT_LIMIT_S = 5

_encode = msgspec.json.Encoder().encode
_decode_answer = msgspec.json.Decoder(SyncAnswer).decode
_decode_pairing = msgspec.json.Decoder(Pairing).decode


class RequestRefused(TextkoError):
    """The server will not take this request; repeating it unchanged is of no use."""

    code = "request_refused"

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail or f"the server answered {status}")
        self.status = status
        self.reason = code


class DeviceClient:
    """`token` and `poll_url` are known from an earlier pairing, or learnt by `pair`."""

    def __init__(
        self, session: aiohttp.ClientSession, clock: Clock, token: str = "", poll_url: str = ""
    ) -> None:
        self._session = session
        self._clock = clock
        self._poll_url = poll_url
        self._headers = _bearer(token)

    async def pair(
        self, server_url: str, request: PairRequest, *, via: str = "", give_up_after_ms: int
    ) -> Pairing:
        """Become a device of the server; `sync` works from then on.

        `via` is the token of the device that used the same code first.

        Raises:
            RequestRefused: code unknown, used or expired, the request is wrong, or the server
                wants a longer wait than `give_up_after_ms`.
            Unavailable: the server could not be reached for `give_up_after_ms`.
        """
        give_up_at = self._clock.now_ms() + give_up_after_ms
        retry_ms = FIRST_RETRY_MS
        while True:
            reply = await self._post(f"{server_url}/device/v1/pair", request, _bearer(via), 0)
            if reply.status in (HTTPStatus.OK, HTTPStatus.CREATED):
                break
            if reply.is_refusal:
                raise reply.refusal()
            remaining_ms = give_up_at - self._clock.now_ms()
            if reply.retry_after_ms is not None and reply.retry_after_ms > remaining_ms:
                raise reply.refusal()
            if remaining_ms <= 0:
                raise Unavailable(f"no server answers at {server_url}")
            await self._pause(reply.retry_after_ms or min(retry_ms, remaining_ms))
            retry_ms = min(retry_ms * 2, MAX_RETRY_MS)
        try:
            pairing = _decode_pairing(reply.body)
        except msgspec.DecodeError as error:
            raise RequestRefused(
                reply.status, "not_textko", f"{server_url} does not speak the device protocol"
            ) from error
        self._headers = _bearer(pairing.token)
        self._poll_url = pairing.poll_url
        return pairing

    async def sync(self, request: SyncRequest, wait_s: int = 0) -> SyncAnswer:
        """Say `request` until it is answered, however long that takes.

        Raises:
            Unauthenticated: the server does not know the token; the device was deleted.
            RequestRefused: the request breaks the protocol.
        """
        url = f"{self._poll_url}?wait={wait_s}"
        retry_ms = FIRST_RETRY_MS
        while True:
            reply = await self._post(url, request, self._headers, wait_s)
            if reply.status == HTTPStatus.OK:
                try:
                    return _decode_answer(reply.body)
                except msgspec.DecodeError:
                    # A captive portal or a proxy answers 200 with its own page: no answer of ours.
                    reply = _NO_REPLY
            if reply.status == HTTPStatus.UNAUTHORIZED:
                raise Unauthenticated("the server does not know this device any more")
            if reply.is_refusal:
                raise reply.refusal()
            await self._pause(reply.retry_after_ms or retry_ms)
            if reply.retry_after_ms is None:
                retry_ms = min(retry_ms * 2, MAX_RETRY_MS)

    async def _post(
        self, url: str, request: msgspec.Struct, headers: dict[str, str], wait_s: int
    ) -> "_Reply":
        limits = aiohttp.ClientTimeout(total=wait_s + ANSWER_LIMIT_S, sock_connect=CONNECT_LIMIT_S)
        try:
            async with self._session.post(
                url, data=_encode(request), headers=headers, timeout=limits, allow_redirects=False
            ) as response:
                return _Reply(
                    response.status, await response.read(), response.headers.get("Retry-After", "")
                )
        except (aiohttp.ClientError, TimeoutError, OSError):
            return _NO_REPLY

    async def _pause(self, pause_ms: int) -> None:
        await self._clock.sleep_until(self._clock.now_ms() + pause_ms, asyncio.Event())


def split_pairing_url(url: str) -> tuple[str, str]:
    """The server's address and the code of what the QR code shows: `http://host:8480/pair#K7QM-2XWD`.

    Raises: Invalid, with what is wrong about it.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise Invalid("pairing URL", str(error)) from error
    prefix, slash, last = parts.path.rstrip("/").rpartition("/")
    if parts.scheme not in ("http", "https") or not parts.hostname or not slash or last != "pair":
        raise Invalid("pairing URL", "looks like http://192.168.1.5:8480/pair#K7QM-2XWD")
    if not parts.fragment:
        raise Invalid("pairing URL", "has no code after the #; in a shell, put it in quotes")
    return urlunsplit((parts.scheme, parts.netloc, prefix, "", "")), parts.fragment


class _Reply:
    """An answer, or with status 0 the lack of one."""

    __slots__ = ("body", "retry_after_ms", "status")

    def __init__(self, status: int, body: bytes, retry_after: str) -> None:
        self.status = status
        self.body = body
        self.retry_after_ms: int | None = None
        """Only set when the server asked to slow down."""
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            is_seconds = retry_after.isascii() and retry_after.isdigit()
            self.retry_after_ms = max(1, int(retry_after) if is_seconds else 1) * 1_000

    @property
    def is_refusal(self) -> bool:
        """Neither taken nor worth repeating unchanged."""
        return 0 < self.status < 500 and self.retry_after_ms is None

    def refusal(self) -> RequestRefused:
        try:
            problem = msgspec.json.decode(self.body, type=Problem)
        except msgspec.DecodeError:
            problem = Problem()
        return RequestRefused(self.status, problem.code, problem.detail or problem.title)


_NO_REPLY = _Reply(0, b"", "")


def _bearer(token: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    return headers
