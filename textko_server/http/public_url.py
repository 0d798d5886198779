"""The address that phones and applications reach this server at.

From `server.public_url` when it is set: Host is the caller's word and is used only without it, for
answers that go back to that same caller.
"""

from aiohttp import web

from textko_server.http.app_keys import GATEWAY


def public_url(request: web.Request) -> str:
    """Without a trailing slash."""
    configured = request.app[GATEWAY].settings.server.public_url
    return configured.rstrip("/") or f"{request.scheme}://{request.host}"
