"""The ledger of credits: one line for each change of an account's number of them."""

from typing import Any

from textko_server.model import LedgerLine
from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_LEDGER = load("ledger")

# Pages are for people; counting further would cost more than reading one.
MAX_COUNTED = 20_000
# Higher than any key: the first page.
NEWEST = 1 << 62


def insert_debits(tx: Transaction, rows: list[tuple[Any, ...]]) -> None:
    """`rows`: (user, amount below zero, balance, message, when), of submits."""
    tx.execute_all(_LEDGER.insert_debit, rows)


def insert_limits(
    tx: Transaction, user_id: int, amount: int, balance: int | None, now_ms: int
) -> None:
    """An admin set the number; `balance` None: unlimited."""
    tx.execute(_LEDGER.insert_limits, (user_id, amount, balance, now_ms))


async def list_page(
    db: Database, user_id: int, *, before_id: int = NEWEST, offset: int = 0, limit: int
) -> list[LedgerLine]:
    """Newest first, those before a key."""
    values = {"user_id": user_id, "before_id": before_id, "offset": offset, "limit": limit}
    return [LedgerLine(*row) for row in await db.fetch_all(_LEDGER.list_of_user, values)]


async def count(db: Database, user_id: int) -> int:
    """How many lines an account has; MAX_COUNTED stands for more."""
    row = await db.fetch_one(_LEDGER.count_of_user, (user_id, MAX_COUNTED))
    return int(row[0]) if row else 0
