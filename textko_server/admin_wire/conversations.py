"""Conversations: what an account and one other number wrote to each other."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer, Limit, UserQuery
from textko_server.model import State


class ConversationQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    """`next` of the page before."""
    limit: Limit = 50


class ConversationsQuery(ConversationQuery, frozen=True, kw_only=True):
    number: str | None = None
    """Who wrote: the whole number or name."""


class Conversation(Answer, frozen=True, kw_only=True):
    user_id: str
    user: str
    phone_number: str
    """Of the other side, as its texts came from; a name where it is no number."""
    contact_id: str | None
    contact_name: str | None
    """Of the account's contact with that number; None: there is none, or it has no name."""
    last_incoming_id: str
    last_text: str
    """Of the newest text from there. So the next three."""
    last_at: int
    device_id: str | None
    device: str | None
    sim_slot: int | None
    incoming_count: int
    """With those that were deleted since."""
    unread_count: int


class ConversationPage(Answer, frozen=True, kw_only=True):
    conversations: list[Conversation]
    next: str | None
    """`before` of the next page; None: this is the last."""


class ConversationMessage(Answer, frozen=True, kw_only=True):
    direction: Literal["in", "out"]
    id: str
    """Of the incoming message, or of the message that was sent."""
    at: int
    """When the server took it."""
    text: str
    state: State | None
    """Of what was sent. So the next one."""
    error: str | None
    device_id: str | None
    device: str | None
    sim_slot: int | None
    is_unread: bool
    """Of what came in."""


class ConversationMessagePage(Answer, frozen=True, kw_only=True):
    messages: list[ConversationMessage]
    """Newest first."""
    next: str | None
    """`before` of the next page; None: this is the last."""
    searched_to: int | None
    """Set on the last page when texts that were sent before this time are left out: when the number
    first wrote, only the newest 10,000 recipients of the server were looked through."""


class MarkedRead(Answer, frozen=True, kw_only=True):
    count: int
    """How many incoming messages were unread."""
