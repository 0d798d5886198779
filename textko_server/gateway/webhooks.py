"""Webhooks: who subscribed to which events, and where they are told.

Refuses to know what they are owed and what became of it; see webhook_outbox.py and webhook_log.py.
"""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.config import WebhookSettings
from textko_server.errors import Conflict, Invalid, NotFound, WrongState
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.webhook_formats import Format, check_format, stored_events
from textko_server.gateway.webhook_signatures import (
    MIN_SECRET_LENGTH,
    check_secret,
    new_secret,
)
from textko_server.gateway.webhook_targets import check_url
from textko_server.model import Webhook
from textko_server.store import webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction

MAX_NAME_LENGTH = 64
MAX_PAGE_COUNT = 100

_NEWEST = (1 << 63) - 1
# One write's share of a log that goes, so that a million rows do not hold up other writes.
_BATCH_COUNT = 500


class WebhookChanges(msgspec.Struct, frozen=True):
    """What to change of a webhook; a field left out stays."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: Sequence[str] | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class Webhooks:
    """Where a `user_id` is asked for, None is the operator, who sees every account's.

    Whatever belongs to another account answers NotFound, as if it did not exist.
    """

    def __init__(self, db: Database, clock: Clock, settings: WebhookSettings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings

    async def create(
        self,
        user_id: int,
        *,
        url: str,
        events: Sequence[str],
        name: str = "",
        secret: str | None = None,
        payload_format: str = Format.TEXTKO,
    ) -> Webhook:
        """Subscribe to events of that format; without a `secret` one is made.

        Raises: Invalid, naming the field; Conflict when the account has as many as it may.
        """
        _check_name(name)
        check_url(url, allow_private=self._settings.allow_private_targets)
        payload_format = check_format(payload_format)
        events_text = stored_events(payload_format, events)
        if secret is not None:
            # TextLink and SMSGate take any word, which their receivers know already.
            is_word = payload_format is not Format.TEXTKO
            check_secret(secret, 1 if is_word else MIN_SECRET_LENGTH)
        chosen_secret = secret if secret is not None else new_secret()
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Webhook:
            if webhooks.count_of_user(tx, user_id) >= self._settings.max_per_account:
                raise Conflict(
                    f"an account may have at most {self._settings.max_per_account} webhooks"
                )
            webhook_id = webhooks.insert(
                tx,
                user_id=user_id,
                name=name,
                url=url,
                payload_format=payload_format,
                secret=chosen_secret,
                events=events_text,
                now_ms=now_ms,
            )
            return _get_in(tx, webhook_id, user_id)

        return await self._db.write(write)

    async def get(self, user_id: int | None, webhook_id: int) -> Webhook:
        """Raises: NotFound."""
        webhook = await webhooks.find(self._db, webhook_id, user_id)
        if webhook is None:
            raise NotFound("webhook")
        return webhook

    async def list_webhooks(
        self, user_id: int | None, *, before_id: int | None = None, limit: int = MAX_PAGE_COUNT
    ) -> list[Webhook]:
        """Newest first; the next page starts before the last id of this one."""
        return await webhooks.list_page(
            self._db, user_id, before_id=before_id or _NEWEST, limit=_page_count(limit)
        )

    async def update(
        self, user_id: int | None, webhook_id: int, changes: WebhookChanges
    ) -> Webhook:
        """Change what is given. Enabling forgets why it was disabled and sends what waited.

        Raises: Invalid, NotFound.
        """
        fields = self._checked(changes)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Webhook:
            webhook = _get_in(tx, webhook_id, user_id)
            changed = msgspec.structs.replace(webhook, updated_at=now_ms, **fields)
            if changes.events is not UNSET:
                events_text = stored_events(webhook.format, changes.events)
                changed = msgspec.structs.replace(changed, events=events_text)
            if changed.is_enabled and not webhook.is_enabled:
                changed = msgspec.structs.replace(changed, disabled_reason=None)
                tx.after_commit(WebhookDue(user_id=webhook.user_id, at=now_ms))
            webhooks.update(tx, changed)
            return changed

        return await self._db.write(write)

    async def rotate_secret(self, user_id: int | None, webhook_id: int) -> Webhook:
        """Give it a new secret, at once: what is still owed is signed with the new one."""
        return await self.update(user_id, webhook_id, WebhookChanges(secret=new_secret()))

    async def delete(self, user_id: int | None, webhook_id: int) -> None:
        """Remove it with its deliveries and their log. Raises: NotFound.

        Its log goes in small writes; a crash in between leaves it disabled, to be deleted again.
        """
        now_ms = self._clock.now_ms()

        def disable(tx: Transaction) -> None:
            _get_in(tx, webhook_id, user_id)
            webhooks.disable(tx, webhook_id, reason="being deleted", now_ms=now_ms)

        await self._db.write(disable)
        while await self._db.write(
            lambda tx: webhook_deliveries.delete_of_webhook(tx, webhook_id, limit=_BATCH_COUNT)
        ):
            pass
        await self._db.write(lambda tx: webhooks.delete(tx, webhook_id))

    def _checked(self, changes: WebhookChanges) -> dict[str, str | bool]:
        """The fields of model.Webhook to replace, but for its events, which its format decides."""
        fields: dict[str, str | bool] = {}
        if changes.name is not UNSET:
            _check_name(changes.name)
            fields["name"] = changes.name
        if changes.url is not UNSET:
            check_url(changes.url, allow_private=self._settings.allow_private_targets)
            fields["url"] = changes.url
        if changes.secret is not UNSET:
            check_secret(changes.secret)
            fields["secret"] = changes.secret
        if changes.is_enabled is not UNSET:
            fields["is_enabled"] = changes.is_enabled
        return fields


def get_enabled(tx: Transaction, webhook_id: int, user_id: int | None) -> Webhook:
    """One that may be owed something, as it is in this write.

    Raises: NotFound; WrongState while it is disabled.
    """
    webhook = _get_in(tx, webhook_id, user_id)
    if not webhook.is_enabled:
        raise WrongState("the webhook is disabled: enable it first")
    return webhook


def _get_in(tx: Transaction, webhook_id: int, user_id: int | None) -> Webhook:
    webhook = webhooks.find_in(tx, webhook_id, user_id)
    if webhook is None:
        raise NotFound("webhook")
    return webhook


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid("name", f"must have at most {MAX_NAME_LENGTH} characters")


def _page_count(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE_COUNT))
