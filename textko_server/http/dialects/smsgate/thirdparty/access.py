"""Who asks, and what they may in SMSGate's words.

    Authorization: Basic    the account's e-mail, and its password or one of its API keys
    Authorization: Bearer   a token that `/auth/token` made, a login's JWT, or an API key
    x-api-key               an API key, as everywhere here

On these paths an ADMIN sees and changes its own account only, as everybody does.
"""

import msgspec
from aiohttp import web

from textko_server.errors import Forbidden, Unauthenticated
from textko_server.gateway.smsgate_scopes import Scopes, SmsgateScope, allows, scopes_of
from textko_server.gateway.tokens import looks_like_jwt
from textko_server.http.app_keys import GATEWAY
from textko_server.http.auth import authenticate, authenticate_basic, bearer_token
from textko_server.model import Principal, Role


class Caller(msgspec.Struct, frozen=True):
    principal: Principal
    scopes: Scopes


async def caller_of(request: web.Request) -> Caller:
    """Raises Unauthenticated, TooManyRequests."""
    principal = await authenticate_basic(request)
    if principal is None:
        token = bearer_token(request)
        if token is not None and looks_like_jwt(token):
            return await _by_jwt(request, token)
        principal = await authenticate(request)
    return _caller(principal)


def require(caller: Caller, *scopes: SmsgateScope) -> None:
    """One of them is enough. Raises Forbidden, in SMSGate's words."""
    if not allows(caller.scopes, *scopes):
        raise Forbidden(f"scope required: {scopes[0]}")


async def _by_jwt(request: web.Request, token: str) -> Caller:
    """One of SMSGate's kind, else that of a login."""
    try:
        bearer = await request.app[GATEWAY].smsgate_tokens.authenticate(token)
    except Unauthenticated as refusal:
        try:
            return _caller(await authenticate(request))
        except Unauthenticated as error:
            # Of the two kinds one was wrong from the start; the other says what is the matter.
            raise max(refusal, error, key=lambda one: len(one.message)) from None
    return Caller(bearer.principal, bearer.scopes)


def _caller(principal: Principal) -> Caller:
    scopes = scopes_of(principal)
    if principal.is_admin:
        principal = msgspec.structs.replace(principal, role=Role.REGULAR)
    return Caller(principal, scopes)
