"""Which lanes may hold jobs, in memory: an idle phone's poll then costs the database nothing.

A lane is marked by the event that follows each commit which fills it, and cleared when a look that
began after the last mark found it empty. Wrongly marked costs a look; wrongly clear does not
happen.
"""

from collections.abc import Iterable

from textko_server.gateway.events import DeviceChanged, Event, LaneFilled


class FilledLanes:
    def __init__(self) -> None:
        self._marks: dict[str, int] = {}
        self._mark_count = 0

    def on_event(self, event: Event) -> None:
        """Listens to the bus. A wish to cancel waits in the device's own lane, so to speak."""
        if isinstance(event, LaneFilled):
            self.mark(event.lane)
        elif isinstance(event, DeviceChanged) and event.what == "cancel":
            self.mark(f"d{event.device_id}")

    def mark(self, lane: str) -> None:
        self._mark_count += 1
        self._marks[lane] = self._mark_count

    def now(self) -> int:
        """To be taken before a look, and given to `clear` after it."""
        return self._mark_count

    def has_any(self, lanes: Iterable[str]) -> bool:
        return any(lane in self._marks for lane in lanes)

    def clear(self, lanes: Iterable[str], seen_until: int) -> None:
        """A look that began at `seen_until` found nothing in these lanes."""
        for lane in lanes:
            if self._marks.get(lane, seen_until + 1) <= seen_until:
                del self._marks[lane]
