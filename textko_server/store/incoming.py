"""Incoming messages."""

from textko_server.model import IncomingMessage
from textko_server.store.database import Database, Transaction
from textko_server.store.key_search import search_key
from textko_server.store.queries import load

_INCOMING = load("incoming")


def insert(tx: Transaction, message: IncomingMessage, phone_reference: str) -> int | None:
    """Store it and return its key, or None when the phone has told of it before."""
    m = message
    row = tx.execute(
        _INCOMING.insert_incoming,
        (m.user_id, m.device_id, phone_reference, m.sim_slot, m.sender, m.text, m.received_at,
         m.created_at),
    ).fetchone()  # fmt: skip
    return row[0] if row else None


async def find(db: Database, incoming_id: int) -> IncomingMessage | None:
    row = await db.fetch_one(_INCOMING.get_incoming, (incoming_id,))
    return IncomingMessage(*row) if row else None


async def list_page(
    db: Database,
    *,
    user_id: int | None = None,
    device_id: int | None = None,
    before_id: int,
    limit: int,
) -> list[IncomingMessage]:
    """Newest first: of a device, else of an account, else everybody's."""
    query = _INCOMING.list_all
    if device_id is not None:
        query = _INCOMING.list_of_device
    elif user_id is not None:
        query = _INCOMING.list_of_user
    owner_id = device_id if device_id is not None else user_id
    values = {"owner_id": owner_id, "before_id": before_id, "limit": limit}
    return [IncomingMessage(*row) for row in await db.fetch_all(query, values)]


async def list_after(
    db: Database, *, user_id: int, device_id: int | None, after_id: int, limit: int
) -> list[IncomingMessage]:
    """Oldest first: of a device, else of the account."""
    query = _INCOMING.list_of_user_after if device_id is None else _INCOMING.list_of_device_after
    owner_id = user_id if device_id is None else device_id
    values = {"owner_id": owner_id, "after_id": after_id, "limit": limit}
    return [IncomingMessage(*row) for row in await db.fetch_all(query, values)]


async def first_key_since(db: Database, at: int) -> int:
    """The least key such that no message with a smaller one was stored at `at` or later."""
    return await search_key(db, _INCOMING.last_key, _INCOMING.first_from, at)


async def count_of_user(db: Database, user_id: int, at_most: int) -> int:
    """How many an account has, counted no further than `at_most`."""
    row = await db.fetch_one(_INCOMING.count_of_user, (user_id, at_most))
    return int(row[0]) if row else 0
