"""What accounts may use and have used, and which SIM last wrote to a number."""

from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_USAGE = load("usage")
_CONTACTS = load("contacts")


def limits(tx: Transaction, user_id: int) -> tuple[int | None, int | None, int | None] | None:
    """(credits, monthly limit, end of the subscription); None: no such user."""
    row = tx.one(_USAGE.limits_of_user, (user_id,))
    return (row[0], row[1], row[2]) if row else None


def used_in(tx: Transaction, user_id: int, month: str) -> int:
    """Recipients of a calendar month so far."""
    row = tx.one(_USAGE.usage_of_month, (user_id, month))
    return row[0] if row else 0


def add(tx: Transaction, user_id: int, month: str, messages: int, segments: int) -> int:
    """Count recipients and segments of an account; returns its recipients of that month."""
    row = tx.execute(_USAGE.add_usage, (user_id, month, messages, segments)).fetchone()
    return int(row[0])


def take_credits(tx: Transaction, user_id: int, credits_count: int) -> None:
    tx.execute(_USAGE.take_credits, (credits_count, user_id))


async def of_month(db: Database, user_id: int, month: str) -> tuple[int, int]:
    """(recipients, segments) of a calendar month such as `2026-01`."""
    row = await db.fetch_one(_USAGE.usage_of_month, (user_id, month))
    return (row[0], row[1]) if row else (0, 0)


async def of_all_months(db: Database, user_id: int) -> int:
    """Recipients an account has submitted since it exists."""
    row = await db.fetch_one(_USAGE.usage_of_user, (user_id,))
    return int(row[0]) if row else 0


def last_sim(tx: Transaction, user_id: int, phone_number: str) -> tuple[int, int] | None:
    """(SIM, its device) that last wrote to this number."""
    row = tx.one(_CONTACTS.last_sim, (user_id, phone_number))
    return (row[0], row[1]) if row else None


def set_last_sims(tx: Transaction, last: list[tuple[int, str, int, int]]) -> None:
    """(user, phone number, SIM, when): the SIM that last wrote to the number, or was written to."""
    newest = {(user_id, number): (sim_id, at) for user_id, number, sim_id, at in last}
    rows = [(*key, sim_id, at, at, at) for key, (sim_id, at) in newest.items()]
    tx.execute_all(_CONTACTS.set_last_sim, rows)
