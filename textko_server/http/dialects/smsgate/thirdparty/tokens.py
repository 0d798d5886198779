"""`/auth/token`: tokens for programs that should not know the password."""

from aiohttp import web

from textko_server.clock import iso_utc_ms
from textko_server.errors import Unauthenticated
from textko_server.gateway.smsgate_tokens import Issued
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import bearer_token
from textko_server.http.bodies import json_response
from textko_server.http.dialects.smsgate.routing import routes_under
from textko_server.http.dialects.smsgate.shape import THIRDPARTY_PREFIXES
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Call

REFRESH_PATH = "/auth/token/refresh"


def routes() -> list[web.RouteDef]:
    """Of what proves who asks by a token of its own."""
    return routes_under(THIRDPARTY_PREFIXES, "POST", REFRESH_PATH, post_refresh)


async def post_token(call: Call, body: wire.TokenRequest) -> wire.TokenPair:
    """Make a token for some scopes, and one to refresh it with."""
    issued = await call.gateway.smsgate_tokens.issue(
        call.user_id, call.caller.scopes, body.scopes, body.ttl
    )
    return _pair(issued)


async def post_refresh(request: web.Request) -> web.Response:
    """Exchange a refresh token for a new pair.

    It has one use. A second one shows that somebody copied it, and ends all tokens that were made
    from it.
    """
    token = bearer_token(request)
    if token is None:
        raise Unauthenticated("send the refresh token as Authorization: Bearer")
    issued = await request.app[GATEWAY].smsgate_tokens.refresh(token)
    return json_response(_pair(issued), status=201)


async def delete_token(call: Call) -> None:
    """Revoke a token by its id, with all that were refreshed from it."""
    await call.gateway.smsgate_tokens.revoke(call.user_id, call.name())


def _pair(issued: Issued) -> wire.TokenPair:
    expires_at = iso_utc_ms(issued.expires_at)
    return wire.TokenPair(
        id=issued.id,
        token_type="Bearer",  # noqa: S106 - the name of a scheme
        access_token=issued.access_token,
        refresh_token=issued.refresh_token,
        expires_at=expires_at,
        token_type_camel="Bearer",  # noqa: S106 - as above
        access_token_camel=issued.access_token,
        refresh_token_camel=issued.refresh_token,
        expires_at_camel=expires_at,
    )
