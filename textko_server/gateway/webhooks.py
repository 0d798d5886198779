"""Webhooks: subscriptions, the events owed to them, and the log of deliveries.

Events are owed in the transaction of the change they report, so none is lost. While a webhook is
disabled nothing new is owed to it, and what it is owed already waits until it is enabled again.
Refuses to know how a delivery is made; see webhook_delivery.py.
"""

from collections.abc import Callable, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.config import WebhookSettings
from textko_server.errors import Conflict, Invalid, NotFound, WrongState
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.webhook_payloads import WebhookEvent, received_body, status_body
from textko_server.gateway.webhook_signatures import check_secret, new_secret
from textko_server.gateway.webhook_targets import check_url
from textko_server.model import IncomingMessage, Webhook, WebhookAttempt, WebhookDelivery
from textko_server.store import devices, webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction

MAX_NAME_LENGTH = 64
MAX_PAGE_COUNT = 100
DELIVERY_STATES = ("pending", "delivered", "failed")

_NEWEST = (1 << 63) - 1
# One write's share of a bulk change, so that a million rows do not hold up other writes.
_BATCH_COUNT = 500


class WebhookChanges(msgspec.Struct, frozen=True):
    """What to change of a webhook; a field left out stays."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: Sequence[str] | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class _Status(msgspec.Struct, frozen=True):
    """The arguments of record_status, until the end of the write."""

    now_ms: int
    user_id: int
    event: str
    message_id: int
    message_created_at: int
    message_text: str
    recipient_id: int
    recipient_created_at: int
    phone_number: str
    device_id: int | None
    at: int
    error_code: str | None
    error: str | None
    sent_at: int | None


class Webhooks:
    """Where a `user_id` is asked for, None is the operator, who sees every account's.

    Whatever belongs to another account answers NotFound, as if it did not exist.
    """

    def __init__(
        self, db: Database, clock: Clock, settings: WebhookSettings, public_ids: PublicIds
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._public_ids = public_ids

    # --- subscriptions ---

    async def create(
        self,
        user_id: int,
        *,
        url: str,
        events: Sequence[str],
        name: str = "",
        secret: str | None = None,
    ) -> Webhook:
        """Subscribe to events; without a `secret` one is made.

        Raises: Invalid, naming the field; Conflict when the account has as many as it may.
        """
        _check_name(name)
        check_url(url, allow_private=self._settings.allow_private_targets)
        stored_events = _stored_events(events)
        if secret is not None:
            check_secret(secret)
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
                payload_format="textko",
                secret=chosen_secret,
                events=stored_events,
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

    # --- events owed, inside the transaction of the change they report ---

    def record_status(
        self,
        tx: Transaction,
        *,
        now_ms: int,
        user_id: int,
        event: str,
        message_id: int,
        message_created_at: int,
        message_text: str,
        recipient_id: int,
        recipient_created_at: int,
        phone_number: str,
        device_id: int | None,
        at: int,
        error_code: str | None,
        error: str | None,
        sent_at: int | None = None,
    ) -> None:
        """Owe MESSAGE_SENT, _DELIVERED or _FAILED of a recipient to whoever asked for it.

        `at` is when it happened; `sent_at`, told for a delivered one, when it had been sent.
        """
        tx.later(
            self._owe_statuses,
            _Status(
                now_ms, user_id, event, message_id, message_created_at, message_text, recipient_id,
                recipient_created_at, phone_number, device_id, at, error_code, error, sent_at,
            ),
        )  # fmt: skip

    def _owe_statuses(self, tx: Transaction, changes: list[_Status]) -> None:
        """For all changes of a write together: one look at each account's webhooks, one insert."""
        encode = self._public_ids.encode
        webhooks_of: dict[int, Sequence[webhooks.Subscribed]] = {}
        devices_of: dict[int | None, str | None] = {}
        owed: list[tuple[int, int, str, bytes]] = []
        # One time for all rows of this write: a body names its row's public id, which holds it.
        now_ms = changes[0].now_ms
        next_id = 0
        for change in changes:
            if change.user_id not in webhooks_of:
                webhooks_of[change.user_id] = webhooks.enabled(tx, change.user_id)
            for webhook in webhooks_of[change.user_id]:
                if change.event not in webhook.events:
                    continue
                if change.device_id not in devices_of:
                    devices_of[change.device_id] = self._public_device(tx, change.device_id)
                next_id = next_id or webhook_deliveries.next_id(tx)
                body = status_body(
                    WebhookEvent(change.event),
                    sms_id=encode(Kind.RECIPIENT, change.recipient_id, change.recipient_created_at),
                    batch_id=encode(Kind.MESSAGE, change.message_id, change.message_created_at),
                    phone_number=change.phone_number,
                    text=change.message_text,
                    device_id=devices_of[change.device_id],
                    at=change.at,
                    sent_at=change.sent_at,
                    error_code=change.error_code,
                    error=change.error,
                    webhook_id=encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
                    delivery_id=encode(Kind.DELIVERY, next_id + len(owed), now_ms),
                )
                owed.append((webhook.id, change.user_id, change.event, body))
        if not owed:
            return
        webhook_deliveries.insert_all(tx, owed, now_ms=now_ms)
        for user_id in {user_id for _, user_id, _, _ in owed}:
            tx.after_commit(WebhookDue(user_id=user_id, at=now_ms))

    def _public_device(self, tx: Transaction, device_id: int | None) -> str | None:
        created_at = devices.created_at(tx, device_id)
        if device_id is None or created_at is None:
            return None
        return self._public_ids.encode(Kind.DEVICE, device_id, created_at)

    def record_incoming(
        self,
        tx: Transaction,
        *,
        now_ms: int,
        user_id: int,
        incoming: IncomingMessage,
        device_created_at: int,
    ) -> None:
        """Owe MESSAGE_RECEIVED to whoever asked for it."""
        subscribed = webhooks.subscribed(tx, user_id, WebhookEvent.MESSAGE_RECEIVED)
        if not subscribed:
            return
        encode = self._public_ids.encode
        sms_id = encode(Kind.INCOMING, incoming.id, incoming.created_at)
        device_id = encode(Kind.DEVICE, incoming.device_id, device_created_at)
        for webhook in subscribed:
            self._owe(
                tx,
                webhook,
                user_id,
                WebhookEvent.MESSAGE_RECEIVED,
                now_ms,
                lambda public_webhook_id, public_delivery_id: received_body(
                    sms_id=sms_id,
                    sender=incoming.sender,
                    text=incoming.text,
                    received_at=incoming.received_at,
                    device_id=device_id,
                    webhook_id=public_webhook_id,
                    delivery_id=public_delivery_id,
                ),
            )
        tx.after_commit(WebhookDue(user_id=user_id, at=now_ms))

    # --- the log of deliveries ---

    async def list_deliveries(
        self,
        user_id: int | None,
        *,
        webhook_id: int | None = None,
        state: str | None = None,
        before_id: int | None = None,
        limit: int = MAX_PAGE_COUNT,
    ) -> list[WebhookDelivery]:
        """Newest first, of one webhook or the account; the next page starts before the last id.

        Raises: NotFound for the webhook; Invalid for a state that is none of DELIVERY_STATES.
        """
        if state is not None and state not in DELIVERY_STATES:
            raise Invalid("state", f"must be one of {', '.join(DELIVERY_STATES)}")
        if webhook_id is not None:
            await self.get(user_id, webhook_id)
        return await webhook_deliveries.list_page(
            self._db,
            user_id=user_id,
            webhook_id=webhook_id,
            state=state,
            before_id=before_id or _NEWEST,
            limit=_page_count(limit),
        )

    async def get_delivery(
        self, user_id: int | None, delivery_id: int
    ) -> tuple[WebhookDelivery, list[WebhookAttempt]]:
        """A delivery and every attempt at it, oldest first. Raises: NotFound."""
        delivery = await webhook_deliveries.find(self._db, delivery_id, user_id)
        if delivery is None:
            raise NotFound("webhook delivery")
        return delivery, await webhook_deliveries.list_attempts(self._db, delivery_id)

    async def count_due(self) -> int:
        """Deliveries of all accounts whose attempt is due now."""
        return await webhook_deliveries.count_due(self._db, self._clock.now_ms())

    async def redeliver(self, user_id: int | None, delivery_id: int) -> None:
        """Send it again now, with its id and body, whatever became of it; the schedule starts anew.

        Raises: NotFound; WrongState while the webhook is disabled.
        """
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> None:
            delivery = webhook_deliveries.find_in(tx, delivery_id, user_id)
            if delivery is None:
                raise NotFound("webhook delivery")
            _check_enabled(_get_in(tx, delivery.webhook_id, user_id))
            webhook_deliveries.redeliver(tx, delivery_id, now_ms=now_ms)
            tx.after_commit(WebhookDue(user_id=delivery.user_id, at=now_ms))

        await self._db.write(write)

    async def redeliver_failed(self, user_id: int | None, webhook_id: int) -> int:
        """Send all again that were given up; return how many. Raises: as `redeliver`."""
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> int:
            webhook = _get_in(tx, webhook_id, user_id)
            _check_enabled(webhook)
            tx.after_commit(WebhookDue(user_id=webhook.user_id, at=now_ms))
            return webhook_deliveries.redeliver_failed(
                tx, webhook_id, now_ms=now_ms, limit=_BATCH_COUNT
            )

        redelivered_count = 0
        while batch_count := await self._db.write(write):
            redelivered_count += batch_count
        return redelivered_count

    async def test(self, user_id: int | None, webhook_id: int) -> int:
        """Owe it a sample MESSAGE_RECEIVED marked `"test":true`; return the delivery's id.

        Raises: NotFound; WrongState while it is disabled.
        """
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> int:
            webhook = _get_in(tx, webhook_id, user_id)
            _check_enabled(webhook)
            delivery_id = self._owe(
                tx,
                webhooks.Subscribed(webhook.id, webhook.created_at, frozenset()),
                webhook.user_id,
                WebhookEvent.MESSAGE_RECEIVED,
                now_ms,
                lambda public_webhook_id, public_delivery_id: received_body(
                    sms_id="0" * 24,
                    sender="+12025550123",  # a range set aside for fiction
                    text="This is a test of your textko webhook. 👋",
                    received_at=now_ms,
                    device_id="0" * 24,
                    webhook_id=public_webhook_id,
                    delivery_id=public_delivery_id,
                    is_test=True,
                ),
            )
            tx.after_commit(WebhookDue(user_id=webhook.user_id, at=now_ms))
            return delivery_id

        return await self._db.write(write)

    def _owe(
        self,
        tx: Transaction,
        webhook: webhooks.Subscribed,
        user_id: int,
        event: str,
        now_ms: int,
        body_of: Callable[[str, str], bytes],
    ) -> int:
        """Owe one webhook the body made of the public ids of the webhook and of the delivery."""
        encode = self._public_ids.encode
        public_webhook_id = encode(Kind.WEBHOOK, webhook.id, webhook.created_at)
        return webhook_deliveries.insert(
            tx,
            webhook_id=webhook.id,
            user_id=user_id,
            event=event,
            now_ms=now_ms,
            body_of=lambda delivery_id: body_of(
                public_webhook_id, encode(Kind.DELIVERY, delivery_id, now_ms)
            ),
        )

    def _checked(self, changes: WebhookChanges) -> dict[str, str | bool]:
        """The fields of model.Webhook to replace."""
        fields: dict[str, str | bool] = {}
        if changes.name is not UNSET:
            _check_name(changes.name)
            fields["name"] = changes.name
        if changes.url is not UNSET:
            check_url(changes.url, allow_private=self._settings.allow_private_targets)
            fields["url"] = changes.url
        if changes.events is not UNSET:
            fields["events"] = _stored_events(changes.events)
        if changes.secret is not UNSET:
            check_secret(changes.secret)
            fields["secret"] = changes.secret
        if changes.is_enabled is not UNSET:
            fields["is_enabled"] = changes.is_enabled
        return fields


def _get_in(tx: Transaction, webhook_id: int, user_id: int | None) -> Webhook:
    webhook = webhooks.find_in(tx, webhook_id, user_id)
    if webhook is None:
        raise NotFound("webhook")
    return webhook


def _check_enabled(webhook: Webhook) -> None:
    if not webhook.is_enabled:
        raise WrongState("the webhook is disabled: enable it first")


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME_LENGTH:
        raise Invalid("name", f"must have at most {MAX_NAME_LENGTH} characters")


def _stored_events(events: Sequence[str]) -> str:
    """Without repeats, in our own order. Raises Invalid for none and for an unknown one."""
    known = [event.value for event in WebhookEvent]
    unknown = [event for event in events if event not in known]
    if unknown:
        raise Invalid("events", f"{unknown[0]!r} is none of {', '.join(known)}")
    if not events:
        raise Invalid("events", f"choose at least one of {', '.join(known)}")
    return " ".join(event for event in known if event in events)


def _page_count(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE_COUNT))
