"""`/webhooks` and `/settings`: what the phone is to tell us of by itself, and how it is set.

Its webhooks lead here, each phone's to an address of its own: that is how incoming texts come in.
"""

from aiohttp import web

from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.http.dialects.smsgate.mobile.caller import Version, note, phone_of, version_of
from textko_server.http.dialects.smsgate.mobile.paths import PREFIX, RECEIVED
from textko_server.http.public_url import public_url

# With the version that first knows it: one that the app does not know breaks the whole list.
_EVENTS: tuple[tuple[str, Version], ...] = (
    ("sms:received", (0, 0)),
    ("system:ping", (1, 19)),
    ("mms:downloaded", (1, 56)),
)


async def get_webhooks(request: web.Request) -> web.Response:
    """`GET /webhooks`: ours, and no others; applications' are posted to by this server."""
    device = await phone_of(request)
    url = public_url(request)
    if not url.startswith("https:"):
        note(request, "webhooks_need_https", device)
    token = request.app[GATEWAY].smsgate_phones.webhook_token(device)
    return json_response(
        [
            wire.Webhook(
                id=f"textko-{event.replace(':', '-')}",
                url=f"{url}{PREFIX}{RECEIVED}/{token}",
                event=event,
            )
            for event, since in _EVENTS
            if version_of(device) >= since
        ]
    )


async def get_settings(request: web.Request) -> web.Response:
    """`GET /settings`: what the account wants, and what this server needs."""
    device = await phone_of(request)
    return json_response(await request.app[GATEWAY].smsgate_phones.settings_for(device))
