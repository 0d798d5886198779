"""Who is asking: a login's JWT or an API key, from the headers every dialect uses; and HTTP's Basic
scheme, for the dialect whose clients know no other.

A token of three dot-separated parts whose first is a JOSE header is a JWT; anything else is an API
key. Keys in the query string are not read: URLs end up in logs.
"""

import binascii
from base64 import b64decode

from aiohttp import web

from textko_server.errors import MissingScope, TooManyRequests, Unauthenticated
from textko_server.gateway.tokens import looks_like_jwt
from textko_server.http.app_keys import GATEWAY, KEY_RATE, RATE_HEADERS
from textko_server.http.trusted_proxies import client_address
from textko_server.model import Principal, Scope


def bearer_token(request: web.Request) -> str | None:
    """The token of `Authorization: Bearer …`, if any."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    token = token.strip()
    return token if token and scheme.lower() == "bearer" else None


async def authenticate(request: web.Request) -> Principal:
    """By `Authorization: Bearer <JWT or API key>` or `x-api-key: <API key>`.

    Raises:
        Unauthenticated: neither, or not one of ours.
        TooManyRequests: an API key in a dialect, over `rates.requests_per_minute`.
    """
    principal = await _identify(request)
    if principal.api_key_id is not None and request.path.startswith(("/api/", "/3rdparty/")):
        _count(request, principal.api_key_id)
    return principal


async def _identify(request: web.Request) -> Principal:
    token = request.headers.get("x-api-key") or bearer_token(request)
    if token is None:
        raise Unauthenticated("send an Authorization: Bearer or an x-api-key header")
    gateway = request.app[GATEWAY]
    known = gateway.api_keys.cached_principal(token)
    if known is not None:
        return known
    if looks_like_jwt(token):
        return await gateway.accounts.authenticate_jwt(token)
    return await gateway.api_keys.authenticate_key(token)


def basic_credentials(request: web.Request) -> tuple[str, str] | None:
    """Name and password of `Authorization: Basic …` (RFC 7617), if any.

    Raises:
        Unauthenticated: the scheme is Basic, and what follows is not what it says.
    """
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated("Basic needs name:password in UTF-8 as base64") from None
    if not colon:
        raise Unauthenticated("Basic needs name:password in UTF-8 as base64")
    return name, password


async def authenticate_basic(request: web.Request) -> Principal | None:
    """By an account's e-mail, and its password or an API key of it; None: not by Basic.

    Raises:
        Unauthenticated: they do not belong together.
        TooManyRequests: too many failed logins; an API key over `rates.requests_per_minute`.
    """
    credentials = basic_credentials(request)
    if credentials is None:
        return None
    logins = request.app[GATEWAY].basic_logins
    principal = await logins.authenticate(*credentials, client_address(request))
    if principal.api_key_id is not None:
        _count(request, principal.api_key_id)
    return principal


def _count(request: web.Request, api_key_id: int) -> None:
    rate = request.app[KEY_RATE]
    try:
        request[RATE_HEADERS] = rate.count(api_key_id)
    except TooManyRequests:
        request[RATE_HEADERS] = rate.headers_when_refused()
        raise


def require_scope(principal: Principal, scope: Scope) -> None:
    """Raises MissingScope unless the key has it; logins have all."""
    if scope not in principal.scopes:
        raise MissingScope(scope)
