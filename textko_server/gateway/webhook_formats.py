"""The formats a webhook may be in, the events of each, and which of them a change of a job makes.

Refuses to know what the bodies say; see webhook_payloads.py, textlink_payloads.py and
smsgate_payloads.py.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import StrEnum

from textko_server.errors import Invalid
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.states import SILENT_ERRORS
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.model import Recipient, State


class Format(StrEnum):
    TEXTKO = "textko"
    TEXTLINK = "textlink"
    SMSGATE = "smsgate"


_EVENTS: dict[str, tuple[str, ...]] = {
    Format.TEXTKO: tuple(WebhookEvent),
    Format.TEXTLINK: tuple(TextLinkEvent),
    Format.SMSGATE: tuple(SmsgateEvent),
}

_TEXTKO_EVENTS = {
    State.SENT: WebhookEvent.MESSAGE_SENT,
    State.DELIVERED: WebhookEvent.MESSAGE_DELIVERED,
    State.FAILED: WebhookEvent.MESSAGE_FAILED,
    State.EXPIRED: WebhookEvent.MESSAGE_FAILED,
}

_SMSGATE_EVENTS = {
    State.SENT: SmsgateEvent.SENT,
    State.DELIVERED: SmsgateEvent.DELIVERED,
    State.FAILED: SmsgateEvent.FAILED,
    State.EXPIRED: SmsgateEvent.FAILED,
    State.CANCELLED: SmsgateEvent.CANCELLED,
}

# What any format tells of.
TOLD_STATES = frozenset({State.CLAIMED, *_TEXTKO_EVENTS, *_SMSGATE_EVENTS})


def check_format(payload_format: str) -> Format:
    """Raises Invalid unless it is one of ours."""
    if payload_format not in _EVENTS:
        raise Invalid("format", f"must be one of {', '.join(_EVENTS)}")
    return Format(payload_format)


def stored_events(payload_format: str, events: Sequence[str]) -> str:
    """Without repeats, in our own order. Raises Invalid for none and for an unknown one."""
    known = _EVENTS[payload_format]
    unknown = [event for event in events if event not in known]
    if unknown:
        raise Invalid("events", f"{unknown[0]!r} is none of {', '.join(known)}")
    if not events:
        raise Invalid("events", f"choose at least one of {', '.join(known)}")
    return " ".join(event for event in known if event in events)


def events_of(payload_format: str, asked_for: AbstractSet[str], job: Recipient) -> list[str]:
    """What a webhook is owed of a job that has just come to its state, in this order."""
    if payload_format == Format.TEXTLINK:
        events: list[str] = _textlink_events(job)
    elif payload_format == Format.SMSGATE:
        events = [_SMSGATE_EVENTS[job.state]] if job.state in _SMSGATE_EVENTS else []
    else:
        events = _textko_events(job, asked_for)
    return [event for event in events if event in asked_for]


def _textko_events(job: Recipient, asked_for: AbstractSet[str]) -> list[str]:
    event = _TEXTKO_EVENTS.get(job.state)
    if event is None:
        return []
    is_silent = job.state is State.FAILED and job.error_code in SILENT_ERRORS
    if is_silent and WebhookEvent.UNKNOWN_STATE in asked_for:
        return [WebhookEvent.UNKNOWN_STATE]
    return [event]


def _textlink_events(job: Recipient) -> list[str]:
    """TextLink: Sent when the message is handed to a phone, once; a failed one is first Sent.

    Source: docs.textlinksms.com/webhooks.
    """
    if job.state is State.CLAIMED and job.lease_count == 1:
        return [TextLinkEvent.SENT]
    if job.state in (State.FAILED, State.EXPIRED):
        was_handed_over = job.lease_count > 0
        return [TextLinkEvent.FAILED] if was_handed_over else [*_SENT_AND_FAILED]
    return []


_SENT_AND_FAILED = (TextLinkEvent.SENT, TextLinkEvent.FAILED)
