"""Keys this installation made for itself, kept beside the data they protect.

Refuses to know what a secret is used for. Names in use: public_ids, jwt, links; and starts, which
is no secret but as much this installation's own.
"""

from collections.abc import Callable

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
