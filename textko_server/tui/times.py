"""Times as people read them in a list: how long ago near by, the clock and date further off."""

from datetime import UTC, datetime, tzinfo

from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS


class Times:
    """`zone`: None is this machine's."""

    def __init__(self, zone: tzinfo | None = None) -> None:
        self.zone = zone

    def full(self, at_ms: int | None) -> str | None:
        """`2026-01-31 09:30:05`"""
        return None if at_ms is None else f"{self._moment(at_ms):%Y-%m-%d %H:%M:%S}"

    def clock(self, at_ms: int) -> str:
        """`09:30:05`"""
        return f"{self._moment(at_ms):%H:%M:%S}"

    def brief(self, at_ms: int | None, now_ms: int) -> str | None:
        """Eleven characters at most: the time today, the date and time this year, else the date."""
        if at_ms is None:
            return None
        moment, now = self._moment(at_ms), self._moment(now_ms)
        if moment.date() == now.date():
            return f"{moment:%H:%M:%S}"
        return f"{moment:%d %b %H:%M}" if moment.year == now.year else f"{moment:%Y-%m-%d}"

    def stamp(self, at_ms: int) -> str:
        """For names of files: `20260131-093005`"""
        return f"{self._moment(at_ms):%Y%m%d-%H%M%S}"

    def _moment(self, at_ms: int) -> datetime:
        return datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(self.zone)


def ago(at_ms: int | None, now_ms: int) -> str | None:
    """`12 s`, `3 min`, `5 h`, `12 d`; for a time to come `in 3 min`."""
    if at_ms is None:
        return None
    text = span(abs(now_ms - at_ms))
    return f"in {text}" if at_ms > now_ms else text


def span(length_ms: int) -> str:
    if length_ms < MINUTE_MS:
        return f"{length_ms // 1000} s"
    if length_ms < HOUR_MS:
        return f"{length_ms // MINUTE_MS} min"
    if length_ms < 2 * DAY_MS:
        return f"{length_ms // HOUR_MS} h"
    return f"{length_ms // DAY_MS} d"
