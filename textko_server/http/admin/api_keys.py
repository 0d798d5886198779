"""`/admin/v1/api-keys`: what applications show instead of a login."""

from msgspec import UNSET

from textko_server import admin_wire as wire
from textko_server.errors import NotFound
from textko_server.gateway.api_keys import KeyChanges
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import ApiKey


async def list_api_keys(call: Call, query: wire.ApiKeyQuery) -> wire.ApiKeyPage:
    """A page, oldest first. active: can be used now.

    With a status a page may be short, or empty, and yet have a next.
    """
    owner = await owner_shown(call, query.user)
    after_id = call.read_cursor(Kind.API_KEY, query.after) or 0
    page = await call.gateway.api_keys.list_page(owner, after_id, query.limit)
    names = Names(call.gateway)
    api_keys = [await _wire_key(call, names, k) for k in page if _has_status(call, k, query.status)]
    is_last = len(page) < query.limit
    return wire.ApiKeyPage(api_keys=api_keys, next=None if is_last else _public_id(call, page[-1]))


async def create_api_key(
    call: Call, query: wire.UserQuery, body: wire.NewApiKey
) -> wire.CreatedApiKey:
    """Make a key; its text is in this answer only."""
    owner = await owner_of_new(call, query.user)
    api_key, key = await call.gateway.api_keys.create_key(
        owner, body.name, body.scopes, body.expires_at, _device_keys(call, body.device_ids)
    )
    shown = await _wire_key(call, Names(call.gateway), api_key)
    return wire.widened(shown, wire.CreatedApiKey, key=key)


async def import_api_key(
    call: Call, query: wire.UserQuery, body: wire.ImportedApiKey
) -> wire.ApiKey:
    """Let a token made elsewhere work here as a key."""
    owner = await owner_of_new(call, query.user)
    device_ids = _device_keys(call, body.device_ids)
    api_key = await call.gateway.api_keys.import_key(
        owner, body.name, body.key, body.scopes, body.expires_at, device_ids
    )
    return await _wire_key(call, Names(call.gateway), api_key)


async def change_api_key(call: Call, body: wire.ApiKeyChanges) -> wire.ApiKey:
    """Change what is given, from the key's next use on."""
    api_key = await _api_key(call)
    device_ids = body.device_ids
    changes = KeyChanges(
        name=body.name,
        scopes=body.scopes,
        expires_at=body.expires_at,
        device_ids=device_ids if device_ids is UNSET else _device_keys(call, device_ids),
    )
    changed = await call.gateway.api_keys.change_key(api_key.user_id, api_key.id, changes)
    return await _wire_key(call, Names(call.gateway), changed)


async def revoke_api_key(call: Call) -> wire.ApiKey:
    """It stops working at once, and stays listed."""
    api_key = await _api_key(call)
    revoked = await call.gateway.api_keys.revoke_key(api_key.user_id, api_key.id)
    return await _wire_key(call, Names(call.gateway), revoked)


async def delete_api_key(call: Call) -> None:
    """It stops working at once, and is no longer listed."""
    api_key = await _api_key(call)
    await call.gateway.api_keys.delete_key(api_key.user_id, api_key.id)


async def _api_key(call: Call) -> ApiKey:
    api_key = await call.gateway.api_keys.get_key(call.key(Kind.API_KEY, "API key"))
    if visible_owner(call) not in (None, api_key.user_id):
        raise NotFound("API key")
    return api_key


def _device_keys(call: Call, device_ids: list[str] | None) -> list[int] | None:
    if device_ids is None:
        return None
    return [call.read_id(Kind.DEVICE, device_id, "device") for device_id in device_ids]


def _has_status(call: Call, api_key: ApiKey, status: str) -> bool:
    if status == "all":
        return True
    if status == "revoked":
        return api_key.revoked_at is not None
    is_expired = (
        api_key.expires_at is not None and api_key.expires_at <= call.gateway.clock.now_ms()
    )
    return api_key.revoked_at is None and is_expired == (status == "expired")


def _public_id(call: Call, api_key: ApiKey) -> str:
    return call.gateway.public_ids.encode(Kind.API_KEY, api_key.id, api_key.created_at)


async def _wire_key(call: Call, names: Names, api_key: ApiKey) -> wire.ApiKey:
    user_id, email = await names.user(api_key.user_id)
    device_ids = None
    if api_key.device_ids is not None:
        found = [await names.device(int(key)) for key in api_key.device_ids.split()]
        device_ids = [device_id for device_id, _ in found if device_id is not None]
    return wire.ApiKey(
        id=_public_id(call, api_key),
        user_id=user_id,
        user=email,
        name=api_key.name,
        prefix=api_key.prefix,
        scopes=api_key.scopes.split(),
        device_ids=device_ids,
        expires_at=api_key.expires_at,
        revoked_at=api_key.revoked_at,
        last_used_at=api_key.last_used_at,
        created_at=api_key.created_at,
    )


ENDPOINTS = (
    Endpoint("GET", "/api-keys", list_api_keys),
    Endpoint("POST", "/api-keys", create_api_key, status=201),
    Endpoint("POST", "/api-keys/import", import_api_key, status=201),
    Endpoint("PATCH", "/api-keys/{id}", change_api_key),
    Endpoint("POST", "/api-keys/{id}/revoke", revoke_api_key),
    Endpoint("DELETE", "/api-keys/{id}", delete_api_key),
)
