"""`/users`: for an ADMIN who is logged in; an API key, whoever's, is refused.

Our additions: `limit` and `cursor` where there are more than a thousand users.
"""

import re

import msgspec
from aiohttp import web

from textko_server.errors import Conflict
from textko_server.gateway.accounts import MAX_LIST_COUNT
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import admin
from textko_server.http.dialects.textko.auth import wire_user
from textko_server.http.dialects.textko.parameters import path_key
from textko_server.http.dialects.textko.shape import Refused, data_response
from textko_server.model import Role

_is_limit = re.compile(r"[1-9][0-9]{0,5}").fullmatch


class RoleBody(msgspec.Struct, frozen=True):
    role: Role


def routes() -> list[web.RouteDef]:
    base = "/api/v1/users"
    return [
        web.get(base, list_users),
        web.patch(base + "/{id}/role", patch_role),
        web.delete(base + "/{id}", delete_user),
    ]


async def list_users(request: web.Request) -> web.Response:
    """`GET /api/v1/users`, oldest first."""
    await admin(request)
    gateway = request.app[GATEWAY]
    text = request.query.get("limit") or str(MAX_LIST_COUNT)
    if not _is_limit(text):
        raise Refused("limit must be a number from 1 on", "limit")
    after_id = 0
    cursor = request.query.get("cursor")
    if cursor:
        key = gateway.public_ids.decode(Kind.USER, cursor)
        if key is None:
            raise Refused("Invalid cursor", "cursor")
        after_id = key
    limit = min(int(text), MAX_LIST_COUNT)
    users = await gateway.accounts.list_users(after_id, limit)
    shown = [wire_user(gateway, user) for user in users]
    next_cursor = shown[-1].id if len(shown) == limit else None
    meta = wire.PageMeta(limit=limit, next_cursor=next_cursor, has_more=next_cursor is not None)
    return data_response(shown, meta=meta)


async def patch_role(request: web.Request) -> web.Response:
    """`PATCH /api/v1/users/:id/role`: `{"role": "ADMIN" | "REGULAR"}`. 409 for the last admin."""
    await admin(request)
    key = path_key(request, Kind.USER, "user")
    body = await read_json(request, RoleBody)
    gateway = request.app[GATEWAY]
    return data_response(wire_user(gateway, await gateway.accounts.set_role(key, body.role)))


async def delete_user(request: web.Request) -> web.Response:
    """`DELETE /api/v1/users/:id`: the user, their devices and all that is theirs.

    409 for the last admin, and for oneself: another admin has to do that.
    """
    principal = await admin(request)
    key = path_key(request, Kind.USER, "user")
    if key == principal.user_id:
        raise Conflict("you cannot delete yourself: ask another admin")
    await request.app[GATEWAY].accounts.delete_user(key)
    return data_response(wire.Success(success=True))
