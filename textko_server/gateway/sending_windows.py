"""Sending windows: the hours of the day a SIM may send in, on the clock on the wall.

A window opens once a day and closes once a day, also on the days when clocks are changed: an hour
that is skipped opens it where the skip ends, one that comes twice opens it the first time. Refuses
to know which texts are exempt: dispatch does.
"""

from datetime import UTC, datetime, timedelta, tzinfo

import msgspec

DAY_MINUTES = 24 * 60


class Window(msgspec.Struct, frozen=True):
    """Minutes after midnight. `to_minute` is past it; before `from_minute` it is the next day's."""

    from_minute: int
    to_minute: int


def opens_at(window: Window | None, zone: tzinfo | None, now_ms: int) -> int | None:
    """When a closed window opens next, in Unix ms; None: it is open.

    `zone` None is the machine's own, as in `clock.time_zone`.
    """
    if window is None or window.from_minute == window.to_minute:
        return None
    today = _wall_clock(now_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    opening: int | None = None
    # Yesterday's may still be open. A day the calendar left out has no window: look beyond it.
    for day in range(-1, 4):
        from_ms, to_ms = _on_day(window, today + timedelta(days=day), zone)
        if from_ms <= now_ms < to_ms:
            return None
        if opening is None and now_ms < from_ms < to_ms:
            opening = from_ms
    return opening


def _on_day(window: Window, midnight: datetime, zone: tzinfo | None) -> tuple[int, int]:
    """(opens, closes) of the window that begins on that day."""
    to_minute = window.to_minute
    if to_minute < window.from_minute:
        to_minute += DAY_MINUTES
    return (
        _instant(midnight + timedelta(minutes=window.from_minute), zone),
        _instant(midnight + timedelta(minutes=to_minute), zone),
    )


def _wall_clock(at_ms: int, zone: tzinfo | None) -> datetime:
    """What a clock on the wall shows, without a zone."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def _instant(wall: datetime, zone: tzinfo | None) -> int:
    """The first moment at which the clock on the wall shows `wall` or later."""
    late, early = (int(wall.replace(tzinfo=zone, fold=fold).timestamp() * 1000) for fold in (0, 1))
    if late <= early:  # it is shown once, or twice: the first time
        return late
    # It is skipped: the moment of the skip lies between (PEP 495, "The Fold and the Gap").
    while late - early > 1:
        middle = (early + late) // 2
        if _wall_clock(middle, zone) < wall:
            early = middle
        else:
            late = middle
    return late
