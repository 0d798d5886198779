"""The settings that an account keeps for its SMSGate phones, as JSON; refuses to know what is in
them."""

from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_SETTINGS = load("smsgate_settings")


async def find(db: Database, user_id: int) -> str | None:
    row = await db.fetch_one(_SETTINGS.find, (user_id,))
    return row[0] if row else None


def find_in(tx: Transaction, user_id: int) -> str | None:
    row = tx.one(_SETTINGS.find, (user_id,))
    return row[0] if row else None


def put(tx: Transaction, user_id: int, settings: str, now_ms: int) -> None:
    tx.execute(_SETTINGS.put, (user_id, settings, now_ms))
