"""Messages from the application's side: submit, read, cancel, requeue.

A submit is answered after its transaction is on disk: message, recipients, usage and credits
together, or nothing. Refuses to know dialects; they translate to a Submission.
"""

import msgspec

from textko_server.clock import Clock
from textko_server.config import DispatchSettings, MessageSettings
from textko_server.errors import Forbidden, Invalid, NotFound, TextkoError, WrongState
from textko_server.gateway import charges, dispatch, opt_outs, states
from textko_server.gateway.conversations import Conversations
from textko_server.gateway.events import DeviceChanged, LaneFilled, MessageSubmitted
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.opt_outs import OptOuts
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
from textko_server.store import devices as device_store
from textko_server.store import messages as store
from textko_server.store import smsgate_messages as smsgate_store
from textko_server.store import usage as usage_store
from textko_server.store.database import Database, Transaction

# What is charged for a text that cannot be counted.
_OPAQUE = Segmentation("GSM-7", 1, 0)


class Submission(msgspec.Struct, frozen=True):
    """One text to one or more numbers, decoded and normalised by a dialect."""

    text: str
    phone_numbers: list[str]
    dialect: Dialect
    texts: list[str] | None = None
    """Of each number, where they differ; `text` then is what people read in lists."""
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
    is_despite_opt_out: bool = False
    """For what answers an opt-out itself."""
    is_opaque: bool = False
    """The text is ciphertext, or data: what will be on the air cannot be counted, nor is blank."""


class Submitted(msgspec.Struct, frozen=True):
    message_id: int
    created_at: int
    recipient_ids: range
    segmentation: Segmentation
    """Where texts differ, of the longest."""
    credits: int


class _Size(msgspec.Struct, frozen=True):
    """How long the texts of a submission are."""

    longest: Segmentation
    segments: list[int] | None = None
    """Of each number, where texts differ."""
    opted_out: frozenset[int] = frozenset()
    """Places of the numbers that get nothing, and cost nothing."""

    def credits(self, recipient_count: int) -> int:
        if self.opted_out:
            each = self.segments or [self.longest.segments] * recipient_count
            return sum(n for place, n in enumerate(each) if place not in self.opted_out)
        if self.segments is not None:
            return sum(self.segments)
        return recipient_count * self.longest.segments


class _Submit(msgspec.Struct, frozen=True):
    """One caller's submissions: accepted together or not at all."""

    principal: Principal
    submissions: list[Submission]
    sizes: list[_Size]

    @property
    def charge(self) -> charges.Charge:
        messages = segments = 0
        for submission, size in zip(self.submissions, self.sizes, strict=True):
            count = len(submission.phone_numbers)
            messages += count - len(size.opted_out)
            segments += size.credits(count)
        return charges.Charge(self.principal.user_id, messages, segments)


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
        opt_outs: OptOuts,
        conversations: Conversations,
        low_credits: int,
    ) -> None:
        """`low_credits`: an account that falls below it is told of."""
        self._low_credits = low_credits
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dispatch_settings = dispatch_settings
        self._lifecycle = lifecycle
        self._presence = presence
        self._opt_outs = opt_outs
        self._conversations = conversations
        self._submits = db.batch(self._insert)

    # --- submit ---

    async def submit(self, principal: Principal, submissions: list[Submission]) -> list[Submitted]:
        """Accept all submissions or none; on disk when this returns.

        Raises:
            Invalid: a text or number that cannot be sent; names the field.
            LimitExceeded, InsufficientCredits, SubscriptionRequired: of the account.
        """
        sizes = [self._check(s) for s in submissions]
        return await self._submits.write(_Submit(principal, submissions, sizes))

    def insert(
        self, tx: Transaction, principal: Principal, submissions: list[Submission]
    ) -> list[Submitted]:
        """The same for callers that store something else in the same transaction."""
        sizes = [self._check(s) for s in submissions]
        [outcome] = self._insert(tx, [_Submit(principal, submissions, sizes)])
        if isinstance(outcome, TextkoError):
            raise outcome
        return outcome

    def _check(self, submission: Submission) -> _Size:
        count = len(submission.phone_numbers)
        if count == 0:
            raise Invalid("recipients", "must name at least one phone number")
        if count > self._settings.max_recipients:
            raise Invalid("recipients", f"at most {self._settings.max_recipients} at a time")
        if submission.is_opaque:
            return _Size(_OPAQUE)
        if submission.texts is None:
            return _Size(self.check_text(submission.text))
        sizes = [self.check_text(text) for text in submission.texts]
        longest = max(sizes, key=lambda size: (size.segments, size.units))
        return _Size(longest, [size.segments for size in sizes])

    def check_text(self, text: str) -> Segmentation:
        """Raises Invalid for a text that cannot be sent."""
        if not text or text.isspace():
            raise Invalid("message", "must not be blank")
        segmentation = segment(text)
        if segmentation.segments > self._settings.max_segments:
            raise Invalid(
                "message",
                f"takes {segmentation.segments} segments, at most {self._settings.max_segments}",
            )
        return segmentation

    def _insert(
        self, tx: Transaction, submits: list[_Submit]
    ) -> list[list[Submitted] | TextkoError]:
        """Every submit that its account may make, in as few statements as possible."""
        now_ms = self._clock.now_ms()
        submits = [
            s if s.principal.device_ids is None else self._keep_to_devices(tx, s) for s in submits
        ]
        submits = self._without_opted_out(tx, submits)
        takings = charges.take(tx, [submit.charge for submit in submits], now_ms)
        outcomes: list[list[Submitted] | TextkoError] = [
            taking if isinstance(taking, TextkoError) else [] for taking in takings
        ]
        accepted = [
            (outcome, submit.principal, submission, size)
            for outcome, submit in zip(outcomes, submits, strict=True)
            if isinstance(outcome, list)
            for submission, size in zip(submit.submissions, submit.sizes, strict=True)
        ]
        if not accepted:
            return outcomes
        message_ids = store.insert(
            tx, [self._message_row(p, s, g, now_ms) for _, p, s, g in accepted]
        )
        rows: list[tuple[object, ...]] = []
        filled: dict[tuple[int, str, bool], int] = {}
        for message_id, (_, principal, submission, size) in zip(message_ids, accepted, strict=True):
            rows += self._recipient_rows(
                tx, principal.user_id, message_id, submission, size, now_ms, filled
            )
        recipient_ids = store.insert_recipients(tx, rows)
        user_ids = {principal.user_id for _, principal, _, _ in accepted}
        self._conversations.note_sent(tx, user_ids, recipient_ids)
        at = recipient_ids.start
        for message_id, (outcome, principal, submission, size) in zip(
            message_ids, accepted, strict=True
        ):
            own = range(at, at + len(submission.phone_numbers))
            at = own.stop
            if size.opted_out:
                self._fail_opted_out(tx, [own[place] for place in size.opted_out], now_ms)
            outcome.append(Submitted(message_id, now_ms, own, size.longest, size.credits(len(own))))
            tx.after_commit(
                MessageSubmitted(
                    principal.user_id, message_id, own, _first_state(submission), now_ms
                )
            )
        for (user_id, lane, is_otp), count in filled.items():
            tx.after_commit(LaneFilled(user_id, lane, count, is_otp))
        charges.record(
            tx,
            [
                (taking, outcome[0].message_id)
                for taking, outcome in zip(takings, outcomes, strict=True)
                if isinstance(taking, charges.Taken)
                and taking.segments
                and isinstance(outcome, list)
                and outcome
            ],
            now_ms,
            self._low_credits,
        )
        return outcomes

    def _keep_to_devices(self, tx: Transaction, submit: _Submit) -> _Submit:
        """An API key for some devices only sends through one of those, online ones first.

        Raises:
            Forbidden: none of them is left.
        """
        allowed = submit.principal.device_ids or ()
        devices = [d for d in (device_store.find_in(tx, key) for key in sorted(allowed)) if d]
        if not devices:
            raise Forbidden("the devices this API key may use are gone")
        best = min(devices, key=lambda d: (not d.is_enabled, not self._presence.is_online(d.id)))
        pinned = [
            msgspec.structs.replace(s, device_id=best.id)
            if s.device_id is None and s.sim_id is None
            else s
            for s in submit.submissions
        ]
        return msgspec.structs.replace(submit, submissions=pinned)

    def _without_opted_out(self, tx: Transaction, submits: list[_Submit]) -> list[_Submit]:
        """The same, with the places of the numbers that asked not to be written to."""
        if not any(self._opt_outs.may_have(submit.principal.user_id) for submit in submits):
            return submits
        opted_out = self._opt_outs.among(
            tx,
            (
                (submit.principal.user_id, number)
                for submit in submits
                for submission in submit.submissions
                for number in submission.phone_numbers
            ),
        )
        if not opted_out:
            return submits
        return [
            msgspec.structs.replace(
                submit,
                sizes=[
                    _without(size, submission, submit.principal.user_id, opted_out)
                    for submission, size in zip(submit.submissions, submit.sizes, strict=True)
                ],
            )
            for submit in submits
        ]

    def _fail_opted_out(self, tx: Transaction, recipient_ids: list[int], now_ms: int) -> None:
        for job in store.find_jobs(tx, recipient_ids).values():
            self._lifecycle.move(
                tx, job, State.FAILED, now_ms=now_ms, actor="recipient",
                error_code=opt_outs.ERROR_CODE, error=opt_outs.ERROR, detail=opt_outs.ERROR,
            )  # fmt: skip

    def _message_row(
        self, principal: Principal, s: Submission, size: _Size, now_ms: int
    ) -> tuple[object, ...]:
        count = len(s.phone_numbers)
        is_plain = size.segments is None and not size.opted_out
        own_credits = None if is_plain else size.credits(count)
        return (
            principal.user_id, s.dialect, principal.api_key_id, s.text, size.longest.encoding,
            size.longest.segments, count, _first_state(s), s.priority, s.sender_id,
            s.custom_id, s.scheduled_at, self._expires_at(s, now_ms), now_ms, now_ms, own_credits,
        )  # fmt: skip

    def _recipient_rows(
        self,
        tx: Transaction,
        user_id: int,
        message_id: int,
        s: Submission,
        size: _Size,
        now_ms: int,
        filled: dict[tuple[int, str, bool], int],
    ) -> list[tuple[object, ...]]:
        """Counts in `filled` how many jobs wait in each lane of the account now, otp by itself."""
        state = _first_state(s)
        home = _home_lane(user_id, s)
        expires_at = self._expires_at(s, now_ms)
        rows: list[tuple[object, ...]] = []
        for index, phone_number in enumerate(s.phone_numbers):
            lane: str | None = None
            due_at = s.scheduled_at
            if index in size.opted_out:
                due_at = None
            elif state is State.QUEUED:
                lane, open_at = self._first_lane(tx, user_id, phone_number, home, now_ms)
                group = (user_id, lane, s.priority <= Priority.OTP)
                filled[group] = filled.get(group, 0) + 1
                due_at = expires_at if open_at is None else min(open_at, expires_at or open_at)
            rows.append(
                (
                    message_id, user_id, phone_number, state, lane, home, s.priority, s.device_id,
                    s.sim_id, due_at, expires_at,
                    size.longest.segments if size.segments is None else size.segments[index],
                    now_ms, None if s.texts is None else s.texts[index],
                )
            )  # fmt: skip
        return rows

    def _expires_at(self, submission: Submission, now_ms: int) -> int | None:
        if submission.expires_at is not None or not self._settings.expire_after_s:
            return submission.expires_at
        return max(submission.scheduled_at or 0, now_ms) + self._settings.expire_after_s * 1000

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

    async def needs_smsgate_app(self, message: Message) -> bool:
        """Whether only a phone with SMSGate's app can make sense of its text. Theirs alone are."""
        if message.dialect is not Dialect.SMSGATE:
            return False
        forms = await smsgate_store.forms(self._db, [message.id])
        return any(form.needs_the_app for form in forms.values())

    async def first_recipients(self, messages: list[Message]) -> dict[int, Recipient]:
        """What lists show beside each message, by its key. The caller may see the messages."""
        return await store.first_recipients(self._db, [message.id for message in messages])

    async def check_subscription(self, principal: Principal) -> None:
        """For dialects that refuse an ended subscription before they look at the body.

        Raises:
            SubscriptionRequired: it has ended.
        """
        now_ms = self._clock.now_ms()
        await self._db.write(lambda tx: charges.check_subscription(tx, principal.user_id, now_ms))

    async def queue_depth(self) -> tuple[int, int | None]:
        """(jobs waiting for a phone, when the oldest of them was submitted)."""
        return await store.queue_depth(self._db)

    # --- cancel, requeue ---

    async def cancel(self, principal: Principal, message_id: int | None, *, actor: str) -> int:
        """Cancel what has not been sent; returns how many recipients were cancelled or asked for.

        A job that a phone holds is cancelled only if the phone has not sent it yet: it is asked,
        and the message ends as whatever the phone then reports. One without a claim step cannot be
        asked; if it never reports, the job at least goes to no other.

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
                elif r.state is State.CLAIMED:
                    if r.cancel_requested_at is None:
                        store.request_cancel(tx, r.id, now_ms)
                        if r.device_id is not None:
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
            forms = smsgate_store.forms_in(tx, [detail.message.id])
            needs_the_app = any(form.needs_the_app for form in forms.values())
            for recipient in detail.recipients:
                job = store.find_job(tx, recipient.id)
                if job is None or job.recipient.state not in states.ENDED - {State.DELIVERED}:
                    continue
                expires_at = now_ms + expire_ms if expire_ms else None
                if self._opt_outs.has(tx, job.recipient.user_id, job.recipient.phone_number):
                    continue
                home = dispatch.living_home(tx, job.recipient)
                if needs_the_app and home == dispatch.account_lane(job.recipient.user_id):
                    continue  # its phone is gone, and no other can be trusted to read it
                self._lifecycle.move(
                    tx, job, State.QUEUED, now_ms=now_ms, actor=actor, detail="queued again",
                    lane=home, home_lane=home, device_id=None, sim_id=None, lease_count=0,
                    due_at=expires_at, expires_at=expires_at, error_code=None, error=None,
                    claimed_at=None, sent_at=None, ended_at=None, cancel_requested_at=None,
                )  # fmt: skip
                count += 1
            if count == 0:
                raise WrongState(
                    "nothing of this message has failed that its recipient would still have"
                )
            return count

        return await self._db.write(write)


def _without(
    size: _Size, submission: Submission, user_id: int, opted_out: set[tuple[int, str]]
) -> _Size:
    if submission.is_despite_opt_out:
        return size
    places = frozenset(
        place
        for place, number in enumerate(submission.phone_numbers)
        if (user_id, number) in opted_out
    )
    return msgspec.structs.replace(size, opted_out=places) if places else size


def _first_state(submission: Submission) -> State:
    return State.SCHEDULED if submission.scheduled_at else State.QUEUED


def _home_lane(user_id: int, submission: Submission) -> str:
    if submission.sim_id is not None:
        return dispatch.sim_lane(submission.sim_id)
    if submission.device_id is not None:
        return dispatch.device_lane(submission.device_id)
    return dispatch.account_lane(user_id)


def _may_see(principal: Principal, user_id: int) -> bool:
    return principal.is_admin or principal.user_id == user_id
