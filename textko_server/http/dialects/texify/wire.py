"""What goes over the wire: a struct for each body, query and answer.

Names are theirs, in the order of the published samples. What the samples do not have is our own
addition. Unknown fields of a request are ignored.
"""

from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Null is the same as left out."""


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Data(Answer, Generic[T], frozen=True, kw_only=True):
    status: Literal["success"] = "success"
    data: T


class Done(Answer, Generic[T], frozen=True, kw_only=True):
    status: Literal["success"] = "success"
    message: str
    data: T


class Said(Answer, frozen=True, kw_only=True):
    status: Literal["success"] = "success"
    message: str


class Meta(Answer, frozen=True, kw_only=True):
    page: int
    limit: int
    total: int
    pages: int


class Page(Answer, Generic[T], frozen=True, kw_only=True):
    status: Literal["success"] = "success"
    data: list[T]
    meta: Meta


class FieldError(Answer, frozen=True, kw_only=True):
    field: str
    message: str


class RefusedRecipient(Answer, frozen=True, kw_only=True):
    recipient: str
    """As it was named; a member of a group by its number."""
    reason: str
    """not_found, unsubscribed or blocked."""


class Error(Answer, frozen=True, kw_only=True, omit_defaults=True):
    """Every answer of status 400 and above."""

    status: str
    """error"""
    message: str
    code: str
    errors: list[FieldError] | UnsetType = UNSET
    """Of a request that is wrong: where."""
    required: int | UnsetType = UNSET
    """Credits; and what there is of them."""
    available: int | UnsetType = UNSET
    required_scope: str | UnsetType = UNSET
    invalid_phones: list[str] | UnsetType = UNSET
    """When no recipient is left."""
    invalid_recipients: list[RefusedRecipient] | UnsetType = UNSET


# --- queries ---


class PageQuery(Request, frozen=True, kw_only=True):
    page: int = 1
    """From 1; out of range is the nearest."""
    limit: int | None = None
    """Of entries on a page; out of range is the nearest."""


class MessageQuery(PageQuery, frozen=True, kw_only=True):
    status: str | None = None
    """pending, queued, sent, delivered, failed or cancelled."""
    date_from: str | None = None
    """A date, or a time with its zone. So the next one; a date is all of that day."""
    date_to: str | None = None


class ContactQuery(PageQuery, frozen=True, kw_only=True):
    status: str | None = None
    """active, inactive, unsubscribed or blocked."""
    search: str | None = None
    """Part of a name, phone number or e-mail, whatever its case."""
    tags: str | None = None
    """Any of these, separated by commas. So the next one, of ids."""
    groups: str | None = None


class ScheduledQuery(PageQuery, frozen=True, kw_only=True):
    status: str | None = None
    """pending, processing, sent, partially_failed, failed or cancelled."""


class SpanQuery(Request, frozen=True, kw_only=True):
    date_from: str | None = None
    """As in lists of messages; left out: 30 days before the end."""
    date_to: str | None = None


# --- messages ---


class Send(Request, frozen=True, kw_only=True):
    message: str | None = None
    """This or `templateId`."""
    template_id: str | None = None
    variables: dict[str, Any] | None = None
    """Strings, numbers, true and false. With `message` they make a template of it."""
    recipients: list[str] | None = None
    """Phone numbers, ids of contacts and ids of groups, in any order."""
    sender_id: str | None = None
    """1 to 11 letters and digits. Kept and shown; a phone sends under its own number."""
    sender_id_alias: str | None = msgspec.field(default=None, name="sender_id")
    """The same, as some clients spell it."""


class Segmentation(Answer, frozen=True, kw_only=True):
    encoding: str
    """GSM-7 or UCS-2."""
    segments: int
    char_count: int
    """Septets, or UTF-16 units."""


class Result(Answer, frozen=True, kw_only=True):
    message_id: str
    recipient_count: int
    invalid_phones: list[str]
    credits_used: int
    segmentation: Segmentation
    """Of the longest text."""


class Sent(Answer, frozen=True, kw_only=True):
    batches: int
    total_recipient_count: int
    total_credits_used: int
    results: list[Result]
    """One for each group, and one for all that were named one by one."""
    invalid_recipients: list[RefusedRecipient]


class MessageRecipient(Answer, frozen=True, kw_only=True):
    phone_number: str
    status: str
    """pending, queued, sent, delivered, failed or cancelled."""
    delivered_at: str | None
    credits_used: int
    sent_at: str | None
    error_code: str | None
    error_message: str | None
    message: str | None
    """Set where it is not the message's."""


class ListedMessage(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    message: str
    recipient_count: int
    total_credits_used: int
    status: str
    created_at: str
    sender_id: str | None
    encoding: str


class Message(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    message: str
    sender_id: str | None
    encoding: str
    recipient_count: int
    total_credits_used: int
    status: str
    recipients: list[MessageRecipient]
    created_at: str


class AutoTopUp(Answer, frozen=True, kw_only=True):
    enabled: bool
    threshold: int
    amount: int


class PricingTier(Answer, frozen=True, kw_only=True):
    id: str
    name: str
    credits: int
    price: int


class Balance(Answer, frozen=True, kw_only=True):
    credits: int
    """999999999 for an account without a limit."""
    low_balance_threshold: int
    auto_top_up: AutoTopUp
    pricing_tiers: list[PricingTier]
    """None: nothing is sold here."""
    unlimited: bool


# --- contacts ---

Value = str | int | float | bool | None


class NewContact(Request, frozen=True, kw_only=True):
    phone_number: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    tags: list[str] | None = None
    groups: list[str] | None = None
    custom_fields: dict[str, Value] | None = None
    status: str | None = None


class ContactChanges(NewContact, frozen=True, kw_only=True):
    """What is left out stays; null empties."""

    phone_number: str | UnsetType = UNSET  # type: ignore[assignment]  # a change may leave it out
    first_name: str | UnsetType | None = UNSET  # type: ignore[assignment]  # so these
    last_name: str | UnsetType | None = UNSET  # type: ignore[assignment]  # as above
    email: str | UnsetType | None = UNSET  # type: ignore[assignment]  # as above
    tags: list[str] | UnsetType | None = UNSET  # type: ignore[assignment]  # as above
    groups: list[str] | UnsetType | None = UNSET  # type: ignore[assignment]  # as above
    custom_fields: dict[str, Value] | UnsetType | None = UNSET  # type: ignore[assignment]  # as above
    status: str | UnsetType | None = UNSET  # type: ignore[assignment]  # as above


class GroupName(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    name: str


class Contact(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    phone_number: str
    first_name: str
    last_name: str
    full_name: str
    email: str
    tags: list[str]
    status: str
    created_at: str
    groups: list[GroupName]
    custom_fields: dict[str, Value]
    updated_at: str


class ContactPage(Answer, frozen=True, kw_only=True):
    pagination: Meta
    contacts: list[Contact]


class NewGroup(Request, frozen=True, kw_only=True):
    name: str
    description: str | None = None


class Group(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    name: str
    description: str
    contact_count: int
    created_at: str


class GroupPage(Answer, frozen=True, kw_only=True):
    pagination: Meta
    groups: list[Group]


# --- templates ---


class NewTemplate(Request, frozen=True, kw_only=True):
    name: str
    message: str
    description: str | None = None


class Template(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    name: str
    message: str
    variables: list[str]
    created_at: str
    description: str


class TemplatePage(Answer, frozen=True, kw_only=True):
    pagination: Meta
    templates: list[Template]


class PreviewText(Request, frozen=True, kw_only=True):
    message: str
    variables: dict[str, Any] | None = None


class Preview(Answer, frozen=True, kw_only=True):
    original_message: str
    rendered_message: str
    variables: list[str]
    provided_variables: list[str]
    missing_variables: list[str]
    is_complete: bool


class RenderValues(Request, frozen=True, kw_only=True):
    variables: dict[str, Any] | None = None


class Rendered(Answer, frozen=True, kw_only=True):
    template_id: str
    template_name: str
    original_message: str
    rendered_message: str
    """A variable without a value stands in it as it was."""
    variables: list[str]
    provided_variables: dict[str, Any]


# --- scheduled ---


class NewScheduled(Request, frozen=True, kw_only=True):
    message: str
    scheduled_for: str
    """ISO 8601 with its zone, in the future."""
    sender_id: str | None = None
    sender_id_alias: str | None = msgspec.field(default=None, name="sender_id")
    recipient_type: str | None = None
    """phones, contacts or groups; left out: whichever list there is."""
    phones: list[str] | None = None
    contacts: list[str] | None = None
    contact_ids: list[str] | None = None
    """Another name of `contacts`. So the last one."""
    groups: list[str] | None = None
    group_ids: list[str] | None = None


class ScheduledChanges(Request, frozen=True, kw_only=True):
    message: str | None = None
    scheduled_for: str | None = None
    sender_id: str | None = None
    sender_id_alias: str | None = msgspec.field(default=None, name="sender_id")


class Scheduled(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    message: str
    scheduled_for: str
    status: str
    estimated_recipients: int
    estimated_credits: int
    sender_id: str | None
    recipient_type: str
    message_ids: list[str]
    """What was made of it."""
    error_code: str | None
    error_message: str | None
    created_at: str
    updated_at: str


class Estimates(Answer, frozen=True, kw_only=True):
    recipients: int
    segments: int
    credits: int
    encoding: str


class ScheduledCreated(Answer, frozen=True, kw_only=True):
    scheduled_message: Scheduled
    estimates: Estimates
    invalid_phones: list[str]
    invalid_recipients: list[RefusedRecipient]


# --- analytics ---


class Volume(Answer, frozen=True, kw_only=True):
    messages: int
    """Recipients."""
    credits: int


class DayVolume(Volume, frozen=True, kw_only=True):
    date: str


class StatusVolume(Volume, frozen=True, kw_only=True):
    status: str


class DeviceVolume(Volume, frozen=True, kw_only=True):
    device_id: str | None
    """None: the device is gone."""
    device_name: str | None


class Report(Answer, frozen=True, kw_only=True):
    date_from: str
    date_to: str
    totals: Volume
    sent_rate: float | None
    """Of all that were sent or ended without it; null: none were."""
    delivered_rate: float | None
    by_day: list[DayVolume]
    by_status: list[StatusVolume]
    by_device: list[DeviceVolume]
    is_complete: bool
    """False: only the newest 100,000 are counted."""


class LedgerLine(Answer, frozen=True, kw_only=True):
    id: str = msgspec.field(name="_id")
    type: str
    """message: a send was charged; limits: an admin set the number of credits."""
    amount: int
    """Below zero: taken."""
    balance: int | None
    """After it; null: unlimited."""
    message_id: str | None
    created_at: str
