"""What stands still or runs short: the queue by lane, webhooks, accounts, failures.

Refuses to know what of it is worth telling; gateway/attention.py does.
"""

import json

import msgspec

from textko_server.store.database import Database
from textko_server.store.queries import load

_ATTENTION = load("attention")

_LAST_KEY = 1 << 62


class WaitingLane(msgspec.Struct, frozen=True):
    """Jobs that wait in one lane."""

    lane: str
    device_id: int | None
    """Whose lane it is, its own or of one of its SIMs; None: any of the account's."""
    count: int
    user_id: int
    oldest_at: int
    """When the oldest of them was submitted."""


class ShortAccount(msgspec.Struct, frozen=True):
    """An account that cannot send, or not for long."""

    user_id: int
    email: str
    credits: int | None
    monthly_limit: int | None
    subscription_ends_at: int | None
    used: int
    """Messages this month."""


class Failures(msgspec.Struct, frozen=True):
    error_code: str
    error: str
    """In words; empty where nobody said."""
    count: int
    first_at: int


async def waiting_by_lane(db: Database) -> list[WaitingLane]:
    return [WaitingLane(*row) for row in await db.fetch_all(_ATTENTION.waiting_by_lane)]


async def failed_deliveries(db: Database, webhook_ids: list[int], limit: int) -> dict[int, int]:
    """How many each of them has; `limit` stands for more."""
    values = {"webhook_ids": json.dumps(webhook_ids), "limit": limit}
    return dict(await db.fetch_all(_ATTENTION.failed_deliveries, values))


async def short_accounts(
    db: Database,
    user_id: int | None,
    *,
    month: str,
    low_credits: int,
    ends_before: int,
    limit: int,
) -> list[ShortAccount]:
    """Of an account or (None) all: credits below `low_credits`, a subscription that ends before
    then, the month's limit used up."""
    values = {
        "first_user_id": 0 if user_id is None else user_id,
        "last_user_id": _LAST_KEY if user_id is None else user_id,
        "month": month,
        "low_credits": low_credits,
        "ends_before": ends_before,
        "limit": limit,
    }
    return [ShortAccount(*row) for row in await db.fetch_all(_ATTENTION.short_accounts, values)]


async def recent_failures(db: Database, message_ids: list[int], since: int) -> list[Failures]:
    """Of these messages' recipients, by error code, most first."""
    values = {"message_ids": json.dumps(message_ids), "since": since}
    return [Failures(*row) for row in await db.fetch_all(_ATTENTION.recent_failures, values)]
