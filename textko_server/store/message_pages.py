"""Messages of an account page by page, by the number of the page, as people ask for them.

What costs the same at any depth, by cursor, is in messages.py.
"""

import json
from typing import Any

import msgspec

from textko_server.model import Message, State
from textko_server.store.database import Database
from textko_server.store.messages import read_message
from textko_server.store.queries import load

_PAGES = load("message_pages")

# Counting a long history would cost more than reading a page of it.
MAX_COUNTED = 20_000
_END = 1 << 62


class Wanted(msgspec.Struct, frozen=True):
    user_id: int
    states: list[State] | None = None
    """None: all."""
    from_id: int = 0
    before_id: int = _END


async def list_page(db: Database, wanted: Wanted, *, offset: int, limit: int) -> list[Message]:
    """Newest first."""
    sql = _PAGES.between if wanted.states is None else _PAGES.in_states
    values = _values(wanted) | {"offset": offset, "limit": limit}
    return [read_message(row) for row in await db.fetch_all(sql, values)]


async def count(db: Database, wanted: Wanted) -> int:
    """How many there are; MAX_COUNTED stands for more."""
    sql = _PAGES.count_between if wanted.states is None else _PAGES.count_in_states
    row = await db.fetch_one(sql, _values(wanted) | {"limit": MAX_COUNTED})
    return int(row[0]) if row else 0


def _values(wanted: Wanted) -> dict[str, Any]:
    return {
        "user_id": wanted.user_id,
        "states": None if wanted.states is None else json.dumps(wanted.states),
        "from_id": wanted.from_id,
        "before_id": wanted.before_id,
    }
