"""Limits and ends as people type them in a form, and as they are shown there: a number or
`unlimited`; a date, a span such as 90d, or `never`.
"""

from msgspec import UNSET, UnsetType

from textko_server.errors import Invalid
from textko_server.tui.times import Times
from textko_server.typed_times import parse_time

UNLIMITED = "unlimited"
NEVER = "never"
END_HELP = "90d, 2026-12-31, or never."


def shown_count(count: int | None) -> str:
    return UNLIMITED if count is None else f"{count:,}"


def typed_count(field: str, text: str) -> int | None:
    """None: unlimited. Raises Invalid."""
    if text == UNLIMITED:
        return None
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdigit()):
        raise Invalid(field, f"is a whole number or {UNLIMITED}, not {text or 'nothing'}")
    return int(digits)


def changed_count(field: str, text: str, before: int | None) -> int | UnsetType | None:
    """UNSET: it was left as it is, and may be less by now."""
    return UNSET if text == shown_count(before) else typed_count(field, text)


def shown_end(at_ms: int | None, times: Times) -> str:
    return times.full(at_ms) or NEVER


def typed_end(field: str, text: str, now_ms: int, times: Times) -> int | None:
    """None: never. Raises Invalid."""
    if text in ("", NEVER):
        return None
    at_ms = parse_time(text, now_ms, zone=times.zone)
    if at_ms is None:
        raise Invalid(field, f"is a span such as 90d, a date such as 2026-12-31, or {NEVER}")
    return at_ms


def changed_end(
    field: str, text: str, before_ms: int | None, now_ms: int, times: Times
) -> int | UnsetType | None:
    """UNSET: it reads as it did; its milliseconds are not shown."""
    if text == shown_end(before_ms, times):
        return UNSET
    return typed_end(field, text, now_ms, times)
