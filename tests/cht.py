"""A phone with CHT Gateway in the tests: a device for it, and requests as the app makes them."""

import base64
from urllib.parse import urlsplit

import msgspec

from tests.servers import Answer, Person, RunningServer
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects import cht
from textko_server.model import Device

PATH = cht.PATH
USER_AGENT = (
    "Dalvik/2.1.0 (Linux; U; Android 9; SM-G950F Build/PPR1.180610.011)"
    " medic.gateway.alert.generic/v1.8.2"
)


class ChtPhone(msgspec.Struct, frozen=True):
    server: RunningServer
    device: Device
    token: str
    device_id: str
    """As the outside sees it."""

    @property
    def url(self) -> str:
        """What is typed into the app."""
        return cht.url_for(self.server.url, self.device_id, self.token)

    @property
    def headers(self) -> dict[str, str]:
        return {"User-Agent": USER_AGENT} | login(self.device_id, self.token)

    async def get(self) -> Answer:
        return await self.server.request("GET", PATH, headers=self.headers)

    async def post(self, body: object) -> Answer:
        return await self.server.request("POST", PATH, body, headers=self.headers)

    async def ask(self, **body: object) -> list[dict[str, str]]:
        """One request of the app; the messages it answers."""
        answer = await self.post(body)
        assert answer.status == 200, answer
        messages: list[dict[str, str]] = answer.json["messages"]
        return messages

    async def tell(self, job_id: str, status: str, reason: str | None = None) -> None:
        update = {"id": job_id, "status": status} | ({"reason": reason} if reason else {})
        await self.ask(updates=[update])


def login(name: str, password: str) -> dict[str, str]:
    credentials = base64.b64encode(f"{name}:{password}".encode()).decode()
    return {"Authorization": f"Basic {credentials}"}


async def add_phone(server: RunningServer, person: Person, name: str = "Drawer") -> ChtPhone:
    gateway = server.gateway
    device, token = await gateway.pairing.add(person.user.id, cht.new_device(name, "+251911000009"))
    public_id = gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)
    return ChtPhone(server, device, token, public_id)


def split_login(url: str) -> tuple[str, str]:
    """Name and password of an address."""
    parts = urlsplit(url)
    return parts.username or "", parts.password or ""
