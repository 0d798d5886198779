"""Which phone asks: the login that stands in the address the app was given (RFC 7617).

The password is the device's token, and all that counts; the name, its id, is for people who read
the address. Which version of the app it is stands in its User-Agent.
"""

import re

from aiohttp import web

from textko_server.errors import NotFound, Unauthenticated
from textko_server.gateway.principals import operator
from textko_server.gateway.refusals import Phone
from textko_server.http.app_keys import GATEWAY, PHONE
from textko_server.http.auth import basic_credentials
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Device

# `Dalvik/2.1.0 (Linux; U; Android 9; SM-G950F Build/PPR1) medic.gateway.alert.generic/v1.8.2`
_APP = re.compile(r"medic\.gateway\.alert(?:\.generic)?/([!-~]{1,32})")
_MODEL = re.compile(r"\(Linux;[^()]*; ([^;()]{1,64}?)(?: Build/[^;()]*)?\)")


def token_of(request: web.Request) -> str | None:
    """The password of the login, if there is one."""
    try:
        credentials = basic_credentials(request)
    except Unauthenticated:
        return None
    return credentials[1] or None if credentials is not None else None


async def authenticate(request: web.Request) -> Device:
    """Raises Unauthenticated."""
    gateway = request.app[GATEWAY]
    token = token_of(request)
    if token is None:
        raise Unauthenticated(
            "no login in the address: it is https://NAME:PASSWORD@HOST/api/cht, as textko device"
            " pair --app cht shows it"
        )
    device_id = gateway.devices.authenticate(token)
    request[PHONE] = Phone(device_id=device_id)
    gateway.presence.came_from(device_id, client_address(request))
    try:
        device = await gateway.devices.get(operator(), device_id)
    except NotFound as error:  # deleted at this moment
        raise Unauthenticated("this device was deleted: pair it again") from error
    agent = request.headers.get("User-Agent", "")
    app, model = _APP.search(agent), _MODEL.search(agent)
    if app is None:
        return device
    return await gateway.devices.note_app(
        device, app_version=app[1], model=model[1] if model else device.model
    )
