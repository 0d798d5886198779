"""SMSGate's own server, as far as a phone sees it: documented answers, and faults on demand.

A stranger to ours: it keeps no state but a list of messages and of what was asked.
"""

import asyncio
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiohttp import web

PRIVATE_TOKEN = "private-token"
FINAL_STATES = ("Processed", "Sent", "Delivered", "Failed", "Cancelled")


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    """As it came, with the query."""
    headers: dict[str, str]
    """Names in lower case."""
    body: Any

    @property
    def route(self) -> str:
        return f"{self.method} {self.path.partition('?')[0]}"


class OfficialServer:
    """`async with OfficialServer() as server`; `refuse` and `answer` make single answers differ."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.messages: dict[str, dict[str, Any]] = {}
        """Pending and Cancelling ones, by id."""
        self.webhooks: Any = []
        self.settings: Any = {}
        self.tokens: list[str] = []
        self.port = 0
        self._answers: dict[str, list[web.Response]] = {}
        self._streams: list[tuple[web.Request, web.StreamResponse]] = []
        self._released = asyncio.Event()
        self._held: set[str] = set()
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "OfficialServer":
        app = web.Application()
        app.router.add_get("/{base:.*}/events", self._stream)
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
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
        self.close_streams()
        assert self._runner is not None
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/mobile/v1"

    @property
    def streams_count(self) -> int:
        return len(self._open_streams())

    def of(self, route: str) -> list[Asked]:
        """What was asked of `METHOD /path`, below the base."""
        method, _, path = route.partition(" ")
        return [one for one in self.asked if one.route == f"{method} /api/mobile/v1{path}"]

    def reports(self, message_id: str) -> list[str]:
        """The states told of a message, in the order in which they came."""
        bodies = [one.body for one in self.of("PATCH /message")]
        return [body[0]["state"] for body in bodies if body[0]["id"] == message_id]

    def refuse(self, route: str, *statuses: int) -> None:
        """Answer the next requests to `METHOD /path` with these."""
        for status in statuses:
            self.answer(route, json.dumps({"message": "no"}), status=status)

    def answer(
        self, route: str, text: str, *, status: int = 200, content_type: str = "application/json"
    ) -> None:
        """Answer the next request to `METHOD /path` this way."""
        response = web.Response(text=text, status=status, content_type=content_type)
        self._answers.setdefault(route, []).append(response)

    def hold(self, route: str) -> None:
        """Let requests to `METHOD /path` wait until the server closes."""
        self._held.add(route)

    def release(self, route: str) -> None:
        self._held.discard(route)

    def enqueue(self, message_id: str, **fields: Any) -> None:
        """A message waits for the phone; nobody is told."""
        self.messages[message_id] = {
            "id": message_id,
            "textMessage": {"text": "Hello"},
            "message": "Hello",
            "phoneNumbers": ["+12025550111"],
            "createdAt": "2026-01-15T10:00:00.000Z",
        } | fields

    async def send(self, raw: str) -> None:
        """To every open stream, as it is."""
        for stream in self._open_streams():
            await stream.write(raw.encode())

    async def tell(self, name: str, data: Any = None) -> None:
        """An event as the server frames it."""
        await self.send(f"event: {name}\ndata: {json.dumps(data)}\n\n")

    def close_streams(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    def _open_streams(self) -> list[web.StreamResponse]:
        return [
            stream
            for request, stream in self._streams
            if request.transport is not None and not request.transport.is_closing()
        ]

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        await self._note(request)
        for response in self._answers.get("GET /events", [])[:1]:
            self._answers["GET /events"].pop(0)
            return response
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        released = self._released
        self._streams.append((request, stream))
        try:
            await released.wait()
        finally:
            self._streams.remove((request, stream))
        return stream

    async def _answer(self, request: web.Request) -> web.Response:
        asked = await self._note(request)
        path = request.path.replace("//", "/").removeprefix("/api/mobile/v1")
        route = f"{request.method} {path}"
        while route in self._held:  # noqa: ASYNC110 - a test lets go by name, not by event
            await asyncio.sleep(0.005)
        if self._answers.get(route):
            return self._answers[route].pop(0)
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if route == "POST /device":
            return self._register(asked)
        if token not in self.tokens and route != "GET /user/code":
            return web.json_response({"message": "unauthorized"}, status=401)
        match route:
            case "PATCH /device" | "PATCH /user/password":
                return web.Response(status=204)
            case "GET /device":
                return web.json_response({"externalIp": "203.0.113.9"})
            case "GET /message":
                return web.json_response(list(self.messages.values()))
            case "PATCH /message":
                for report in asked.body:
                    if report["state"] in (*FINAL_STATES, "Pending"):
                        self.messages.pop(report["id"], None)
                return web.Response(status=204)
            case "GET /webhooks":
                return web.json_response(self.webhooks)
            case "GET /settings":
                return web.json_response(self.settings)
            case "GET /user/code":
                body = {"code": "123456", "validUntil": "2026-01-15T10:05:00.000Z"}
                return web.json_response(body)
            case _:
                return web.json_response({"message": "Not Found"}, status=404)

    def _register(self, asked: Asked) -> web.Response:
        scheme, _, credential = asked.headers.get("authorization", "").partition(" ")
        if scheme == "Bearer" and credential != PRIVATE_TOKEN:
            return web.json_response({"message": "Invalid private token"}, status=401)
        number = len(self.tokens) + 1
        self.tokens.append(f"device-token-{number}")
        body = {"id": f"device-{number}", "token": f"device-token-{number}", "login": "ABCDEF"}
        if scheme == "Bearer":
            body["password"] = "abcdefghijklmn"
        return web.json_response(body, status=201)

    async def _note(self, request: web.Request) -> Asked:
        raw = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = json.loads(raw) if raw else None
        asked = Asked(request.method, request.raw_path, headers, body)
        self.asked.append(asked)
        return asked
