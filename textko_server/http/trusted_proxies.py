"""What the reverse proxies say that the operator trusts (`server.trusted_proxies`).

A header of theirs counts only when the request comes from one of them: anybody can send one.
"""

import ipaddress
from functools import lru_cache

from aiohttp import web

from textko_server.http.app_keys import GATEWAY

_MAX_CHARACTERS = 255  # of a host name; RFC 1035, 2.3.4


def client_address(request: web.Request) -> str | None:
    """The caller's IP address; None over the unix socket.

    X-Forwarded-For is read from its end, where the nearest proxy wrote, as far as the proxies are
    trusted: what stands before was written by strangers.
    """
    address = request.remote or None
    trusted = request.app[GATEWAY].settings.server.trusted_proxies
    if not trusted or not _is_trusted(trusted, address):
        return address
    for hop in reversed(",".join(request.headers.getall("X-Forwarded-For", ())).split(",")):
        told = _as_address(hop)
        if told is None:
            break
        address = told
        if not _is_trusted(trusted, address):
            break
    return address


def asked_url(request: web.Request) -> str:
    """Scheme and host as the caller asked for them, such as `https://sms.example.org`."""
    scheme, host = request.scheme, request.host
    if _comes_from_proxy(request):
        told_scheme = _last(request, "X-Forwarded-Proto").lower()
        told_host = _last(request, "X-Forwarded-Host")
        if told_scheme in ("http", "https"):
            scheme = told_scheme
        if told_host and len(told_host) <= _MAX_CHARACTERS:
            host = told_host
    return f"{scheme}://{host}"


def _comes_from_proxy(request: web.Request) -> bool:
    trusted = request.app[GATEWAY].settings.server.trusted_proxies
    return bool(trusted) and _is_trusted(trusted, request.remote)


def _last(request: web.Request, name: str) -> str:
    """What the nearest proxy wrote."""
    return ",".join(request.headers.getall(name, ())).rpartition(",")[2].strip()


def _as_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _is_trusted(trusted: tuple[str, ...], address: str | None) -> bool:
    try:
        told = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    # A socket that takes both kinds shows IPv4 callers as ::ffff:192.0.2.1.
    told = getattr(told, "ipv4_mapped", None) or told
    return any(told in ipaddress.ip_network(network, strict=False) for network in trusted)
