"""Streams of events that SMSGate's phones keep open, and what they are to be told there.

A phone may have several at a time: the app opens a second one when it registers anew, and where a
network was changed the one before is not known to be dead. So all are told the same. Ending one
would not do: the app then closes the others too, opens two, and so on for ever. Nothing is lost
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
# More of one phone are a fault of its program; the oldest ends.
MAX_STREAM_COUNT = 8


class Signal(msgspec.Struct, frozen=True):
    """One event, by the names that SMSGate's app knows."""

    name: str
    data: dict[str, str] | None = None


class PhoneStream:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.is_over = False
        self._waiting: deque[Signal] = deque(maxlen=_MAX_WAITING_COUNT)
        self._changed = asyncio.Event()

    def put(self, signal: Signal) -> None:
        """One that already waits is not told twice."""
        if signal not in self._waiting:
            self._waiting.append(signal)
        self._changed.set()

    def end(self) -> None:
        """The phone has opened too many others."""
        self.is_over = True
        self._changed.set()

    async def next_signals(self, wait_s: float) -> list[Signal]:
        """What has gathered; an empty list after `wait_s` seconds of quiet, or when it is over."""
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
        self._open: dict[int, list[PhoneStream]] = {}
        """Of each device, the oldest first."""
        self._closed_at: dict[int, int] = {}
        """Of devices that had one since the start."""

    def last_open_at(self, device_id: int) -> int | None:
        """When it last had a stream; None: not since the start."""
        if device_id in self._open:
            return self._clock.now_ms()
        return self._closed_at.get(device_id)

    def tell(self, device_id: int, signal: Signal) -> None:
        """On all streams that the device has."""
        for stream in self._open.get(device_id, ()):
            stream.put(signal)

    @contextmanager
    def open(self, device: Device) -> Iterator[PhoneStream]:
        """A stream of the device. The first since the start also tells it to ask for its webhooks
        and settings: they may have changed with us."""
        stream = PhoneStream(device)
        if self.last_open_at(device.id) is None:
            stream.put(Signal("WebhooksUpdated"))
            stream.put(Signal("SettingsUpdated"))
        streams = self._open.setdefault(device.id, [])
        streams.append(stream)
        if len(streams) > MAX_STREAM_COUNT:
            streams[0].end()
        try:
            yield stream
        finally:
            streams.remove(stream)
            if not streams:
                del self._open[device.id]
            self._closed_at[device.id] = self._clock.now_ms()

    def on_event(self, event: Event) -> None:
        """Listens to the bus."""
        if isinstance(event, SmsgateSettingsChanged):
            for device_id, streams in self._open.items():
                if streams[0].device.user_id == event.user_id:
                    self.tell(device_id, Signal("SettingsUpdated"))
        elif isinstance(event, InboxExportWished):
            self.tell(event.device_id, Signal("MessagesExportRequested", _export_data(event)))


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
