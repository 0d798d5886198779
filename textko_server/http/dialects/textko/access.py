"""Who may call what.

    send                            API key with send_sms, or login
    read messages                   API key with read_messages, or login
    read one message                the same, or API key with read_delivery
    list devices, who am I          any API key, or login
    webhooks, default, heartbeat    API key of all scopes and devices, or login (textbee's clients
                                    know no other keys)
    API keys, profile, devices      login
    users                           login of an ADMIN

On these paths an ADMIN sees and changes its own account only, as everybody does, but for users.
"""

import msgspec
from aiohttp import web

from textko_server.errors import Forbidden, MissingScope
from textko_server.gateway.principals import ALL_SCOPES
from textko_server.http.auth import authenticate
from textko_server.model import Principal, Role, Scope


async def any_caller(request: web.Request) -> Principal:
    """Raises Unauthenticated."""
    principal = await authenticate(request)
    if principal.is_admin:
        return msgspec.structs.replace(principal, role=Role.REGULAR)
    return principal


async def with_scope(request: web.Request, *scopes: Scope) -> Principal:
    """One of the scopes is enough; logins have all. Raises Unauthenticated, MissingScope."""
    principal = await any_caller(request)
    for scope in scopes:
        if scope in principal.scopes:
            return principal
    raise MissingScope(scopes[0])


async def with_all_scopes(request: web.Request) -> Principal:
    """Raises Unauthenticated, Forbidden."""
    principal = await any_caller(request)
    if not principal.scopes >= ALL_SCOPES or principal.device_ids is not None:
        raise Forbidden("this needs a login, or an API key with all scopes for all devices")
    return principal


async def login(request: web.Request) -> Principal:
    """Raises Unauthenticated, Forbidden."""
    principal = await any_caller(request)
    if principal.api_key_id is not None:
        raise Forbidden("this needs a login: an API key cannot do it")
    return principal


async def admin(request: web.Request) -> Principal:
    """The principal with the role it has. Raises Unauthenticated, Forbidden."""
    principal = await authenticate(request)
    if not principal.is_admin:
        raise Forbidden("only an admin who is logged in may do this")
    return principal
