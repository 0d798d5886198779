"""Subscriptions in the database: the only door to the table `webhooks`.

Refuses to know what an event is and how a delivery goes.
"""

from collections.abc import Sequence

import msgspec

from textko_server.model import Webhook
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_SQL = load("webhooks")


class Subscribed(msgspec.Struct, frozen=True):
    """As much of a webhook as it takes to owe it an event."""

    id: int
    created_at: int
    format: str
    events: frozenset[str]
    client_id: str | None = None
    device_id: int | None = None
    """Only what happens on this device; None: on any."""


def insert(
    tx: Transaction,
    *,
    user_id: int,
    name: str,
    url: str,
    payload_format: str,
    secret: str,
    events: str,
    now_ms: int,
    client_id: str | None = None,
    device_id: int | None = None,
) -> int:
    """Add an enabled webhook; return its id."""
    return tx.insert(
        _SQL.insert,
        {
            "user_id": user_id,
            "name": name,
            "url": url,
            "format": payload_format,
            "secret": secret,
            "events": events,
            "client_id": client_id,
            "device_id": device_id,
            "now_ms": now_ms,
        },
    )


async def find(db: Database, webhook_id: int, user_id: int | None) -> Webhook | None:
    """The webhook, if `user_id` owns it; a `user_id` of None sees everybody's."""
    row = await db.fetch_one(_SQL.find, {"id": webhook_id, "user_id": user_id})
    return None if row is None else _webhook(row)


def find_in(tx: Transaction, webhook_id: int, user_id: int | None) -> Webhook | None:
    """The same inside a write."""
    row = tx.one(_SQL.find, {"id": webhook_id, "user_id": user_id})
    return None if row is None else _webhook(row)


async def list_page(
    db: Database, user_id: int | None, *, before_id: int, limit: int
) -> list[Webhook]:
    """Newest first, those older than `before_id`; a `user_id` of None lists everybody's."""
    sql = _SQL.list_all if user_id is None else _SQL.list_of_user
    parameters = {"user_id": user_id, "before_id": before_id, "limit": limit}
    return [_webhook(row) for row in await db.fetch_all(sql, parameters)]


async def find_by_client_id(db: Database, user_id: int, client_id: str) -> int | None:
    """The key of the account's webhook with this id of SMSGate's API."""
    row = await db.fetch_one(_SQL.find_by_client_id, (user_id, client_id))
    return None if row is None else int(row[0])


def find_by_client_id_in(tx: Transaction, user_id: int, client_id: str) -> int | None:
    """The same inside a write."""
    row = tx.one(_SQL.find_by_client_id, (user_id, client_id))
    return None if row is None else int(row[0])


def set_secrets(
    tx: Transaction, user_id: int, payload_format: str, secret: str, now_ms: int
) -> None:
    """Give all webhooks of that format in the account one secret."""
    values = {"user_id": user_id, "format": payload_format, "secret": secret, "now_ms": now_ms}
    tx.execute(_SQL.set_secrets, values)


async def list_users_told(db: Database, payload_format: str, event: str) -> set[int]:
    """Accounts with an enabled webhook of that format that is told of this event."""
    rows = await db.fetch_all(_SQL.users_told, {"format": payload_format, "event": event})
    return {user_id for (user_id,) in rows}


def count_of_user(tx: Transaction, user_id: int) -> int:
    """How many the account has, disabled ones too."""
    row = tx.one(_SQL.count_of_user, {"user_id": user_id})
    return 0 if row is None else int(row[0])


def enabled(tx: Transaction, user_id: int) -> Sequence[Subscribed]:
    """The enabled webhooks of the account, whatever they asked for."""
    rows = tx.all(_SQL.enabled_of_user, (user_id,))
    return [
        Subscribed(key, created_at, payload_format, frozenset(events.split()), *rest)
        for key, created_at, payload_format, events, *rest in rows
    ]


def update(tx: Transaction, webhook: Webhook) -> None:
    """Write what its owner may change: name, URL, secret, events, device, enabled and why not."""
    tx.execute(
        _SQL.update,
        {
            "id": webhook.id,
            "name": webhook.name,
            "url": webhook.url,
            "secret": webhook.secret,
            "events": webhook.events,
            "is_enabled": int(webhook.is_enabled),
            "disabled_reason": webhook.disabled_reason,
            "device_id": webhook.device_id,
            "updated_at": webhook.updated_at,
        },
    )


def disable(tx: Transaction, webhook_id: int, *, reason: str, now_ms: int) -> None:
    """Stop it and say why; one that is disabled already keeps its reason."""
    tx.execute(_SQL.disable, {"id": webhook_id, "reason": reason, "now_ms": now_ms})


def count_attempt(tx: Transaction, webhook_id: int, *, is_success: bool, at: int) -> None:
    """Keep the running totals that lists show."""
    sql = _SQL.count_success if is_success else _SQL.count_failure
    tx.execute(sql, {"id": webhook_id, "at": at})


def delete(tx: Transaction, webhook_id: int) -> None:
    """Remove it with what is left of its deliveries."""
    tx.execute(_SQL.delete, {"id": webhook_id})


def _webhook(row: Row) -> Webhook:
    columns = list(row)
    columns[7] = bool(row[7])  # is_enabled
    return Webhook(*columns)
