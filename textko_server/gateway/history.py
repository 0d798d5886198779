"""What an account has sent and received as one list, in order of time, page by page.

Nothing is counted, and no rows are skipped in SQL: a page costs the same at the start and at the
end of a long history. Where a filter finds little, a request reads so many rows and leaves the rest
to the next one. Refuses to know the words of a dialect: filters are functions.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import msgspec

from textko_server.gateway.messages import Messages
from textko_server.model import IncomingMessage, Message, Principal, Recipient
from textko_server.store import incoming as incoming_store
from textko_server.store import messages as message_store
from textko_server.store import usage as usage_store
from textko_server.store.database import Database

NEWEST = 1 << 62
# Of rows read for one page. Some 30 ms on two cores, in pieces that let others in between.
MAX_READ_COUNT = 1_500
_CHUNK_COUNT = 200
MAX_COUNTED = 100_000


class Entry(msgspec.Struct, frozen=True):
    """One text: to one recipient, or from one sender."""

    created_at: int
    message: Message | None = None
    """With `recipient`: one that was sent."""
    recipient: Recipient | None = None
    incoming: IncomingMessage | None = None


class Position(msgspec.Struct, frozen=True):
    """Where the next page begins, in each of the two tables: beyond these keys."""

    recipient_id: int
    incoming_id: int


class Wanted(msgspec.Struct, frozen=True):
    """Which part of the history."""

    is_sent: bool = True
    is_received: bool = True
    message_id: int | None = None
    """Only the recipients of this message."""
    incoming_device_id: int | None = None
    """Of those received, only this device's."""
    since: int | None = None
    """Unix ms; made at this time or later."""
    before: int | None = None
    """Unix ms; made earlier than this."""
    newest_first: bool = True
    accepts: Callable[[Entry], bool] | None = None


class Page(msgspec.Struct, frozen=True):
    entries: list[Entry]
    next_position: Position | None
    """None: this was the last page."""
    end_count: int
    """Entries up to the end of this page, with those skipped."""


class Totals(msgspec.Struct, frozen=True):
    sent_count: int
    """Recipients of all that was submitted."""
    received_count: int
    """No more than MAX_COUNTED."""


class History:
    def __init__(self, db: Database, messages: Messages) -> None:
        self._db = db
        self._messages = messages

    async def list_page(
        self,
        principal: Principal,
        wanted: Wanted,
        *,
        position: Position | None = None,
        skip_count: int = 0,
        limit: int = 50,
    ) -> Page:
        """A page of the principal's own account, after `position`, less the first `skip_count`.

        A page may have fewer entries than `limit`, or none, and still have a next one.

        Raises:
            NotFound: there is no such message as `wanted` names, or it is somebody else's.
        """
        start = position or await self._start(wanted)
        if skip_count and wanted.accepts is None and wanted.message_id is None:
            return await self._list_beyond(principal, wanted, start, skip_count, limit)
        sent = _Feed(await self._sent_reader(principal, wanted), start.recipient_id)
        received = _Feed(self._received_reader(principal, wanted), start.incoming_id)
        entries: list[Entry] = []
        while len(entries) < skip_count + limit:
            feed = await _next_feed(sent, received, wanted.newest_first)
            if feed is None or _is_beyond(feed.head, wanted):
                return Page(entries[skip_count:], None, len(entries))
            if sent.read_count + received.read_count > MAX_READ_COUNT + skip_count + limit:
                break
            entry = feed.pop()
            if wanted.accepts is None or wanted.accepts(entry):
                entries.append(entry)
        feed = await _next_feed(sent, received, wanted.newest_first)
        if feed is None or _is_beyond(feed.head, wanted):
            return Page(entries[skip_count:], None, len(entries))
        position = Position(sent.key, received.key)
        return Page(entries[skip_count:], position, len(entries))

    async def _list_beyond(
        self, principal: Principal, wanted: Wanted, start: Position, skip_count: int, limit: int
    ) -> Page:
        """A page of a list without a filter: what is skipped is not read, only passed over."""
        sent = _Feed(self._sent_key_reader(principal, wanted), start.recipient_id)
        received = _Feed(self._received_reader(principal, wanted), start.incoming_id)
        for passed_count in range(skip_count):
            feed = await _next_feed(sent, received, wanted.newest_first)
            if feed is None or _is_beyond(feed.head, wanted):
                return Page([], None, passed_count)
            feed.pop()
        position = Position(sent.key, received.key)
        page = await self.list_page(principal, wanted, position=position, limit=limit)
        return Page(page.entries, page.next_position, skip_count + page.end_count)

    async def count_totals(self, principal: Principal) -> Totals:
        """Of the principal's own account. Does not walk the history."""
        return Totals(
            await usage_store.of_all_months(self._db, principal.user_id),
            await incoming_store.count_of_user(self._db, principal.user_id, MAX_COUNTED),
        )

    async def _start(self, wanted: Wanted) -> Position:
        """The edge of the time span that the list begins at."""
        at = wanted.before if wanted.newest_first else wanted.since
        if at is None:
            return Position(NEWEST, NEWEST) if wanted.newest_first else Position(0, 0)
        back = 0 if wanted.newest_first else 1
        return Position(
            await message_store.first_key_since(self._db, at) - back,
            await incoming_store.first_key_since(self._db, at) - back,
        )

    async def _sent_reader(self, principal: Principal, wanted: Wanted) -> "_Read":
        if wanted.message_id is not None:
            return await self._message_reader(principal, wanted, wanted.message_id)

        async def read(beyond_id: int, limit: int) -> list[tuple[int, Entry]]:
            found = await message_store.list_sent(
                self._db,
                principal.user_id,
                beyond_id=beyond_id,
                newest_first=wanted.newest_first,
                limit=limit,
            )
            return [(r.id, Entry(r.created_at, message=m, recipient=r)) for m, r in found]

        return read if wanted.is_sent else _read_nothing

    def _sent_key_reader(self, principal: Principal, wanted: Wanted) -> "_Read":
        async def read(beyond_id: int, limit: int) -> list[tuple[int, Entry]]:
            found = await message_store.list_sent_keys(
                self._db,
                principal.user_id,
                beyond_id=beyond_id,
                newest_first=wanted.newest_first,
                limit=limit,
            )
            return [(key, Entry(created_at)) for key, created_at in found]

        return read if wanted.is_sent else _read_nothing

    async def _message_reader(
        self, principal: Principal, wanted: Wanted, message_id: int
    ) -> "_Read":
        detail = await self._messages.get(principal, message_id)
        if not wanted.is_sent:
            return _read_nothing
        message = detail.message
        recipients = detail.recipients[::-1] if wanted.newest_first else detail.recipients
        keyed = [(r.id, Entry(r.created_at, message=message, recipient=r)) for r in recipients]

        async def read(beyond_id: int, limit: int) -> list[tuple[int, Entry]]:
            if wanted.newest_first:
                return [pair for pair in keyed if pair[0] < beyond_id][:limit]
            return [pair for pair in keyed if pair[0] > beyond_id][:limit]

        return read

    def _received_reader(self, principal: Principal, wanted: Wanted) -> "_Read":
        device_id = wanted.incoming_device_id

        async def read(beyond_id: int, limit: int) -> list[tuple[int, Entry]]:
            if wanted.newest_first:
                found = await incoming_store.list_page(
                    self._db, user_id=principal.user_id, device_id=device_id, before_id=beyond_id,
                    limit=limit,
                )  # fmt: skip
            else:
                found = await incoming_store.list_after(
                    self._db, user_id=principal.user_id, device_id=device_id, after_id=beyond_id,
                    limit=limit,
                )  # fmt: skip
            return [(i.id, Entry(i.created_at, incoming=i)) for i in found]

        is_asked = wanted.is_received and wanted.message_id is None
        return read if is_asked else _read_nothing


_Read = Callable[[int, int], Awaitable[list[tuple[int, Entry]]]]
"""(beyond this key, at most so many) -> entries by key, in order."""


async def _read_nothing(_beyond_id: int, _limit: int) -> list[tuple[int, Entry]]:
    return []


class _Feed:
    """One of the two tables, read in chunks. `key` is of the last entry that was taken."""

    def __init__(self, read: _Read, key: int) -> None:
        self._read = read
        self._waiting: deque[tuple[int, Entry]] = deque()
        self._has_ended = False
        self.key = key
        self.read_count = 0

    async def fill(self) -> bool:
        """Have a head, if there is any more."""
        if not self._waiting and not self._has_ended:
            chunk = await self._read(self.key, _CHUNK_COUNT)
            self.read_count += len(chunk)
            self._waiting.extend(chunk)
            self._has_ended = len(chunk) < _CHUNK_COUNT
        return bool(self._waiting)

    @property
    def head(self) -> Entry:
        return self._waiting[0][1]

    def pop(self) -> Entry:
        self.key, entry = self._waiting.popleft()
        return entry


async def _next_feed(sent: _Feed, received: _Feed, newest_first: bool) -> _Feed | None:
    """The one whose head comes first; None when both have ended."""
    has_sent, has_received = await sent.fill(), await received.fill()
    if not (has_sent and has_received):
        return sent if has_sent else received if has_received else None
    if sent.head.created_at == received.head.created_at:
        return sent
    is_sent_newer = sent.head.created_at > received.head.created_at
    return sent if is_sent_newer == newest_first else received


def _is_beyond(entry: Entry, wanted: Wanted) -> bool:
    """Past the far edge of the time span."""
    if wanted.newest_first:
        return wanted.since is not None and entry.created_at < wanted.since
    return wanted.before is not None and entry.created_at >= wanted.before
