"""Streams of events that SMSGate's phones keep open, and what they are to be told there.

A phone has one: a new one ends the one before, which nobody listens to any more. Nothing is lost
with a stream: whatever it tells of, the phone finds when it asks. Refuses to know HTTP; which jobs
it should come for is in listing.py.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec

from textko_server.clock import Clock
from textko_server.gateway.events import Event, InboxExportWished, SmsgateSettingsChanged
from textko_server.model import Device

# A phone that reads nothing has more to worry about than what it is not told.
_MAX_WAITING_COUNT = 32


class Signal(msgspec.Struct, frozen=True):
    """One event, by the names that SMSGate's app knows."""

    name: str
    data: dict[str, str] | None = None


class PhoneStream:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.is_replaced = False
        self._waiting: deque[Signal] = deque(maxlen=_MAX_WAITING_COUNT)
        self._changed = asyncio.Event()

    def put(self, signal: Signal) -> None:
        """One that already waits is not told twice."""
        if signal not in self._waiting:
            self._waiting.append(signal)
        self._changed.set()

    def replace(self) -> None:
        """The phone has opened another."""
        self.is_replaced = True
        self._changed.set()

    async def next_signals(self, wait_s: float) -> list[Signal]:
        """What has gathered; an empty list after `wait_s` seconds of quiet, or when replaced."""
        try:
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        except TimeoutError:
            return []
        self._changed.clear()
        signals = list(self._waiting)
        self._waiting.clear()
        return signals


class PhoneStreams:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started_at = clock.now_ms()
        self._open: dict[int, PhoneStream] = {}
        self._closed_at: dict[int, int] = {}
        """Of devices that had one since the start."""

    def last_open_at(self, device_id: int) -> int | None:
        """When it last had a stream; None: not since the start."""
        if device_id in self._open:
            return self._clock.now_ms()
        return self._closed_at.get(device_id)

    @contextmanager
    def open(self, device: Device) -> Iterator[PhoneStream]:
        """The device's stream from now on. The first since the start also tells it to ask for its
        webhooks and settings: they may have changed with us."""
        stream = PhoneStream(device)
        if self.last_open_at(device.id) is None:
            stream.put(Signal("WebhooksUpdated"))
            stream.put(Signal("SettingsUpdated"))
        before = self._open.get(device.id)
        if before is not None:
            before.replace()
        self._open[device.id] = stream
        try:
            yield stream
        finally:
            if self._open.get(device.id) is stream:
                del self._open[device.id]
                self._closed_at[device.id] = self._clock.now_ms()

    def on_event(self, event: Event) -> None:
        """Listens to the bus."""
        if isinstance(event, SmsgateSettingsChanged):
            for stream in self._open.values():
                if stream.device.user_id == event.user_id:
                    stream.put(Signal("SettingsUpdated"))
        elif isinstance(event, InboxExportWished):
            wishing = self._open.get(event.device_id)
            if wishing is not None:
                wishing.put(Signal("MessagesExportRequested", _export_data(event)))


def _export_data(event: InboxExportWished) -> dict[str, str]:
    data = {
        "since": _rfc3339(event.since),
        "until": _rfc3339(event.until),
        "triggerWebhooks": "true" if event.triggers_webhooks else "false",
    }
    if event.message_types:
        data["messageTypes"] = ",".join(event.message_types)
    if event.webhook_delivery is not None:
        data["webhookDelivery"] = event.webhook_delivery
    return data


def _rfc3339(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
