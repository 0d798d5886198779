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
