"""The time line of a recipient in plain words: when, what, by whom, through which phone.

Its first line is not stored: it is the recipient's own row.
"""

from textko_server import admin_wire as wire
from textko_server.clock import iso_utc_ms
from textko_server.http.admin.names import Names
from textko_server.model import Dialect, Message, Recipient, RecipientEvent, State

_API_NAMES = {
    Dialect.TEXTKO: "the Textko API",
    Dialect.SELFHOSTED: "the Self Hosted SMS API",
    Dialect.TEXIFY: "the Texify API",
    Dialect.TEXTLINK: "the TextLink API",
    Dialect.SMSGATE: "the SMSGate API",
    Dialect.ADMIN: "the admin API",
}
# What a state means for a phone; what is stored beside it only adds to that.
_OF_A_PHONE = {
    State.OFFERED: "offered to {device}",
    State.CLAIMED: "{device} took it",
    State.SENT: "{device} handed it to the network",
    State.DELIVERED: "the network confirmed that it arrived",
}
# What a state means when nothing else is stored.
_OTHERWISE = {
    State.SCHEDULED: "waiting for its time",
    State.QUEUED: "waiting for a phone",
    State.FAILED: "it could not be sent",
    State.EXPIRED: "no phone took it in time",
    State.CANCELLED: "cancelled before it was sent",
}


async def time_line(
    names: Names, message: Message, recipient: Recipient, events: list[RecipientEvent]
) -> list[wire.TimeLineEntry]:
    """Oldest first."""
    entries = [await _first(names, message, recipient)]
    for event in events:
        _, device = await names.device(event.device_id)
        entries.append(
            wire.TimeLineEntry(
                at=event.at,
                state=event.state,
                by=_who(event.actor),
                device=device,
                detail=_words(event, device or "a phone"),
            )
        )
    return entries


async def _first(names: Names, message: Message, recipient: Recipient) -> wire.TimeLineEntry:
    if message.api_key_id is not None:
        by = f"key {await names.api_key(message.api_key_id) or '(deleted)'}"
    else:
        by = f"user {(await names.user(message.user_id))[1]}"
    detail = f"submitted through {_API_NAMES[message.dialect]}"
    state = State.QUEUED
    if message.scheduled_at is not None:
        state = State.SCHEDULED
        detail += f", to be sent at {iso_utc_ms(message.scheduled_at)}"
    return wire.TimeLineEntry(
        at=recipient.created_at, state=state, by=by, device=None, detail=detail
    )


def _who(actor: str) -> str:
    kind, colon, name = actor.partition(":")
    if kind == "device":
        return "phone"
    return f"{kind} {name}" if colon else actor


def _words(event: RecipientEvent, device: str) -> str:
    if event.state in _OF_A_PHONE:
        meaning = _OF_A_PHONE[event.state].format(device=device)
        return f"{meaning} ({event.detail})" if event.detail else meaning
    return event.detail or _OTHERWISE[event.state]
