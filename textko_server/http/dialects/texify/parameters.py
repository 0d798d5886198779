"""What stands in queries and bodies: pages, times, lists of ids, sender ids."""

import re
from datetime import UTC, datetime

import msgspec

from textko_server.clock import DAY_MS
from textko_server.errors import Invalid
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import Call

MAX_LIMIT = 100
MAX_BULK_LIMIT = 1_200
"""Of contacts and groups, as the document states."""
MAX_PAGE = 1_000_000
MAX_SENDER_ID_CHARACTERS = 11
_MAX_NAMED = 100

_TIME_AT = len("2024-01-20T")
_is_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
# 9999-12-31 in a zone behind UTC lies beyond it, and could not be shown.
_YEAR_9999_MS = 253_370_764_800_000


class Paging(msgspec.Struct, frozen=True):
    page: int
    limit: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.limit

    def meta(self, total: int) -> wire.Meta:
        pages = -(-total // self.limit)
        return wire.Meta(page=self.page, limit=self.limit, total=total, pages=pages)


def read_paging(query: wire.PageQuery, default: int, most: int = MAX_LIMIT) -> Paging:
    """What is out of range is the nearest."""
    limit = default if query.limit is None else query.limit
    return Paging(max(1, min(query.page, MAX_PAGE)), max(1, min(limit, most)))


def read_span(date_from: str | None, date_to: str | None) -> tuple[int | None, int | None]:
    """Unix ms of the first moment and of the one after the last; a date is all of that day.

    Raises:
        Invalid: not a date, nor a time with its zone.
    """
    since = None if date_from is None else _moment("dateFrom", date_from)
    before = None if date_to is None else _moment("dateTo", date_to) + 1
    if before is not None and date_to is not None and _is_date(date_to):
        before += DAY_MS - 1
    return since, before


def read_time(field: str, text: str) -> int:
    """Unix ms of an ISO 8601 time with its zone. Raises Invalid."""
    if _is_date(text):
        raise Invalid(field, "must have a time with its zone, such as 2024-01-20T09:00:00Z")
    return _moment(field, text)


def _moment(field: str, text: str) -> int:
    try:
        text = text.strip()
        # Behind the time, a space is a plus sign that was not escaped in a query.
        moment = datetime.fromisoformat(text[:_TIME_AT] + text[_TIME_AT:].replace(" ", "+"))
        if moment.tzinfo is None:
            if not _is_date(text):
                raise Invalid(field, "must name its time zone, such as Z or +03:00")
            moment = moment.replace(tzinfo=UTC)
        at_ms = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid(field, "must be an ISO 8601 date or time") from None
    return max(0, min(at_ms, _YEAR_9999_MS))


def read_ids(call: Call, kind: Kind, public_ids: list[str]) -> list[int]:
    """Inner keys; 0, which is nobody's, for what cannot be an id."""
    return [call.gateway.public_ids.decode(kind, text) or 0 for text in public_ids]


def split_list(field: str, text: str | None) -> list[str] | None:
    """Of words separated by commas; None: no such filter. Raises Invalid for too many."""
    if text is None:
        return None
    words = [word.strip() for word in text.split(",") if word.strip()]
    if len(words) > _MAX_NAMED:
        raise Invalid(field, f"at most {_MAX_NAMED}")
    return words or None


def read_sender_id(call: Call, sender_id: str | None, alias: str | None) -> str | None:
    """Either spelling; empty is none.

    Raises:
        Invalid: more than 11 characters, or others than letters, digits and those of the setting.
    """
    text = sender_id or alias
    if not text:
        return None
    extra = call.gateway.settings.messages.sender_id_characters
    is_allowed = all((c.isascii() and c.isalnum()) or c in extra for c in text)
    if len(text) > MAX_SENDER_ID_CHARACTERS or not is_allowed:
        allowed = f"letters, digits and {extra}" if extra else "letters and digits"
        raise Invalid("senderId", f"must be 1 to {MAX_SENDER_ID_CHARACTERS} {allowed}")
    return text
