"""`/admin/v1/users`: who may log in, as what, and with which limits. `{id}` is an e-mail too."""

from textko_server import admin_wire as wire
from textko_server.clock import month_of
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import named_user, require_admin
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.logins import wire_user
from textko_server.model import User


async def list_users(call: Call, query: wire.UserPageQuery) -> wire.UserPage:
    """A page, oldest first. Who is no admin sees only themselves."""
    accounts = call.gateway.accounts
    if not call.principal.is_admin:
        own = await accounts.get_user(call.principal.user_id)
        return wire.UserPage(users=[wire_user(call, own)], next=None)
    after_id = call.read_cursor(Kind.USER, query.after) or 0
    found = await accounts.list_users(after_id, query.limit, query.role, query.search)
    users = [wire_user(call, user) for user in found]
    return wire.UserPage(users=users, next=users[-1].id if len(users) == query.limit else None)


async def create_user(call: Call, body: wire.NewUser) -> wire.User:
    """Make a user with the limits from the settings."""
    require_admin(call)
    user = await call.gateway.accounts.create_user(body.email, body.password, body.role, body.name)
    return wire_user(call, user)


async def get_user(call: Call) -> wire.User:
    return wire_user(call, await _user(call))


async def change_user(call: Call, body: wire.UserChanges) -> wire.User:
    """Another name or e-mail; the login stays valid."""
    require_admin(call)
    user = await _user(call)
    return wire_user(
        call, await call.gateway.accounts.update_profile(user.id, body.name, body.email)
    )


async def set_role(call: Call, body: wire.NewRole) -> wire.User:
    """The user's logins end. The last admin stays one."""
    require_admin(call)
    user = await _user(call)
    return wire_user(call, await call.gateway.accounts.set_role(user.id, body.role))


async def set_password(call: Call, body: wire.NewPassword) -> wire.User:
    """The user's logins end."""
    require_admin(call)
    user = await _user(call)
    return wire_user(call, await call.gateway.accounts.set_password(user.id, body.password))


async def set_limits(call: Call, body: wire.LimitChanges) -> wire.User:
    """Change what is given."""
    require_admin(call)
    user = await _user(call)
    changed = await call.gateway.accounts.set_limits(
        user.id, body.credits, body.monthly_limit, body.subscription_ends_at
    )
    return wire_user(call, changed)


async def delete_user(call: Call) -> None:
    """Delete a user with everything that is theirs; `/holdings` says what that is."""
    require_admin(call)
    user = await _user(call)
    await call.gateway.accounts.delete_user(user.id)


async def get_holdings(call: Call) -> wire.Holdings:
    """How much an account has."""
    holdings = await call.gateway.accounts.count_holdings((await _user(call)).id)
    return wire.Holdings(
        devices=holdings.devices,
        api_keys=holdings.api_keys,
        webhooks=holdings.webhooks,
        messages=holdings.messages,
        incoming=holdings.incoming,
        webhook_deliveries=holdings.webhook_deliveries,
        contacts=holdings.contacts,
        groups=holdings.groups,
        templates=holdings.templates,
        scheduled=holdings.scheduled,
        opt_outs=holdings.opt_outs,
    )


async def get_usage(call: Call, query: wire.UsageQuery) -> wire.Usage:
    """What an account used in a calendar month, and what it may."""
    user = await _user(call)
    month = query.month or month_of(call.gateway.clock.now_ms())
    messages, segments = await call.gateway.accounts.usage_of_month(user.id, month)
    return wire.Usage(
        month=month,
        messages=messages,
        segments=segments,
        credits=user.credits,
        monthly_limit=user.monthly_limit,
        subscription_ends_at=user.subscription_ends_at,
    )


async def list_ledger(call: Call, query: wire.LedgerQuery) -> wire.LedgerPage:
    """Every change of an account's number of credits, newest first."""
    encode = call.gateway.public_ids.encode
    lines = [
        wire.LedgerLine(
            id=encode(Kind.LEDGER_LINE, line.id, line.created_at),
            kind=line.kind,
            amount=line.amount,
            balance=line.balance,
            message_id=None
            if line.message_id is None
            else encode(Kind.MESSAGE, line.message_id, line.created_at),
            created_at=line.created_at,
        )
        for line in await call.gateway.analytics.list_ledger_before(
            (await _user(call)).id, call.read_cursor(Kind.LEDGER_LINE, query.before), query.limit
        )
    ]
    return wire.LedgerPage(lines=lines, next=lines[-1].id if len(lines) == query.limit else None)


async def _user(call: Call) -> User:
    return await named_user(call, call.request.match_info["id"])


ENDPOINTS = (
    Endpoint("GET", "/users", list_users),
    Endpoint("POST", "/users", create_user, status=201),
    Endpoint("GET", "/users/{id}", get_user),
    Endpoint("PATCH", "/users/{id}", change_user),
    Endpoint("PUT", "/users/{id}/role", set_role),
    Endpoint("PUT", "/users/{id}/password", set_password),
    Endpoint("PATCH", "/users/{id}/limits", set_limits),
    Endpoint("DELETE", "/users/{id}", delete_user),
    Endpoint("GET", "/users/{id}/holdings", get_holdings),
    Endpoint("GET", "/users/{id}/usage", get_usage),
    Endpoint("GET", "/users/{id}/ledger", list_ledger),
)
