"""API keys: only their SHA-256. Refuses to know how a key is made or what a scope allows."""

from collections.abc import Iterable

from textko_server.model import ApiKey, Role
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_API_KEYS = load("api_keys")


# --- inside a write ---


def insert(
    tx: Transaction,
    user_id: int,
    name: str,
    prefix: str,
    key_hash: bytes,
    scopes: str,
    device_ids: str | None,
    expires_at: int | None,
    now_ms: int,
) -> ApiKey:
    """The hash must be new: see `is_hash_known`."""
    values = (user_id, name, prefix, key_hash, scopes, device_ids, expires_at, now_ms)
    api_key = find(tx, tx.insert(_API_KEYS.insert, values), user_id)
    assert api_key is not None  # noqa: S101 - inserted in this transaction
    return api_key


def is_hash_known(tx: Transaction, key_hash: bytes) -> bool:
    row = tx.one(_API_KEYS.is_hash_known, (key_hash,))
    return row is not None and bool(row[0])


def count_of_user(tx: Transaction, user_id: int) -> int:
    """Revoked and expired keys count too."""
    row = tx.one(_API_KEYS.count_of_user, (user_id,))
    return int(row[0]) if row else 0


def is_device_of_user(tx: Transaction, device_id: int, user_id: int) -> bool:
    row = tx.one(_API_KEYS.is_device_of_user, (device_id, user_id))
    return row is not None and bool(row[0])


def find(tx: Transaction, api_key_id: int, user_id: int) -> ApiKey | None:
    """None also for somebody else's."""
    row = tx.one(_API_KEYS.get, (api_key_id, user_id))
    return _api_key(row) if row else None


def update(tx: Transaction, api_key: ApiKey) -> None:
    """Write what may be changed of it: name, scopes, devices, expiry."""
    values = (api_key.name, api_key.scopes, api_key.device_ids, api_key.expires_at, api_key.id)
    tx.execute(_API_KEYS.update, values)


def revoke(tx: Transaction, api_key_id: int, now_ms: int) -> None:
    tx.execute(_API_KEYS.revoke, (now_ms, api_key_id))


def delete(tx: Transaction, api_key_id: int) -> None:
    tx.execute(_API_KEYS.delete, (api_key_id,))


def touch(tx: Transaction, last_used: Iterable[tuple[int, int]]) -> None:
    """Store when keys were last used: (key, Unix ms). Keys that are gone are passed over."""
    tx.executemany(_API_KEYS.touch, [(at, key) for key, at in last_used])


# --- outside ---


async def find_by_hash(db: Database, key_hash: bytes) -> tuple[ApiKey, Role] | None:
    """The key and the role of its user."""
    row = await db.fetch_one(_API_KEYS.find_by_hash, (key_hash,))
    return (_api_key(row[:-1]), Role(row[-1])) if row else None


async def list_of_user(db: Database, user_id: int) -> list[ApiKey]:
    """All of an account's keys, oldest first."""
    return [_api_key(row) for row in await db.fetch_all(_API_KEYS.list_of_user, (user_id,))]


async def find_committed(db: Database, api_key_id: int) -> ApiKey | None:
    """Whoever it belongs to."""
    row = await db.fetch_one(_API_KEYS.find, (api_key_id,))
    return _api_key(row) if row else None


async def list_after(db: Database, user_id: int | None, after_id: int, limit: int) -> list[ApiKey]:
    """A page of an account's keys, or (None) of everybody's, oldest first."""
    query = _API_KEYS.page_of_all if user_id is None else _API_KEYS.page_of_user
    values = {"user_id": user_id, "after_id": after_id, "limit": limit}
    return [_api_key(row) for row in await db.fetch_all(query, values)]


def _api_key(row: Row) -> ApiKey:
    return ApiKey(*row)
