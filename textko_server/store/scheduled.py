"""Scheduled messages, before and after their time."""

import json

from textko_server.model import ScheduledMessage, ScheduledStatus
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_SCHEDULED = load("scheduled")


# --- inside a write ---


def insert(tx: Transaction, new: ScheduledMessage) -> int:
    """Returns its key; `new.id` is ignored, and it is pending."""
    return tx.insert(
        _SCHEDULED.insert,
        (
            new.user_id, new.api_key_id, new.device_ids, new.text, new.sender_id,
            new.recipient_type, json.dumps(new.recipients), new.send_at, new.recipient_count,
            new.segments, new.credits, new.encoding, new.created_at, new.updated_at,
            None if new.values is None else json.dumps(new.values, ensure_ascii=False),
        ),
    )  # fmt: skip


def put(tx: Transaction, changed: ScheduledMessage) -> None:
    """Store it as it is now; whose it is, and for whom, stays."""
    c = changed
    tx.execute(
        _SCHEDULED.put,
        (
            c.text, c.sender_id, c.send_at, c.status, c.error_code, c.error, c.recipient_count,
            c.segments, c.credits, c.encoding, json.dumps(c.message_ids), c.sent_at, c.updated_at,
            c.id,
        ),
    )  # fmt: skip


def find_in(tx: Transaction, scheduled_id: int) -> ScheduledMessage | None:
    row = tx.one(_SCHEDULED.get, (scheduled_id,))
    return _scheduled(row) if row else None


def count_pending(tx: Transaction, user_id: int) -> int:
    row = tx.one(_SCHEDULED.count_pending, (user_id,))
    return int(row[0]) if row else 0


def recipient_states(tx: Transaction, message_ids: list[int]) -> dict[str, int]:
    """How many recipients of these messages are in each state."""
    return dict(tx.all(_SCHEDULED.recipient_states, (json.dumps(message_ids),)))


# --- reading ---


async def find(db: Database, scheduled_id: int) -> ScheduledMessage | None:
    row = await db.fetch_one(_SCHEDULED.get, (scheduled_id,))
    return _scheduled(row) if row else None


async def list_page(
    db: Database, user_id: int, status: ScheduledStatus | None, *, offset: int, limit: int
) -> list[ScheduledMessage]:
    """Newest first; `status` None: all."""
    sql = _SCHEDULED.list_of_user if status is None else _SCHEDULED.list_in_status
    values = {"user_id": user_id, "status": status, "offset": offset, "limit": limit}
    return [_scheduled(row) for row in await db.fetch_all(sql, values)]


async def list_before(
    db: Database,
    user_id: int | None,
    status: ScheduledStatus | None,
    *,
    before_id: int,
    limit: int,
) -> list[ScheduledMessage]:
    """Newest first: of an account, or (None) of everybody; `status` None: all."""
    if user_id is None:
        sql = _SCHEDULED.before_of_all if status is None else _SCHEDULED.before_of_all_in_status
    else:
        sql = _SCHEDULED.before_of_user if status is None else _SCHEDULED.before_of_user_in_status
    values = {"user_id": user_id, "status": status, "before_id": before_id, "limit": limit}
    return [_scheduled(row) for row in await db.fetch_all(sql, values)]


async def count(db: Database, user_id: int, status: ScheduledStatus | None) -> int:
    sql = _SCHEDULED.count_of_user if status is None else _SCHEDULED.count_in_status
    row = await db.fetch_one(sql, {"user_id": user_id, "status": status})
    return int(row[0]) if row else 0


async def due(db: Database, now_ms: int, limit: int) -> list[ScheduledMessage]:
    """Pending ones whose time has come, soonest first."""
    return [_scheduled(row) for row in await db.fetch_all(_SCHEDULED.due, (now_ms, limit))]


async def next_send_at(db: Database) -> int | None:
    """When the next pending one is to go, in Unix ms."""
    row = await db.fetch_one(_SCHEDULED.next_send_at)
    return row[0] if row else None


async def processing(db: Database) -> dict[int, list[int]]:
    """The messages of those that are being sent, by key."""
    rows = await db.fetch_all(_SCHEDULED.processing)
    return {key: json.loads(message_ids) for key, message_ids in rows}


def _scheduled(row: Row) -> ScheduledMessage:
    (
        key, user_id, api_key_id, device_ids, text, sender_id, recipient_type, recipients, send_at,
        status, error_code, error, recipient_count, segments, credits_count, encoding, message_ids,
        sent_at, created_at, updated_at, variables,
    ) = row  # fmt: skip
    return ScheduledMessage(
        key, user_id, api_key_id, device_ids, text, sender_id, recipient_type,
        json.loads(recipients), send_at, ScheduledStatus(status), error_code, error,
        recipient_count, segments, credits_count, encoding, json.loads(message_ids), sent_at,
        created_at, updated_at, None if variables is None else json.loads(variables),
    )  # fmt: skip
