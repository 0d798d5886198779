"""Points in time as people type them: `90d`, `12h`, `2026-12-31`, `2026-12-31T18:00+03:00`."""

import re
import time
from datetime import datetime

from textko_server.cli.exit_codes import UsageError

_SPAN = re.compile(r"([0-9]{1,6})([smhdw])")
_SECONDS_OF = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def read_when(flag: str, text: str, *, is_past: bool = False) -> int:
    """Unix ms: so long from now (or, of the past, ago), or a date and time, of this machine's zone
    unless it names one.

    Raises: UsageError, naming `flag`.
    """
    span = _SPAN.fullmatch(text)
    if span is not None:
        span_ms = int(span[1]) * _SECONDS_OF[span[2]] * 1_000
        return time.time_ns() // 1_000_000 + (-span_ms if is_past else span_ms)
    try:
        return int(datetime.fromisoformat(text).astimezone().timestamp() * 1_000)
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{flag} must be a span such as 90d or 12h, or a date such as 2026-12-31, not {text!r}"
        ) from None
