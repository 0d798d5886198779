"""`/admin/v1/login`, `/first-admin` and `/me`."""

from textko_server import admin_wire as wire
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.trusted_proxies import client_address
from textko_server.model import User


async def log_in(call: Call, body: wire.Login) -> wire.LoggedIn:
    """Exchange e-mail and password for a JWT."""
    user, token = await call.gateway.accounts.login(
        body.email, body.password, client_address(call.request)
    )
    return wire.LoggedIn(token=token, user=wire_user(call, user))


async def create_first_admin(call: Call, body: wire.FirstAdmin) -> wire.LoggedIn:
    """Make the first admin with the token the server printed; works while there is none."""
    user, token = await call.gateway.accounts.create_first_admin(
        body.token, body.email, body.password, body.name
    )
    return wire.LoggedIn(token=token, user=wire_user(call, user))


async def get_me(call: Call) -> wire.WhoAmI:
    """Who the server takes the asker for."""
    principal = call.principal
    user = None
    if not principal.is_operator:
        user = wire_user(call, await call.gateway.accounts.get_user(principal.user_id))
    return wire.WhoAmI(is_operator=principal.is_operator, is_admin=principal.is_admin, user=user)


def wire_user(call: Call, user: User) -> wire.User:
    return wire.User(
        id=call.gateway.public_ids.encode(Kind.USER, user.id, user.created_at),
        email=user.email,
        name=user.name,
        role=user.role,
        credits=user.credits,
        monthly_limit=user.monthly_limit,
        subscription_ends_at=user.subscription_ends_at,
        created_at=user.created_at,
        updated_at=user.updated_at,
    )


ENDPOINTS = (
    Endpoint("POST", "/login", log_in, is_open=True),
    Endpoint("POST", "/first-admin", create_first_admin, status=201, is_open=True),
    Endpoint("GET", "/me", get_me),
)
