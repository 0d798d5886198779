"""What an SMSGate webhook says. Source: docs.sms-gate.app, "Webhooks".

There the phone itself posts it; here this server does, in the same words, signed in the same way:
see webhook_signatures.py. The rules for bytes in webhook_payloads.py hold here too.
"""

from enum import StrEnum

import msgspec

from textko_server import __version__
from textko_server.clock import iso_utc_ms


class SmsgateEvent(StrEnum):
    RECEIVED = "sms:received"
    SENT = "sms:sent"
    DELIVERED = "sms:delivered"
    FAILED = "sms:failed"
    """Failed and expired."""
    CANCELLED = "sms:cancelled"
    PING = "system:ping"
    """How a phone's battery is, as often as the account's `ping.interval_seconds` says."""
    # From here on: taken, and silent, since nothing tells this server of them.
    DATA_RECEIVED = "sms:data-received"
    MMS_RECEIVED = "mms:received"
    MMS_DOWNLOADED = "mms:downloaded"
    APP_STARTED = "app:started"
    BATCH_RECEIVED = "sms:batch:received"
    BATCH_DATA_RECEIVED = "sms:batch:data-received"
    BATCH_MMS_RECEIVED = "mms:batch:received"
    BATCH_MMS_DOWNLOADED = "mms:batch:downloaded"


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around every payload; all ids are public ids."""

    id: str
    """Of this event, owed to this webhook."""
    webhook_id: str
    device_id: str
    """Empty: no phone had a part in it."""


class Sms(msgspec.Struct, frozen=True, kw_only=True):
    """What every payload about a text has."""

    message_id: str
    phone_number: str
    """The other side's."""
    own_number: str | None
    """Of the SIM, as far as it is known."""
    sim_number: int | None
    """Counts from 1."""


class _Body(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    id: str
    webhook_id: str
    event: str
    device_id: str
    payload: "_Sms | _Ping"


class _Sms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False):
    """Keys that are None are left out."""

    message_id: str
    message: str | None = None
    sender: str | None = None
    recipient: str | None = None
    phone_number: str
    sim_number: int | None = None
    parts_count: int | None = None
    received_at: str | None = None
    sent_at: str | None = None
    delivered_at: str | None = None
    failed_at: str | None = None
    cancelled_at: str | None = None
    reason: str | None = None


class _Check(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    status: str
    description: str
    observed_value: int
    observed_unit: str


class _Health(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    status: str
    version: str
    checks: dict[str, _Check]


class _Ping(msgspec.Struct, frozen=True, kw_only=True):
    health: _Health


def received_body(envelope: Envelope, sms: Sms, *, text: str, received_at: int) -> bytes:
    payload = _Sms(
        message_id=sms.message_id,
        message=text,
        sender=sms.phone_number,
        recipient=sms.own_number,
        phone_number=sms.phone_number,
        sim_number=sms.sim_number,
        received_at=iso_utc_ms(received_at),
    )
    return _encoded(envelope, SmsgateEvent.RECEIVED, payload)


def status_body(
    envelope: Envelope,
    event: SmsgateEvent,
    sms: Sms,
    *,
    at: int,
    segments: int,
    reason: str | None,
) -> bytes:
    """Sent, delivered, failed or cancelled, at that moment."""
    moment = iso_utc_ms(at)
    is_failed = event is SmsgateEvent.FAILED
    payload = _Sms(
        message_id=sms.message_id,
        sender=sms.own_number,
        recipient=sms.phone_number,
        phone_number=sms.phone_number,
        sim_number=sms.sim_number,
        parts_count=segments if event is SmsgateEvent.SENT else None,
        sent_at=moment if event is SmsgateEvent.SENT else None,
        delivered_at=moment if event is SmsgateEvent.DELIVERED else None,
        failed_at=moment if is_failed else None,
        cancelled_at=moment if event is SmsgateEvent.CANCELLED else None,
        reason=(reason or "unknown error") if is_failed else None,
    )
    return _encoded(envelope, event, payload)


def ping_body(
    envelope: Envelope, *, battery_percent: int, is_charging: bool | None, is_low: bool
) -> bytes:
    status = "warn" if is_low else "pass"
    checks = {
        "battery:level": _Check(
            status=status,
            description="battery level",
            observed_value=battery_percent,
            observed_unit="percent",
        )
    }
    if is_charging is not None:
        checks["battery:charging"] = _Check(
            status="pass",
            description="whether it is charging",
            observed_value=int(is_charging),
            observed_unit="boolean",
        )
    health = _Health(status=status, version=__version__, checks=checks)
    return _encoded(envelope, SmsgateEvent.PING, _Ping(health=health))


def _encoded(envelope: Envelope, event: SmsgateEvent, payload: _Sms | _Ping) -> bytes:
    return msgspec.json.encode(
        _Body(
            id=envelope.id,
            webhook_id=envelope.webhook_id,
            event=event,
            device_id=envelope.device_id,
            payload=payload,
        )
    )
