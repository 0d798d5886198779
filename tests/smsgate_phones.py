"""What SMSGate's app asks its server for, request by request. How it behaves is not played here."""

import asyncio
import hmac
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tests.servers import PASSWORD, REGULAR_EMAIL, Answer, RunningServer
from textko_server.gateway.principals import of_user
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.model import Dialect, Recipient
from textko_server.store import messages as message_store

BASE = "/api/mobile/v1"
LIMIT_S = 30
SIMS = [{"slotIndex": 0, "simNumber": 1, "phoneNumber": "*********0001", "carrierName": "*thio"}]


def basic(login: str, password: str) -> dict[str, str]:
    encoded = b64encode(f"{login}:{password}".encode()).decode()
    return {"Authorization": f"Basic {encoded}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def register(
    server: RunningServer,
    headers: dict[str, str],
    *,
    version: str = "1.68.0",
    base: str = BASE,
    **fields: Any,
) -> Answer:
    body = {"name": "Google/oriole", "simCards": []} | fields
    agent = {"User-Agent": f"me.capcom.smsgateway/{version}"}
    return await server.request("POST", f"{base}/device", body, headers=headers | agent)


class AppPhone(msgspec.Struct, frozen=True):
    """A registered phone."""

    server: RunningServer
    id: str
    token: str
    version: str = "1.68.0"

    @property
    def device_id(self) -> int:
        key = self.server.gateway.public_ids.decode(Kind.DEVICE, self.id)
        assert key is not None
        return key

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token) | {"User-Agent": f"me.capcom.smsgateway/{self.version}"}

    async def ask(self, method: str, path: str, body: Any = None, base: str = BASE) -> Answer:
        return await self.server.request(method, base + path, body, headers=self.headers)

    async def messages(self) -> list[dict[str, Any]]:
        answer = await self.ask("GET", "/message?order=fifo")
        assert answer.status == 200, answer
        messages: list[dict[str, Any]] = answer.json
        return messages

    async def tell(
        self, message_id: str, state: str, *, error: str | None = None, **states: str
    ) -> None:
        """A report as the app makes it; `states` are times by name."""
        recipient = {"phoneNumber": "+251912345678", "state": state, "error": error}
        if error is None:
            del recipient["error"]
        update = {"id": message_id, "state": state, "recipients": [recipient], "states": states}
        assert (await self.ask("PATCH", "/message", [update])).status == 204

    async def post(
        self, event: dict[str, Any], *, key: str | None = None, at_ms: int | None = None
    ) -> Answer:
        """What it posts to the webhook it was given for this event."""
        [hook] = [
            w for w in (await self.ask("GET", "/webhooks")).json if w["event"] == event["event"]
        ]
        body = msgspec.json.encode(event)
        now_ms = self.server.clock.now_ms() if at_ms is None else at_ms
        timestamp = str(now_ms // 1000)
        if key is None:
            key = (await self.ask("GET", "/settings")).json["webhooks"]["signing_key"]
        signature = hmac.new(key.encode(), body + timestamp.encode(), sha256).hexdigest()
        headers = {"X-Timestamp": timestamp, "X-Signature": signature}
        return await self.server.request("POST", urlsplit(hook["url"]).path, body, headers=headers)


async def app_phone(server: RunningServer, version: str = "1.68.0", **fields: Any) -> AppPhone:
    """A phone of the regular user."""
    answer = await register(server, basic(REGULAR_EMAIL, PASSWORD), version=version, **fields)
    assert answer.status == 201, answer
    return AppPhone(server, answer.json["id"], answer.json["token"], version)


async def submit(server: RunningServer, *numbers: str, **fields: Any) -> Submitted:
    submission = Submission("Hello", list(numbers) or ["+251912345678"], Dialect.TEXTKO, **fields)
    principal = of_user(server.regular.user)
    [submitted] = await server.gateway.messages.submit(principal, [submission])
    return submitted


async def recipient_of(server: RunningServer, submitted: Submitted) -> Recipient:
    await server.gateway.db.write(lambda tx: None)
    [key] = submitted.recipient_ids
    recipient = await message_store.find_recipient(server.gateway.db, key)
    assert recipient is not None
    return recipient


class EventStream:
    """As okhttp reads one: blocks of lines between empty ones."""

    def __init__(self, content: Any) -> None:
        self._content = content

    async def next_block(self) -> list[str]:
        lines: list[str] = []
        async with asyncio.timeout(LIMIT_S):
            while True:
                line = (await self._content.readline()).decode()
                assert line, "the stream ended"
                if line == "\n":
                    return lines
                lines.append(line.rstrip("\n"))

    async def next_event(self) -> tuple[str, Any]:
        """Its name and data; comments are passed over."""
        while True:
            lines = await self.next_block()
            if not lines[0].startswith(":"):
                fields = dict(line.split(": ", 1) for line in lines)
                return fields["event"], msgspec.json.decode(fields["data"])

    async def wait_for(self, name: str) -> Any:
        while True:
            event, data = await self.next_event()
            if event == name:
                return data

    async def has_ended(self) -> bool:
        async with asyncio.timeout(LIMIT_S):
            while await self._content.readline():
                pass
        return True


@asynccontextmanager
async def event_stream(phone: AppPhone) -> AsyncIterator[EventStream]:
    url = f"{phone.server.url}{BASE}/events"
    # The app's stream shows no version.
    async with phone.server.http.get(url, headers=bearer(phone.token)) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        yield EventStream(response.content)
