"""Families of SMSGate tokens: a row for each login by token that still goes on."""

import msgspec

from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_TOKENS = load("smsgate_tokens")


class Family(msgspec.Struct, frozen=True):
    id: str
    user_id: int
    scopes: str
    """Space-separated, SMSGate's."""
    token_version: int
    """The user's when it began: another one ends it."""
    generation: int
    """Of its newest tokens; counts from 1."""
    access_ms: int
    """How long its access tokens live."""
    expires_at: int
    """When its newest refresh token runs out."""


def insert(tx: Transaction, family: Family, *, now_ms: int, keep: int) -> None:
    """Add one; takes some along that have run out, and the account's oldest beyond `keep`."""
    tx.execute(_TOKENS.delete_some_expired, (now_ms,))
    tx.execute(_TOKENS.insert, msgspec.structs.astuple(family))
    tx.execute(_TOKENS.delete_oldest, {"user_id": family.user_id, "keep": keep})


def find_in(tx: Transaction, family_id: str) -> Family | None:
    row = tx.one(_TOKENS.find, (family_id,))
    return Family(*row) if row else None


async def find(db: Database, family_id: str) -> Family | None:
    row = await db.fetch_one(_TOKENS.find, (family_id,))
    return Family(*row) if row else None


def update(tx: Transaction, family: Family) -> None:
    """Store its next generation."""
    tx.execute(_TOKENS.update, (family.generation, family.expires_at, family.id))


def delete(tx: Transaction, family_id: str) -> None:
    tx.execute(_TOKENS.delete, (family_id,))
