"""What an account sent, in numbers: by day, state, device and credits; and its messages by page.

Counted when asked for, from the rows themselves, so that it is always true; therefore bounded in
days and recipients. Refuses to know other accounts.
"""

import msgspec

from textko_server.clock import DAY_MS, Clock
from textko_server.errors import Invalid
from textko_server.model import LedgerLine, Message, State
from textko_server.store import analytics as store
from textko_server.store import ledger, message_pages
from textko_server.store.database import Database

DEFAULT_DAYS = 30
MAX_DAYS = 92
# What is read in a part of a second.
MAX_RECIPIENTS = 100_000

_ACCEPTED = frozenset({State.SENT, State.DELIVERED})
_SETTLED = frozenset({State.SENT, State.DELIVERED, State.FAILED, State.EXPIRED})


class Count(msgspec.Struct):
    recipients: int = 0
    credits: int = 0

    def add(self, volume: store.Volume) -> None:
        self.recipients += volume.recipients
        self.credits += volume.segments


class Report(msgspec.Struct, frozen=True):
    since: int
    before: int
    total: Count
    by_day: dict[int, Count]
    """By days since 1970, UTC, every day of the time span."""
    by_state: dict[State, Count]
    by_device: dict[int, Count]
    """Of those that a phone took, or that are for one only."""
    is_complete: bool
    """False: only the newest MAX_RECIPIENTS are in it."""

    @property
    def sent_rate(self) -> float | None:
        """Of those sent or ended without it, the part a phone handed to the network."""
        return self._rate(_ACCEPTED)

    @property
    def delivered_rate(self) -> float | None:
        """Of the same, the part whose delivery the network confirmed."""
        return self._rate(frozenset({State.DELIVERED}))

    def _rate(self, good: frozenset[State]) -> float | None:
        settled = self._count(_SETTLED)
        return round(self._count(good) / settled, 4) if settled else None

    def _count(self, states: frozenset[State]) -> int:
        return sum(count.recipients for state, count in self.by_state.items() if state in states)


class Analytics:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def report(self, user_id: int, since: int | None, before: int | None) -> Report:
        """Of what was submitted from `since` on and before `before`; the last 30 days.

        Raises:
            Invalid: no time span, or more than 92 days.
        """
        before = self._clock.now_ms() + 1 if before is None else before
        since = max(before - DEFAULT_DAYS * DAY_MS, 0) if since is None else since
        if since >= before:
            raise Invalid("dateFrom", "must be before dateTo")
        if before - since > MAX_DAYS * DAY_MS:
            raise Invalid("dateFrom", f"at most {MAX_DAYS} days before dateTo")
        volumes = await store.volumes(
            self._db,
            user_id,
            from_id=await store.first_message_since(self._db, since),
            before_id=await store.first_message_since(self._db, before),
            limit=MAX_RECIPIENTS,
        )
        days = range(since // DAY_MS, (before - 1) // DAY_MS + 1)
        report = Report(
            since,
            before,
            Count(),
            {day: Count() for day in days},
            {},
            {},
            sum(volume.recipients for volume in volumes) < MAX_RECIPIENTS,
        )
        for volume in volumes:
            report.total.add(volume)
            report.by_day.setdefault(volume.day, Count()).add(volume)
            report.by_state.setdefault(volume.state, Count()).add(volume)
            if volume.device_id is not None:
                report.by_device.setdefault(volume.device_id, Count()).add(volume)
        return report

    async def list_messages(
        self,
        user_id: int,
        states: list[State] | None,
        since: int | None,
        before: int | None,
        *,
        offset: int,
        limit: int,
    ) -> tuple[list[Message], int]:
        """A page of messages, newest first, and how many there are, counted up to 20,000."""
        wanted = message_pages.Wanted(user_id, states)
        if since is not None:
            first = await store.first_message_since(self._db, since)
            wanted = msgspec.structs.replace(wanted, from_id=first)
        if before is not None:
            end = await store.first_message_since(self._db, before)
            wanted = msgspec.structs.replace(wanted, before_id=end)
        offset = min(offset, message_pages.MAX_COUNTED)
        page = await message_pages.list_page(self._db, wanted, offset=offset, limit=limit)
        return page, await message_pages.count(self._db, wanted)

    async def list_ledger(
        self, user_id: int, *, offset: int, limit: int
    ) -> tuple[list[LedgerLine], int]:
        """A page of the changes of credits, newest first, and how many there are."""
        lines = await ledger.list_page(self._db, user_id, offset=offset, limit=limit)
        return lines, await ledger.count(self._db, user_id)

    async def list_ledger_before(
        self, user_id: int, before_id: int | None, limit: int
    ) -> list[LedgerLine]:
        """The same by cursor: those before a key, or (None) the newest."""
        before_id = ledger.NEWEST if before_id is None else before_id
        return await ledger.list_page(self._db, user_id, before_id=before_id, limit=limit)
