"""Messages from the application's side: submit, read, cancel, requeue.

A submit is answered after its transaction is on disk. Refuses to know dialects; they translate to
a Submission (submissions.py), and submitting.py stores it.
"""

import msgspec

from textko_server.clock import Clock
from textko_server.config import MessageSettings
from textko_server.errors import NotFound, TextkoError, WrongState
from textko_server.gateway import charges, dispatch, states
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.opt_outs import OptOuts
from textko_server.gateway.submissions import Submission, Submit, Submitted, size_of
from textko_server.gateway.submitting import Submitting
from textko_server.model import Dialect, Message, Principal, Recipient, RecipientEvent, State
from textko_server.store import messages as store
from textko_server.store import smsgate_messages as smsgate_store
from textko_server.store.database import Database, Transaction


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
        lifecycle: Lifecycle,
        opt_outs: OptOuts,
        submitting: Submitting,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._lifecycle = lifecycle
        self._opt_outs = opt_outs
        self._submitting = submitting
        self._submits = db.batch(submitting.insert)

    # --- submit ---

    async def submit(self, principal: Principal, submissions: list[Submission]) -> list[Submitted]:
        """Accept all submissions or none; on disk when this returns.

        Raises:
            Invalid: a text or number that cannot be sent; names the field.
            LimitExceeded, InsufficientCredits, SubscriptionRequired: of the account.
        """
        sizes = [size_of(s, self._settings) for s in submissions]
        return await self._submits.write(Submit(principal, submissions, sizes))

    def insert(
        self, tx: Transaction, principal: Principal, submissions: list[Submission]
    ) -> list[Submitted]:
        """The same for callers that store something else in the same transaction."""
        sizes = [size_of(s, self._settings) for s in submissions]
        [outcome] = self._submitting.insert(tx, [Submit(principal, submissions, sizes)])
        if isinstance(outcome, TextkoError):
            raise outcome
        return outcome

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


def _may_see(principal: Principal, user_id: int) -> bool:
    return principal.is_admin or principal.user_id == user_id
