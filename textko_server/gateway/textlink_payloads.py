"""What a TextLink webhook says. Source: docs.textlinksms.com/webhooks.

A receiver knows us by `secret`, which stands in the body itself. It is put in front when a body is
sent, not when it is owed: so the log never shows it, and a new secret counts for what still waits.
Keys without a value are left out. The rules for bytes in webhook_payloads.py hold here too.
"""

from enum import StrEnum

import msgspec


class TextLinkEvent(StrEnum):
    """TextLink has one URL for each; these are our names for them."""

    RECEIVED = "received"
    SENT = "sent"
    """Handed to a phone."""
    FAILED = "failed"
    """Failed and expired."""
    TAG = "tag"
    """A contact's tag was changed."""


class _Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """Keys that are None are left out."""


class _Received(_Payload, frozen=True, kw_only=True):
    phone_number: str
    text: str
    tag: str | None = None
    name: str | None = None
    sim_card_id: int | None = None
    timestamp: int


class _Sent(_Payload, frozen=True, kw_only=True):
    phone_number: str
    text: str
    portal: bool
    timestamp: int
    custom_id: str | None = None
    """Not in TextLink's: an application that gave one can tell its messages apart."""
    sim_card_id: int | None = None


class _Failed(_Payload, frozen=True, kw_only=True):
    phone_number: str
    text: str
    portal: bool
    timestamp: int
    textlink_id: int
    custom_id: str | None = None
    sim_card_id: int | None = None


class _TagChanged(_Payload, frozen=True, kw_only=True):
    name: str | None = None
    phone_number: str
    tag: str


def received_body(
    *,
    phone_number: str,
    text: str,
    timestamp: int,
    sim_card_id: int | None,
    name: str | None,
    tag: str | None,
) -> bytes:
    """`name` and `tag` are the contact's, if there is one."""
    return msgspec.json.encode(
        _Received(
            phone_number=phone_number,
            text=text,
            tag=tag,
            name=name,
            sim_card_id=sim_card_id,
            timestamp=timestamp,
        )
    )


def status_body(
    event: TextLinkEvent,
    *,
    phone_number: str,
    text: str,
    is_from_portal: bool,
    timestamp: int,
    textlink_id: int,
    custom_id: str | None,
    sim_card_id: int | None,
) -> bytes:
    """Sent or failed. `is_from_portal`: by a person at the console, not through an API."""
    payload: _Sent | _Failed
    if event is TextLinkEvent.SENT:
        payload = _Sent(
            phone_number=phone_number,
            text=text,
            portal=is_from_portal,
            timestamp=timestamp,
            custom_id=custom_id,
            sim_card_id=sim_card_id,
        )
    else:
        payload = _Failed(
            phone_number=phone_number,
            text=text,
            portal=is_from_portal,
            timestamp=timestamp,
            textlink_id=textlink_id,
            custom_id=custom_id,
            sim_card_id=sim_card_id,
        )
    return msgspec.json.encode(payload)


def tag_body(*, phone_number: str, tag: str, name: str | None) -> bytes:
    """`tag` is the new one; empty: it was taken away."""
    return msgspec.json.encode(_TagChanged(name=name, phone_number=phone_number, tag=tag))


def sample_body(now_ms: int) -> bytes:
    """What TextLink's own test button sends."""
    return msgspec.json.encode(
        {"phone_number": "+11234567890", "text": "Working!", "timestamp": now_ms}
    )


def with_secret(body: bytes, secret: str) -> bytes:
    """The body as it is sent: its first key is the secret."""
    return b'{"secret":' + msgspec.json.encode(secret) + b"," + body[1:]
