"""Points in time as people type them: `90d`, `12h`, `2026-12-31`, `2026-12-31T18:00+03:00`."""

import re
from datetime import datetime, tzinfo

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_SECONDS_OF = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def parse_time(
    text: str, now_ms: int, *, is_past: bool = False, zone: tzinfo | None = None
) -> int | None:
    """Unix ms: so long from now (or, of the past, ago), or a date and time, of `zone` (None: this
    machine's) unless it names one. None: it is neither.
    """
    span = _SPAN.fullmatch(text)
    if span is not None:
        span_ms = int(span[1]) * _SECONDS_OF[span[2]] * 1_000
        return now_ms + (-span_ms if is_past else span_ms)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=zone).astimezone(zone)
        return int(moment.timestamp() * 1_000)
    except (ValueError, OverflowError, OSError):
        return None
