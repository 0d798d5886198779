"""Numbers that asked an account not to write to them: the only door to the table `opt_outs`."""

import json
from collections.abc import Iterable

from textko_server.model import OptOut
from textko_server.store.database import Database
from textko_server.store.queries import load
from textko_server.store.transaction import Transaction

_SQL = load("opt_outs")


def insert(tx: Transaction, user_id: int, phone_number: str, source: str, now_ms: int) -> bool:
    """Whether it was not there yet."""
    return tx.execute(_SQL.insert, (user_id, phone_number, source, now_ms)).rowcount > 0


def delete(tx: Transaction, user_id: int, phone_number: str) -> bool:
    """Whether it was there."""
    return tx.execute(_SQL.delete, (user_id, phone_number)).rowcount > 0


def among(tx: Transaction, asked: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """Those of (user, number) that have opted out."""
    rows = tx.all(_SQL.among, (json.dumps(list(asked)),))
    return {(user_id, number) for user_id, number in rows}


async def users(db: Database) -> set[int]:
    """The accounts that have any."""
    return {user_id for (user_id,) in await db.fetch_all(_SQL.users)}


async def list_page(
    db: Database, user_id: int | None, *, before_id: int, limit: int
) -> list[OptOut]:
    """Newest first; a `user_id` of None lists everybody's."""
    sql = _SQL.list_all if user_id is None else _SQL.list_of_user
    parameters = {"user_id": user_id, "before_id": before_id, "limit": limit}
    return [OptOut(*row) for row in await db.fetch_all(sql, parameters)]
