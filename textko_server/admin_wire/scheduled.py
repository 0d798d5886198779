"""Scheduled messages: texts that become messages at their time."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.contacts import CustomValue
from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery
from textko_server.model import ScheduledStatus

RecipientType = Literal["phones", "contacts", "groups"]


class ScheduledQuery(UserQuery, frozen=True, kw_only=True):
    status: ScheduledStatus | None = None
    before: str | None = None
    """Id of the last one of the page before."""
    limit: Limit = 50


class NewScheduled(Request, frozen=True, kw_only=True):
    """To numbers, contacts or groups: to one kind of them."""

    to: list[str] = msgspec.field(default_factory=list)
    """Phone numbers."""
    contact_ids: list[str] = msgspec.field(default_factory=list)
    group_ids: list[str] = msgspec.field(default_factory=list)
    text: str | None = None
    """Either this or a template."""
    template_id: str | None = None
    values: dict[str, CustomValue] | None = None
    """Of the variables of the text, before those of each contact (`firstName`, `customFields.x`).
    None: braces in a text are just text; a template has its variables filled in in any case."""
    send_at: int


class ScheduledChanges(Request, frozen=True, kw_only=True):
    """While it is pending. What is not given stays."""

    text: str | UnsetType = UNSET
    send_at: int | UnsetType = UNSET


class Scheduled(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    text: str
    values: dict[str, str] | None
    """Set where variables in the text are filled in for each recipient."""
    recipient_type: RecipientType
    recipients: list[str]
    """Phone numbers, or ids of contacts or groups, as they were given."""
    recipient_names: list[str]
    """The first 20 of them for people: numbers, names of contacts or groups."""
    send_at: int
    status: ScheduledStatus
    error_code: str | None
    error: str | None
    recipient_count: int
    """An estimate until it is sent. So the next three."""
    segments: int
    credits: int
    encoding: str
    message_ids: list[str]
    """What was made of it."""
    sent_at: int | None
    created_at: int
    updated_at: int


class ScheduledPage(Answer, frozen=True, kw_only=True):
    scheduled: list[Scheduled]
    next: str | None
