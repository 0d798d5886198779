"""Messages from the application's side: submit, read, cancel, requeue.

A submit is answered after its transaction is on disk: message, recipients, usage and credits
together, or nothing. Refuses to know dialects; they translate to a Submission.
"""

import msgspec

from textko_server.clock import Clock, month_of
from textko_server.config import DispatchSettings, MessageSettings
from textko_server.errors import (
    InsufficientCredits,
    Invalid,
    LimitExceeded,
    NotFound,
    SubscriptionRequired,
    WrongState,
)
from textko_server.gateway import dispatch, states
from textko_server.gateway.events import DeviceChanged, LaneFilled, RecipientChanged
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.presence import Presence
from textko_server.gateway.segments import Segmentation, segment
from textko_server.model import (
    Dialect,
    Message,
    Principal,
    Priority,
    Recipient,
    RecipientEvent,
    State,
)
from textko_server.store import messages as store
from textko_server.store import usage as usage_store
from textko_server.store.database import Database, Transaction

MAX_PAGE = 200


class Submission(msgspec.Struct, frozen=True):
    """One text to one or more numbers, decoded and normalised by a dialect."""

    text: str
    phone_numbers: list[str]
    dialect: Dialect
    device_id: int | None = None
    """Pinned to this device."""
    sim_id: int | None = None
    """Pinned to this SIM; its device need not be named."""
    priority: int = Priority.NORMAL
    scheduled_at: int | None = None
    expires_at: int | None = None
    """None: after the settings' time."""
    sender_id: str | None = None
    custom_id: str | None = None


class Submitted(msgspec.Struct, frozen=True):
    message_id: int
    created_at: int
    recipient_ids: range
    segmentation: Segmentation


class MessageDetail(msgspec.Struct, frozen=True):
    message: Message
    recipients: list[Recipient]
    time_lines: dict[int, list[RecipientEvent]]
    """By recipient key; the first line of each is its own creation."""


class Messages:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: MessageSettings,
        dispatch_settings: DispatchSettings,
        lifecycle: Lifecycle,
        presence: Presence,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dispatch_settings = dispatch_settings
        self._lifecycle = lifecycle
        self._presence = presence

    # --- submit ---

    async def submit(self, principal: Principal, submissions: list[Submission]) -> list[Submitted]:
        """Accept all submissions or none; on disk when this returns.

        Raises:
            Invalid: a text or number that cannot be sent; names the field.
            LimitExceeded, InsufficientCredits, SubscriptionRequired: of the account.
        """
        checked = [self._check(s) for s in submissions]
        return await self._db.write(
            lambda tx: self.insert(tx, principal, submissions, checked), durable=True
        )

    def _check(self, submission: Submission) -> Segmentation:
        if not submission.text or submission.text.isspace():
            raise Invalid("message", "must not be blank")
        count = len(submission.phone_numbers)
        if count == 0:
            raise Invalid("recipients", "must name at least one phone number")
        if count > self._settings.max_recipients:
            raise Invalid("recipients", f"at most {self._settings.max_recipients} at a time")
        segmentation = segment(submission.text)
        if segmentation.segments > self._settings.max_segments:
            raise Invalid(
                "message",
                f"takes {segmentation.segments} segments, at most {self._settings.max_segments}",
            )
        return segmentation

    def insert(
        self,
        tx: Transaction,
        principal: Principal,
        submissions: list[Submission],
        segmentations: list[Segmentation],
    ) -> list[Submitted]:
        """The submit itself, for callers that store something else in the same transaction."""
        now_ms = self._clock.now_ms()
        user_id = principal.user_id
        self._charge(tx, user_id, submissions, segmentations, now_ms)
        submitted: list[Submitted] = []
        filled: dict[str, int] = {}
        for submission, segmentation in zip(submissions, segmentations, strict=True):
            one = self._insert_one(tx, principal, submission, segmentation, now_ms, filled)
            submitted.append(one)
        for lane, count in filled.items():
            tx.after_commit(LaneFilled(user_id, lane, count))
        return submitted

    def _insert_one(
        self,
        tx: Transaction,
        principal: Principal,
        submission: Submission,
        segmentation: Segmentation,
        now_ms: int,
        filled: dict[str, int],
    ) -> Submitted:
        user_id = principal.user_id
        expires_at = submission.expires_at
        if expires_at is None and self._settings.expire_after_s:
            start = max(submission.scheduled_at or 0, now_ms)
            expires_at = start + self._settings.expire_after_s * 1000
        state = State.SCHEDULED if submission.scheduled_at else State.QUEUED
        message_id = store.insert(
            tx,
            (
                user_id, submission.dialect, principal.api_key_id, submission.text,
                segmentation.encoding, segmentation.segments, len(submission.phone_numbers), state,
                submission.priority, submission.sender_id, submission.custom_id,
                submission.scheduled_at, expires_at, now_ms, now_ms,
            ),
        )  # fmt: skip
        home = self._home_lane(user_id, submission)
        rows: list[tuple[object, ...]] = []
        for phone_number in submission.phone_numbers:
            lane: str | None = None
            due_at = submission.scheduled_at
            if state is State.QUEUED:
                lane, open_at = self._first_lane(tx, user_id, phone_number, home, now_ms)
                filled[lane] = filled.get(lane, 0) + 1
                due_at = min((t for t in (open_at, expires_at) if t is not None), default=None)
            rows.append(
                (
                    message_id, user_id, phone_number, state, lane, home, submission.priority,
                    submission.device_id, submission.sim_id, due_at, expires_at,
                    segmentation.segments, now_ms,
                )
            )  # fmt: skip
        recipient_ids = store.insert_recipients(tx, rows)
        for recipient_id in recipient_ids:
            tx.after_commit(
                RecipientChanged(user_id, recipient_id, message_id, state, now_ms, now_ms)
            )
        return Submitted(message_id, now_ms, recipient_ids, segmentation)

    def _home_lane(self, user_id: int, submission: Submission) -> str:
        if submission.sim_id is not None:
            return dispatch.sim_lane(submission.sim_id)
        if submission.device_id is not None:
            return dispatch.device_lane(submission.device_id)
        return dispatch.account_lane(user_id)

    def _first_lane(
        self, tx: Transaction, user_id: int, phone_number: str, home: str, now_ms: int
    ) -> tuple[str, int | None]:
        """An open job first waits a short time for the SIM that last wrote to this number.

        Only for a SIM whose phone is online: waiting for another helps nobody.
        """
        prefer_s = self._dispatch_settings.prefer_last_sim_s
        is_open = home == dispatch.account_lane(user_id)
        if prefer_s and is_open and self._presence.any_online:
            last = usage_store.last_sim(tx, user_id, phone_number)
            if last is not None and self._presence.is_online(last[1]):
                return dispatch.sim_lane(last[0]), now_ms + prefer_s * 1000
        return home, None

    def _charge(
        self,
        tx: Transaction,
        user_id: int,
        submissions: list[Submission],
        segmentations: list[Segmentation],
        now_ms: int,
    ) -> None:
        credits_left, monthly_limit = check_subscription(tx, user_id, now_ms)
        count = sum(len(s.phone_numbers) for s in submissions)
        segments = sum(
            len(s.phone_numbers) * g.segments
            for s, g in zip(submissions, segmentations, strict=True)
        )
        used = usage_store.add(tx, user_id, month_of(now_ms), count, segments)
        if monthly_limit is not None and used > monthly_limit:
            raise LimitExceeded(monthly_limit, used - count)
        if credits_left is not None:
            if segments > credits_left:
                raise InsufficientCredits(segments, credits_left)
            usage_store.take_credits(tx, user_id, segments)

    # --- read ---

    async def get(self, principal: Principal, message_id: int | None) -> MessageDetail:
        """A message with recipients and time lines.

        Raises:
            NotFound: no such message, or somebody else's.
        """
        message = await store.find(self._db, message_id) if message_id is not None else None
        if message is None or not _may_see(principal, message.user_id):
            raise NotFound("message")
        return MessageDetail(
            message,
            await store.list_recipients(self._db, message.id),
            await store.list_events(self._db, message.id),
        )

    async def get_recipient(
        self, principal: Principal, recipient_id: int | None
    ) -> tuple[Message, Recipient]:
        """Raises NotFound as `get` does."""
        recipient = (
            await store.find_recipient(self._db, recipient_id) if recipient_id is not None else None
        )
        if recipient is None or not _may_see(principal, recipient.user_id):
            raise NotFound("message")
        message = await store.find(self._db, recipient.message_id)
        if message is None:  # deleted between the two reads
            raise NotFound("message")
        return message, recipient

    async def list_page(
        self,
        principal: Principal,
        *,
        user_id: int | None = None,
        state: State | None = None,
        before_id: int | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """A page, newest first. Only an admin sees other accounts' or (None) everybody's."""
        if not principal.is_admin:
            user_id = principal.user_id
        return await store.list_page(
            self._db,
            user_id=user_id,
            state=state,
            before_id=before_id if before_id is not None else store.NEWEST,
            limit=max(1, min(limit, MAX_PAGE)),
        )

    async def check_subscription(self, principal: Principal) -> None:
        """For dialects that refuse an ended subscription before they look at the body.

        Raises:
            SubscriptionRequired: it has ended.
        """
        now_ms = self._clock.now_ms()
        await self._db.write(lambda tx: check_subscription(tx, principal.user_id, now_ms))

    async def queue_depth(self) -> tuple[int, int | None]:
        """(jobs waiting for a phone, when the oldest of them was submitted)."""
        return await store.queue_depth(self._db)

    # --- cancel, requeue ---

    async def cancel(self, principal: Principal, message_id: int | None, *, actor: str) -> int:
        """Cancel what has not been sent; returns how many recipients were cancelled or asked for.

        A job that a phone holds is cancelled only if the phone has not sent it yet: it is asked,
        and the message ends as whatever the phone then reports.

        Raises:
            NotFound: as `get`.
            WrongState: every recipient is sent or ended already.
        """
        detail = await self.get(principal, message_id)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> int:
            count = 0
            for recipient in detail.recipients:
                job = store.find_job(tx, recipient.id)
                if job is None:
                    continue
                r = job.recipient
                if r.state in states.WAITING:
                    self._lifecycle.move(
                        tx, job, State.CANCELLED, now_ms=now_ms, actor=actor,
                        error_code="cancelled", error="cancelled before it was sent",
                    )  # fmt: skip
                    count += 1
                elif r.state is State.CLAIMED and r.device_id is not None:
                    if r.cancel_requested_at is None:
                        store.request_cancel(tx, r.id, now_ms)
                        tx.after_commit(DeviceChanged(r.user_id, r.device_id, "cancel", now_ms))
                    count += 1
            if count == 0:
                raise WrongState("nothing of this message is left to cancel: it is sent or ended")
            return count

        return await self._db.write(write)

    async def requeue(self, principal: Principal, message_id: int | None, *, actor: str) -> int:
        """Send failed, expired and cancelled recipients again; returns how many.

        They keep their place by age, start their leases anew, and are charged nothing.

        Raises:
            NotFound: as `get`.
            WrongState: nothing of it has failed.
        """
        detail = await self.get(principal, message_id)
        now_ms = self._clock.now_ms()
        expire_ms = self._settings.expire_after_s * 1000

        def write(tx: Transaction) -> int:
            count = 0
            for recipient in detail.recipients:
                job = store.find_job(tx, recipient.id)
                if job is None or job.recipient.state not in states.ENDED - {State.DELIVERED}:
                    continue
                expires_at = now_ms + expire_ms if expire_ms else None
                self._lifecycle.move(
                    tx, job, State.QUEUED, now_ms=now_ms, actor=actor, detail="queued again",
                    lane=job.recipient.home_lane, device_id=None, sim_id=None, lease_count=0,
                    due_at=expires_at, expires_at=expires_at, error_code=None, error=None,
                    ended_at=None, cancel_requested_at=None,
                )  # fmt: skip
                count += 1
            if count == 0:
                raise WrongState("nothing of this message has failed")
            return count

        return await self._db.write(write)


def check_subscription(tx: Transaction, user_id: int, now_ms: int) -> tuple[int | None, int | None]:
    """(credits, monthly limit) of an account whose subscription has not ended; None: unlimited.

    Raises:
        SubscriptionRequired: it has ended.
        NotFound: no such user.
    """
    limits = usage_store.limits(tx, user_id)
    if limits is None:
        raise NotFound("user")
    credits_left, monthly_limit, subscription_ends_at = limits
    if subscription_ends_at is not None and subscription_ends_at <= now_ms:
        raise SubscriptionRequired("the account's subscription has ended")
    return credits_left, monthly_limit


def _may_see(principal: Principal, user_id: int) -> bool:
    return principal.is_admin or principal.user_id == user_id
