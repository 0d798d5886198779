"""Conversations: numbers that wrote to an account, and the texts of both sides in order of time.

A text is named, not copied; what old age has deleted is left out.
"""

import json

import msgspec

from textko_server.model import IncomingMessage, State
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_SQL = load("conversations")


class Conversation(msgspec.Struct, frozen=True):
    """With the newest text that came in."""

    phone_number: str
    incoming_count: int
    unread_count: int
    last_incoming: IncomingMessage
    contact_id: int | None
    """None: nobody has saved the number. So the next two."""
    contact_name: str | None
    contact_saved_at: int | None


class Known(msgspec.Struct, frozen=True):
    """What a conversation knows of itself."""

    id: int
    read_to_id: int
    """What came in up to this text was read."""
    searched_to: int | None
    """Texts sent before this time (Unix ms) are not in it; None: all are."""


class SentText(msgspec.Struct, frozen=True):
    """To this number; of the recipient, with what its message knows."""

    recipient_id: int
    message_id: int
    message_created_at: int
    state: State
    error: str | None
    device_id: int | None
    sim_id: int | None
    text: str


class Text(msgspec.Struct, frozen=True):
    """One of either side; exactly one of the two is set."""

    id: int
    created_at: int
    incoming: IncomingMessage | None
    sent: SentText | None


# --- inside a write ---


def find_in(tx: Transaction, user_id: int, phone_number: str) -> Known | None:
    row = tx.one(_SQL.find, (phone_number, user_id))
    return Known(*row) if row else None


def begin(tx: Transaction, phone_number: str, first: IncomingMessage, look_back_count: int) -> int:
    """Make a conversation, with what was sent to the number before: looked for among so many of
    the newest recipients. Returns its key."""
    row = tx.one(_SQL.last_recipient_id)
    after_id = max(0, (row[0] if row else 0) - look_back_count)
    oldest = tx.one(_SQL.first_recipient_after, (after_id,)) if after_id else None
    searched_to = oldest[0] if oldest else None
    user_id = first.user_id
    values = (user_id, phone_number, first.id, first.created_at, searched_to)
    key = tx.insert(_SQL.insert, values)
    sent = {"conversation_id": key, "after_id": after_id}
    tx.execute(_SQL.insert_sent_before, sent | {"user_id": user_id, "phone_number": phone_number})
    return key


def tell_newest(tx: Transaction, conversation_id: int, incoming: IncomingMessage) -> None:
    tx.execute(_SQL.tell_newest, (incoming.id, incoming.created_at, conversation_id))


def add_incoming(tx: Transaction, conversation_id: int, incoming: IncomingMessage) -> None:
    tx.execute(_SQL.insert_incoming, (conversation_id, incoming.id, incoming.created_at))


def add_sent(tx: Transaction, recipient_ids: range) -> None:
    """Those of these new recipients whose number is in a conversation with their account."""
    tx.execute(_SQL.insert_sent, {"first": recipient_ids.start, "last": recipient_ids.stop - 1})


def mark_read(tx: Transaction, conversation_id: int) -> int:
    """All that came in so far; returns how many were unread."""
    row = tx.one(_SQL.unread_count, (conversation_id,))
    tx.execute(_SQL.mark_read, {"id": conversation_id})
    return int(row[0]) if row else 0


# --- reading ---


async def users(db: Database) -> set[int]:
    """The accounts that have any."""
    return {user_id for (user_id,) in await db.fetch_all(_SQL.users)}


async def find(db: Database, user_id: int, phone_number: str) -> Known | None:
    row = await db.fetch_one(_SQL.find, (phone_number, user_id))
    return Known(*row) if row else None


async def list_page(
    db: Database, user_id: int | None, phone_number: str | None, *, before_id: int, limit: int
) -> list[Conversation]:
    """Who wrote last first: of an account, or (None) of everybody; with one number, or (None) all.
    `before_id`: the last incoming message of the page before."""
    sql = _SQL.list_all if user_id is None else _SQL.list_of_user
    if phone_number is not None:
        sql = _SQL.list_of_number
    values = {
        "user_id": user_id, "phone_number": phone_number, "before_id": before_id, "limit": limit
    }  # fmt: skip
    return [
        Conversation(
            number, incoming_count, unread_count, IncomingMessage(*row[:8]), contact_id,
            f"{first or ''} {last or ''}".strip() or None, saved_at,
        )
        for number, incoming_count, unread_count, *row, contact_id, first, last, saved_at
        in await db.fetch_all(sql, values)
    ]  # fmt: skip


async def list_texts(
    db: Database, conversation_id: int, *, before_id: int, limit: int
) -> tuple[list[Text], int | None]:
    """Newest first, and where the next page begins; None: nowhere."""
    values = {"conversation_id": conversation_id, "before_id": before_id, "limit": limit}
    rows = await db.fetch_all(_SQL.texts, values)
    incoming_keys = json.dumps([row[1] for row in rows if row[1] is not None])
    sent_keys = json.dumps([row[2] for row in rows if row[2] is not None])
    incoming = await db.fetch_all(_SQL.incoming_of_texts, (incoming_keys,))
    sent = await db.fetch_all(_SQL.sent_of_texts, (sent_keys,))
    incoming_by_key = {row[0]: IncomingMessage(*row) for row in incoming}
    sent_by_key = {row[0]: _sent_text(row) for row in sent}
    texts = [
        Text(key, created_at, incoming_by_key.get(incoming_id), sent_by_key.get(recipient_id))
        for key, incoming_id, recipient_id, created_at in rows
    ]
    kept = [text for text in texts if text.incoming is not None or text.sent is not None]
    return kept, rows[-1][0] if len(rows) == limit else None


async def list_incoming(
    db: Database, user_id: int | None, phone_number: str, *, before_id: int, limit: int
) -> list[IncomingMessage]:
    """What came in from a number, newest first: to an account, or (None) to any."""
    values = {"user_id": user_id, "phone_number": phone_number}
    page = {"before_id": before_id, "limit": limit}
    rows = await db.fetch_all(_SQL.incoming_of_number, values | page)
    return [IncomingMessage(*row) for row in rows]


def _sent_text(row: Row) -> SentText:
    recipient_id, message_id, message_created_at, state, *rest = row
    return SentText(recipient_id, message_id, message_created_at, State(state), *rest)
