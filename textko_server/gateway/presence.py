"""Which devices are online, and when each was last heard of. In memory; the database keeps a copy
of the times, a minute old at most. Also where its last request came from.

A device is online while a poll of it is open, or within twice its sync interval of its last
request; one that asks by an alarm clock, which Android sets off late, within three times.
"""

from textko_server.clock import Clock
from textko_server.gateway.events import DeviceChanged, Events


class _Seen:
    __slots__ = ("at", "is_saved", "open_polls", "polling_since", "silence_ms", "user_id")

    def __init__(self, user_id: int, silence_ms: int) -> None:
        self.user_id = user_id
        self.silence_ms = silence_ms
        self.at = 0
        self.open_polls = 0
        self.polling_since = 0
        self.is_saved = True


class Presence:
    def __init__(self, clock: Clock, events: Events, sync_interval_s: int) -> None:
        self._clock = clock
        self._events = events
        self._silence_ms = 2 * sync_interval_s * 1000
        self._online: dict[int, _Seen] = {}
        self._addresses: dict[int, str] = {}
        """Of devices that proved who they are: as many as there are devices."""

    @property
    def any_online(self) -> bool:
        return bool(self._online)

    @property
    def online_count(self) -> int:
        return len(self._online)

    def is_online(self, device_id: int) -> bool:
        """Safe to call from any thread."""
        return device_id in self._online

    def open_polls(self, device_id: int) -> int:
        seen = self._online.get(device_id)
        return seen.open_polls if seen else 0

    def polling_since(self, device_id: int) -> int | None:
        """Since when a poll of it is open, without a break; None: none is."""
        seen = self._online.get(device_id)
        return seen.polling_since if seen and seen.open_polls else None

    def address(self, device_id: int) -> str | None:
        """Where its last request came from; None: none since the start."""
        return self._addresses.get(device_id)

    def came_from(self, device_id: int, address: str | None) -> None:
        """A request of this device came in, from an IP address; None: over the unix socket."""
        if address is not None:
            self._addresses[device_id] = address

    def last_seen_at(self, device_id: int) -> int | None:
        """Newer than the stored time; None when not heard of lately."""
        seen = self._online.get(device_id)
        return seen.at if seen else None

    def heard(self, device_id: int, user_id: int) -> None:
        """A request of this device has come in or ended."""
        seen = self._online.get(device_id)
        now_ms = self._clock.now_ms()
        if seen is None:
            seen = self._online[device_id] = _Seen(user_id, self._silence_ms)
            self._events.publish([DeviceChanged(user_id, device_id, "online", now_ms)])
        seen.at = now_ms
        seen.is_saved = False

    def asks_every(self, device_id: int, interval_s: int) -> None:
        """This device, just heard of, keeps no poll open and asks about so often."""
        seen = self._online.get(device_id)
        if seen is not None:
            seen.silence_ms = max(self._silence_ms, 3 * interval_s * 1000)

    def poll_opened(self, device_id: int) -> None:
        seen = self._online[device_id]
        if not seen.open_polls:
            seen.polling_since = self._clock.now_ms()
        seen.open_polls += 1

    def poll_closed(self, device_id: int) -> None:
        seen = self._online.get(device_id)
        if seen is not None:
            seen.open_polls -= 1
            seen.at = self._clock.now_ms()
            seen.is_saved = False

    def forget(self, device_id: int) -> None:
        """The device was deleted."""
        self._online.pop(device_id, None)
        self._addresses.pop(device_id, None)

    def drop_silent(self) -> None:
        """Devices not heard of for too long go offline. Called every few seconds."""
        now_ms = self._clock.now_ms()
        silent = [
            (d, s)
            for d, s in self._online.items()
            if not s.open_polls and s.at < now_ms - s.silence_ms
        ]
        for device_id, seen in silent:
            if seen.is_saved:
                del self._online[device_id]
                gone = DeviceChanged(seen.user_id, device_id, "offline", now_ms, seen_at=seen.at)
                self._events.publish([gone])

    def take_unsaved(self) -> list[tuple[int, int]]:
        """(last seen at, device) of all that changed since the last call, for storing."""
        unsaved = [(s.at, d) for d, s in self._online.items() if not s.is_saved]
        for _, device_id in unsaved:
            self._online[device_id].is_saved = True
        return unsaved
