"""The outbox of webhooks: owes each event to those that asked for it.

Written in the transaction of the change it reports, so that none is lost. While a webhook is
disabled nothing new is owed to it, and what it is owed already waits until it is enabled again.
Refuses to know how a delivery is made; see webhook_delivery.py.
"""

from collections.abc import Callable, Sequence

import msgspec

from textko_server.clock import Clock
from textko_server.gateway import textlink_payloads, webhook_payloads
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_bodies import SmsgateBodies
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_formats import Format, events_of
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.gateway.webhooks import get_enabled
from textko_server.model import Device, Dialect, IncomingMessage, Job
from textko_server.store import contact_tags, devices, webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction

# Between two events that one change makes: long enough that they arrive in this order.
_SECOND_EVENT_AFTER_MS = 1_000


class _Change(msgspec.Struct, frozen=True):
    """The arguments of record_change, until the end of the write."""

    job: Job
    at: int
    now_ms: int


class _Ids(msgspec.Struct, frozen=True):
    """Of one delivery and its webhook, as a receiver sees them."""

    webhook_id: str
    delivery_id: str


class WebhookOutbox:
    def __init__(self, db: Database, clock: Clock, public_ids: PublicIds) -> None:
        self._db = db
        self._clock = clock
        self._public_ids = public_ids
        self._smsgate = SmsgateBodies(public_ids)

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
                if webhook.device_id not in (None, job.device_id):
                    continue
                events = events_of(webhook.format, webhook.events, job)
                for position, event in enumerate(events):
                    next_id = next_id or webhook_deliveries.next_id(tx)
                    if webhook.format == Format.TEXTLINK:
                        body = _textlink_body(event, change)
                    elif webhook.format == Format.SMSGATE:
                        ids = self._ids(webhook, next_id + len(owed), now_ms)
                        body = self._smsgate_body(tx, event, change, ids)
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

    def _smsgate_body(self, tx: Transaction, event: str, change: _Change, ids: _Ids) -> bytes:
        return self._smsgate.of_change(
            tx,
            event,
            change.job,
            at=change.at,
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

        def smsgate_body(ids: _Ids) -> bytes:
            return self._smsgate.of_incoming(
                tx,
                incoming,
                sim_id,
                webhook_id=ids.webhook_id,
                delivery_id=ids.delivery_id,
            )

        for webhook in webhooks.enabled(tx, user_id):
            if webhook.device_id not in (None, incoming.device_id):
                continue
            if webhook.format == Format.TEXTLINK and TextLinkEvent.RECEIVED in webhook.events:
                self._owe(tx, webhook, user_id, TextLinkEvent.RECEIVED, now_ms, textlink_body)
            elif SmsgateEvent.RECEIVED in webhook.events:  # no other format has one of that name
                self._owe(tx, webhook, user_id, SmsgateEvent.RECEIVED, now_ms, smsgate_body)
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

    def record_ping(self, tx: Transaction, device: Device, *, is_low: bool, now_ms: int) -> None:
        """Owe how a phone's battery is to whoever asked for SMSGate's pings."""

        def body(ids: _Ids) -> bytes:
            return self._smsgate.of_ping(
                device,
                is_low=is_low,
                webhook_id=ids.webhook_id,
                delivery_id=ids.delivery_id,
            )

        for webhook in webhooks.enabled(tx, device.user_id):
            is_asked = SmsgateEvent.PING in webhook.events
            if is_asked and webhook.device_id in (None, device.id):
                self._owe(tx, webhook, device.user_id, SmsgateEvent.PING, now_ms, body)

    async def test(self, user_id: int | None, webhook_id: int) -> int:
        """Owe it a sample of a received message, as its format marks one; the delivery's id.

        A `user_id` of None is the operator. Raises: NotFound; WrongState while it is disabled.
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

        def smsgate_body(ids: _Ids) -> bytes:
            return self._smsgate.of_sample(
                now_ms, webhook_id=ids.webhook_id, delivery_id=ids.delivery_id
            )

        def write(tx: Transaction) -> int:
            webhook = get_enabled(tx, webhook_id, user_id)
            asked = webhooks.Subscribed(
                webhook.id, webhook.created_at, webhook.format, frozenset(), webhook.client_id
            )
            if webhook.format == Format.TEXTLINK:
                body = textlink_payloads.sample_body(now_ms)
                return self._owe(
                    tx, asked, webhook.user_id, TextLinkEvent.RECEIVED, now_ms, lambda _ids: body
                )
            if webhook.format == Format.SMSGATE:
                return self._owe(
                    tx, asked, webhook.user_id, SmsgateEvent.RECEIVED, now_ms, smsgate_body
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
            webhook.client_id or encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
            encode(Kind.DELIVERY, delivery_id, now_ms),
        )


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
