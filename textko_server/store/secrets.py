"""Keys this installation made for itself, kept beside the data they protect.

Refuses to know what a secret is used for. Names in use: public_ids, jwt, links, verifications; and
two that are no secrets but as much this installation's own: starts, and phones_away.
"""

from collections.abc import Callable

import msgspec

from textko_server.store.database import Database
from textko_server.store.queries import load
from textko_server.store.transaction import Transaction

_SECRETS = load("secrets")


def get_or_create(tx: Transaction, name: str, make: Callable[[], str]) -> str:
    """The secret of that name; the first to ask has it made and stored."""
    row = tx.one(_SECRETS.get, (name,))
    if row is not None:
        return str(row[0])
    value = make()
    tx.execute(_SECRETS.insert, (name, value))
    return value


def count_start(tx: Transaction) -> int:
    """Count a start of this installation; returns how many there have been."""
    row = tx.execute(_SECRETS.count_start).fetchone()
    return int(row[0])


def skip_starts(tx: Transaction, at_ms: int) -> None:
    """For a copy that becomes the database: starts after it was taken are counted nowhere.

    There was no more than one in ten seconds; that many leave a job id its 18 digits until 2286.
    """
    tx.execute(_SECRETS.skip_starts, (at_ms // 10_000,))


_PHONES_AWAY = "phones_away"


def phones_away(tx: Transaction) -> dict[int, int]:
    """Phones that were told of as away, and when each was last heard of before."""
    row = tx.one(_SECRETS.get, (_PHONES_AWAY,))
    return _phones(row[0]) if row else {}


def set_phones_away(tx: Transaction, phones: dict[int, int]) -> None:
    tx.execute(_SECRETS.put, (_PHONES_AWAY, msgspec.json.encode(phones).decode()))


async def read_phones_away(db: Database) -> dict[int, int]:
    """The same outside of a write."""
    row = await db.fetch_one(_SECRETS.get, (_PHONES_AWAY,))
    return _phones(row[0]) if row else {}


def _phones(value: str) -> dict[int, int]:
    return msgspec.json.decode(value, type=dict[int, int])
