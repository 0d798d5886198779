"""Whose things are meant, and whether the asker may.

An admin sees and changes everybody's and may name an account; everybody else has their own only.
"""

from textko_server.errors import Forbidden, Invalid, NotFound
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.endpoint import Call
from textko_server.model import User


def require_admin(call: Call) -> None:
    if not call.principal.is_admin:
        raise Forbidden("only an admin may do that")


async def named_user(call: Call, name: str) -> User:
    """By e-mail or id. Raises NotFound; for others' accounts also when the asker is no admin."""
    accounts = call.gateway.accounts
    user = None
    if "@" in name:
        user = await accounts.find_user_by_email(name)
    else:
        user = await accounts.get_user(call.read_id(Kind.USER, name, "user"))
    if user is None or not (call.principal.is_admin or user.id == call.principal.user_id):
        raise NotFound("user")
    return user


async def owner_shown(call: Call, user: str | None) -> int | None:
    """Whose things to list; None: everybody's."""
    if user is not None:
        return (await named_user(call, user)).id
    return None if call.principal.is_admin else call.principal.user_id


def visible_owner(call: Call) -> int | None:
    """The account whose things may be seen; None: everybody's."""
    return None if call.principal.is_admin else call.principal.user_id


async def owner_of_new(call: Call, user: str | None) -> int:
    """Who gets what is made. Without a name: the asker; the operator has no account, and means the
    only one when there is one.

    Raises:
        Invalid: the operator has to say who.
    """
    if user is not None:
        return (await named_user(call, user)).id
    if not call.principal.is_operator:
        return call.principal.user_id
    users = await call.gateway.accounts.list_users(limit=2)
    if len(users) != 1:
        raise Invalid("user", "say whose account is meant, by e-mail or id")
    return users[0].id
