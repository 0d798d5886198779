"""Makes the bodies of SMSGate webhooks: looks up which phone and SIM had a part in what happened.

Refuses to know who is owed them; see webhook_outbox.py.
"""

from textko_server.gateway import smsgate_payloads
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_payloads import Envelope, Sms, SmsgateEvent
from textko_server.model import Device, Dialect, IncomingMessage, Job, Sim
from textko_server.store import devices
from textko_server.store.database import Transaction


class SmsgateBodies:
    def __init__(self, public_ids: PublicIds) -> None:
        self._public_ids = public_ids

    def of_change(
        self,
        tx: Transaction,
        event: str,
        job: Job,
        *,
        at: int,
        webhook_id: str,
        delivery_id: str,
    ) -> bytes:
        """Of a recipient that has just come to its state. `webhook_id`, `delivery_id`: public."""
        recipient = job.recipient
        sim = None if recipient.sim_id is None else devices.find_sim_in(tx, recipient.sim_id)
        return smsgate_payloads.status_body(
            self._envelope(tx, recipient.device_id, webhook_id, delivery_id),
            SmsgateEvent(event),
            _sms(self._message_id(job), recipient.phone_number, sim),
            at=at,
            segments=recipient.segments,
            reason=recipient.error or recipient.error_code,
        )

    def of_incoming(
        self,
        tx: Transaction,
        incoming: IncomingMessage,
        sim_id: int | None,
        *,
        webhook_id: str,
        delivery_id: str,
    ) -> bytes:
        sim = None if sim_id is None else devices.find_sim_in(tx, sim_id)
        message_id = self._public_ids.encode(Kind.INCOMING, incoming.id, incoming.created_at)
        return smsgate_payloads.received_body(
            self._envelope(tx, incoming.device_id, webhook_id, delivery_id),
            _sms(message_id, incoming.sender, sim),
            text=incoming.text,
            received_at=incoming.received_at,
        )

    def of_ping(self, device: Device, *, is_low: bool, webhook_id: str, delivery_id: str) -> bytes:
        """Of a phone that has told of its battery; `is_low`: it runs low."""
        return smsgate_payloads.ping_body(
            Envelope(
                id=delivery_id,
                webhook_id=webhook_id,
                device_id=self._public_ids.encode(Kind.DEVICE, device.id, device.created_at),
            ),
            battery_percent=device.battery_percent or 0,
            is_charging=device.is_charging,
            is_low=is_low,
        )

    def of_sample(self, now_ms: int, *, webhook_id: str, delivery_id: str) -> bytes:
        """What a test of a webhook sends: a received message."""
        return smsgate_payloads.received_body(
            Envelope(id=delivery_id, webhook_id=webhook_id, device_id="0" * 24),
            # A range set aside for fiction.
            Sms(message_id="0" * 24, phone_number="+12025550123", own_number=None, sim_number=1),
            text="This is a test of your textko webhook. 👋",
            received_at=now_ms,
        )

    def _envelope(
        self, tx: Transaction, device_id: int | None, webhook_id: str, delivery_id: str
    ) -> Envelope:
        created_at = devices.created_at(tx, device_id)
        public_id = ""
        if device_id is not None and created_at is not None:
            public_id = self._public_ids.encode(Kind.DEVICE, device_id, created_at)
        return Envelope(id=delivery_id, webhook_id=webhook_id, device_id=public_id)

    def _message_id(self, job: Job) -> str:
        """The application's own, if SMSGate's API took it in with one."""
        if job.dialect is Dialect.SMSGATE and job.custom_id is not None:
            return job.custom_id
        return self._public_ids.encode(
            Kind.MESSAGE, job.recipient.message_id, job.message_created_at
        )


def _sms(message_id: str, phone_number: str, sim: Sim | None) -> Sms:
    return Sms(
        message_id=message_id,
        phone_number=phone_number,
        own_number=None if sim is None else sim.number,
        sim_number=None if sim is None else sim.slot,
    )
