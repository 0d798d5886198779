"""What Textko's handlers take and answer, as structs; times are ISO 8601 UTC, ids 24 hex.

Answers are encoded from these. Bodies that are taken more leniently than a struct can say (either
of two names for a field), and queries, are described here and read in sending.py and parameters.py;
a test holds both against real requests. Upstream leaves out what is not set: so do these.
"""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, field

from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.model import Role, Scope

MAX_BULK_MESSAGES = 1_000

T = TypeVar("T")

Iso = Annotated[str, Meta(description="ISO 8601, UTC.")]
Id = Annotated[str, Meta(description="24 hex digits.")]
SentStatus = Literal[
    "pending", "dispatched", "sent", "delivered", "failed", "unknown", "expired", "cancelled"
]
BatchStatus = Literal["pending", "processing", "completed", "partial_success", "failed", "unknown"]
NotificationStatus = Literal["pending", "retrying", "delivered", "failed"]
Direction = Literal["all", "sent", "received"]


class Answer(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True, gc=False
):
    """None: left out, but for fields without a default."""


class Described(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a body or a query may hold; unknown fields are ignored."""


class Data(msgspec.Struct, Generic[T], frozen=True):
    data: T


class PageMeta(Answer, frozen=True, kw_only=True):
    page: int | None = None
    limit: int
    total: int | None = None
    """Exact on the last page only; see parameters.Paging."""
    total_pages: int | None = None
    next_cursor: str | None
    has_more: bool


class Page(msgspec.Struct, Generic[T], frozen=True):
    data: list[T]
    meta: PageMeta


class Success(Answer, frozen=True, kw_only=True):
    success: bool


class Done(Answer, frozen=True, kw_only=True):
    message: str


class Error(Answer, frozen=True, kw_only=True):
    error: str
    """The one field that is always there."""
    code: str | None = None
    message: str | None = None
    field: str | None = None
    success: bool | None = None
    status_code: int | None = None
    has_reached_limit: bool | None = None
    monthly_limit: int | None = None
    monthly_remaining: int | None = None


# --- users and logins ---


class User(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    name: str
    email: str
    role: Role
    created_at: Iso
    updated_at: Iso


class Session(Answer, frozen=True, kw_only=True):
    access_token: Annotated[str, Meta(description="A JWT, for Authorization: Bearer.")]
    user: User


class NewSession(Answer, frozen=True, kw_only=True):
    data: Session
    message: str


class UsersQuery(Described, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, le=999_999)] = 1000
    cursor: Id | None = None


# --- API keys ---


class ApiKey(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    api_key: Annotated[str, Meta(description="Its beginning, and stars.")]
    name: str
    user: Id
    scopes: list[Scope]
    expires_at: Iso | None
    last_used_at: Iso | None
    revoked_at: Iso | None
    created_at: Iso
    updated_at: Iso


class CreatedApiKey(Answer, frozen=True, kw_only=True):
    data: Annotated[str, Meta(description="The key; shown this once.")]
    message: str
    api_key: ApiKey


class ApiKeysQuery(Described, frozen=True, kw_only=True):
    status: Literal["active", "revoked", "all"] = "active"


# --- devices ---


class DeviceBrief(Answer, frozen=True, kw_only=True):
    """A device as it stands inside an SMS."""

    id: Id = field(name="_id")
    enabled: bool
    brand: str
    model: str


class Battery(Answer, frozen=True, kw_only=True):
    percentage: int
    is_charging: bool | None = None


class Network(Answer, frozen=True, kw_only=True):
    type: str


class Sim(Answer, frozen=True, kw_only=True):
    subscription_id: int | None = None
    sim_slot_index: Annotated[int, Meta(description="Counts from 0, as Android does.")]
    carrier_name: str | None = None
    country_iso: str | None = None
    phone_number: str | None = None


class Sims(Answer, frozen=True, kw_only=True):
    sims: list[Sim]


class Device(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    enabled: bool
    brand: str
    model: str
    user: Id
    name: str
    is_default: bool
    app_version_name: str | None = None
    last_heartbeat: Iso | None = None
    is_online: bool
    battery_info: Battery | None = None
    network_info: Network | None = None
    sim_info: Sims
    created_at: Iso
    updated_at: Iso


class Heartbeat(Answer, frozen=True, kw_only=True):
    success: bool
    fcm_token_updated: bool
    last_heartbeat: Iso
    name: str


# --- sending ---


class SendBody(Described, frozen=True, kw_only=True):
    """`message` and `recipients`, or textbee's older names for them."""

    message: Annotated[str, Meta(min_length=1, description="The text.")] | None = None
    sms_body: Annotated[str, Meta(description="Older name of message.")] | None = None
    recipients: (
        Annotated[list[str], Meta(min_length=1, description="Phone numbers, E.164.")] | None
    ) = None
    receivers: Annotated[list[str], Meta(description="Older name of recipients.")] | None = None
    sim_subscription_id: (
        Annotated[int, Meta(description="Android's id of the SIM; needs a device.")] | None
    ) = None
    scheduled_at: (
        Annotated[str, Meta(description="ISO 8601 with its zone; within a year.")] | None
    ) = None


class SendAnywhereBody(SendBody, frozen=True, kw_only=True):
    device_id: Annotated[str, Meta(description="The phone to send it; left out: any.")] | None = (
        None
    )


class BulkBody(Described, frozen=True, kw_only=True):
    messages: Annotated[list[SendBody], Meta(min_length=1, max_length=MAX_BULK_MESSAGES)]
    message_template: Annotated[str, Meta(description="Ignored.")] | None = None


class BulkAnywhereBody(BulkBody, frozen=True, kw_only=True):
    device_id: Annotated[str, Meta(description="The phone to send them; left out: any.")] | None = (
        None
    )


class Accepted(Answer, frozen=True, kw_only=True):
    success: bool
    message: str
    sms_batch_id: Id
    recipient_count: int


class AcceptedBulk(Answer, frozen=True, kw_only=True):
    success: bool
    message: str
    sms_batch_id: Id
    sms_batch_ids: list[Id]
    """Upstream has one batch for all; here each message can be asked for."""
    recipient_count: int


# --- reading ---


class SentSms(Answer, frozen=True, kw_only=True, tag_field="type", tag="SENT"):
    id: Id = field(name="_id")
    message: str
    device: DeviceBrief | None = None
    """Absent: no phone has it yet, or it was removed."""
    direction: Literal["sent"]
    channel: Literal["sms"]
    status: SentStatus
    recipient: str
    sms_batch: Id
    encrypted: bool
    requested_at: Iso
    dispatch_due_at: Iso | None = None
    dispatched_at: Iso | None = None
    sent_at: Iso | None = None
    delivered_at: Iso | None = None
    failed_at: Iso | None = None
    error_code: str | None = None
    error_message: str | None = None
    created_at: Iso
    updated_at: Iso


class ReceivedSms(Answer, frozen=True, kw_only=True, tag_field="type", tag="RECEIVED"):
    id: Id = field(name="_id")
    message: str
    device: DeviceBrief | None = None
    direction: Literal["received"]
    channel: Literal["sms"]
    status: Literal["received"]
    sender: str
    encrypted: bool
    received_at: Iso
    created_at: Iso
    updated_at: Iso


class Batch(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    device: DeviceBrief | None = None
    message: str
    recipient_count: int
    recipient_preview: Annotated[str, Meta(description="Two numbers and a count.")]
    success_count: int
    failure_count: int
    status: BatchStatus
    completed_at: Iso | None = None
    created_at: Iso
    updated_at: Iso


class BatchDetail(Answer, frozen=True, kw_only=True):
    batch: Batch
    messages: list[SentSms]


class Totals(Answer, frozen=True, kw_only=True):
    sent_count: int = field(name="totalSentSMSCount")
    received_count: int = field(name="totalReceivedSMSCount")
    device_count: int = field(name="totalDeviceCount")
    api_key_count: int = field(name="totalApiKeyCount")


class PageQuery(Described, frozen=True, kw_only=True):
    page: Annotated[int, Meta(ge=1)] = 1
    limit: Annotated[int, Meta(ge=1, description="More than 100 is 100.")] = 50
    cursor: (
        Annotated[str, Meta(description="nextCursor of the page before; then page does not count.")]
        | None
    ) = None


class DeviceMessagesQuery(PageQuery, frozen=True, kw_only=True):
    type: Direction = "all"
    search: Annotated[str, Meta(description="In texts and phone numbers.")] | None = None


class MessagesQuery(PageQuery, frozen=True, kw_only=True):
    device_ids: Annotated[str, Meta(description="Ids, apart by commas; at most 100.")] | None = None
    sms_batch_id: Id | None = None
    direction: Direction = "all"
    type: Annotated[Direction, Meta(description="Older name of direction.")] | None = None
    status: SentStatus | Literal["received"] | None = None
    search: Annotated[str, Meta(description="In texts and phone numbers.")] | None = None
    from_: Annotated[str, Meta(description="Not before: ISO 8601, or a date.")] | None = field(
        name="from", default=None
    )
    to: Annotated[str, Meta(description="Before: ISO 8601, or a date.")] | None = None
    order: Literal["desc", "asc"] = "desc"


# --- webhooks ---


class Webhook(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    user: Id
    name: str
    is_active: bool
    disabled_reason: str | None = None
    events: list[str]
    delivery_url: str
    signing_secret: str
    successful_delivery_count: int
    delivery_failure_count: int
    delivery_attempt_count: int
    last_delivery_attempt_at: Iso | None = None
    last_delivery_success_at: Iso | None = None
    last_delivery_failure_at: Iso | None = None
    created_at: Iso
    updated_at: Iso


class Notification(Answer, frozen=True, kw_only=True):
    id: Id = field(name="_id")
    event: str
    payload: Annotated[msgspec.Raw, Meta(description="The JSON that was sent.")]
    status: NotificationStatus
    idempotency_key: str
    delivery_attempt_count: int
    last_delivery_attempt_at: Iso | None = None
    next_delivery_attempt_at: Iso | None = None
    delivered_at: Iso | None = None
    delivery_attempt_aborted_at: Iso | None = None
    http_status_code: int | None = None
    response_body: str | None = None
    error_message: str | None = None
    created_at: Iso


class NotificationsQuery(PageQuery, frozen=True, kw_only=True):
    limit: Annotated[int, Meta(ge=1, description="More than 100 is 100.")] = 10
    status: NotificationStatus | None = None
    event_type: WebhookEvent | None = None
    webhook_subscription_id: Id | None = None
