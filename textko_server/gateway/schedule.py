"""Scheduled messages: texts that become messages at their time, by one loop on the clock.

Whom they go to, what each recipient gets and what it costs is decided at that time; what is told
before are estimates. They are rows, so a restart loses none: one that is overdue afterwards goes at
once, unless it is later than `messages.overdue_after_s`; then it fails, and says so.

    pending → processing → sent | partially_failed | failed      pending → cancelled

Textko's `scheduledAt` needs none of this: there a message exists from the start.
"""

import asyncio
import logging

import msgspec

from textko_server.clock import DAY_MS, Clock
from textko_server.config import MessageSettings
from textko_server.errors import Conflict, Invalid, NotFound, TextkoError, Unavailable, WrongState
from textko_server.gateway.audience import Audience, Draft, Prepared
from textko_server.gateway.due_loop import DueLoop
from textko_server.gateway.events import RecipientChanged, ScheduledChanged
from textko_server.gateway.messages import Messages
from textko_server.gateway.templates import checked_text
from textko_server.model import Principal, Role, ScheduledMessage, ScheduledStatus, State
from textko_server.store import scheduled as store
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)

BATCH_COUNT = 50
# A table that grows by what waits, not by what was; and a loop that stays quick.
MAX_PENDING = 10_000
NEWEST = 1 << 62
MAX_AHEAD_MS = 366 * DAY_MS
RECIPIENT_TYPES = ("phones", "contacts", "groups")

_GOOD = frozenset({State.SENT, State.DELIVERED})
_ENDED_BADLY = frozenset({State.FAILED, State.EXPIRED, State.CANCELLED})


class Order(msgspec.Struct, frozen=True):
    """What to send when, checked and looked up."""

    draft: Draft
    recipient_type: str
    send_at: int
    estimate: Prepared


class Schedule:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: MessageSettings,
        audience: Audience,
        messages: Messages,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._audience = audience
        self._messages = messages
        # Messages of what is processing, and what of it may have come to its end.
        self._scheduled_of: dict[int, int] = {}
        self._to_settle: set[int] = set()
        self._due = DueLoop(clock, lambda: store.next_send_at(db))

    # --- what people ask for ---

    async def prepare(self, user_id: int, draft: Draft, recipient_type: str, send_at: int) -> Order:
        """Check an order and estimate what it will take.

        Raises:
            Invalid, and as `Audience.prepare`.
        """
        if recipient_type not in RECIPIENT_TYPES:
            raise Invalid("recipientType", f"must be one of {', '.join(RECIPIENT_TYPES)}")
        self._check_time(send_at)
        draft = msgspec.structs.replace(draft, text=checked_text(draft.text))
        by_number = [self._audience.is_phone(name) for name in draft.recipients]
        if recipient_type != "phones" and any(by_number):
            raise Invalid(recipient_type, "must be ids, not phone numbers")
        estimate = await self._audience.prepare(user_id, draft)
        if recipient_type != "phones":
            is_group = recipient_type == "groups"
            if any(batch.is_group != is_group for batch in estimate.batches):
                raise Invalid(recipient_type, f"must be ids of {recipient_type}")
        return Order(draft, recipient_type, send_at, estimate)

    def insert(self, tx: Transaction, principal: Principal, order: Order) -> ScheduledMessage:
        """Store an order.

        Raises:
            Conflict: too many wait already.
        """
        if store.count_pending(tx, principal.user_id) >= MAX_PENDING:
            raise Conflict(f"at most {MAX_PENDING} scheduled messages may wait at a time")
        now_ms = self._clock.now_ms()
        devices = principal.device_ids
        estimate = order.estimate
        new = ScheduledMessage(
            id=0,
            user_id=principal.user_id,
            api_key_id=principal.api_key_id,
            device_ids=None if devices is None else " ".join(map(str, sorted(devices))),
            text=order.draft.text,
            sender_id=order.draft.sender_id,
            recipient_type=order.recipient_type,
            recipients=order.draft.recipients,
            send_at=order.send_at,
            status=ScheduledStatus.PENDING,
            error_code=None,
            error=None,
            recipient_count=estimate.recipient_count,
            segments=estimate.longest.segments,
            credits=estimate.credits,
            encoding=estimate.longest.encoding,
            message_ids=[],
            sent_at=None,
            created_at=now_ms,
            updated_at=now_ms,
            values=None if order.draft.values is None else dict(order.draft.values),
        )
        new = msgspec.structs.replace(new, id=store.insert(tx, new))
        tx.after_commit(_changed(new))
        return new

    async def get(self, user_id: int | None, scheduled_id: int | None) -> ScheduledMessage:
        """`user_id` None: whosever it is. Raises NotFound: absent, or another account's."""
        scheduled = None
        if scheduled_id is not None:
            scheduled = await store.find(self._db, scheduled_id)
        if scheduled is None or user_id not in (None, scheduled.user_id):
            raise NotFound("scheduled message")
        return scheduled

    async def list_page(
        self, user_id: int, status: ScheduledStatus | None, *, offset: int, limit: int
    ) -> tuple[list[ScheduledMessage], int]:
        """A page, newest first, and how many there are."""
        page = await store.list_page(self._db, user_id, status, offset=offset, limit=limit)
        return page, await store.count(self._db, user_id, status)

    async def list_before(
        self,
        user_id: int | None,
        status: ScheduledStatus | None,
        *,
        before_id: int | None,
        limit: int,
    ) -> list[ScheduledMessage]:
        """Newest first: of an account, or (None) of everybody."""
        newest = NEWEST if before_id is None else before_id
        return await store.list_before(self._db, user_id, status, before_id=newest, limit=limit)

    async def update(
        self,
        user_id: int | None,
        scheduled_id: int | None,
        *,
        text: str | None = None,
        send_at: int | None = None,
        sender_id: str | None = None,
    ) -> ScheduledMessage:
        """Change what is given, while it is pending; `user_id` None: whosever it is.

        Raises:
            NotFound, Invalid; WrongState: it is no longer pending.
        """
        before = await self.get(user_id, scheduled_id)
        _check_pending(before)
        if send_at is not None:
            self._check_time(send_at)
        changed = msgspec.structs.replace(
            before,
            text=before.text if text is None else checked_text(text),
            send_at=before.send_at if send_at is None else send_at,
            sender_id=before.sender_id if sender_id is None else sender_id,
        )
        if text is not None:
            estimate = await self._audience.prepare(before.user_id, _draft(changed))
            changed = msgspec.structs.replace(
                changed,
                recipient_count=estimate.recipient_count,
                segments=estimate.longest.segments,
                credits=estimate.credits,
                encoding=estimate.longest.encoding,
            )

        return await self._db.write(lambda tx: self._put_pending(tx, before, changed))

    async def cancel(self, user_id: int | None, scheduled_id: int | None) -> ScheduledMessage:
        """`user_id` None: whosever it is. Raises NotFound; WrongState: it is no longer pending."""
        before = await self.get(user_id, scheduled_id)
        changed = msgspec.structs.replace(before, status=ScheduledStatus.CANCELLED)
        return await self._db.write(lambda tx: self._put_pending(tx, before, changed))

    def _put_pending(
        self, tx: Transaction, before: ScheduledMessage, changed: ScheduledMessage
    ) -> ScheduledMessage:
        """Store a change of what was read outside the transaction."""
        now = store.find_in(tx, before.id)
        if now is None:
            raise NotFound("scheduled message")
        _check_pending(now)
        if now != before:
            raise Conflict("the scheduled message was changed by somebody else meanwhile")
        return self._put(tx, changed)

    def _put(self, tx: Transaction, changed: ScheduledMessage) -> ScheduledMessage:
        changed = msgspec.structs.replace(changed, updated_at=self._clock.now_ms())
        store.put(tx, changed)
        tx.after_commit(_changed(changed))
        return changed

    def _check_time(self, send_at: int) -> None:
        now_ms = self._clock.now_ms()
        if send_at <= now_ms:
            raise Invalid("scheduledFor", "must be in the future")
        if send_at > now_ms + MAX_AHEAD_MS:
            raise Invalid("scheduledFor", "must be within a year")

    # --- what happens by itself ---

    async def start(self) -> None:
        """Take up what was being sent when the server stopped."""
        for key, message_ids in (await store.processing(self._db)).items():
            self._to_settle.add(key)
            self._scheduled_of |= dict.fromkeys(message_ids, key)

    def on_event(self, event: RecipientChanged | ScheduledChanged) -> None:
        """Fed with every change of a recipient, so that nothing has to be looked for."""
        if isinstance(event, ScheduledChanged):
            self._due.changed()
            if event.status == ScheduledStatus.PROCESSING:
                self._scheduled_of |= dict.fromkeys(event.message_ids, event.scheduled_id)
                # Some recipients may have ended in the same write.
                self._to_settle.add(event.scheduled_id)
            return
        key = self._scheduled_of.get(event.message_id)
        if key is not None and (event.state in _GOOD or event.state in _ENDED_BADLY):
            self._to_settle.add(key)
            self._due.wake()

    async def run(self, stopping: asyncio.Event) -> None:
        """Send what is due until stopped. What the disk refuses is tried again."""

        async def send_full_batch() -> bool:
            count = await self.dispatch_due()
            await self.settle()
            return count == BATCH_COUNT

        await self._due.run(
            stopping,
            send_full_batch,
            refused_event="schedule_refused",
            has_more=lambda: bool(self._to_settle),
        )

    async def dispatch_due(self) -> int:
        """Send, or fail, one batch of what is due; returns how many."""
        if not await self._due.is_due():
            return 0
        now_ms = self._clock.now_ms()
        due = await store.due(self._db, now_ms, BATCH_COUNT)
        for scheduled in due:
            await self._dispatch(scheduled)
        return len(due)

    async def _dispatch(self, scheduled: ScheduledMessage) -> None:
        late_ms = self._clock.now_ms() - scheduled.send_at
        try:
            if late_ms > self._settings.overdue_after_s * 1000:
                raise _Overdue(f"{late_ms // 60_000} minutes late, after the server was down")
            prepared = await self._audience.prepare(scheduled.user_id, _draft(scheduled))
            await self._db.write(lambda tx: self._send(tx, scheduled, prepared))
        except Unavailable:
            raise
        except TextkoError as error:
            reason = error
            await self._db.write(lambda tx: self._fail(tx, scheduled, reason))
            log.info("scheduled_failed", extra={"scheduled_id": scheduled.id, "code": error.code})

    def _send(self, tx: Transaction, scheduled: ScheduledMessage, prepared: Prepared) -> None:
        """Messages, debit and the new status together."""
        if store.find_in(tx, scheduled.id) != scheduled:
            return  # changed or cancelled meanwhile: the next round sees it as it is now
        principal = _principal(scheduled)
        submitted = self._messages.insert(tx, principal, prepared.submissions)
        sending = msgspec.structs.replace(
            scheduled,
            status=ScheduledStatus.PROCESSING,
            recipient_count=prepared.recipient_count,
            segments=prepared.longest.segments,
            credits=prepared.credits,
            encoding=prepared.longest.encoding,
            message_ids=[done.message_id for done in submitted],
            sent_at=submitted[0].created_at,
        )
        self._put(tx, sending)

    def _fail(self, tx: Transaction, scheduled: ScheduledMessage, error: TextkoError) -> None:
        if store.find_in(tx, scheduled.id) != scheduled:
            return
        failed = msgspec.structs.replace(
            scheduled,
            status=ScheduledStatus.FAILED,
            error_code=error.code,
            error=error.message,
        )
        self._put(tx, failed)

    async def settle(self) -> None:
        """Give those an end of which every recipient is sent or ended."""
        while self._to_settle:
            await self._settle_some(sorted(self._to_settle)[:BATCH_COUNT])

    async def _settle_some(self, keys: list[int]) -> None:
        # Before the look: what happens during it is looked at again.
        self._to_settle.difference_update(keys)
        try:
            settled = await self._db.write(
                lambda tx: [key for key in keys if self._settle(tx, key)]
            )
        except Unavailable:
            self._to_settle.update(keys)
            raise
        done = set(settled)
        self._scheduled_of = {
            message_id: key for message_id, key in self._scheduled_of.items() if key not in done
        }

    def _settle(self, tx: Transaction, scheduled_id: int) -> bool:
        """True when there is nothing left to wait for."""
        scheduled = store.find_in(tx, scheduled_id)
        if scheduled is None or scheduled.status is not ScheduledStatus.PROCESSING:
            return True
        counts = store.recipient_states(tx, scheduled.message_ids)
        good_count = sum(count for state, count in counts.items() if state in _GOOD)
        bad_count = sum(count for state, count in counts.items() if state in _ENDED_BADLY)
        if good_count + bad_count < sum(counts.values()):
            return False
        status = ScheduledStatus.SENT
        if bad_count:
            status = ScheduledStatus.PARTIALLY_FAILED if good_count else ScheduledStatus.FAILED
        ended = msgspec.structs.replace(
            scheduled,
            status=status,
            error_code="recipients_failed" if bad_count else None,
            error=f"{bad_count} of {good_count + bad_count} recipients" if bad_count else None,
        )
        self._put(tx, ended)
        return True


class _Overdue(TextkoError):
    code = "overdue"


def _draft(scheduled: ScheduledMessage) -> Draft:
    return Draft(
        scheduled.text, scheduled.recipients, scheduled.values, sender_id=scheduled.sender_id
    )


def _principal(scheduled: ScheduledMessage) -> Principal:
    """Whoever ordered it, with the devices that it might use then."""
    devices = scheduled.device_ids
    return Principal(
        user_id=scheduled.user_id,
        role=Role.REGULAR,
        scopes=frozenset(),
        api_key_id=scheduled.api_key_id,
        device_ids=None if devices is None else frozenset(map(int, devices.split())),
        actor="clock",
    )


def _check_pending(scheduled: ScheduledMessage) -> None:
    if scheduled.status is not ScheduledStatus.PENDING:
        raise WrongState(f"the scheduled message is {scheduled.status}, no longer pending")


def _changed(scheduled: ScheduledMessage) -> ScheduledChanged:
    s = scheduled
    return ScheduledChanged(s.user_id, s.id, s.status, s.message_ids, s.created_at, s.updated_at)
