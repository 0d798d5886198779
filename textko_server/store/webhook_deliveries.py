"""Events owed to webhooks and the attempts at them: the door to `webhook_deliveries` and
`webhook_attempts`.

Refuses to know when the next attempt should be and what a body says.
"""

from collections.abc import Callable, Sequence

import msgspec

from textko_server.model import Webhook, WebhookAttempt, WebhookDelivery
from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_SQL = load("webhook_deliveries")
# Counting further tells nobody more.
_MAX_COUNTED = 1_000
# Each may have ten attempts, and a page of webhooks a hundred of this.
_MAX_FAILURES_EXAMINED = 100


class WaitingWebhook(msgspec.Struct, frozen=True):
    """An enabled webhook that is owed something, now or later."""

    webhook_id: int
    url: str
    secret: str
    format: str
    soonest_at: int
    """The earliest time of an attempt at any of its deliveries."""


class Standing(msgspec.Struct, frozen=True):
    """Of a webhook."""

    pending_count: int
    """Up to 1,000. So the next."""
    failed_count: int
    next_attempt_at: int | None
    failing_since: int | None
    """The first of the failed attempts since the last that did not; None: the last did not."""


def insert(
    tx: Transaction,
    *,
    webhook_id: int,
    user_id: int,
    event: str,
    now_ms: int,
    body_of: Callable[[int], bytes],
) -> int:
    """Owe an event from now on; return the delivery's id.

    `body_of` makes the body of that id, since the body names it.
    """
    delivery_id = tx.insert(
        _SQL.insert,
        {"webhook_id": webhook_id, "user_id": user_id, "event": event, "now_ms": now_ms},
    )
    tx.execute(_SQL.set_body, (body_of(delivery_id), delivery_id))
    return delivery_id


def next_id(tx: Transaction) -> int:
    """The key that the next delivery gets, as long as this transaction lasts."""
    row = tx.one(_SQL.last_id)
    return (row[0] if row else 0) + 1


def insert_all(
    tx: Transaction, owed: list[tuple[int, int, str, bytes, int]], *, now_ms: int
) -> None:
    """Owe events: (webhook, user, event, body, from when on), in the order of their keys."""
    rows = [(*one[:4], "pending", one[4], now_ms) for one in owed]
    tx.insert_all(_SQL.insert_with_body, rows)


async def find(db: Database, delivery_id: int, user_id: int | None) -> WebhookDelivery | None:
    """The delivery, if it is of this account; a `user_id` of None sees everybody's."""
    row = await db.fetch_one(_SQL.find, {"id": delivery_id, "user_id": user_id})
    return None if row is None else WebhookDelivery(*row)


async def due(db: Database, now_ms: int) -> tuple[int, int | None]:
    """(deliveries to enabled webhooks whose attempt is due, since when the first of them is)."""
    row = await db.fetch_one(_SQL.due_in_all, (now_ms,))
    return (0, None) if row is None else (row[0], row[1])


def find_in(tx: Transaction, delivery_id: int, user_id: int | None) -> WebhookDelivery | None:
    """The same inside a write."""
    row = tx.one(_SQL.find, {"id": delivery_id, "user_id": user_id})
    return None if row is None else WebhookDelivery(*row)


async def list_attempts(db: Database, delivery_id: int) -> list[WebhookAttempt]:
    """Oldest first."""
    rows = await db.fetch_all(_SQL.attempts, {"delivery_id": delivery_id})
    return [WebhookAttempt(*row) for row in rows]


async def last_attempts(db: Database, delivery_ids: Sequence[int]) -> dict[int, WebhookAttempt]:
    """By delivery; those that have none are missing."""
    ids = msgspec.json.encode(delivery_ids).decode()
    rows = await db.fetch_all(_SQL.last_attempts, {"ids": ids})
    return {row[0]: WebhookAttempt(*row[1:]) for row in rows}


async def standings(db: Database, webhooks: Sequence[Webhook]) -> dict[int, Standing]:
    """By webhook."""
    ids = msgspec.json.encode([webhook.id for webhook in webhooks]).decode()
    rows = await db.fetch_all(_SQL.standings, {"ids": ids, "limit": _MAX_COUNTED})
    since = {webhook.id: await _failing_since(db, webhook) for webhook in webhooks}
    return {row[0]: Standing(row[1], row[2], row[3], since[row[0]]) for row in rows}


async def _failing_since(db: Database, webhook: Webhook) -> int | None:
    last_success_at = webhook.last_success_at or 0
    if webhook.last_failure_at is None or webhook.last_failure_at <= last_success_at:
        return None
    parameters = {
        "webhook_id": webhook.id, "after": last_success_at, "limit": _MAX_FAILURES_EXAMINED,
    }  # fmt: skip
    row = await db.fetch_one(_SQL.first_failure, parameters)
    # What failed may have been deleted since.
    return webhook.last_failure_at if row is None or row[0] is None else int(row[0])


async def list_page(
    db: Database,
    *,
    user_id: int | None,
    webhook_id: int | None,
    state: str | None,
    before_id: int,
    limit: int,
) -> list[WebhookDelivery]:
    """Newest first, those older than `before_id`, of a webhook, an account, or everybody."""
    if state == "failed":
        sql = _SQL.list_failed
    elif state == "pending":
        sql = _SQL.list_pending
    elif webhook_id is not None:
        sql = _SQL.list_of_webhook
    elif user_id is not None:
        sql = _SQL.list_of_user
    else:
        sql = _SQL.list_all
    parameters = {
        "user_id": user_id,
        "webhook_id": webhook_id,
        "state": state,
        "before_id": before_id,
        "limit": limit,
    }
    return [WebhookDelivery(*row) for row in await db.fetch_all(sql, parameters)]


async def list_waiting(db: Database) -> list[WaitingWebhook]:
    """Enabled webhooks with anything pending, the longest due first."""
    return [WaitingWebhook(*row) for row in await db.fetch_all(_SQL.waiting)]


async def list_due(
    db: Database, webhook_id: int, *, now_ms: int, limit: int
) -> list[WebhookDelivery]:
    """What is due at one webhook, the longest due first."""
    rows = await db.fetch_all(
        _SQL.due, {"webhook_id": webhook_id, "now_ms": now_ms, "limit": limit}
    )
    return [WebhookDelivery(*row) for row in rows]


def find_attempt_counts(tx: Transaction, delivery_id: int) -> tuple[int, int] | None:
    """Attempts made in all, and those of them before the present run of the schedule."""
    row = tx.one(_SQL.attempt_counts, (delivery_id,))
    return None if row is None else (row[0], row[1])


def record_attempt(
    tx: Transaction,
    delivery_id: int,
    attempt: WebhookAttempt,
    *,
    state: str,
    next_attempt_at: int | None,
    ended_at: int | None,
) -> None:
    """Keep an attempt and what follows from it."""
    tx.execute(
        _SQL.insert_attempt,
        {
            "delivery_id": delivery_id,
            "number": attempt.number,
            "at": attempt.at,
            "duration_ms": attempt.duration_ms,
            "status": attempt.status,
            "error": attempt.error,
            "answer": attempt.answer,
        },
    )
    tx.execute(
        _SQL.set_outcome,
        {
            "id": delivery_id,
            "state": state,
            "attempt_count": attempt.number,
            "next_attempt_at": next_attempt_at,
            "ended_at": ended_at,
        },
    )


def redeliver(tx: Transaction, delivery_id: int, *, now_ms: int) -> None:
    """Make it due now, with a whole schedule before it; what was tried stays on record."""
    tx.execute(_SQL.redeliver, {"id": delivery_id, "now_ms": now_ms})


def redeliver_failed(tx: Transaction, webhook_id: int, *, now_ms: int, limit: int) -> int:
    """The same for at most `limit` failed ones of a webhook; return how many it was."""
    return tx.execute(
        _SQL.redeliver_failed, {"webhook_id": webhook_id, "now_ms": now_ms, "limit": limit}
    ).rowcount


def delete_of_webhook(tx: Transaction, webhook_id: int, *, limit: int) -> int:
    """Remove at most `limit` deliveries of a webhook; return how many it was."""
    return tx.execute(_SQL.delete_of_webhook, {"webhook_id": webhook_id, "limit": limit}).rowcount
