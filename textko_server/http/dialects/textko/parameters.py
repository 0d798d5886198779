"""What stands in paths and query strings: ids, pages, times, one of several words."""

import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from textko_server.errors import NotFound
from textko_server.gateway.history import NEWEST, Position
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.http.app_keys import GATEWAY
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.shape import Refused
from textko_server.model import Device, Principal

MAX_LIMIT = 100
# Pages are for people; programs go on by cursor, which costs the same at any depth.
MAX_PAGED_COUNT = 3_000

_is_id = re.compile(r"[0-9a-f]{24}").fullmatch
_is_number = re.compile(r"[0-9]{1,9}").fullmatch
_is_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_END = "-"
# 9999-12-31 in a zone behind UTC lies beyond it, and could not be shown.
_YEAR_10000_MS = 253_402_300_800_000


class Paging(msgspec.Struct, frozen=True):
    limit: int
    page: int = 1
    """Counts from 1."""
    cursor: str | None = None
    """Set: `page` does not count."""

    @property
    def skip_count(self) -> int:
        return 0 if self.cursor is not None else (self.page - 1) * self.limit

    def meta(self, end_count: int, next_cursor: str | None) -> wire.PageMeta:
        """`total` is exact on the last page; before it, it says that there is at least one more.

        Counting a long history would cost more than reading a page of it.
        """
        has_more = next_cursor is not None
        if self.cursor is not None:
            return wire.PageMeta(limit=self.limit, next_cursor=next_cursor, has_more=has_more)
        total = end_count + has_more
        return wire.PageMeta(
            page=self.page,
            limit=self.limit,
            total=total,
            total_pages=-(-total // self.limit),
            next_cursor=next_cursor,
            has_more=has_more,
        )


def read_paging(request: web.Request, default_limit: int = 50) -> Paging:
    """`limit` (more than 100 is 100), and `cursor` or `page`.

    Raises:
        Refused: not a number, or a page too deep.
    """
    limit = min(_number(request, "limit", default_limit), MAX_LIMIT)
    page = _number(request, "page", 1)
    cursor = request.query.get("cursor") or None
    if cursor is None and page * limit > MAX_PAGED_COUNT:
        raise Refused(f"page is too deep: use cursor beyond {MAX_PAGED_COUNT} entries", "page")
    return Paging(limit, page, cursor)


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name)
    if text is None or text == "":
        return default
    if not _is_number(text) or int(text) < 1:
        raise Refused(f"{name} must be a number from 1 on", name)
    return int(text)


def write_cursor(ids: PublicIds, position: Position | None) -> str | None:
    """Of the keys of the last entries taken, unreadable as ids are."""
    if position is None:
        return None
    recipient, incoming = position.recipient_id, position.incoming_id
    return f"{_half(ids, Kind.RECIPIENT, recipient)}.{_half(ids, Kind.INCOMING, incoming)}"


def _half(ids: PublicIds, kind: Kind, key: int) -> str:
    return ids.encode(kind, key, 0) if 0 < key < NEWEST else _END


def read_cursor(ids: PublicIds, cursor: str | None, *, newest_first: bool) -> Position | None:
    """Raises Refused for what we did not write."""
    if cursor is None:
        return None
    recipient, _, incoming = cursor.partition(".")
    at_start = NEWEST if newest_first else 0
    keys = [
        at_start if half == _END else ids.decode(kind, half)
        for kind, half in ((Kind.RECIPIENT, recipient), (Kind.INCOMING, incoming))
    ]
    if keys[0] is None or keys[1] is None:
        raise Refused("Invalid cursor", "cursor")
    return Position(keys[0], keys[1])


def one_of(
    request: web.Request, name: str, words: Collection[str], default: str | None
) -> str | None:
    """A word of the query, whatever its case. Raises Refused for another word."""
    text = request.query.get(name)
    if text is None or text == "":
        return default
    word = text.lower()
    if word not in words:
        raise Refused(f"{name} must be one of {', '.join(words)}", name)
    return word


def read_moment(text: Any) -> int | None:
    """Unix ms of an ISO 8601 time with its zone, or of a date alone: midnight UTC. None: neither.

    What lies before 1970 is 1970.
    """
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            if not _is_date(text):
                return None
            moment = moment.replace(tzinfo=UTC)
        at_ms = max(int(moment.timestamp() * 1000), 0)
    except (ValueError, OverflowError):
        return None
    return at_ms if at_ms < _YEAR_10000_MS else None


def moment_of(request: web.Request, name: str) -> int | None:
    """A time in the query. Raises Refused."""
    text = request.query.get(name)
    if text is None or text == "":
        return None
    at_ms = read_moment(text.replace(" ", "+"))  # a plus sign that was not escaped
    if at_ms is None:
        raise Refused(f"{name} must be a date, or an ISO 8601 time with its zone, such as Z", name)
    return at_ms


def path_key(request: web.Request, kind: Kind, what: str, name: str = "id") -> int:
    """The inner key that an id in the path stands for.

    Raises:
        NotFound: it cannot be one.
    """
    key = request.app[GATEWAY].public_ids.decode(kind, request.match_info[name])
    if key is None:
        raise NotFound(what)
    return key


def device_key(ids: PublicIds, device_id: Any) -> int | None:
    """None: well formed, and nobody's. Raises Refused when it is not 24 hex."""
    if not isinstance(device_id, str) or not _is_id(device_id):
        raise Refused("Invalid device id", "deviceId")
    return ids.decode(Kind.DEVICE, device_id)


async def path_device(request: web.Request, principal: Principal) -> Device:
    """The device named in the path.

    Raises:
        Refused: not 24 hex.
        NotFound: absent, or somebody else's.
    """
    gateway = request.app[GATEWAY]
    key = device_key(gateway.public_ids, request.match_info["device_id"])
    return await gateway.devices.get(principal, key)
