"""A real server on a free port, with the people and things that most tests of its APIs need."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from tests.clocks import FrozenClock
from tests.databases import lay_out
from textko_server.care.data_dir import DATABASE_NAME
from textko_server.clock import Clock
from textko_server.config import (
    AccountSettings,
    LogSettings,
    ServerSettings,
    Settings,
    WebhookSettings,
)
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.model import ApiKey, Device, Role, User
from textko_server.server import Server, local_url
from textko_server.store.devices import NewSim

PASSWORD = "correct horse"
ADMIN_EMAIL = "admin@example.org"
REGULAR_EMAIL = "regular@example.org"
SIM = NewSim(1, "+251911000001", "Ethio", 7, "et")


class Person(msgspec.Struct, frozen=True):
    """A user who is logged in, with an API key of all scopes and a paired device of one SIM."""

    user: User
    public_id: str
    jwt: str
    api_key: ApiKey
    key: str
    """The text of `api_key`."""
    device: Device
    device_id: str
    """As the outside sees it: 24 hex."""
    device_token: str

    @property
    def jwt_headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.jwt}"}

    @property
    def key_headers(self) -> dict[str, str]:
        return {"x-api-key": self.key}


class RunningServer(msgspec.Struct, frozen=True):
    server: Server
    gateway: Gateway
    clock: Clock
    url: str
    """Without a trailing slash."""
    http: aiohttp.ClientSession
    admin: Person
    """Role ADMIN."""
    regular: Person
    """Role REGULAR, with an account of its own."""

    async def request(
        self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None
    ) -> "Answer":
        """`body` goes out as JSON, bytes as they are, None not at all."""
        data = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        async with self.http.request(
            method, self.url + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def sync(self, person: Person, **body: Any) -> Any:
        """What the person's phone says in one request of the device protocol; the answer."""
        headers = {"Authorization": f"Bearer {person.device_token}"}
        answer = await self.request("POST", "/device/v1/sync?wait=0", body, headers=headers)
        assert answer.status == 200, answer
        return answer.json

    async def make_key(self, person: Person, *scopes: str) -> dict[str, str]:
        """Headers of a new API key of that person with these scopes only."""
        _, key = await self.gateway.api_keys.create_key(person.user.id, "limited", scopes)
        return {"x-api-key": key}


class Answer(msgspec.Struct, frozen=True):
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.content)


def settings_for_tests(data_dir: Path, **sections: Any) -> Settings:
    """Quick password hashes, a free port, no access log; `sections` replace whole sections."""
    sections = {
        "server": ServerSettings(data_dir=data_dir, listen="127.0.0.1:0"),
        "accounts": AccountSettings(bcrypt_rounds=4, registration="open"),
        "webhooks": WebhookSettings(allow_private_targets=True),
        "log": LogSettings(access=False),
    } | sections
    return Settings(**sections)


@asynccontextmanager
async def running_server(
    data_dir: Path,
    *,
    clock: Clock | None = None,
    sources: dict[str, str] | None = None,
    **sections: Any,
) -> AsyncIterator[RunningServer]:
    """Start a server in `data_dir`; `clock` is a FrozenClock unless given.

    `sources` is what it is told of where settings came from.
    `sections` replace sections of the settings: `messages=MessageSettings(max_recipients=2)`.
    """
    clock = clock or FrozenClock()
    settings = settings_for_tests(data_dir, **sections)
    lay_out(settings.server.data_dir / DATABASE_NAME)
    async with (
        Server(settings, clock, sources=sources) as server,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
    ):
        admin = await make_person(server.gateway, ADMIN_EMAIL, Role.ADMIN)
        regular = await make_person(server.gateway, REGULAR_EMAIL, Role.REGULAR)
        url = local_url(server.port)
        yield RunningServer(server, server.gateway, clock, url, http, admin, regular)


async def make_person(gateway: Gateway, email: str, role: Role) -> Person:
    """One more user with everything; the password is PASSWORD."""
    user = await gateway.accounts.create_user(email, PASSWORD, role, email.partition("@")[0])
    _, jwt = await gateway.accounts.login(email, PASSWORD, None)
    api_key, key = await gateway.api_keys.create_key(user.id, "everything")
    code = await gateway.pairing.create_code(user.id, f"Phone of {user.name}")
    new = NewDevice("phone", "Google Pixel 8", "textko-android", "1.0", [SIM])
    device, token = await gateway.pairing.pair(code.code, new)
    return Person(
        user=user,
        public_id=gateway.public_ids.encode(Kind.USER, user.id, user.created_at),
        jwt=jwt,
        api_key=api_key,
        key=key,
        device=device,
        device_id=gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        device_token=token,
    )
