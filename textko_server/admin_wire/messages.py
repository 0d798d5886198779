"""Messages, their recipients and time lines; incoming messages."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery
from textko_server.model import State

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


class MessageQuery(UserQuery, frozen=True, kw_only=True):
    state: State | None = None
    before: str | None = None
    """Id of the last message of the page before."""
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
    next: str | None
    """`before` of the next page; None: this is the last."""


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
    next: str | None
