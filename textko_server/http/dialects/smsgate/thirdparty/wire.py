"""Bodies, queries and answers of SMSGate's API for applications, as its clients write and read
them. Fields that we ignore are not named: unknown ones are dropped."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from textko_server.http.dialects.smsgate.thirdparty.states import Word

_Id = Annotated[str, Meta(max_length=36)]


class _Given(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is null counts as left out."""


class _Told(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Fields that are null are left out."""


class Nothing(msgspec.Struct, frozen=True):
    """{}: clients read JSON from whatever is not 204."""


# --- messages ---


class GivenText(_Given, frozen=True, kw_only=True):
    text: str


class GivenData(_Given, frozen=True, kw_only=True):
    data: str
    """Base64."""
    port: Annotated[int, Meta(ge=1, le=65_535)]


class NewMessage(_Given, frozen=True, kw_only=True):
    id: _Id | None = None
    """Chosen by the application: a second message with it is refused with 409."""
    device_id: str | None = None
    """Only this device; else whichever is ready first."""
    message: str | None = None
    """The text, as older clients write it. Exactly one of the next three and this."""
    text_message: GivenText | None = None
    data_message: GivenData | None = None
    mms_message: Any = None
    """Refused: phones send no MMS here."""
    phone_numbers: Annotated[list[str], Meta(min_length=1, max_length=100)]
    """Each once."""
    sim_number: Annotated[int, Meta(ge=1, le=8)] | None = None
    """Counts from 1."""
    with_delivery_report: bool | None = None
    is_encrypted: bool | None = None
    """Text and numbers are ciphertext; only a phone with SMSGate's app can send it."""
    priority: Annotated[int, Meta(ge=-128, le=127)] | None = None
    """From 100 on it passes limits and delays."""
    ttl: Annotated[int, Meta(ge=5, le=31_622_400)] | None = None
    """Seconds from now in which it may be sent; or valid_until."""
    valid_until: str | None = None
    """RFC 3339. So the next one."""
    schedule_at: str | None = None
    """Not before this."""


class SendQuery(_Given, frozen=True, kw_only=True):
    skip_phone_validation: bool = False
    """Nothing here depends on it: what can be a phone number anywhere is taken."""
    device_active_within: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """Only if a device was heard of in so many hours; 0: whenever."""


class MessageQuery(_Given, frozen=True, kw_only=True):
    from_: str | None = msgspec.field(default=None, name="from")
    """RFC 3339: made at this time or later."""
    to: str | None = None
    """RFC 3339: made at this time or earlier."""
    state: Word | None = None
    device_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0
    include_content: bool = False
    sort: Literal["created_at", "-created_at"] = "-created_at"


class RecipientTold(_Told, frozen=True, kw_only=True):
    phone_number: str
    state: Word
    error: str | None = None


class MessageTold(_Told, frozen=True, kw_only=True):
    id: str
    device_id: str
    """Empty until a phone has taken it."""
    state: Word
    is_hashed: bool
    """Always false: content is kept until the retention of this server deletes it."""
    is_encrypted: bool
    recipients: list[RecipientTold]
    states: dict[str, str]
    """When it came to each state."""
    text_message: GivenText | None = None
    data_message: GivenData | None = None
    created_at: str


# --- devices ---


class SimCardTold(_Told, frozen=True, kw_only=True):
    slot_index: int
    """Counts from 0."""
    sim_number: int
    """Counts from 1."""
    phone_number: str | None = None
    carrier_name: str | None = None


class DeviceTold(_Told, frozen=True, kw_only=True):
    id: str
    name: str
    created_at: str
    updated_at: str
    last_seen: str
    sim_cards: list[SimCardTold]


# --- webhooks ---


class NewWebhook(_Given, frozen=True, kw_only=True):
    id: _Id | None = None
    """Chosen by the application: the webhook that has it is changed."""
    url: str
    event: str
    device_id: str | None = None
    """Only what happens on this device."""


class WebhookTold(_Told, frozen=True, kw_only=True):
    id: str
    device_id: str | None = None
    url: str
    event: str


# --- inbox ---


class InboxQuery(_Given, frozen=True, kw_only=True):
    type: Literal["SMS", "DATA_SMS", "MMS", "MMS_DOWNLOADED"] | None = None
    """All that is kept here are SMS."""
    from_: str | None = msgspec.field(default=None, name="from")
    """RFC 3339: stored at this time or later."""
    to: str | None = None
    """RFC 3339: stored at this time or earlier."""
    device_id: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0)] = 0
    include_attachments: bool = False
    """There are none."""


class IncomingTold(_Told, frozen=True, kw_only=True):
    id: str
    type: Literal["SMS"]
    device_id: str
    """Empty: the device is gone."""
    sender: str
    recipient: str | None = None
    """The number of the SIM that it came in by, if that is known."""
    sim_number: int | None = None
    content_preview: str
    """All of the text."""
    created_at: str
    """When the phone received it."""


class InboxRefresh(_Given, frozen=True, kw_only=True):
    since: str
    """RFC 3339. So the next one."""
    until: str
    device_id: str | None = None
    """None: all phones of the account that have SMSGate's app."""
    message_types: list[Literal["SMS", "DATA_SMS", "MMS", "MMS_DOWNLOADED"]] | None = None
    webhook_delivery: Literal["Disabled", "Individual", "Batch"] | None = None
    trigger_webhooks: bool | None = None


# --- log ---


class LogQuery(_Given, frozen=True, kw_only=True):
    from_: str | None = msgspec.field(default=None, name="from")
    """RFC 3339. So the next one."""
    to: str | None = None


class LogEntry(_Told, frozen=True, kw_only=True):
    id: int
    created_at: str
    module: str
    priority: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    message: str
    context: dict[str, str]


# --- tokens ---


class TokenRequest(_Given, frozen=True, kw_only=True):
    scopes: list[str]
    ttl: int | None = None
    """Seconds; 900 at most, and unless it is said."""


class TokenPair(msgspec.Struct, frozen=True, kw_only=True):
    """In both spellings: SMSGate's server writes one, its client reads the other."""

    id: str
    token_type: str
    access_token: str
    refresh_token: str
    expires_at: str
    """Of the access token."""
    token_type_camel: str = msgspec.field(name="tokenType")
    access_token_camel: str = msgspec.field(name="accessToken")
    refresh_token_camel: str = msgspec.field(name="refreshToken")
    expires_at_camel: str = msgspec.field(name="expiresAt")


# --- health ---

HealthWord = Literal["pass", "warn", "fail"]


class HealthCheck(_Told, frozen=True, kw_only=True):
    status: HealthWord
    description: str


class HealthTold(_Told, frozen=True, kw_only=True):
    status: HealthWord
    version: str
    release_id: int
    checks: dict[str, HealthCheck]
