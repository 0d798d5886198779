"""Points in time on a command line."""

import time

from textko_server.cli.exit_codes import UsageError
from textko_server.typed_times import parse_time


def read_when(flag: str, text: str, *, is_past: bool = False) -> int:
    """Unix ms; see typed_times.py for what is understood.

    Raises: UsageError, naming `flag`.
    """
    at_ms = parse_time(text, time.time_ns() // 1_000_000, is_past=is_past)
    if at_ms is None:
        raise UsageError(
            f"{flag} must be a span such as 90d or 12h, or a date such as 2026-12-31, not {text!r}"
        )
    return at_ms
