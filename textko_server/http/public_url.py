"""The address that phones and applications reach this server at.

From `server.public_url` when it is set: Host is the caller's word and is used only without it, for
answers that go back to that same caller. A proxy that is trusted knows it better.
"""

from aiohttp import web

from textko_server.http.app_keys import GATEWAY
from textko_server.http.trusted_proxies import asked_url


def public_url(request: web.Request) -> str:
    """Without a trailing slash."""
    configured = request.app[GATEWAY].settings.server.public_url
    return configured.rstrip("/") or asked_url(request)
