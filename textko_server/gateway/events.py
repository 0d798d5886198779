"""What happened, published on the event loop after the commit that made it true.

Long-polls, the webhook loop and live screens listen. Refuses to carry anything that must not be
lost: that is in the database already.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

log = logging.getLogger(__name__)


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """Base of all events. `user_id` is the account it belongs to."""

    user_id: int


class LaneFilled(Event, frozen=True, tag="lane_filled"):
    """Jobs wait in a lane (see model.Recipient.lane)."""

    lane: str
    count: int
    has_otp: bool = False
    """One of them may go outside of sending windows."""


class MessageSubmitted(Event, frozen=True, tag="message_submitted"):
    """A new message; its recipients are all in `state`."""

    message_id: int
    recipient_ids: range
    state: str
    at: int


class RecipientChanged(Event, frozen=True, tag="recipient_changed"):
    recipient_id: int
    message_id: int
    state: str
    at: int
    created_at: int
    device_id: int | None = None
    detail: str | None = None


class IncomingReceived(Event, frozen=True, tag="incoming_received"):
    incoming_id: int
    device_id: int
    at: int


class DeviceChanged(Event, frozen=True, tag="device_changed"):
    """`what`: paired, online, offline, status, enabled, disabled, deleted, settings, cancel."""

    device_id: int
    what: str
    at: int
    pairing_id: str = ""
    """Of paired: the id of the code that the device used."""
    seen_at: int = 0
    """Of offline: when it was last heard of."""


class AccountChanged(Event, frozen=True, tag="account_changed"):
    """A user or one of its API keys: what was known about who may do what is no longer true.

    `what`: created, role, password, profile, limits, keys, deleted.
    """

    what: str
    at: int


class CreditsLow(Event, frozen=True, tag="credits_low"):
    """A submit took an account's credits below `threshold`."""

    credits: int
    threshold: int
    at: int


class ScheduledChanged(Event, frozen=True, tag="scheduled_changed"):
    """A scheduled message was made, changed, sent, or came to its end."""

    scheduled_id: int
    status: str
    message_ids: list[int]
    """What was made of it, once it is sent."""
    created_at: int
    at: int


class SmsgateSettingsChanged(Event, frozen=True, tag="smsgate_settings_changed"):
    """What the account's SMSGate phones are to be set to is another than before."""

    at: int


class InboxExportWished(Event, frozen=True, tag="inbox_export_wished"):
    """An application wishes that a phone tells again of what it received in a time span."""

    device_id: int
    since: int
    until: int
    message_types: tuple[str, ...]
    """SMS, DATA_SMS, MMS, MMS_DOWNLOADED; empty: as the phone sees fit."""
    triggers_webhooks: bool
    webhook_delivery: str | None
    """Disabled, Individual or Batch."""


class WebhookDue(Event, frozen=True, tag="webhook_due"):
    """Deliveries wait to be attempted, from `at` on."""

    at: int


class WebhookAttempted(Event, frozen=True, tag="webhook_attempted"):
    webhook_id: int
    delivery_id: int
    created_at: int
    """Of the delivery."""
    number: int
    state: str
    status: int | None
    at: int


Listener = Callable[[Any], None]


class Events:
    """The bus. Listeners are plain functions, called in order; they must be quick."""

    def __init__(self) -> None:
        self._listeners: dict[type[Event], list[Listener]] = {}

    def listen(self, listener: Listener, *kinds: type[Event]) -> Callable[[], None]:
        """Call `listener` with every event of these kinds from now on; the answer stops it."""
        for kind in kinds or ALL_EVENTS:
            self._listeners.setdefault(kind, []).append(listener)

        def stop() -> None:
            for kind in kinds or ALL_EVENTS:
                self._listeners[kind].remove(listener)

        return stop

    def publish(self, events: list[object]) -> None:
        """Store.Database calls this after each commit."""
        for event in events:
            for listener in tuple(self._listeners.get(type(event), ())):  # type: ignore[arg-type]  # the store carries events unseen
                try:
                    listener(event)
                except Exception:
                    log.exception("event_listener_failed")

    @contextmanager
    def stream(self, max_count: int = 1_000) -> Iterator["EventStream"]:
        """A live feed. A reader slower than the events loses the oldest, and is told how many."""
        stream = EventStream(max_count)
        stop = self.listen(stream.put)
        try:
            yield stream
        finally:
            stop()


class EventStream:
    def __init__(self, max_count: int) -> None:
        self._waiting: deque[Event] = deque(maxlen=max_count)
        self._changed = asyncio.Event()
        self.lost_count = 0

    def put(self, event: Event) -> None:
        if len(self._waiting) == self._waiting.maxlen:
            self.lost_count += 1
        self._waiting.append(event)
        self._changed.set()

    async def next_batch(self, wait_s: float) -> list[Event]:
        """What has gathered; an empty list after `wait_s` seconds of quiet."""
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return []
        self._changed.clear()
        batch = list(self._waiting)
        self._waiting.clear()
        return batch


ALL_EVENTS = tuple(Event.__subclasses__())
