"""What SMSGate's app on a phone speaks with its server, under `/api/mobile/v1`.

Written down by reading the app's source, versions 1.66 to 1.68 (github.com/capcom6/
android-sms-gateway), and docs.sms-gate.app. What it means is in gateway/listing.py and
gateway/smsgate_phones.py. Ignored: push tokens (there is no push service but our own stream of
events), the order asked for (always oldest first), and of an MMS all that is not text.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from textko_server.http.dialects.smsgate.mobile import (
    device,
    events,
    messages,
    received,
    settings,
    users,
)
from textko_server.http.dialects.smsgate.mobile.paths import FORGIVEN, PREFIX, RECEIVED, tail_of
from textko_server.http.dialects.smsgate.shape import MOBILE_PREFIXES

_HANDLERS: dict[tuple[str, str], Handler] = {
    ("POST", "/device"): device.post_device,
    ("PATCH", "/device"): device.patch_device,
    ("GET", "/device"): device.get_device,
    ("GET", "/message"): messages.get_messages,
    ("PATCH", "/message"): messages.patch_messages,
    ("GET", "/messages"): messages.get_messages,
    ("PATCH", "/messages"): messages.patch_messages,
    ("GET", "/webhooks"): settings.get_webhooks,
    ("GET", "/settings"): settings.get_settings,
    ("GET", "/events"): events.get_events,
    ("GET", "/user/code"): users.get_code,
    ("PATCH", "/user/password"): users.patch_password,
}


def routes() -> list[web.RouteDef]:
    return [
        *(
            web.RouteDef(method, prefix + path, handler, {})
            for prefix in MOBILE_PREFIXES
            for (method, path), handler in _HANDLERS.items()
        ),
        web.post(f"{PREFIX}{RECEIVED}/{{secret}}", received.post_received),
        web.route("*", "/{forgiven:" + FORGIVEN + "}", forgive),
    ]


async def forgive(request: web.Request) -> web.StreamResponse:
    """Whatever the app asks for behind an API URL that lacks its path, or has slashes too many."""
    tail = tail_of(request.match_info["tail"])
    handler = _HANDLERS.get((request.method, tail))
    if handler is None:
        allowed = [method for method, path in _HANDLERS if path == tail]
        raise web.HTTPMethodNotAllowed(request.method, allowed)
    return await handler(request)
