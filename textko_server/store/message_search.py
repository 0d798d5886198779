"""Messages between two keys, newest first, and how many they are: what an index can answer.

What none can, gateway/message_search.py sorts out row by row. By the number of the page it is
message_pages.py.
"""

import json
from typing import Any

import msgspec

from textko_server.model import Message, State
from textko_server.store.database import Database
from textko_server.store.messages import read_message
from textko_server.store.queries import load

_SEARCH = load("message_search")

# Higher than any key.
END = 1 << 62


class Span(msgspec.Struct, frozen=True):
    """Part of the messages of an account or (None) of all."""

    user_id: int | None
    from_id: int = 0
    before_id: int = END
    states: dict[State, int] | None = None
    """Only in these, and only with keys below the one beside it; None: in any."""


async def list_newest(db: Database, span: Span, limit: int) -> list[Message]:
    """Newest first."""
    values = _values(span) | {"before_id": span.before_id, "limit": limit}
    if span.states is not None:
        sql = _SEARCH.in_states
    else:
        sql = _SEARCH.of_all if span.user_id is None else _SEARCH.of_user
    return [read_message(row) for row in await db.fetch_all(sql, values)]


async def count(db: Database, span: Span, limit: int) -> dict[State, int]:
    """How many in each state; `limit` of one stands for more."""
    states = dict.fromkeys(State, END) if span.states is None else span.states
    bounded = {state: min(below, span.before_id) for state, below in states.items()}
    values = _values(msgspec.structs.replace(span, states=bounded)) | {"limit": limit}
    return {State(s): n for s, n in await db.fetch_all(_SEARCH.count_in_states, values)}


async def with_recipient(
    db: Database, message_ids: list[int], device_id: int | None, digits: str | None
) -> set[int]:
    """Which of these have a recipient with that device, and a number that begins so."""
    values = {"message_ids": json.dumps(message_ids), "device_id": device_id, "digits": digits}
    return {key for (key,) in await db.fetch_all(_SEARCH.with_recipient, values)}


def _values(span: Span) -> dict[str, Any]:
    is_all = span.user_id is None
    return {
        "user_id": span.user_id,
        "first_user_id": 0 if is_all else span.user_id,
        "last_user_id": END if is_all else span.user_id,
        "from_id": span.from_id,
        "spans": json.dumps(list((span.states or {}).items())),
    }
