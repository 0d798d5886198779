"""The mobile API as the app calls it: one method a request (`GatewayApi.kt`).

The address is taken as typed and the path appended, so a trailing slash gives `//device`. Every
answer that is not 2xx raises (`expectSuccess`); a body is read only where it is JSON by its
Content-Type, and where the app has a use for it. Refuses to know when and why a request is made.
"""

from base64 import b64encode
from typing import Any

import msgspec

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.faults import JsonFault, Refused
from textko_server.emulated.smsgate_app.network import Answer, Network
from textko_server.emulated.smsgate_app.options import AppOptions, Sim

# What the app shows of numbers and cards.
_SHOWN_COUNT = 4


class Registration(msgspec.Struct, frozen=True):
    id: str
    token: str
    login: str
    password: str | None = None
    """Only given when the server made a new user."""


class LoginCode(msgspec.Struct, frozen=True):
    code: str
    valid_until: int
    """Unix ms."""


class Api:
    def __init__(
        self, network: Network, options: AppOptions, url: str, private_token: str | None
    ) -> None:
        self._network = network
        self._options = options
        self._url = url
        self._private_token = private_token

    async def register(self, push_token: str | None, authorization: str | None) -> Registration:
        """`authorization` is the user's, or None: then the private token's, if one is set."""
        if authorization is None and self._private_token is not None:
            authorization = f"Bearer {self._private_token}"
        body = {
            "name": self._options.name,
            "pushToken": push_token,
            "simCards": sim_cards(self._options.sims),
        }
        answer = _json(await self._call("POST", "/device", authorization, body))
        return Registration(
            id=gson.required_text(answer, "id"),
            token=gson.required_text(answer, "token"),
            login=gson.required_text(answer, "login"),
            password=gson.text(answer, "password"),
        )

    async def update_device(self, device: Registration, push_token: str | None) -> None:
        body = {
            "id": device.id,
            "pushToken": push_token,
            "simCards": sim_cards(self._options.sims),
        }
        await self._call("PATCH", "/device", _bearer(device), body)

    async def external_ip(self, device: Registration | None) -> str:
        authorization = None if device is None else _bearer(device)
        return gson.required_text(
            _json(await self._call("GET", "/device", authorization)), "externalIp"
        )

    async def messages(self, device: Registration, order: str) -> list[Any]:
        path = f"/message?order={order.lower()}"
        return gson.elements(_json(await self._call("GET", path, _bearer(device))))

    async def report(self, device: Registration, report: Any) -> None:
        """One message's state; the app never says more than one at a time."""
        await self._call("PATCH", "/message", _bearer(device), [report])

    async def webhooks(self, device: Registration) -> list[Any]:
        return gson.elements(_json(await self._call("GET", "/webhooks", _bearer(device))))

    async def settings(self, device: Registration) -> dict[str, Any]:
        return gson.fields(_json(await self._call("GET", "/settings", _bearer(device))))

    async def login_code(self, login: str, password: str) -> LoginCode:
        answer = _json(await self._call("GET", "/user/code", basic(login, password)))
        return LoginCode(
            gson.required_text(answer, "code"), gson.moment_ms(answer, "validUntil") or 0
        )

    async def change_password(self, device: Registration, current: str, new: str) -> None:
        body = {"currentPassword": current, "newPassword": new}
        await self._call("PATCH", "/user/password", _bearer(device), body)

    async def _call(
        self, method: str, path: str, authorization: str | None, body: Any = None
    ) -> Answer:
        headers = {"User-Agent": self._options.agent, "Accept": "application/json"}
        if authorization is not None:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else gson.dump(body)
        answer = await self._network.ask(method, self._url + path, headers, content)
        if not answer.is_success:
            raise Refused(answer.status, answer.body.decode(errors="replace"))
        return answer


def basic(login: str, password: str) -> str:
    return f"Basic {b64encode(f'{login}:{password}'.encode()).decode()}"


def sim_cards(sims: tuple[Sim, ...]) -> list[dict[str, Any]]:
    return [
        {
            "slotIndex": sim.slot_index,
            "simNumber": sim.slot_index + 1,
            "phoneNumber": _masked(sim.phone_number),
            "carrierName": _masked(sim.carrier_name),
            "iccid": _masked(sim.iccid),
        }
        for sim in sims
    ]


def _bearer(device: Registration) -> str:
    return f"Bearer {device.token}"


def _masked(value: str | None) -> str | None:
    if value is None:
        return None
    if len(value) <= _SHOWN_COUNT:
        return "****"
    return "*" * (len(value) - _SHOWN_COUNT) + value[-_SHOWN_COUNT:]


def _json(answer: Answer) -> Any:
    """Raises: JsonFault for a body that ktor has no reader for."""
    if answer.content_type != "application/json":
        raise JsonFault(f"no transformation found for {answer.content_type}")
    return gson.parse(answer.body)
