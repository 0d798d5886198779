"""Keys this installation made for itself, kept beside the data they protect.

Refuses to know what a secret is used for. Names in use: public_ids, jwt, links; and starts, which
is no secret but as much this installation's own.
"""

from collections.abc import Callable

from textko_server.store.database import Transaction
from textko_server.store.queries import load

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
