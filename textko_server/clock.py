"""The one source of time. Everything that decides by time takes a Clock, so tests can move it.

Refuses to know what the time is used for. Times are integer Unix milliseconds, UTC.
"""

import asyncio
import time
from datetime import UTC, datetime, tzinfo

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class Clock:
    """The system clock; tests replace it with one that stands still (tests/clocks.py)."""

    def now_ms(self) -> int:
        """Wall-clock time, Unix milliseconds UTC. May jump when the system clock is set."""
        return time.time_ns() // 1_000_000

    async def sleep_until(self, at_ms: int, wake: asyncio.Event) -> None:
        """Return at `at_ms` or as soon as `wake` is set, whichever comes first.

        Sleeps at most a minute at a time, so that a clock set forward is noticed.
        """
        while not wake.is_set():
            remaining_s = (at_ms - self.now_ms()) / 1000
            if remaining_s <= 0:
                return
            try:
                async with asyncio.timeout(min(remaining_s, 60.0)):
                    await wake.wait()
            except TimeoutError:
                continue


def iso_utc_ms(at_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`: `2026-01-31T09:30:00.250Z`."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def month_of(at_ms: int) -> str:
    """The calendar month, UTC, that usage is counted in: `2026-01`."""
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m}"


def month_start_ms(at_ms: int) -> int:
    """The first millisecond of the calendar month, UTC."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return int(datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp() * 1000)


def time_zone(name: str) -> tzinfo | None:
    """A zone by its IANA name; None of an empty one: the machine's own.

    `astimezone` and `timestamp` of datetime take None for that.

    Raises:
        LookupError: no such zone, or this machine has no time zone data.
    """
    if not name:
        return None
    if name == "UTC":  # needs no data
        return UTC
    from zoneinfo import ZoneInfo, available_timezones

    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:  # also what is a path or a folder there
        if available_timezones():
            raise LookupError("no such time zone") from error
        raise LookupError("this machine has no time zone data: install tzdata") from error
