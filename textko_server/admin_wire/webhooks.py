"""Webhooks, what is owed to them, and every attempt."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.shapes import Answer, Request, UserQuery

DeliveryState = Literal["pending", "delivered", "failed"]


class WebhookQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 100


class NewWebhook(Request, frozen=True, kw_only=True):
    url: str
    events: list[str]
    """MESSAGE_RECEIVED, MESSAGE_SENT, MESSAGE_DELIVERED, MESSAGE_FAILED, UNKNOWN_STATE,
    PHONE_OFFLINE, PHONE_ONLINE, PHONE_BATTERY_LOW; with the format `textlink` received, sent,
    failed, tag; with `smsgate` sms:received, sms:sent, sms:delivered, sms:failed, sms:cancelled,
    system:ping, and further ones of SMSGate's that stay silent."""
    format: Literal["textko", "textlink", "smsgate"] = "textko"
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
    failing_since: int | None
    """When the first attempt failed of those since the last that did not; None: the last one did
    not. Where very many deliveries fail, the first of the latest of them."""
    pending_count: int
    """Deliveries that are owed, now or later; counted up to 1,000. So the next."""
    failed_count: int
    """Deliveries that were given up."""
    next_attempt_at: int | None
    """The earliest of its attempts to come, which waits while it is disabled."""
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


class AllDeliveriesQuery(UserQuery, frozen=True, kw_only=True):
    webhook: str | None = None
    """Id of the only webhook."""
    state: DeliveryState | None = None
    event: str | None = None
    """The only event, as `MESSAGE_SENT`."""
    before: str | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=100)] = 50


class Attempt(Answer, frozen=True, kw_only=True):
    number: int
    at: int
    duration_ms: int
    status: int | None
    error: str | None
    answer: str | None
    """The first 1,000 bytes."""


class Delivery(Answer, frozen=True, kw_only=True):
    id: str
    webhook_id: str
    event: str
    state: DeliveryState
    attempt_count: int
    next_attempt_at: int | None
    created_at: int
    ended_at: int | None
    user: str
    """E-mail of the account."""
    webhook_name: str
    webhook_url: str
    last_attempt: Attempt | None
    """None: none yet."""


class DeliveryRequest(Answer, frozen=True, kw_only=True):
    """What the last attempt sent. The body is kept as it was sent; the rest is made anew from the
    time of the attempt and the webhook as it is now. A secret in the body reads `********`."""

    attempt_at: int
    method: str
    url: str
    headers: dict[str, str]
    """Those of ours; the HTTP client adds Host, Accept and Content-Length."""
    body: str
    may_differ: bool
    """The webhook was changed since: URL and signatures may have been others."""


class DeliveryDetail(Delivery, frozen=True, kw_only=True):
    body: str
    attempts: list[Attempt]
    request: DeliveryRequest | None
    """None: nothing was sent yet."""


class DeliveryPage(Answer, frozen=True, kw_only=True):
    """With a filter by event, or by the state `delivered`, a page may be short and yet have a next:
    each looks at no more than 2,000 deliveries."""

    deliveries: list[Delivery]
    next: str | None


class DeliveryIds(Request, frozen=True, kw_only=True):
    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=200)]


class NotRedelivered(Answer, frozen=True, kw_only=True):
    id: str
    code: str
    """not_found; wrong_state: its webhook is disabled."""
    reason: str


class Redelivered(Answer, frozen=True, kw_only=True):
    count: int
    """How many are sent again."""
    refused: list[NotRedelivered]


class StartedTest(Answer, frozen=True, kw_only=True):
    delivery_id: str
