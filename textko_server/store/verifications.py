"""The latest code of an account for a phone number: the only door to the table `verifications`.

Refuses to know codes: it sees their hashes, and who may try is decided in gateway/verification.py.
"""

import msgspec

from textko_server.store.database import Transaction
from textko_server.store.queries import load

_SQL = load("verifications")


class Verification(msgspec.Struct, frozen=True):
    code_hash: bytes | None
    """None: the code was used."""
    wrong_count: int
    expires_at: int
    sent_times: list[int]
    """When codes were sent, oldest first; none older than an hour when the last was sent."""


def find(tx: Transaction, user_id: int, phone_number: str) -> Verification | None:
    row = tx.one(_SQL.find, (user_id, phone_number))
    if row is None:
        return None
    return Verification(row[0], row[1], row[2], [int(at) for at in row[3].split()])


def put(
    tx: Transaction,
    user_id: int,
    phone_number: str,
    verification: Verification,
    *,
    forget_at: int,
) -> None:
    """A new code, nothing tried yet, in place of the one before."""
    sent_times = " ".join(map(str, verification.sent_times))
    tx.execute(
        _SQL.put,
        (
            user_id, phone_number, verification.code_hash, verification.expires_at, sent_times,
            forget_at,
        ),
    )  # fmt: skip


def count_wrong(tx: Transaction, user_id: int, phone_number: str) -> None:
    """One more try that did not match."""
    tx.execute(_SQL.count_wrong, (user_id, phone_number))


def use(tx: Transaction, user_id: int, phone_number: str) -> None:
    """The code was right: it is good for nothing from here on."""
    tx.execute(_SQL.use, (user_id, phone_number))


def forget(tx: Transaction, now_ms: int, *, limit: int) -> None:
    """Remove at most `limit` rows that say nothing any more."""
    tx.execute(_SQL.forget, (now_ms, limit))
