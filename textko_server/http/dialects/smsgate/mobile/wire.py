"""What SMSGate's app and its server say to each other, as JSON.

Unknown fields are ignored, as the app does with ours. What is None is left out. Times are ISO 8601
with exactly three digits of milliseconds, the one form that the app reads in all its versions.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec


class _Wire(msgspec.Struct, rename="camel", frozen=True, kw_only=True, omit_defaults=True):
    pass


Name = Annotated[str, msgspec.Meta(max_length=128)]
ShortText = Annotated[str, msgspec.Meta(max_length=256)]


class SimCard(_Wire, frozen=True, kw_only=True):
    slot_index: int = 0
    """Counts from 0."""
    sim_number: int
    """Counts from 1."""
    phone_number: ShortText | None = None
    """The app puts stars for all but the last four characters. So the next two."""
    carrier_name: ShortText | None = None
    iccid: ShortText | None = None


class NewDevice(_Wire, frozen=True, kw_only=True):
    name: Name = ""
    """Maker and product."""
    push_token: str | None = None
    """Of Google's push service, which this server does not use."""
    sim_cards: list[SimCard] | None = None


class RegisteredDevice(_Wire, frozen=True, kw_only=True):
    id: str
    token: str
    """Shown this once."""
    login: str
    """E-mail of the account."""
    password: str | None = None
    """Only of an account that was made for this phone."""


class DeviceChanges(_Wire, frozen=True, kw_only=True):
    id: str
    push_token: str | None = None
    sim_cards: list[SimCard] | None = None


class DeviceState(_Wire, frozen=True, kw_only=True):
    id: str
    name: str


class AboutCaller(_Wire, frozen=True, kw_only=True):
    external_ip: str
    """Where the request came from."""
    device: DeviceState | None = None


class TextContent(_Wire, frozen=True, kw_only=True):
    text: str


class DataContent(_Wire, frozen=True, kw_only=True):
    data: str
    """Base64."""
    port: int


class Message(_Wire, frozen=True, kw_only=True):
    id: str
    """Of one attempt: what is to be sent anew has another id."""
    text_message: TextContent | None = None
    data_message: DataContent | None = None
    message: str | None = None
    """The text again, for old apps."""
    phone_numbers: list[str]
    """One."""
    sim_number: int | None = None
    """Counts from 1; absent: as the app chooses."""
    with_delivery_report: bool | None = None
    is_encrypted: bool | None = None
    valid_until: str | None = None
    priority: int | None = None
    """From 100 on, the app's own limits and pauses do not count."""
    state: str | None = None
    """Pending; Cancelling: to be sent no more."""
    created_at: str | None = None


class MessagesQuery(_Wire, frozen=True, kw_only=True):
    order: str = "fifo"
    """fifo or lifo; whichever, the oldest come first."""


class RecipientState(_Wire, frozen=True, kw_only=True):
    phone_number: str = ""
    state: str
    error: str | None = None


class MessageState(_Wire, frozen=True, kw_only=True):
    """All there is to say of a message, each time."""

    id: str
    state: str
    """Pending, Cancelling, Cancelled, Processed, Sent, Delivered or Failed."""
    recipients: list[RecipientState] = []
    states: dict[str, str] = {}
    """When it came to each state."""


class Webhook(_Wire, frozen=True, kw_only=True):
    id: str
    url: str
    event: str


class LoginCode(_Wire, frozen=True, kw_only=True):
    code: str
    valid_until: str


class NewPassword(_Wire, frozen=True, kw_only=True):
    current_password: str
    new_password: Annotated[str, msgspec.Meta(min_length=14)]


class Attachment(_Wire, frozen=True, kw_only=True):
    content_type: str = ""


class Payload(_Wire, frozen=True, kw_only=True):
    """As much as we read of any event."""

    message_id: str = ""
    sender: str | None = None
    phone_number: str | None = None
    """The sender, of old apps."""
    sim_number: int | None = None
    message: str | None = None
    body: str | None = None
    """Text of an MMS."""
    subject: str | None = None
    attachments: list[Attachment] = []
    received_at: str | None = None
    health: dict[str, Any] | None = None
    """Of system:ping."""


class WebhookEvent(_Wire, frozen=True, kw_only=True):
    """What the app posts to a webhook of its own accord."""

    event: str
    payload: Payload = Payload()


def iso_ms(at_ms: int) -> str:
    """`2024-05-13T09:49:17.357Z`."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def read_ms(text: str | None, default: int) -> int:
    """Unix milliseconds of a time with or without a zone; `default` when it is none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return default
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
