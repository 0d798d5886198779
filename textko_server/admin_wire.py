"""The JSON of the admin API, typed once for the server and for the programs that call it.

camelCase on the wire, times as integer Unix milliseconds, ids as 24 hex. Bodies and queries refuse
names they do not know, so that a slip of the pen is not a silent default; answers may gain fields.
Refuses to know what anything means.
"""

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.model import Role, State

PriorityName = Literal["otp", "high", "normal", "bulk"]
DeliveryState = Literal["pending", "delivered", "failed"]
ReleaseState = Literal["draft", "published", "withdrawn"]
KeyStatus = Literal["active", "revoked", "all"]
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
NaturalNumber = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the server says."""


Wider = TypeVar("Wider", bound=Answer)


def widened(answer: Answer, to: type[Wider], **more: Any) -> Wider:
    """The same answer with further fields, as a struct that extends its own."""
    return to(**msgspec.structs.asdict(answer), **more)


class Request(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What a caller says: a body, or the query of the URL."""


class Problem(Answer, frozen=True, kw_only=True):
    """RFC 9457, with our stable `code` and, when a field is wrong, its name."""

    title: str = ""
    status: int
    detail: str = ""
    code: str = ""
    field: str | None = None


class UserQuery(Request, frozen=True, kw_only=True):
    user: str | None = None
    """E-mail or id of the account that is meant. Only an admin may name another than their own."""


# --- logging in ---


class Login(Request, frozen=True, kw_only=True):
    email: str
    password: str


class FirstAdmin(Request, frozen=True, kw_only=True):
    token: str
    """Printed by the server at its first start."""
    email: str
    password: str
    name: str = ""


class User(Answer, frozen=True, kw_only=True):
    id: str
    email: str
    name: str
    role: Role
    credits: int | None
    """None: unlimited. So the next; and for the subscription: never ends."""
    monthly_limit: int | None
    subscription_ends_at: int | None
    created_at: int
    updated_at: int


class LoggedIn(Answer, frozen=True, kw_only=True):
    token: str
    """A JWT, for `Authorization: Bearer`."""
    user: User


class WhoAmI(Answer, frozen=True, kw_only=True):
    is_operator: bool
    """Came over the unix socket."""
    is_admin: bool
    user: User | None
    """None for the operator, who has no account."""


# --- users ---


class UserPageQuery(Request, frozen=True, kw_only=True):
    after: str | None = None
    """Id of the last user of the page before."""
    limit: Limit = 100


class UserPage(Answer, frozen=True, kw_only=True):
    users: list[User]
    next: str | None
    """`after` of the next page; None: this is the last."""


class NewUser(Request, frozen=True, kw_only=True):
    email: str
    password: str
    role: Role = Role.REGULAR
    name: str = ""


class UserChanges(Request, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET


class NewRole(Request, frozen=True, kw_only=True):
    role: Role


class NewPassword(Request, frozen=True, kw_only=True):
    password: str


class LimitChanges(Request, frozen=True, kw_only=True):
    """What is left out stays; null is unlimited, and for the subscription: never ends."""

    credits: int | UnsetType | None = UNSET
    monthly_limit: int | UnsetType | None = UNSET
    subscription_ends_at: int | UnsetType | None = UNSET


class Holdings(Answer, frozen=True, kw_only=True):
    """What an account has, and what goes with it when it is deleted."""

    devices: int
    api_keys: int
    webhooks: int
    messages: int
    incoming: int


class UsageQuery(Request, frozen=True, kw_only=True):
    month: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None
    """`2026-01`, UTC; None: the current one."""


class Usage(Answer, frozen=True, kw_only=True):
    """What an account used in a calendar month, and what it may."""

    month: str
    messages: int
    """Recipients."""
    segments: int
    credits: int | None
    monthly_limit: int | None
    subscription_ends_at: int | None


# --- API keys ---


class ApiKey(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    prefix: str
    scopes: list[str]
    device_ids: list[str] | None
    """The only devices it may use; None: all."""
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    created_at: int


class CreatedApiKey(ApiKey, frozen=True, kw_only=True):
    key: str
    """Shown this once."""


class LedgerQuery(Request, frozen=True, kw_only=True):
    before: str | None = None
    """Id of the last line of the page before."""
    limit: Limit = 50


class LedgerLine(Answer, frozen=True, kw_only=True):
    """A change of an account's number of credits."""

    id: str
    kind: str
    """message: a submit was charged; limits: an admin set the number."""
    amount: int
    """Below zero: taken."""
    balance: int | None
    """After it; None: unlimited from here on."""
    message_id: str | None
    """The first message of the submit it paid for."""
    created_at: int


class LedgerPage(Answer, frozen=True, kw_only=True):
    lines: list[LedgerLine]
    next: str | None


class ApiKeyQuery(UserQuery, frozen=True, kw_only=True):
    status: KeyStatus = "all"
    after: str | None = None
    """Id of the last key of the page before."""
    limit: Limit = 100


class ApiKeyPage(Answer, frozen=True, kw_only=True):
    api_keys: list[ApiKey]
    next: str | None


class NewApiKey(Request, frozen=True, kw_only=True):
    name: str
    scopes: list[str] | None = None
    """None: all."""
    expires_at: int | None = None
    device_ids: list[str] | None = None
    """None: all, those to come too."""


class ImportedApiKey(NewApiKey, frozen=True, kw_only=True):
    key: str
    """A token made elsewhere: 16 to 256 visible ASCII characters."""


class NewName(Request, frozen=True, kw_only=True):
    name: str


# --- devices ---


class NewPairingCode(Request, frozen=True, kw_only=True):
    user: str | None = None
    name: str | None = None
    """What the phone will be called; None: as it calls itself."""


class PairingCode(Answer, frozen=True, kw_only=True):
    code: str
    url: str
    """Holds server and code; shown as a QR code."""
    expires_at: int


class Pace(Request, frozen=True, kw_only=True):
    """How fast a SIM may send; null: no limit of its own."""

    min_gap_ms: NaturalNumber | None = None
    per_minute: NaturalNumber | None = None
    per_hour: NaturalNumber | None = None
    per_day: NaturalNumber | None = None
    recipients_per_month: NaturalNumber | None = None
    """Distinct phone numbers a calendar month."""


class Sim(Answer, frozen=True, kw_only=True):
    id: int
    """What TextLink's API calls `sim_card_id`."""
    slot: int
    number: str | None
    carrier: str | None
    country_iso: str | None
    is_present: bool
    pace: Pace


class Device(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    model: str
    app: str
    is_enabled: bool
    is_default: bool
    is_online: bool
    open_polls: int
    last_seen_at: int | None
    battery_percent: int | None
    is_charging: bool | None
    network: str | None
    signal_percent: int | None
    created_at: int


class DeviceDetail(Device, frozen=True, kw_only=True):
    sims: list[Sim]


class DeviceList(Answer, frozen=True, kw_only=True):
    devices: list[Device]


class DeviceChanges(Request, frozen=True, kw_only=True):
    name: str | None = None
    is_enabled: bool | None = None
    is_default: Literal[True] | None = None
    """There is always one default: make another one the default instead."""


# --- messages ---


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


class Changed(Answer, frozen=True, kw_only=True):
    count: int
    """How many recipients or deliveries it changed."""


# --- incoming messages ---


class IncomingQuery(UserQuery, frozen=True, kw_only=True):
    device: str | None = None
    """Id of a device."""
    before: str | None = None
    limit: Limit = 50


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


# --- webhooks ---


class WebhookQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class NewWebhook(Request, frozen=True, kw_only=True):
    url: str
    events: list[str]
    """MESSAGE_RECEIVED, MESSAGE_SENT, MESSAGE_DELIVERED, MESSAGE_FAILED, UNKNOWN_STATE; with the
    format `textlink` received, sent, failed, tag."""
    format: Literal["textko", "textlink"] = "textko"
    name: str = ""
    secret: str | None = None
    """None: one is made."""


class WebhookChanges(Request, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET


class Webhook(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    url: str
    format: str
    events: list[str]
    is_enabled: bool
    disabled_reason: str | None
    success_count: int
    failure_count: int
    last_success_at: int | None
    last_failure_at: int | None
    created_at: int
    updated_at: int


class WebhookWithSecret(Webhook, frozen=True, kw_only=True):
    secret: str
    """Shown when it was made or changed."""


class WebhookPage(Answer, frozen=True, kw_only=True):
    webhooks: list[Webhook]
    next: str | None


class DeliveryQuery(Request, frozen=True, kw_only=True):
    state: DeliveryState | None = None
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class Delivery(Answer, frozen=True, kw_only=True):
    id: str
    webhook_id: str
    event: str
    state: DeliveryState
    attempt_count: int
    next_attempt_at: int | None
    created_at: int
    ended_at: int | None


class Attempt(Answer, frozen=True, kw_only=True):
    number: int
    at: int
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None
    """The first 1,000 bytes."""


class DeliveryDetail(Delivery, frozen=True, kw_only=True):
    body: str
    attempts: list[Attempt]


class DeliveryPage(Answer, frozen=True, kw_only=True):
    deliveries: list[Delivery]
    next: str | None


class StartedTest(Answer, frozen=True, kw_only=True):
    delivery_id: str


# --- the server ---


class Status(Answer, frozen=True, kw_only=True):
    version: str
    started_at: int
    uptime_s: int
    url: str
    """Where phones reach it, as far as the server knows."""
    devices_online: int
    open_polls: int
    queue_depth: int
    """Recipients waiting for a phone."""
    oldest_queued_at: int | None
    webhooks_due: int
    """Deliveries whose attempt is due now."""
    data_dir: str
    database_bytes: int


class Setting(Answer, frozen=True, kw_only=True):
    name: str
    """`server.listen`"""
    value: str | int | float | bool | list[str]
    source: str
    """default, or the file, environment variable or flag that set it."""


class SettingList(Answer, frozen=True, kw_only=True):
    settings: list[Setting]


# --- opt-outs ---


class OptOutQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    limit: Limit = 50


class NewOptOut(Request, frozen=True, kw_only=True):
    phone_number: str


class OptOut(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    phone_number: str
    source: str
    """text: it sent STOP; operator: it was entered."""
    created_at: int


class OptOutPage(Answer, frozen=True, kw_only=True):
    opt_outs: list[OptOut]
    next: str | None


# --- versions of the phone app ---


class ReleaseQuery(Request, frozen=True, kw_only=True):
    """Beside an uploaded APK: what is to be known of it instead of what its manifest says."""

    version: str | None = None
    code: int | None = None


class ReleaseChanges(Request, frozen=True, kw_only=True):
    notes: str


class Release(Answer, frozen=True, kw_only=True):
    version_code: int
    version: str
    package: str
    notes: str
    file_bytes: int
    sha256: str
    state: ReleaseState
    is_active: bool
    """The one that phones are offered."""
    download_count: int
    published_at: int | None
    created_at: int
    updated_at: int


class ReleaseList(Answer, frozen=True, kw_only=True):
    releases: list[Release]


# --- live events ---


class Event(Answer, frozen=True, kw_only=True):
    """An event of `GET /events`: its name and, as far as they apply, the ids of what it is about.

    message_submitted, recipient_changed, incoming_received, device_changed, account_changed,
    webhook_attempted, scheduled_changed, credits_low; and lost, when the reader was too slow:
    `count` events are missing, read afresh.
    """

    event: str
    at: int | None = None
    user_id: str | None = None
    message_id: str | None = None
    recipient_id: str | None = None
    incoming_id: str | None = None
    device_id: str | None = None
    webhook_id: str | None = None
    delivery_id: str | None = None
    state: str | None = None
    scheduled_id: str | None = None
    what: str | None = None
    """Of a device or account: what happened to it."""
    detail: str | None = None
    number: int | None = None
    """Of a webhook's attempt."""
    status: int | None = None
    """HTTP status of the attempt; None: no answer."""
    count: int | None = None
    """Of lost events; of credits_low: the credits left."""
