"""What a Textko webhook says: the bodies of its events, as the bytes that are signed and sent.

Keys stand in the order of the Textko document's examples, then the further keys that textbee, its
upstream, sends. Receivers verify with `JSON.stringify(payload)`, so the bytes must be what
JavaScript would write again: compact, raw UTF-8, no floats, no integer-like keys. Refuses to know
to whom they go.
"""

from enum import StrEnum

import msgspec

from textko_server.clock import iso_utc_ms


class WebhookEvent(StrEnum):
    MESSAGE_RECEIVED = "MESSAGE_RECEIVED"
    MESSAGE_SENT = "MESSAGE_SENT"
    MESSAGE_DELIVERED = "MESSAGE_DELIVERED"
    MESSAGE_FAILED = "MESSAGE_FAILED"
    """Failed and expired."""
    UNKNOWN_STATE = "UNKNOWN_STATE"
    """The phone took it and fell silent. Who does not ask for this is told MESSAGE_FAILED."""
    PHONE_OFFLINE = "PHONE_OFFLINE"
    """Not heard of for `webhooks.phone_offline_after_s`. These three are ours, not Textko's."""
    PHONE_ONLINE = "PHONE_ONLINE"
    """One that was told of as offline is back."""
    PHONE_BATTERY_LOW = "PHONE_BATTERY_LOW"


_STATUS_OF = {
    WebhookEvent.MESSAGE_SENT: "sent",
    WebhookEvent.MESSAGE_DELIVERED: "delivered",
    WebhookEvent.MESSAGE_FAILED: "failed",
    WebhookEvent.UNKNOWN_STATE: "unknown",
}


class _Payload(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel", gc=False
):
    """Keys that are None or False are left out."""


class _Received(_Payload, frozen=True, kw_only=True):
    webhook_event: str
    sms_id: str
    sender: str
    message: str
    received_at: str
    device_id: str
    webhook_subscription_id: str
    idempotency_key: str
    test: bool = False


class _Status(_Payload, frozen=True, kw_only=True):
    webhook_event: str
    sms_id: str
    status: str
    recipient: str
    sent_at: str | None = None
    delivered_at: str | None = None
    failed_at: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    message: str
    device_id: str | None = None
    sms_batch_id: str
    webhook_subscription_id: str
    idempotency_key: str


class _Phone(_Payload, frozen=True, kw_only=True):
    webhook_event: str
    device_id: str
    device_name: str
    occurred_at: str
    last_seen_at: str
    battery_percent: int | None = None
    is_charging: bool | None = None
    webhook_subscription_id: str
    idempotency_key: str


def received_body(
    *,
    sms_id: str,
    sender: str,
    text: str,
    received_at: int,
    device_id: str,
    webhook_id: str,
    delivery_id: str,
    is_test: bool = False,
) -> bytes:
    """MESSAGE_RECEIVED; all ids are public ids. A test says `"test":true` at its end."""
    return msgspec.json.encode(
        _Received(
            webhook_event=WebhookEvent.MESSAGE_RECEIVED,
            sms_id=sms_id,
            sender=sender,
            message=text,
            received_at=iso_utc_ms(received_at),
            device_id=device_id,
            webhook_subscription_id=webhook_id,
            idempotency_key=delivery_id,
            test=is_test,
        )
    )


def status_body(
    event: WebhookEvent,
    *,
    sms_id: str,
    batch_id: str,
    phone_number: str,
    text: str,
    device_id: str | None,
    at: int,
    sent_at: int | None,
    error_code: str | None,
    error: str | None,
    webhook_id: str,
    delivery_id: str,
) -> bytes:
    """Any event of one recipient but MESSAGE_RECEIVED; all ids are public ids.

    `at` is the moment of the event; `sent_at`, for a delivered one, when the phone had sent it.
    """
    moment = iso_utc_ms(at)
    is_failed = event is WebhookEvent.MESSAGE_FAILED
    is_delivered = event is WebhookEvent.MESSAGE_DELIVERED
    sent = moment if event is WebhookEvent.MESSAGE_SENT else None
    if is_delivered and sent_at is not None:
        sent = iso_utc_ms(sent_at)
    return msgspec.json.encode(
        _Status(
            webhook_event=event,
            sms_id=sms_id,
            status=_STATUS_OF[event],
            recipient=phone_number,
            sent_at=sent,
            delivered_at=moment if is_delivered else None,
            failed_at=moment if is_failed else None,
            error_code=error_code if is_failed else None,
            error_message=(error or "Unknown error") if is_failed else None,
            message=text,
            device_id=device_id,
            sms_batch_id=batch_id,
            webhook_subscription_id=webhook_id,
            idempotency_key=delivery_id,
        )
    )


def phone_body(
    event: WebhookEvent,
    *,
    device_id: str,
    device_name: str,
    at: int,
    last_seen_at: int,
    battery_percent: int | None,
    is_charging: bool | None,
    webhook_id: str,
    delivery_id: str,
) -> bytes:
    """PHONE_OFFLINE, PHONE_ONLINE and PHONE_BATTERY_LOW; all ids are public ids.

    `last_seen_at` of a phone that is back: before it went.
    """
    return msgspec.json.encode(
        _Phone(
            webhook_event=event,
            device_id=device_id,
            device_name=device_name,
            occurred_at=iso_utc_ms(at),
            last_seen_at=iso_utc_ms(last_seen_at),
            battery_percent=battery_percent,
            is_charging=is_charging,
            webhook_subscription_id=webhook_id,
            idempotency_key=delivery_id,
        )
    )
