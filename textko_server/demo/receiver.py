"""A webhook receiver as an application would write it: checks the signature, then believes."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web


class Receiver:
    """Listens on a free port of this machine; tells `on_event` of each signed event.

    Textko documents `X-Signature` as the hexadecimal HMAC-SHA256 of the body with the secret.
    """

    def __init__(self, on_event: Callable[[dict[str, Any], bool], None]) -> None:
        self._on_event = on_event
        self._secret = b""
        self._runner: web.AppRunner | None = None
        self.url = ""

    def trust(self, secret: str) -> None:
        """The secret of the subscription, known once it has been made."""
        self._secret = secret.encode()

    async def __aenter__(self) -> "Receiver":
        app = web.Application()
        app.router.add_post("/webhook", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/webhook"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        expected = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        is_genuine = hmac.compare_digest(expected, request.headers.get("X-Signature", ""))
        self._on_event(msgspec.json.decode(body), is_genuine)
        return web.Response(status=204 if is_genuine else 401)
