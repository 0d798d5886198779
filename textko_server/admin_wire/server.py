"""The server itself: state, traffic, what needs a hand, settings, live events."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer
from textko_server.model import State


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
    open_messages: dict[State, int]
    """How many messages are scheduled, queued, offered and claimed; 10,000 stands for more."""
    webhooks_due: int
    """Deliveries whose attempt is due now."""
    data_dir: str
    database_bytes: int
    last_backup_at: int | None = None
    """When the newest backup in the server's folder was made; None: there is none."""
    backup_failure: str | None = None
    """Why the last attempt since the server's start failed; None: it did not."""


class HealthCheck(Answer, frozen=True, kw_only=True):
    name: Literal[
        "server", "disk", "database", "schema", "certificate", "phones", "queue", "webhooks",
        "backups",
    ]  # fmt: skip
    state: Literal["ok", "warning", "problem"]
    text: str
    """In plain words."""


class Health(Answer, frozen=True, kw_only=True):
    is_ready: bool
    """As `/readyz` says: none of server, disk, database and schema is a problem."""
    checks: list[HealthCheck]


class TrafficMinute(Answer, frozen=True, kw_only=True):
    """What happened in one minute, counted in recipients."""

    at: int
    """When the minute began."""
    submitted: int
    sent: int
    delivered: int
    failed: int
    """With expired ones."""
    received: int
    queue_depth: int | None
    """Waiting for a phone, as it was once in that minute; None: not looked at yet."""


class Traffic(Answer, frozen=True, kw_only=True):
    since: int
    """Nothing is known of the time before: the server started then, or it is an hour ago."""
    minutes: list[TrafficMinute]
    """Oldest first, without gaps, the last of them still going on. At most 60."""


Severity = Literal["error", "warning", "info"]


class Concern(Answer, frozen=True, kw_only=True):
    """Something that needs a hand."""

    severity: Severity
    code: str
    """Stable; docs/admin-api.md lists them."""
    text: str
    """In plain words, without times."""
    device_id: str | None = None
    webhook_id: str | None = None
    user_id: str | None = None
    count: int | None = None
    """Of texts, deliveries or credits, as the text says."""
    since: int | None = None
    """When it began, as far as that is known."""


class Attention(Answer, frozen=True, kw_only=True):
    concerns: list[Concern]
    """Worst first; at most 100."""


class Setting(Answer, frozen=True, kw_only=True):
    name: str
    """`server.listen`"""
    value: str | int | float | bool | list[str]
    default: str | int | float | bool | list[str]
    """What it is where nobody sets it."""
    source: str
    """default, or the file, environment variable or flag that set it."""


class SettingList(Answer, frozen=True, kw_only=True):
    settings: list[Setting]


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
    pairing_id: str | None = None
    """Of a device that was paired: which code it used."""
    detail: str | None = None
    number: int | None = None
    """Of a webhook's attempt."""
    status: int | None = None
    """HTTP status of the attempt; None: no answer."""
    count: int | None = None
    """Of lost events; of credits_low: the credits left."""
