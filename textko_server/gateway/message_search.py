"""Finding messages by whatever people remember of them, newest first, and counting them.

State, account and time are answered by an index. For the rest a request looks at a bounded number
of messages, and leaves what is older to the next one. Refuses to know how a caller asks.
"""

import msgspec

from textko_server.clock import MINUTE_MS, Clock
from textko_server.model import Dialect, Message, Principal, State
from textko_server.store import analytics as time_store
from textko_server.store import message_search as store
from textko_server.store.database import Database
from textko_server.store.message_search import Span

# What has been on its way for so long without being sent is not as it should be.
STUCK_AFTER_MS = 15 * MINUTE_MS
# Some 40 ms on two cores, in pieces that let others in between.
MAX_LOOKED_COUNT = 2_000
# Messages may have a thousand recipients each.
MAX_RECIPIENTS_COUNT = 10_000
_CHUNK_COUNT = 500
MAX_COUNTED = 10_000

_ENDED_BADLY = frozenset({State.FAILED, State.EXPIRED})
_ON_ITS_WAY = frozenset({State.QUEUED, State.OFFERED, State.CLAIMED})


class Wanted(msgspec.Struct, frozen=True):
    """Which messages: those that meet all that is given."""

    user_id: int | None = None
    """Whose; None: everybody's."""
    states: frozenset[State] | None = None
    is_faulty: bool = False
    """Failed or expired; or queued, offered or claimed for over STUCK_AFTER_MS since it was
    submitted or its time came."""
    since: int | None = None
    """Unix ms; submitted at this time or later."""
    before: int | None = None
    """Unix ms; submitted earlier than this."""
    dialect: Dialect | None = None
    device_id: int | None = None
    """A recipient is pinned to, offered to or was claimed by it."""
    digits: str | None = None
    """What a recipient's number begins with, without the +."""
    text: str | None = None
    """Part of the text, in upper or lower case."""

    @property
    def is_indexed(self) -> bool:
        return self.dialect is None and self.text is None and not self.is_about_recipients

    @property
    def is_about_recipients(self) -> bool:
        return self.device_id is not None or self.digits is not None


class Page(msgspec.Struct, frozen=True):
    messages: list[Message]
    last_looked_at: Message | None
    """Where the next page goes on; None: this was the last."""


class Counts(msgspec.Struct, frozen=True):
    by_state: dict[State, int]
    is_exact: bool
    last_looked_at: Message | None = None
    """How far back it went; None: to the end, as far as it counts."""


class MessageSearch:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def list_page(
        self,
        principal: Principal,
        wanted: Wanted,
        *,
        before_id: int | None = None,
        after_id: int | None = None,
        limit: int = 50,
    ) -> Page:
        """A page between two keys. Only an admin sees other accounts'.

        It may have fewer messages than `limit`, or none, and still have a next one.
        """
        wanted = _allowed(principal, wanted)
        now_ms = self._clock.now_ms()
        walk = _Walk(self._db, wanted, await self._span(wanted, before_id, after_id), now_ms)
        found: list[Message] = []
        while len(found) < limit and not walk.is_over:
            found += await walk.step(limit - len(found))
        if len(found) > limit:
            return Page(found[:limit], found[limit - 1])
        return Page(found, None if walk.has_ended else walk.last)

    async def count(self, principal: Principal, wanted: Wanted) -> Counts:
        """How many in each state; MAX_COUNTED of one stands for more."""
        wanted = _allowed(principal, wanted)
        span = await self._span(wanted, None, None)
        if wanted.is_indexed:
            by_state = await store.count(self._db, span, MAX_COUNTED)
            present = {state: number for state, number in by_state.items() if number}
            return Counts(present, all(number < MAX_COUNTED for number in present.values()))
        walk = _Walk(self._db, wanted, span, self._clock.now_ms())
        counted: dict[State, int] = {}
        while not walk.is_over:
            for message in await walk.step(_CHUNK_COUNT):
                counted[message.state] = counted.get(message.state, 0) + 1
        return Counts(counted, walk.has_ended, None if walk.has_ended else walk.last)

    async def _span(self, wanted: Wanted, before_id: int | None, after_id: int | None) -> Span:
        from_id = 0 if after_id is None else after_id + 1
        end_id = store.END if before_id is None else before_id
        if wanted.since is not None:
            from_id = max(from_id, await self._first_since(wanted.since))
        if wanted.before is not None:
            end_id = min(end_id, await self._first_since(wanted.before))
        return Span(wanted.user_id, from_id, end_id, await self._states(wanted))

    async def _states(self, wanted: Wanted) -> dict[State, int] | None:
        """Each with the key below which its messages are wanted."""
        if not wanted.is_faulty:
            return None if wanted.states is None else dict.fromkeys(wanted.states, store.END)
        among = frozenset(State) if wanted.states is None else wanted.states
        stuck_id = await self._first_since(self._clock.now_ms() - STUCK_AFTER_MS)
        return dict.fromkeys(among & _ENDED_BADLY, store.END) | dict.fromkeys(
            among & _ON_ITS_WAY, stuck_id
        )

    async def _first_since(self, at: int) -> int:
        return await time_store.first_message_since(self._db, at)


class _Walk:
    """Through the messages of a span, newest first, some at a time."""

    def __init__(self, db: Database, wanted: Wanted, span: Span, now_ms: int) -> None:
        self._db = db
        self._wanted = wanted
        self._text = None if wanted.text is None else wanted.text.casefold()
        self._stuck_before = now_ms - STUCK_AFTER_MS
        self._span = span
        self._room_count = MAX_LOOKED_COUNT
        self._recipients_room_count = MAX_RECIPIENTS_COUNT
        self.last: Message | None = None
        """The last one it looked at."""
        self.has_ended = False

    @property
    def is_over(self) -> bool:
        """It has seen all, or enough for one request."""
        return self.has_ended or self._room_count <= 0 or self._recipients_room_count <= 0

    async def step(self, wanted_count: int) -> list[Message]:
        """Look at some more; returns those that are wanted."""
        limit = wanted_count if self._wanted.is_indexed else _CHUNK_COUNT
        limit = min(limit, self._room_count)
        chunk = await store.list_newest(self._db, self._span, limit)
        self.has_ended = len(chunk) < limit
        if self._wanted.is_about_recipients:
            chunk = self._affordable(chunk)
        if not chunk:
            return []
        self.last = chunk[-1]
        self._room_count -= len(chunk)
        self._span = msgspec.structs.replace(self._span, before_id=self.last.id)
        matching = [message for message in chunk if self._matches(message)]
        if not self._wanted.is_about_recipients or not matching:
            return matching
        keys = await store.with_recipient(
            self._db, [m.id for m in matching], self._wanted.device_id, self._wanted.digits
        )
        return [message for message in matching if message.id in keys]

    def _affordable(self, chunk: list[Message]) -> list[Message]:
        """So many of them as there is room for their recipients; one at least."""
        for index, message in enumerate(chunk):
            self._recipients_room_count -= message.recipient_count
            if self._recipients_room_count <= 0 and index + 1 < len(chunk):
                self.has_ended = False
                return chunk[: index + 1]
        return chunk

    def _matches(self, message: Message) -> bool:
        if self._wanted.dialect is not None and message.dialect is not self._wanted.dialect:
            return False
        if self._wanted.is_faulty and message.state in _ON_ITS_WAY:
            began_at = max(message.created_at, message.scheduled_at or 0)
            if began_at >= self._stuck_before:
                return False
        return self._text is None or self._text in message.text.casefold()


def _allowed(principal: Principal, wanted: Wanted) -> Wanted:
    if principal.is_admin:
        return wanted
    return msgspec.structs.replace(wanted, user_id=principal.user_id)
