"""The caller's IP address, through the reverse proxies that the operator trusts."""

from aiohttp import web

from textko_server.http.app_keys import GATEWAY


def client_address(request: web.Request) -> str | None:
    """None over the unix socket. X-Forwarded-For counts only from `server.trusted_proxies`."""
    address = request.remote or None
    trusted = request.app[GATEWAY].settings.server.trusted_proxies
    hops = [h.strip() for h in request.headers.get("X-Forwarded-For", "").split(",") if h.strip()]
    while address in trusted and hops:
        address = hops.pop()
    return address
