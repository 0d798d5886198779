"""`/auth/api-keys`: the account's API keys. A key is shown once, and deleted only once revoked.

Our additions when one is made: `name`, `scopes`, `expiresAt`, `deviceIds`. Not kept: `usageCount`.
"""

import msgspec
from aiohttp import web

from textko_server.clock import iso_utc_ms
from textko_server.errors import NotFound
from textko_server.gateway.api_keys import KeyStatus
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import login
from textko_server.http.dialects.textko.auth import public_user_id
from textko_server.http.dialects.textko.parameters import device_key, read_moment
from textko_server.http.dialects.textko.shape import Refused, data_response
from textko_server.model import ApiKey, Scope

_STATUSES: dict[str, KeyStatus] = {"active": "active", "revoked": "revoked", "all": "all"}
_MASK = "*" * 18


class NewKeyBody(msgspec.Struct, frozen=True, rename="camel"):
    name: str = "API Key"
    scopes: list[str] | None = None
    """Left out: all."""
    expires_at: str | None = None
    device_ids: list[str] | None = None
    """Left out: all."""


class RenameBody(msgspec.Struct, frozen=True):
    name: str


def routes() -> list[web.RouteDef]:
    base = "/api/v1/auth/api-keys"
    return [
        web.post(base, post_api_key),
        web.get(base, list_api_keys),
        web.delete(base + "/{id}", delete_api_key),
        web.post(base + "/{id}/revoke", post_revoke),
        web.patch(base + "/{id}/rename", patch_rename),
    ]


async def post_api_key(request: web.Request) -> web.Response:
    """`POST /api/v1/auth/api-keys`, 201: `data` is the key's text, `apiKey` its record."""
    principal = await login(request)
    content = await request.read()
    body = await read_json(request, NewKeyBody) if content.strip() else NewKeyBody()
    gateway = request.app[GATEWAY]
    expires_at = None
    if body.expires_at is not None:
        expires_at = read_moment(body.expires_at)
        if expires_at is None:
            raise Refused("expiresAt must be an ISO 8601 time with its zone", "expiresAt")
    device_ids = None
    if body.device_ids is not None:
        device_ids = [device_key(gateway.public_ids, d) or 0 for d in body.device_ids]
    api_key, key = await gateway.api_keys.create_key(
        principal.user_id, clean_text(body.name), body.scopes, expires_at, device_ids
    )
    message = "Save this key, it wont be shown again ;)"
    user_id = await public_user_id(gateway, principal)
    record = _wire_key(gateway, user_id, api_key)
    answer = wire.CreatedApiKey(data=key, message=message, api_key=record)
    return json_response(answer, status=201)


async def list_api_keys(request: web.Request) -> web.Response:
    """`GET /api/v1/auth/api-keys?status=active|revoked|all`, oldest first."""
    principal = await login(request)
    status = _STATUSES.get(request.query.get("status", "active"))
    if status is None:
        raise Refused(f"status must be one of {', '.join(_STATUSES)}", "status")
    gateway = request.app[GATEWAY]
    keys = await gateway.api_keys.list_keys(principal.user_id, status)
    user_id = await public_user_id(gateway, principal)
    return data_response([_wire_key(gateway, user_id, k) for k in keys])


async def delete_api_key(request: web.Request) -> web.Response:
    """`DELETE /api/v1/auth/api-keys/:id`, of a revoked one."""
    principal = await login(request)
    gateway = request.app[GATEWAY]
    key_id = _path_key(request)
    keys = await gateway.api_keys.list_keys(principal.user_id)
    api_key = next((k for k in keys if k.id == key_id), None)
    if api_key is None:
        raise NotFound("API key")
    if api_key.revoked_at is None:
        raise Refused("Revoke this API key before you can delete it")
    await gateway.api_keys.delete_key(principal.user_id, key_id)
    return json_response(wire.Done(message="API Key Deleted"))


async def post_revoke(request: web.Request) -> web.Response:
    """`POST /api/v1/auth/api-keys/:id/revoke`, 201. The key stops working before the answer."""
    principal = await login(request)
    await request.app[GATEWAY].api_keys.revoke_key(principal.user_id, _path_key(request))
    return json_response(wire.Done(message="API Key Revoked"), status=201)


async def patch_rename(request: web.Request) -> web.Response:
    """`PATCH /api/v1/auth/api-keys/:id/rename`: `{name}`."""
    principal = await login(request)
    key_id = _path_key(request)
    body = await read_json(request, RenameBody)
    name = clean_text(body.name)
    await request.app[GATEWAY].api_keys.rename_key(principal.user_id, key_id, name)
    return json_response(wire.Done(message="API Key Renamed"))


def _path_key(request: web.Request) -> int:
    """Raises Refused: not 24 hex; NotFound: no key can have that id."""
    text = request.match_info["id"]
    key = request.app[GATEWAY].public_ids.decode(Kind.API_KEY, text)
    if key is None:
        is_hex = len(text) == 24 and set(text) <= set("0123456789abcdef")
        raise NotFound("API key") if is_hex else Refused("Invalid id", "id")
    return key


def _wire_key(gateway: Gateway, user_id: str, api_key: ApiKey) -> wire.ApiKey:
    def iso(at_ms: int | None) -> str | None:
        return None if at_ms is None else iso_utc_ms(at_ms)

    changed_at = max(api_key.created_at, api_key.revoked_at or 0, api_key.last_used_at or 0)
    return wire.ApiKey(
        id=gateway.public_ids.encode(Kind.API_KEY, api_key.id, api_key.created_at),
        api_key=api_key.prefix + _MASK,
        name=api_key.name,
        user=user_id,
        scopes=[Scope(scope) for scope in api_key.scopes.split()],
        expires_at=iso(api_key.expires_at),
        last_used_at=iso(api_key.last_used_at),
        revoked_at=iso(api_key.revoked_at),
        created_at=iso_utc_ms(api_key.created_at),
        updated_at=iso_utc_ms(changed_at),
    )
