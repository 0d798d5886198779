"""What an account's messages add up to, by day, state and device."""

import msgspec

from textko_server.model import State
from textko_server.store.database import Database
from textko_server.store.key_search import search_key
from textko_server.store.queries import load

_ANALYTICS = load("analytics")


class Volume(msgspec.Struct, frozen=True):
    """Recipients that have these three in common."""

    day: int
    """Days since 1970, UTC, of their submit."""
    state: State
    device_id: int | None
    recipients: int
    segments: int


async def volumes(
    db: Database, user_id: int, *, from_id: int, before_id: int, limit: int
) -> list[Volume]:
    """Of the messages between the two keys; of more than `limit` recipients the newest."""
    values = {"user_id": user_id, "from_id": from_id, "before_id": before_id, "limit": limit}
    return [
        Volume(day, State(state), device_id, recipients, segments)
        for day, state, device_id, recipients, segments in await db.fetch_all(
            _ANALYTICS.volumes, values
        )
    ]


async def first_message_since(db: Database, at: int) -> int:
    """The least key such that no message with a smaller one was made at `at` or later."""
    return await search_key(db, _ANALYTICS.last_message_key, _ANALYTICS.first_message_from, at)
