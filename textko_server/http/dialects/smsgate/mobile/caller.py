"""Which phone is asking, and what its version of the app can do."""

import re

from aiohttp import web

from textko_server.errors import Unauthenticated
from textko_server.gateway.principals import operator
from textko_server.gateway.refusals import Phone
from textko_server.gateway.smsgate_phones import APP_NAME
from textko_server.http.app_keys import GATEWAY, PHONE
from textko_server.http.auth import bearer_token
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Device

# Only that is said of the version, and not on the stream of events.
_AGENT = re.compile(r"me\.capcom\.smsgateway/([0-9A-Za-z.+_-]{1,32})")
_NUMBERS = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})")

Version = tuple[int, int]
# Before it, the app takes no notice of a message's state, and would send what is to be cancelled.
CANCELS_SINCE: Version = (1, 67)


async def phone_of(request: web.Request) -> Device:
    """By `Authorization: Bearer <device token>`; counts as heard of it.

    Raises:
        Unauthenticated: no token, or none of an SMSGate phone.
    """
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated("send the device token as Authorization: Bearer")
    gateway = request.app[GATEWAY]
    device = await gateway.devices.get(operator(), gateway.devices.authenticate(token))
    if device.app_name != APP_NAME:
        raise Unauthenticated("this token is of a phone with another app")
    request[PHONE] = Phone(device.user_id, device.id, device.name)
    gateway.presence.came_from(device.id, client_address(request))
    gateway.presence.heard(device.id, device.user_id)
    version = told_version(request)
    if version and version != device.app_version:
        device = await gateway.devices.note_app(device, app_version=version, model=device.model)
    return device


def is_app(agent: str) -> bool:
    """By the User-Agent."""
    return _AGENT.match(agent) is not None


def told_version(request: web.Request) -> str:
    """As the request's User-Agent has it; empty: it does not."""
    match = _AGENT.match(request.headers.get("User-Agent", ""))
    return match[1] if match else ""


def version_of(device: Device) -> Version:
    """Unknown is the oldest."""
    match = _NUMBERS.match(device.app_version)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def note(request: web.Request, code: str, device: Device) -> None:
    """Remember why this phone gets less than it might; see gateway/refusals.py."""
    request.app[GATEWAY].refusals.note(
        code,
        address=client_address(request),
        path=f"{request.method} {request.path}",
        message="",
        phone=Phone(device.user_id, device.id, device.name),
    )
