"""What a submit costs its account: one credit a segment and recipient, and one message a recipient
of the month's limit. Checked and taken in the submit's own transaction, and every debit has its
line in the account's ledger there.
"""

from collections.abc import Sequence

import msgspec

from textko_server.clock import month_of
from textko_server.errors import (
    InsufficientCredits,
    LimitExceeded,
    NotFound,
    SubscriptionRequired,
    TextkoError,
)
from textko_server.gateway.events import CreditsLow
from textko_server.store import ledger as ledger_store
from textko_server.store import usage as store
from textko_server.store.database import Transaction


class Charge(msgspec.Struct, frozen=True):
    """What one submit asks of an account."""

    user_id: int
    messages: int
    """Recipients."""
    segments: int


class Taken(msgspec.Struct, frozen=True):
    """What one submit was charged."""

    user_id: int
    segments: int
    balance: int | None
    """Credits left after it; None: unlimited."""


class _Account(msgspec.Struct):
    """An account's room while a group of submits is checked against it, in order."""

    refusal: TextkoError | None
    credits_left: int | None
    monthly_limit: int | None
    used: int
    messages: int = 0
    segments: int = 0


def take(tx: Transaction, charges: Sequence[Charge], now_ms: int) -> list[Taken | TextkoError]:
    """Charge each in turn, all of it or nothing; answers what was taken, or why not, for each.

    The errors: SubscriptionRequired, LimitExceeded, InsufficientCredits; NotFound for a user who
    was deleted meanwhile.
    """
    month = month_of(now_ms)
    accounts: dict[int, _Account] = {}
    takings: list[Taken | TextkoError] = []
    for charge in charges:
        account = accounts.get(charge.user_id)
        if account is None:
            account = accounts[charge.user_id] = _read(tx, charge.user_id, month, now_ms)
        takings.append(_take_one(account, charge))
    for user_id, account in accounts.items():
        if account.messages:
            store.add(tx, user_id, month, account.messages, account.segments)
            if account.credits_left is not None:
                store.take_credits(tx, user_id, account.segments)
    return takings


def record(
    tx: Transaction, debits: Sequence[tuple[Taken, int]], now_ms: int, low_credits: int
) -> None:
    """Write the ledger's lines of what was taken, each for the message beside it.

    An account whose balance falls below `low_credits` by one of them is told of, once.
    """
    limited = [(t, message_id) for t, message_id in debits if t.balance is not None]
    if not limited:
        return
    ledger_store.insert_debits(
        tx,
        [(t.user_id, -t.segments, t.balance, message_id, now_ms) for t, message_id in limited],
    )
    for t, _ in limited:
        if t.balance is not None and t.balance < low_credits <= t.balance + t.segments:
            tx.after_commit(CreditsLow(t.user_id, t.balance, low_credits, now_ms))


def _read(tx: Transaction, user_id: int, month: str, now_ms: int) -> _Account:
    try:
        credits_left, monthly_limit = check_subscription(tx, user_id, now_ms)
    except TextkoError as refusal:
        return _Account(refusal, None, None, 0)
    used = store.used_in(tx, user_id, month) if monthly_limit is not None else 0
    return _Account(None, credits_left, monthly_limit, used)


def _take_one(account: _Account, charge: Charge) -> Taken | TextkoError:
    if account.refusal is not None:
        return account.refusal
    limit = account.monthly_limit
    used = account.used + account.messages
    if limit is not None and used + charge.messages > limit:
        return LimitExceeded(limit, used)
    if account.credits_left is not None:
        available = account.credits_left - account.segments
        if charge.segments > available:
            return InsufficientCredits(charge.segments, available)
    account.messages += charge.messages
    account.segments += charge.segments
    balance = None if account.credits_left is None else account.credits_left - account.segments
    return Taken(charge.user_id, charge.segments, balance)


def check_subscription(tx: Transaction, user_id: int, now_ms: int) -> tuple[int | None, int | None]:
    """(credits, monthly limit) of an account whose subscription has not ended; None: unlimited.

    Raises:
        SubscriptionRequired: it has ended.
        NotFound: no such user.
    """
    limits = store.limits(tx, user_id)
    if limits is None:
        raise NotFound("user")
    credits_left, monthly_limit, subscription_ends_at = limits
    if subscription_ends_at is not None and subscription_ends_at <= now_ms:
        raise SubscriptionRequired("the account's subscription has ended")
    return credits_left, monthly_limit
