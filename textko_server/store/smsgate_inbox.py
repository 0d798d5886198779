"""Incoming messages page by page, by offset, as SMSGate's clients ask for them."""

import msgspec

from textko_server.model import IncomingMessage
from textko_server.store.database import Database
from textko_server.store.queries import load

_INBOX = load("smsgate_inbox")

# Counting, and skipping, further would cost more than a page is worth.
MAX_COUNTED = 20_000
END = 1 << 62


class Wanted(msgspec.Struct, frozen=True):
    user_id: int
    device_id: int | None = None
    """One of the account's; None: all."""
    from_id: int = 0
    before_id: int = END


async def list_page(
    db: Database, wanted: Wanted, *, offset: int, limit: int
) -> list[IncomingMessage]:
    """Newest first."""
    sql = _INBOX.of_user if wanted.device_id is None else _INBOX.of_device
    values = _values(wanted) | {"offset": min(offset, MAX_COUNTED), "limit": limit}
    return [IncomingMessage(*row) for row in await db.fetch_all(sql, values)]


async def count(db: Database, wanted: Wanted) -> int:
    """How many there are; MAX_COUNTED stands for more."""
    sql = _INBOX.count_of_user if wanted.device_id is None else _INBOX.count_of_device
    row = await db.fetch_one(sql, _values(wanted) | {"limit": MAX_COUNTED})
    return int(row[0]) if row else 0


def _values(wanted: Wanted) -> dict[str, int]:
    return {
        "owner_id": wanted.user_id if wanted.device_id is None else wanted.device_id,
        "from_id": wanted.from_id,
        "before_id": wanted.before_id,
    }
