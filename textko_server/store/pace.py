"""What a SIM has sent lately: the counts that dispatch holds its pace by."""

import json

from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_RECIPIENTS = load("recipients")

# --- inside a write ---


def claimed_since(tx: Transaction, sim_id: int, since_ms: int) -> int:
    return int(tx.execute(_RECIPIENTS.claimed_since, (sim_id, since_ms)).fetchone()[0])


def claim_time_since(tx: Transaction, sim_id: int, since_ms: int, offset: int) -> int | None:
    """When the `offset`-th claim (from 0) at or after `since_ms` was granted."""
    row = tx.one(_RECIPIENTS.claim_times_since, (sim_id, since_ms, offset))
    return row[0] if row else None


def last_claims(tx: Transaction, sim_ids: list[int]) -> dict[int, int]:
    """When each of these SIMs last took a job, in Unix ms; 0: never."""
    rows = tx.all(_RECIPIENTS.last_claims, (json.dumps(sim_ids),))
    return {sim_id: at or 0 for sim_id, at in rows}


def offered_count(tx: Transaction, device_id: int, sim_id: int) -> int:
    """Offers of this SIM that may still be claimed."""
    return int(tx.execute(_RECIPIENTS.offered_to_sim, (device_id, sim_id)).fetchone()[0])


def add_recipient(tx: Transaction, sim_id: int, month: str, phone_number: str) -> None:
    """Remember that this SIM wrote to this number this month."""
    tx.execute(_RECIPIENTS.add_sim_recipient, (sim_id, month, phone_number))


def knows_recipient(tx: Transaction, sim_id: int, month: str, phone_number: str) -> bool:
    return tx.one(_RECIPIENTS.knows_sim_recipient, (sim_id, month, phone_number)) is not None


def recipient_count(tx: Transaction, sim_id: int, month: str) -> int:
    return int(tx.execute(_RECIPIENTS.count_sim_recipients, (sim_id, month)).fetchone()[0])


# --- reading ---


async def read_claimed_since(db: Database, sim_id: int, since_ms: int) -> int:
    row = await db.fetch_one(_RECIPIENTS.claimed_since, (sim_id, since_ms))
    return row[0] if row else 0


async def read_claim_time_since(
    db: Database, sim_id: int, since_ms: int, offset: int
) -> int | None:
    """As `claim_time_since`."""
    row = await db.fetch_one(_RECIPIENTS.claim_times_since, (sim_id, since_ms, offset))
    return row[0] if row else None


async def read_last_claim(db: Database, sim_id: int) -> int:
    """As `last_claims`, of one SIM."""
    row = await db.fetch_one(_RECIPIENTS.last_claims, (json.dumps([sim_id]),))
    return (row[1] if row else None) or 0


async def read_offered_count(db: Database, device_id: int, sim_id: int) -> int:
    row = await db.fetch_one(_RECIPIENTS.offered_to_sim, (device_id, sim_id))
    return row[0] if row else 0


async def read_recipient_count(db: Database, sim_id: int, month: str) -> int:
    row = await db.fetch_one(_RECIPIENTS.count_sim_recipients, (sim_id, month))
    return row[0] if row else 0
