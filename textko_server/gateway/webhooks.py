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
from textko_server.gateway import textlink_payloads, webhook_payloads
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_formats import Format, check_format, events_of, stored_events
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.gateway.webhook_signatures import (
    MIN_SECRET_LENGTH,
    check_secret,
    new_secret,
)
from textko_server.gateway.webhook_targets import check_url
from textko_server.model import (
    Device,
    Dialect,
    IncomingMessage,
    Job,
    Webhook,
    WebhookAttempt,
    WebhookDelivery,
)
from textko_server.store import contact_tags, devices, webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction

MAX_NAME_LENGTH = 64
MAX_PAGE_COUNT = 100
DELIVERY_STATES = ("pending", "delivered", "failed")

_NEWEST = (1 << 63) - 1
# One write's share of a bulk change, so that a million rows do not hold up other writes.
_BATCH_COUNT = 500
# Between two events that one change makes: long enough that they arrive in this order.
_SECOND_EVENT_AFTER_MS = 1_000


class WebhookChanges(msgspec.Struct, frozen=True):
    """What to change of a webhook; a field left out stays."""

    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: Sequence[str] | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class _Change(msgspec.Struct, frozen=True):
    """The arguments of record_change, until the end of the write."""

    job: Job
    at: int
    now_ms: int


class _Ids(msgspec.Struct, frozen=True):
    """Of one delivery and its webhook, as a receiver sees them."""

    webhook_id: str
    delivery_id: str


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
            # TextLink itself takes any word, and receivers compare it with what they have.
            is_word = payload_format is Format.TEXTLINK
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

    # --- events owed, inside the transaction of the change they report ---

    def record_change(self, tx: Transaction, job: Job, *, at: int, now_ms: int) -> None:
        """Owe the change of a job to its present state to whoever asked for it.

        `at` is when it happened.
        """
        tx.later(self._owe_changes, _Change(job, at, now_ms))

    def _owe_changes(self, tx: Transaction, changes: list[_Change]) -> None:
        """For all changes of a write together: one look at each account's webhooks, one insert."""
        webhooks_of: dict[int, Sequence[webhooks.Subscribed]] = {}
        devices_of: dict[int | None, str | None] = {}
        owed: list[tuple[int, int, str, bytes, int]] = []
        # One time for all rows of this write: a body names its row's public id, which holds it.
        now_ms = changes[0].now_ms
        next_id = 0
        for change in changes:
            job = change.job.recipient
            if job.user_id not in webhooks_of:
                webhooks_of[job.user_id] = webhooks.enabled(tx, job.user_id)
            for webhook in webhooks_of[job.user_id]:
                events = events_of(webhook.format, webhook.events, job)
                for position, event in enumerate(events):
                    next_id = next_id or webhook_deliveries.next_id(tx)
                    if webhook.format == Format.TEXTLINK:
                        body = _textlink_body(event, change)
                    else:
                        if job.device_id not in devices_of:
                            devices_of[job.device_id] = self._public_device(tx, job.device_id)
                        ids = self._ids(webhook, next_id + len(owed), now_ms)
                        body = self._textko_body(event, change, devices_of[job.device_id], ids)
                    # They are sent side by side: what comes second leaves later.
                    due_at = now_ms + position * _SECOND_EVENT_AFTER_MS
                    owed.append((webhook.id, job.user_id, event, body, due_at))
        if not owed:
            return
        webhook_deliveries.insert_all(tx, owed, now_ms=now_ms)
        for user_id in {user_id for _, user_id, *_ in owed}:
            tx.after_commit(WebhookDue(user_id=user_id, at=now_ms))

    def _textko_body(self, event: str, change: _Change, device_id: str | None, ids: _Ids) -> bytes:
        encode, job, recipient = self._public_ids.encode, change.job, change.job.recipient
        return webhook_payloads.status_body(
            WebhookEvent(event),
            sms_id=encode(Kind.RECIPIENT, recipient.id, recipient.created_at),
            batch_id=encode(Kind.MESSAGE, recipient.message_id, job.message_created_at),
            phone_number=recipient.phone_number,
            text=job.text,
            device_id=device_id,
            at=change.at,
            sent_at=recipient.sent_at,
            error_code=recipient.error_code,
            error=recipient.error,
            webhook_id=ids.webhook_id,
            delivery_id=ids.delivery_id,
        )

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
        sim_id: int | None = None,
    ) -> None:
        """Owe an incoming message to whoever asked for it. `sim_id`: the SIM it came in by."""

        def textko_body(ids: _Ids) -> bytes:
            encode = self._public_ids.encode
            return webhook_payloads.received_body(
                sms_id=encode(Kind.INCOMING, incoming.id, incoming.created_at),
                sender=incoming.sender,
                text=incoming.text,
                received_at=incoming.received_at,
                device_id=encode(Kind.DEVICE, incoming.device_id, device_created_at),
                webhook_id=ids.webhook_id,
                delivery_id=ids.delivery_id,
            )

        def textlink_body(_ids: _Ids) -> bytes:
            contact = contact_tags.find(tx, user_id, incoming.sender)
            return textlink_payloads.received_body(
                phone_number=incoming.sender,
                text=incoming.text,
                timestamp=incoming.received_at,
                sim_card_id=sim_id,
                name=contact.name if contact else None,
                tag=contact.tag if contact else None,
            )

        for webhook in webhooks.enabled(tx, user_id):
            if webhook.format == Format.TEXTLINK and TextLinkEvent.RECEIVED in webhook.events:
                self._owe(tx, webhook, user_id, TextLinkEvent.RECEIVED, now_ms, textlink_body)
            elif WebhookEvent.MESSAGE_RECEIVED in webhook.events:
                self._owe(tx, webhook, user_id, WebhookEvent.MESSAGE_RECEIVED, now_ms, textko_body)

    def record_tag(
        self,
        tx: Transaction,
        *,
        now_ms: int,
        user_id: int,
        phone_number: str,
        name: str | None,
        tag: str,
    ) -> None:
        """Owe the change of a contact's tag to whoever asked for it; an empty tag: taken away."""
        body = textlink_payloads.tag_body(phone_number=phone_number, tag=tag, name=name)
        for webhook in webhooks.enabled(tx, user_id):
            if TextLinkEvent.TAG in webhook.events:
                self._owe(tx, webhook, user_id, TextLinkEvent.TAG, now_ms, lambda _ids: body)

    def record_phone(
        self,
        tx: Transaction,
        event: WebhookEvent,
        device: Device,
        last_seen_at: int,
        *,
        now_ms: int,
    ) -> None:
        """Owe what became of a phone to whoever of its account asked for it."""

        def body(ids: _Ids) -> bytes:
            return webhook_payloads.phone_body(
                event,
                device_id=self._public_ids.encode(Kind.DEVICE, device.id, device.created_at),
                device_name=device.name,
                at=now_ms,
                last_seen_at=last_seen_at,
                battery_percent=device.battery_percent,
                is_charging=device.is_charging,
                webhook_id=ids.webhook_id,
                delivery_id=ids.delivery_id,
            )

        for webhook in webhooks.enabled(tx, device.user_id):
            if event in webhook.events:  # no other format has one of that name
                self._owe(tx, webhook, device.user_id, event, now_ms, body)

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
        return (await self.due())[0]

    async def due(self) -> tuple[int, int | None]:
        """How many those are, and since when the one is due that has been for longest."""
        return await webhook_deliveries.due(self._db, self._clock.now_ms())

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
        """Owe it a sample of a received message, as its format marks one; the delivery's id.

        Raises: NotFound; WrongState while it is disabled.
        """
        now_ms = self._clock.now_ms()

        def textko_body(ids: _Ids) -> bytes:
            return webhook_payloads.received_body(
                sms_id="0" * 24,
                sender="+12025550123",  # a range set aside for fiction
                text="This is a test of your textko webhook. 👋",
                received_at=now_ms,
                device_id="0" * 24,
                webhook_id=ids.webhook_id,
                delivery_id=ids.delivery_id,
                is_test=True,
            )

        def write(tx: Transaction) -> int:
            webhook = _get_in(tx, webhook_id, user_id)
            _check_enabled(webhook)
            asked = webhooks.Subscribed(webhook.id, webhook.created_at, webhook.format, frozenset())
            if webhook.format == Format.TEXTLINK:
                body = textlink_payloads.sample_body(now_ms)
                return self._owe(
                    tx, asked, webhook.user_id, TextLinkEvent.RECEIVED, now_ms, lambda _ids: body
                )
            event = WebhookEvent.MESSAGE_RECEIVED
            return self._owe(tx, asked, webhook.user_id, event, now_ms, textko_body)

        return await self._db.write(write)

    def _owe(
        self,
        tx: Transaction,
        webhook: webhooks.Subscribed,
        user_id: int,
        event: str,
        now_ms: int,
        body_of: Callable[[_Ids], bytes],
    ) -> int:
        """Owe one webhook the body made of the ids in it; returns the delivery's key."""
        tx.after_commit(WebhookDue(user_id=user_id, at=now_ms))
        return webhook_deliveries.insert(
            tx,
            webhook_id=webhook.id,
            user_id=user_id,
            event=event,
            now_ms=now_ms,
            body_of=lambda delivery_id: body_of(self._ids(webhook, delivery_id, now_ms)),
        )

    def _ids(self, webhook: webhooks.Subscribed, delivery_id: int, now_ms: int) -> _Ids:
        encode = self._public_ids.encode
        return _Ids(
            encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
            encode(Kind.DELIVERY, delivery_id, now_ms),
        )

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


def _textlink_body(event: str, change: _Change) -> bytes:
    recipient = change.job.recipient
    return textlink_payloads.status_body(
        TextLinkEvent(event),
        phone_number=recipient.phone_number,
        text=change.job.text,
        is_from_portal=change.job.dialect is Dialect.ADMIN,
        timestamp=change.at,
        textlink_id=recipient.id,
        custom_id=change.job.custom_id,
        sim_card_id=recipient.sim_id,
    )


def _page_count(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE_COUNT))
