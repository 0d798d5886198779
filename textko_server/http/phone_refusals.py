"""What the server remembers of phones it turned away: every refusal on a path that phones use.

Called where errors become answers. The words are in gateway/refusals.py; this knows who and where.
A path is kept without what might be a token or a code.
"""

import re

import msgspec
from aiohttp import web

from textko_server.errors import Invalid, InvalidCredentials, TextkoError, Unauthenticated
from textko_server.gateway.pairing import PairingRefused
from textko_server.gateway.principals import operator
from textko_server.gateway.refusals import NOBODY, Phone
from textko_server.gateway.smsgate_phones import RegistrationRefused, WebhookRefused
from textko_server.http.app_keys import GATEWAY, PHONE
from textko_server.http.auth import bearer_token
from textko_server.http.dialects import cht, smsgate
from textko_server.http.dialects.selfhosted.shape import Refused
from textko_server.http.problems import Problem
from textko_server.http.trusted_proxies import client_address

_FETCHING = re.compile(r"/api/\{token\b.*\}/(get_messages|status)/?")
# Pairing codes have no vowels, tokens are longer; digits are in both.
_WORD = re.compile(r"v[0-9]{1,2}|sync|(?=[a-z]*[aeiou])[a-z]{1,16}")
_MAX_SEGMENTS = 6


async def remember_refusal(request: web.Request, problem: Problem) -> None:
    """Note it when it was a phone that was refused."""
    path = _phone_path(request)
    if path is None:
        return
    code, phone = await _who(request, problem)
    message = problem.message
    if isinstance(problem.error, Refused):
        message = "its report is not of the form that this API has"
    elif isinstance(problem.error, Invalid):
        message = f"it said what the protocol does not allow: {message}"
    request.app[GATEWAY].refusals.note(
        code,
        address=client_address(request),
        path=f"{request.method} {path}",
        message=message,
        phone=phone,
    )


def _phone_path(request: web.Request) -> str | None:
    """None: not a path of phones."""
    path = request.rel_url.raw_path
    if path.startswith("/device/"):
        segments = path.split("/")[1 : _MAX_SEGMENTS + 1]
        return "/" + "/".join(s if not s or _WORD.fullmatch(s) else "…" for s in segments)
    if path.rstrip("/") == cht.PATH:
        return cht.PATH
    of_smsgate = _path_of_smsgate(request)
    if of_smsgate is not None:
        return of_smsgate
    resource = request.match_info.route.resource
    fetching = _FETCHING.fullmatch(resource.canonical) if resource is not None else None
    return f"/api/{{token}}/{fetching[1]}" if fetching else None


def _path_of_smsgate(request: web.Request) -> str | None:
    return smsgate.phone_path(request.rel_url.raw_path, request.headers.get("User-Agent", ""))


async def _who(request: web.Request, problem: Problem) -> tuple[str, Phone]:
    """(code of what was wrong, whose phone it was as far as is known)."""
    gateway, error = request.app[GATEWAY], problem.error
    phone = request.get(PHONE, NOBODY)
    if isinstance(error, PairingRefused):
        return error.reason, Phone(error.user_id)
    if isinstance(error, Refused):
        return ("rate_limited" if error.status == 429 else "invalid"), phone
    if isinstance(error, RegistrationRefused):
        return error.reason, NOBODY
    if isinstance(error, WebhookRefused):
        return error.reason, await _named(request, Phone(device_id=error.device_id))
    if isinstance(error, Unauthenticated):
        if request.path.startswith("/device/"):
            token = bearer_token(request)
        elif request.path.rstrip("/") == cht.PATH:
            token = cht.token_of(request)
        elif _path_of_smsgate(request) is not None:
            return _who_of_smsgate(request, error)
        else:
            return "unknown_key", phone
        if token is None:
            return "no_token", NOBODY
        deleted = gateway.devices.find_deleted(token)
        if deleted is None:
            return "unknown_token", NOBODY
        return "deleted_device", Phone(deleted.user_id, deleted.id, deleted.name)
    if problem.status in (404, 405) and _path_of_smsgate(request) is not None:
        return "wrong_path", phone
    return problem.code, await _named(request, phone)


def _who_of_smsgate(request: web.Request, error: Unauthenticated) -> tuple[str, Phone]:
    token = bearer_token(request)
    if token is None:
        return ("wrong_login" if isinstance(error, InvalidCredentials) else "no_token"), NOBODY
    deleted = request.app[GATEWAY].devices.find_deleted(token)
    if deleted is None:
        return "restart_app", NOBODY
    return "restart_app", Phone(deleted.user_id, deleted.id, deleted.name)


async def _named(request: web.Request, phone: Phone) -> Phone:
    """With its account and its name, where only its key is known."""
    if phone.device_id is None:
        return phone
    try:
        device = await request.app[GATEWAY].devices.get(operator(), phone.device_id)
    except TextkoError:  # deleted meanwhile, or the disk refuses
        return phone
    return msgspec.structs.replace(phone, user_id=device.user_id, device_name=device.name)
