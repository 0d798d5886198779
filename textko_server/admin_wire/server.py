"""The server itself: state, settings, live events."""

from textko_server.admin_wire.shapes import Answer


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
