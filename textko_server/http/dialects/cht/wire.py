"""The JSON of the endpoint, read leniently: whatever the app may not be told to repeat for ever.

A refused request is repeated unchanged, and what is behind it waits. So a request is refused only
when it is no request of this app; an item that cannot be read is left out, and told of (`ignored`).
"""

from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec

from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.reports import Report
from textko_server.http.dialects.cht import reasons
from textko_server.model import State

UNKNOWN_SENDER = "unknown"
MAX_SENDER_CHARACTERS = 64
SIM_SLOT = 1

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
T = TypeVar("T", bound=msgspec.Struct)


class WireText(msgspec.Struct, frozen=True):
    """A text that came in."""

    id: Id
    """A UUID of the app: the same id from the same phone is the same text."""
    from_: str | None = msgspec.field(name="from", default=None)
    """Android knows none of some; then it is "unknown"."""
    content: str | None = None
    sms_sent: int | float | None = None
    """Unix ms by the network's clock; 0 of a text of several parts."""
    sms_received: int | float | None = None
    """Unix ms by the phone's clock."""


class WireUpdate(msgspec.Struct, frozen=True):
    """What became of a message."""

    id: Id
    status: str
    """UNSENT, PENDING, SENT, DELIVERED or FAILED."""
    reason: str | None = None
    """Of FAILED only."""


class WireRequest(msgspec.Struct, frozen=True):
    messages: Annotated[list[Any], msgspec.Meta(max_length=100)] | None = None
    """The app sends 10 at most."""
    updates: Annotated[list[Any], msgspec.Meta(max_length=500)] | None = None
    """The app sends 20 at most, oldest first."""


class DocumentedRequest(msgspec.Struct, frozen=True):
    """What WireRequest is when nothing is wrong with it."""

    messages: list[WireText] | None = None
    """Ten at most."""
    updates: list[WireUpdate] | None = None
    """Twenty at most, oldest first."""


class WireMessage(msgspec.Struct, frozen=True):
    id: str
    to: str
    content: str


class WireAnswer(msgspec.Struct, frozen=True):
    messages: list[WireMessage]
    """Send each once; one that is known already is told of once more, and not sent."""


class WireVerdict(msgspec.Struct, frozen=True):
    is_gateway: bool = msgspec.field(name="medic-gateway", default=True)
    """What the app looks for before it saves its settings."""


class Told(msgspec.Struct):
    """What a request says, as far as it can be read."""

    incoming: list[Incoming] = []
    reports: list[tuple[str, Report]] = []
    """(job id, report)"""
    held: list[str] = []
    """Jobs that are on the phone, and not sent."""
    ignored: list[str] = []
    """What could not be read, in words."""


def read(request: WireRequest, now_ms: int) -> Told:
    told = Told()
    for text in _items(request.messages, WireText, "an incoming text", told):
        told.incoming.append(_incoming(text, now_ms))
    for update in _items(request.updates, WireUpdate, "a state", told):
        if update.status in ("UNSENT", "PENDING"):
            told.held.append(update.id)
        elif update.status in ("SENT", "DELIVERED"):
            state = State.SENT if update.status == "SENT" else State.DELIVERED
            told.reports.append((update.id, Report(state, now_ms)))
        elif update.status == "FAILED":
            told.reports.append((update.id, _failure(update.reason or "", now_ms)))
        else:
            told.ignored.append("it told a state that this API does not have")
    return told


def _items(items: list[Any] | None, type_: type[T], what: str, told: Told) -> Iterable[T]:
    for item in items or []:
        try:
            yield msgspec.convert(item, type_)
        except msgspec.ValidationError as error:
            told.ignored.append(f"it told {what} that cannot be read: {error}")


def _incoming(text: WireText, now_ms: int) -> Incoming:
    sender = clean_text(text.from_ or "").strip()[:MAX_SENDER_CHARACTERS] or UNKNOWN_SENDER
    at = next((int(at) for at in (text.sms_received, text.sms_sent) if at and at > 0), now_ms)
    return Incoming(text.id, sender, text.content or "", at, SIM_SLOT)


def _failure(reason: str, now_ms: int) -> Report:
    reason = clean_text(reason)
    code, words = reasons.error_code(reason), reasons.sentence(reason)
    return Report(State.FAILED, now_ms, code, words)
