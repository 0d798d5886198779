"""The last hour minute by minute: what was submitted, sent, delivered, failed and received, and how
many waited. In memory, from the events; a restart forgets it. For small graphs, not for books.

Sixty minutes, and in each no more accounts than MAX_ACCOUNTS_COUNT: what is beyond counts in the
whole only. Refuses to know who may see what.
"""

from collections import deque

import msgspec

from textko_server.clock import MINUTE_MS, Clock
from textko_server.gateway.events import (
    Event,
    Events,
    IncomingReceived,
    LaneFilled,
    MessageSubmitted,
    RecipientChanged,
)
from textko_server.model import State
from textko_server.store import attention as store
from textko_server.store.database import Database

MINUTES_COUNT = 60
MAX_ACCOUNTS_COUNT = 500

_SUBMITTED, _SENT, _DELIVERED, _FAILED, _RECEIVED = range(5)
_PLACES: dict[str, int] = {
    State.SENT: _SENT,
    State.DELIVERED: _DELIVERED,
    State.FAILED: _FAILED,
    State.EXPIRED: _FAILED,
}


class Minute(msgspec.Struct, frozen=True):
    """Counted in recipients."""

    at: int
    """When it began."""
    submitted: int
    sent: int
    delivered: int
    failed: int
    """With expired ones."""
    received: int
    queue_depth: int | None
    """None: not looked at yet."""


class _Minute:
    __slots__ = ("at", "by_user", "depth_by_user", "total")

    def __init__(self, at: int) -> None:
        self.at = at
        self.total = [0] * 5
        self.by_user: dict[int, list[int]] = {}
        self.depth_by_user: dict[int | None, int] | None = None
        """Jobs in lanes, at key None those of all; None: as the minute before."""


class Traffic:
    def __init__(self, db: Database, clock: Clock, events: Events) -> None:
        self._db = db
        self._clock = clock
        self.since = clock.now_ms()
        self._minutes: deque[_Minute] = deque(maxlen=MINUTES_COUNT)
        self._next_at = 0
        """When the minute after the last one kept begins."""
        self._is_queue_known = False
        """Whether it is as it was when last looked at: an idle server reads nothing."""
        self._depth_before: dict[int | None, int] | None = None
        """The last that was known before the oldest minute kept."""
        events.listen(self._on_submitted, MessageSubmitted)
        events.listen(self._on_changed, RecipientChanged)
        events.listen(self._on_received, IncomingReceived)
        events.listen(self._forget_queue, LaneFilled)

    async def last_hour(self, user_id: int | None) -> list[Minute]:
        """Of an account or (None) everybody's: oldest first, without gaps, the last going on."""
        await self.sample_queue()
        now_at = _minute_of(self._clock.now_ms())
        first_at = max(_minute_of(self.since), now_at - (MINUTES_COUNT - 1) * MINUTE_MS)
        known = {minute.at: minute for minute in self._minutes}
        depths = self._depth_before
        for minute in self._minutes:
            if minute.at < first_at:
                depths = minute.depth_by_user or depths
        shown = []
        for at in range(first_at, now_at + MINUTE_MS, MINUTE_MS):
            found = known.get(at)
            depths = depths if found is None else found.depth_by_user or depths
            depth = None if depths is None else depths.get(user_id, 0)
            submitted, sent, delivered, failed, received = _counts(found, user_id)
            shown.append(Minute(at, submitted, sent, delivered, failed, received, depth))
        return shown

    async def sample_queue(self) -> None:
        """Look at the queue, once a minute and only when it may have changed."""
        if self._is_queue_known:
            return
        minute = self._now()
        if minute.depth_by_user is not None:
            return
        self._is_queue_known = True  # before the look: what changes meanwhile makes it unknown
        depths: dict[int | None, int] = {None: 0}
        for lane in await store.waiting_by_lane(self._db):
            depths[None] += lane.count
            if lane.user_id in depths or len(depths) <= MAX_ACCOUNTS_COUNT:
                depths[lane.user_id] = depths.get(lane.user_id, 0) + lane.count
        minute.depth_by_user = depths

    # --- listening ---

    def _on_submitted(self, event: MessageSubmitted) -> None:
        self._is_queue_known = False
        self._count(event.user_id, _SUBMITTED, len(event.recipient_ids))

    def _on_changed(self, event: RecipientChanged) -> None:
        self._is_queue_known = False
        place = _PLACES.get(event.state)
        if place is not None:
            self._count(event.user_id, place, 1)

    def _on_received(self, event: IncomingReceived) -> None:
        self._count(event.user_id, _RECEIVED, 1)

    def _forget_queue(self, _: Event) -> None:
        self._is_queue_known = False

    def _count(self, user_id: int, place: int, count: int) -> None:
        minute = self._now()
        minute.total[place] += count
        counts = minute.by_user.get(user_id)
        if counts is None:
            if len(minute.by_user) >= MAX_ACCOUNTS_COUNT:
                return
            counts = minute.by_user[user_id] = [0] * 5
        counts[place] += count

    def _now(self) -> _Minute:
        """The minute that is going on; a clock that was set back stays in the last one."""
        now_ms = self._clock.now_ms()
        if now_ms >= self._next_at:
            if len(self._minutes) == MINUTES_COUNT:
                self._depth_before = self._minutes[0].depth_by_user or self._depth_before
            self._minutes.append(_Minute(_minute_of(now_ms)))
            self._next_at = self._minutes[-1].at + MINUTE_MS
        return self._minutes[-1]


def _counts(minute: _Minute | None, user_id: int | None) -> list[int]:
    if minute is None:
        return [0] * 5
    return minute.total if user_id is None else minute.by_user.get(user_id, [0] * 5)


def _minute_of(at_ms: int) -> int:
    return at_ms // MINUTE_MS * MINUTE_MS
