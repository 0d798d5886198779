"""Which idempotency keys were used, for what request, and which messages it made."""

import msgspec

from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_IDEMPOTENCY = load("idempotency")


class Used(msgspec.Struct, frozen=True):
    fingerprint: bytes
    """Of the request body."""
    message_ids: list[int]


async def find(db: Database, principal: str, endpoint: str, key: str, now_ms: int) -> Used | None:
    """What the key was used for; None when it was not, or so long ago that it is free again."""
    values = {"principal": principal, "endpoint": endpoint, "key": key, "now_ms": now_ms}
    return _used(await db.fetch_one(_IDEMPOTENCY.find, values))


def find_in(tx: Transaction, principal: str, endpoint: str, key: str, now_ms: int) -> Used | None:
    """The same inside a write."""
    values = {"principal": principal, "endpoint": endpoint, "key": key, "now_ms": now_ms}
    return _used(tx.one(_IDEMPOTENCY.find, values))


def put(
    tx: Transaction,
    principal: str,
    endpoint: str,
    key: str,
    used: Used,
    *,
    now_ms: int,
    expires_at: int,
) -> None:
    """Remember a use until `expires_at`; also forgets a few that have expired."""
    tx.execute(_IDEMPOTENCY.delete_some_expired, (now_ms,))
    message_ids = " ".join(map(str, used.message_ids))
    values = (principal, endpoint, key, used.fingerprint, message_ids, expires_at)
    tx.execute(_IDEMPOTENCY.put, values)


def _used(row: Row | None) -> Used | None:
    return Used(row[0], [int(key) for key in row[1].split()]) if row else None
