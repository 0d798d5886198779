"""A real HTTP server that takes webhooks, keeps their exact bytes, and misbehaves when told to."""

import asyncio
import base64
import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from types import TracebackType
from typing import Any

from aiohttp import web

WAIT_LIMIT_S = 30.0

Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class ReceivedWebhook:
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def payload(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def is_signed_with(self, secret: str) -> bool:
        """Both signatures hold: Textko's X-Signature and Standard Webhooks'."""
        own = hmac.new(secret.encode(), self.body, sha256).hexdigest()
        text = secret.removeprefix("whsec_")
        key = base64.b64decode(text) if text != secret else secret.encode()
        head = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}."
        digest = hmac.new(key, head.encode() + self.body, sha256).digest()
        standard = f"v1,{base64.b64encode(digest).decode()}"
        return (
            hmac.compare_digest(self.headers["x-signature"], own)
            and self.headers["webhook-signature"] == standard
        )


class WebhookReceiver:
    """`async with WebhookReceiver() as receiver`: answers 200 until `behave` says otherwise."""

    def __init__(self) -> None:
        self.received: list[ReceivedWebhook] = []
        self.open_count = 0
        """Requests that are being answered right now."""
        self.most_open_count = 0
        self.port = 0
        self._behaviours: dict[str, Behaviour] = {}
        self._changed = asyncio.Condition()
        self._released = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "WebhookReceiver":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._released.set()
        assert self._runner is not None
        await self._runner.cleanup()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        """`localhost` is another host to the sender than `127.0.0.1`, and the same server."""
        return f"http://{host}:{self.port}{path}"

    def behave(self, behaviour: Behaviour, path: str = "/") -> None:
        """Answer requests to `path` this way from now on."""
        self._behaviours[path] = behaviour

    def answer(
        self, status: int, *, text: str = "", path: str = "/", headers: dict[str, str] | None = None
    ) -> None:
        """Answer with this from now on."""

        async def behaviour(_request: web.Request) -> web.Response:
            return web.Response(status=status, text=text, headers=headers)

        self.behave(behaviour, path)

    def hang(self, path: str = "/") -> None:
        """Take requests and never answer, until the receiver closes."""

        async def behaviour(_request: web.Request) -> web.Response:
            await self._released.wait()
            return web.Response(status=503)

        self.behave(behaviour, path)

    def answer_without_end(self, path: str = "/") -> None:
        """Answer 200 with a body that only ends when the other side closes."""

        async def behaviour(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            try:
                while not self._released.is_set():
                    await response.write(b"x" * 65_536)
            except ConnectionError:
                pass
            return response

        self.behave(behaviour, path)

    async def wait_for(self, count: int, path: str | None = None) -> list[ReceivedWebhook]:
        """The webhooks received so far at `path` or anywhere, once there are `count`."""

        def at_path() -> list[ReceivedWebhook]:
            return [w for w in self.received if path is None or w.path == path]

        async with asyncio.timeout(WAIT_LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: len(at_path()) >= count)
        return at_path()

    async def wait_until_idle(self) -> None:
        """Until no request is open."""
        async with asyncio.timeout(WAIT_LIMIT_S), self._changed:
            await self._changed.wait_for(lambda: self.open_count == 0)

    async def _receive(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.received.append(ReceivedWebhook(request.path, headers, body))
        await self._count_open(1)
        try:
            behaviour = self._behaviours.get(request.path)
            return web.Response(text="ok") if behaviour is None else await behaviour(request)
        finally:
            await self._count_open(-1)

    async def _count_open(self, difference: int) -> None:
        async with self._changed:
            self.open_count += difference
            self.most_open_count = max(self.most_open_count, self.open_count)
            self._changed.notify_all()
