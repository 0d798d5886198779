"""Messages, their recipients and time lines; incoming messages."""

from typing import Literal

import msgspec

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery
from textko_server.model import Dialect, State

PriorityName = Literal["otp", "high", "normal", "bulk"]


class NewMessage(Request, frozen=True, kw_only=True):
    to: list[str]
    text: str
    device_id: str | None = None
    """Pinned to this device; None: any of the account."""
    sim_slot: int | None = None
    """Pinned to this SIM of the device."""
    priority: PriorityName = "normal"
    send_at: int | None = None
    expires_at: int | None = None
    """None: after the time in the settings."""


class MessageFilter(UserQuery, frozen=True, kw_only=True):
    """Which messages: those that meet all that is given."""

    state: str | None = None
    """One or several states, separated by commas."""
    device: str | None = None
    """Id of a device that one of the recipients is pinned to, offered to or was claimed by."""
    dialect: Dialect | None = None
    from_: int | None = msgspec.field(default=None, name="from")
    """Submitted then or later."""
    to: int | None = None
    """Submitted earlier than that."""
    faults: bool | None = None
    """Only what failed or expired, and what has been queued, offered or claimed for over 15 minutes
    since it was submitted or its time came. A message with several recipients goes by its own
    state."""
    number: str | None = None
    """Phone number of a recipient, or how it begins; only its digits count."""
    text: str | None = None
    """Part of the text, in upper or lower case."""


class MessageQuery(MessageFilter, frozen=True, kw_only=True):
    before: str | None = None
    """`next` of the page before, or the id of any message: older than that one."""
    after: str | None = None
    """Id of a message: newer than that one, still the newest first."""
    limit: Limit = 50


class TimeLineEntry(Answer, frozen=True, kw_only=True):
    at: int
    state: State
    by: str
    """Who: `phone`, `key <name>`, `user <e-mail>`, `operator`, `clock`."""
    device: str | None
    """Name of the phone it is about."""
    detail: str
    """In plain words."""


class Recipient(Answer, frozen=True, kw_only=True):
    id: str
    phone_number: str
    state: State
    text: str | None
    """Set where it is not the message's."""
    device_id: str | None
    device: str | None
    sim_slot: int | None
    error_code: str | None
    error: str | None
    segments: int
    attempts: int
    """How often a phone took it, since it was queued or last queued again by hand."""
    is_cancel_requested: bool
    created_at: int
    claimed_at: int | None
    sent_at: int | None
    delivered_at: int | None
    ended_at: int | None


class RecipientDetail(Recipient, frozen=True, kw_only=True):
    time_line: list[TimeLineEntry]


class Message(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    dialect: str
    text: str
    encoding: str
    segments: int
    """For each recipient; the most of them where texts differ."""
    credits: int
    """What all recipients cost together."""
    recipient_count: int
    state: State
    priority: PriorityName
    sender_id: str | None
    custom_id: str | None
    scheduled_at: int | None
    expires_at: int | None
    created_at: int
    updated_at: int


class MessageSummary(Message, frozen=True, kw_only=True):
    first_recipient: Recipient | None


class MessageDetail(Message, frozen=True, kw_only=True):
    api_key: str | None
    """Name of the key it was submitted with."""
    recipients: list[RecipientDetail]


class MessagePage(Answer, frozen=True, kw_only=True):
    messages: list[MessageSummary]
    """May be fewer than `limit`, or none, and still have a next page: a request looks at so many
    messages only."""
    next: str | None
    """`before` of the next page; None: this is the last."""
    searched_to: int | None = None
    """How far back it has looked, by time of submit; None: to the end."""


class MessageCounts(Answer, frozen=True, kw_only=True):
    by_state: dict[State, int]
    """States of which there is none are absent."""
    total: int
    is_exact: bool
    """Whether that is all: counting stops at some 10,000 of a state, or where looking at each
    message would take too long."""
    searched_to: int | None = None
    """As of a page."""


class Resending(Request, frozen=True, kw_only=True):
    only: Literal["failed", "all"] = "failed"
    """Which recipients: those whose state is failed, expired or cancelled, or all."""


class Incoming(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    device_id: str | None
    """None: the device was deleted."""
    device: str | None
    sim_slot: int | None
    sender: str
    text: str
    received_at: int
    created_at: int


class IncomingPage(Answer, frozen=True, kw_only=True):
    incoming: list[Incoming]
    """May be fewer than `limit`, or none, and still have a next page: a request looks at so many
    texts only."""
    next: str | None
    """`before` of the next page; None: this is the last."""
    searched_to: int | None = None
    """How far back it has looked, by time of receipt; None: to the end."""
