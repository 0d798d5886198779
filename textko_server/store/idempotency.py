"""Which idempotency keys were used, for what request, and which messages or answer it made."""

import msgspec

from textko_server.store.database import Transaction
from textko_server.store.queries import load

_IDEMPOTENCY = load("idempotency")


class Used(msgspec.Struct, frozen=True):
    fingerprint: bytes
    """Of the request body."""
    message_ids: list[int]


class Answered(msgspec.Struct, frozen=True):
    fingerprint: bytes
    """Of the request body."""
    status: int
    body: bytes
    """Byte by byte."""


class SubmittedRow(msgspec.Struct, frozen=True):
    created_at: int
    encoding: str
    segments: int
    text: str
    credits: int
    first_recipient_id: int
    last_recipient_id: int


def find(tx: Transaction, principal: str, endpoint: str, key: str, now_ms: int) -> Used | None:
    """What the key was used for; None when it was not, or so long ago that it is free again."""
    values = {"principal": principal, "endpoint": endpoint, "key": key, "now_ms": now_ms}
    row = tx.one(_IDEMPOTENCY.find, values)
    return Used(row[0], [int(message_id) for message_id in row[1].split()]) if row else None


def put(
    tx: Transaction,
    principal: str,
    endpoint: str,
    key: str,
    used: Used,
    *,
    now_ms: int,
    expires_at: int,
) -> None:
    """Remember a use until `expires_at`; also forgets a few that have expired."""
    tx.execute(_IDEMPOTENCY.delete_some_expired, (now_ms,))
    message_ids = " ".join(map(str, used.message_ids))
    values = (principal, endpoint, key, used.fingerprint, message_ids, expires_at)
    tx.execute(_IDEMPOTENCY.put, values)


def find_answer(
    tx: Transaction, principal: str, endpoint: str, key: str, now_ms: int
) -> Answered | None:
    """What the key's request was answered; None as `find`."""
    values = {"principal": principal, "endpoint": endpoint, "key": key, "now_ms": now_ms}
    row = tx.one(_IDEMPOTENCY.find_answer, values)
    return Answered(*row) if row else None


def put_answer(
    tx: Transaction,
    principal: str,
    endpoint: str,
    key: str,
    answered: Answered,
    *,
    now_ms: int,
    expires_at: int,
) -> None:
    """As `put`, for those that repeat an answer."""
    tx.execute(_IDEMPOTENCY.delete_some_expired, (now_ms,))
    a = answered
    values = (principal, endpoint, key, a.fingerprint, expires_at, a.status, a.body)
    tx.execute(_IDEMPOTENCY.put_answer, values)


def find_submitted(tx: Transaction, message_id: int) -> SubmittedRow | None:
    """None when the message was deleted since."""
    row = tx.one(_IDEMPOTENCY.submitted, (message_id,))
    return SubmittedRow(*row) if row and row[5] is not None else None
