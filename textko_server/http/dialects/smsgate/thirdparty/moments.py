"""Times in bodies and queries: RFC 3339, with their zone."""

from datetime import datetime

from textko_server.errors import Invalid

_TIME_AT = len("2024-01-20T")
_YEAR_10000_MS = 253_402_300_800_000


def read_moment(field: str, text: str) -> int:
    """Unix ms; what lies before 1970 is 1970. Raises Invalid."""
    try:
        # Behind the time, a space is a plus sign that was not escaped in a query.
        moment = datetime.fromisoformat(text[:_TIME_AT] + text[_TIME_AT:].replace(" ", "+"))
        if moment.tzinfo is None:
            raise Invalid(field, "must name its time zone, such as Z or +03:00")
        at_ms = max(int(moment.timestamp() * 1000), 0)
    except (ValueError, OverflowError):
        raise Invalid(field, "must be a time as RFC 3339 writes it") from None
    if at_ms >= _YEAR_10000_MS:
        raise Invalid(field, "lies too far ahead")
    return at_ms


def read_span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    """Unix ms of the first moment, and of the one after the last, of `from` and `to`."""
    since = None if start is None else read_moment("from", start)
    before = None if end is None else read_moment("to", end) + 1
    return since, before
