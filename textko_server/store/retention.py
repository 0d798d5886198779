"""Deleting what is old, and emptying texts, in windows of keys: each write is short, whatever the
size of the table."""

from collections.abc import Sequence
from typing import NamedTuple

from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_RETENTION = load("retention")

# Keys looked at in one write: some milliseconds.
WINDOW_COUNT = 200


class Chore(NamedTuple):
    """What is done to one table."""

    first: str
    """Query of the next row after a key: (key, created_at)."""
    changes: Sequence[str]
    """Queries over a window of keys, for rows created before a time."""


DELETE_MESSAGES = Chore(_RETENTION.first_message, [_RETENTION.delete_messages])
DELETE_INCOMING = Chore(
    _RETENTION.first_incoming, [_RETENTION.delete_conversations, _RETENTION.delete_incoming]
)
DELETE_CONVERSATION_TEXTS = Chore(
    _RETENTION.first_conversation_text, [_RETENTION.delete_conversation_texts]
)
DELETE_DELIVERIES = Chore(_RETENTION.first_delivery, [_RETENTION.delete_deliveries])
EMPTY_MESSAGES = Chore(
    _RETENTION.first_message, [_RETENTION.empty_messages, _RETENTION.empty_recipients]
)
EMPTY_INCOMING = Chore(_RETENTION.first_incoming, [_RETENTION.empty_incoming])
EMPTY_SCHEDULED = Chore(_RETENTION.first_scheduled, [_RETENTION.empty_scheduled])


async def do_window(db: Database, chore: Chore, after: int, before: int) -> int | None:
    """Do a chore to the next window of keys after `after`, for rows created before `before`.

    Returns the last key of the window; None when there are no more rows that old.
    """
    row = await db.fetch_one(chore.first, (after,))
    if row is None or row[1] >= before:
        return None
    window = {"first": row[0], "last": row[0] + WINDOW_COUNT - 1, "before": before}

    def write(tx: Transaction) -> None:
        for sql in chore.changes:
            tx.execute(sql, window)

    await db.write(write)
    return int(window["last"])
