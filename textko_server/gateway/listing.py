"""Phones without a claim step (SMSGate's app, CHT Gateway): what is listed to them is claimed.

Such a phone asks for its list and sends each id in it once, however often it is listed. So a job is
granted to it, on disk, before it is listed; it stays listed until the phone first says anything of
it, and goes to no other phone. A job that is offered anew has another id. What may be offered, and
when, is decided by sync.py and dispatch.py as for every phone.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable

import msgspec

from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.errors import Unauthenticated
from textko_server.gateway.dispatch import Dispatch
from textko_server.gateway.polls import Polls
from textko_server.gateway.presence import Presence
from textko_server.gateway.reports import Report
from textko_server.gateway.sync import Sync, SyncRequest
from textko_server.model import Device, Job, Recipient, Sim, State
from textko_server.store import devices as device_store
from textko_server.store import messages as store
from textko_server.store.database import Database, Transaction

# What SMSGate's own server lists at a time. More stay here, where others can take them.
MAX_HELD_COUNT = 100
# A phone is not woken for each job that makes room for the next.
REFILL_COUNT = MAX_HELD_COUNT // 2
# Wake-ups of one phone: each makes SMSGate's app begin its request anew.
WAKE_UP_GAP_S = 1.0
MAX_PATIENCE_S = 900.0
# How soon a phone that holds all it may is looked at again.
_FULL_S = 5.0
# Of what a device was offered or granted: more than it may hold, and its offers.
_MAX_LOOKED_COUNT = 1_000
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


class ListedJob(msgspec.Struct, frozen=True):
    job_id: str
    """At most 36 characters, which is what these apps store."""
    recipient_id: int
    message_id: int
    phone_number: str
    text: str
    sim_slot: int | None
    """None: the phone's default."""
    priority: int
    created_at: int
    """Of the message."""
    expires_at: int | None
    is_unwanted: bool
    """Somebody wishes to cancel it: to be sent no more, if the phone has not sent it."""


class Told(msgspec.Struct, frozen=True):
    """What a phone says of a job."""

    job_id: str
    report: Report | None
    """None: it has the job, and has not sent it yet."""


class Work(msgspec.Struct, frozen=True):
    """What a phone should come for."""

    has_jobs: bool
    unwanted: list[str]
    """Ids of jobs it holds that somebody wishes to cancel."""


class _Phone:
    """What is known of one since the start."""

    __slots__ = ("held_count", "left_count", "visit_count", "visited", "woken_s")

    def __init__(self) -> None:
        self.held_count: int | None = None
        """Jobs it was granted and has not reported on to an end; None: nobody looked yet."""
        self.left_count = 0
        """Jobs it was offered and could not be granted when it last asked, as it held too many."""
        self.visit_count = 0
        self.visited = asyncio.Event()
        self.woken_s = 0.0
        """By the event loop's clock."""


class Listing:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: DispatchSettings,
        *,
        dispatch: Dispatch,
        sync: Sync,
        polls: Polls,
        presence: Presence,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dispatch = dispatch
        self._sync = sync
        self._polls = polls
        self._presence = presence
        self._phones: dict[int, _Phone] = {}

    # --- ids ---

    def job_id(self, recipient_id: int, created_at: int, offer_number: int) -> str:
        """The dispatch's job id in fewer characters: its offer number written with 36 digits."""
        return _shortened(self._dispatch.job_id(recipient_id, created_at, offer_number))

    def read_job_id(self, job_id: str) -> str | None:
        """The dispatch's job id of one made here; None when it cannot be one."""
        public_id, _, number = job_id.partition("-")
        if not (number.isascii() and number.isalnum() and len(number) <= 12):
            return None
        dispatch_id = f"{public_id}.{int(number, 36)}"
        return dispatch_id if self._dispatch.read_job_id(dispatch_id) is not None else None

    # --- what a phone asks ---

    async def list_jobs(
        self, device_id: int, *, most: int = MAX_HELD_COUNT, most_segments: int | None = None
    ) -> list[ListedJob]:
        """All that the device should have and has said nothing of yet, first granted first.

        Grants what its pace and its windows allow, up to `most` and `most_segments` that it holds
        at a time (and one longer text, when it holds none); on disk before this returns.
        With them, jobs it holds that are no longer wanted, whatever it said of them.

        Raises:
            Unauthenticated: the device was deleted.
        """
        phone = self._phone(device_id)
        held_count = await store.count_claimed(self._db, device_id)
        request = SyncRequest(capacity=max(0, most - held_count))
        await self._sync.sync(device_id, request, wait_s=0, is_connected=lambda: True)
        listed, phone.held_count, phone.left_count = await self._db.write(
            lambda tx: self._claim_and_list(tx, device_id, most, most_segments)
        )
        phone.visit_count += 1
        phone.visited.set()
        return listed

    async def tell(self, device: Device, told: list[Told]) -> None:
        """Take in what a device says of jobs, on disk before this returns.

        Late, repeated and out of order is fine; what it was never granted is passed over.

        Raises:
            Unauthenticated: the device was deleted.
        """
        named = [(self.read_job_id(one.job_id), one.report) for one in told]
        held = [name for name, report in named if name is not None and report is None]
        if held:
            await self._db.write(lambda tx: self._acknowledge(tx, device.id, held))
        reports = [(name, report) for name, report in named if name and report]
        if reports:
            request = SyncRequest(capacity=0, reports=reports)
            await self._sync.sync(device.id, request, wait_s=0, is_connected=lambda: True)
        else:
            self._presence.heard(device.id, device.user_id)
        self._phone(device.id).held_count = await store.count_claimed(self._db, device.id)

    # --- when it should ask ---

    async def wake_ups(
        self, device_id: int, *, wait_s: float, is_connected: Callable[[], bool]
    ) -> AsyncGenerator[Work, None]:
        """What to wake a phone for that keeps a stream open; ends when either side leaves.

        A job that it is woken for is leased to it. One that does not come loses it to others, and
        is woken less and less often until it does. `wait_s`: how long one look waits at most.

        Raises:
            Unauthenticated: the device was deleted.
        """
        patience_s = float(self._settings.lease_s)
        while not self._polls.has_stopped():
            # Before the look, so that what comes meanwhile is leased to nobody.
            await self._pause(device_id)
            visits = self._phone(device_id).visit_count
            work = await self._wait(device_id, wait_s, is_connected)
            if not is_connected() or self._polls.has_stopped():
                return
            if not (work.has_jobs or work.unwanted):
                continue
            await self._pause(device_id)  # another of its streams may just have woken it
            self._phone(device_id).woken_s = asyncio.get_running_loop().time()
            yield work
            if work.has_jobs and not await self._visits(device_id, visits, patience_s):
                patience_s = min(2 * patience_s, MAX_PATIENCE_S)
            elif work.has_jobs:
                patience_s = float(self._settings.lease_s)

    async def _wait(self, device_id: int, wait_s: float, is_connected: Callable[[], bool]) -> Work:
        """Up to `wait_s` seconds, as a poll like any other."""
        phone = self._phone(device_id)
        if phone.held_count is None:
            phone.held_count = await store.count_claimed(self._db, device_id)
        is_full = phone.held_count > REFILL_COUNT
        # Two requests at once are offered more than fits. It is leased to the phone already, so
        # that no look of ours offers it again.
        has_left = phone.left_count > 0 and not is_full
        answer = await self._sync.sync(
            device_id,
            SyncRequest(capacity=0 if is_full else 1),
            wait_s=0 if has_left else min(wait_s, _FULL_S) if is_full else wait_s,
            is_connected=is_connected,
        )
        return Work(
            bool(answer.offers) or has_left, [_shortened(job_id) for job_id in answer.cancels]
        )

    async def _pause(self, device_id: int) -> None:
        """Until it may be woken again, whichever of its streams woke it last."""
        may_wake_s = self._phone(device_id).woken_s + WAKE_UP_GAP_S
        await asyncio.sleep(max(0.0, may_wake_s - asyncio.get_running_loop().time()))

    async def _visits(self, device_id: int, seen_count: int, patience_s: float) -> bool:
        """Whether it comes for its list within that time."""
        phone = self._phone(device_id)
        try:
            async with asyncio.timeout(patience_s):
                while phone.visit_count == seen_count:
                    phone.visited.clear()
                    await phone.visited.wait()
        except TimeoutError:
            return False
        return True

    def _phone(self, device_id: int) -> _Phone:
        phone = self._phones.get(device_id)
        if phone is None:
            phone = self._phones[device_id] = _Phone()
        return phone

    # --- on the writer thread ---

    def _claim_and_list(
        self, tx: Transaction, device_id: int, most: int, most_segments: int | None
    ) -> tuple[list[ListedJob], int, int]:
        """Grants what it is offered, as far as it may: (to list, held, offered beyond that)."""
        found = device_store.find_with_sims(tx, device_id)
        if found is None:
            raise Unauthenticated("this device was deleted: register it again")
        device, sims = found
        jobs = store.find_jobs(tx, store.held_by_device(tx, device_id, _MAX_LOOKED_COUNT))
        wanted = _that_fit(jobs, most, most_segments)
        if wanted:
            asked = [self._dispatch.job_id(r.id, r.created_at, r.offer_number) for r in wanted]
            self._dispatch.claim(tx, device, sims, asked, jobs)
        held = _claimed(jobs)
        acknowledged = store.acknowledged_by(tx, device_id)
        listed = [
            self._listed(job, sims)
            for job in sorted(held, key=lambda job: job.recipient.offer_number)
            if job.recipient.id not in acknowledged or _is_unwanted(job)
        ]
        left_count = sum(job.recipient.state is State.OFFERED for job in jobs.values())
        return listed[:MAX_HELD_COUNT], len(held), left_count

    def _listed(self, job: Job, sims: list[Sim]) -> ListedJob:
        r = job.recipient
        return ListedJob(
            self.job_id(r.id, r.created_at, r.offer_number),
            r.id,
            r.message_id,
            r.phone_number,
            job.text,
            next((sim.slot for sim in sims if sim.id == r.sim_id), None),
            r.priority,
            job.message_created_at,
            r.expires_at,
            _is_unwanted(job),
        )

    def _acknowledge(self, tx: Transaction, device_id: int, dispatch_ids: list[str]) -> None:
        """Off the list; and it is silent from now on only."""
        due_at = self._clock.now_ms() + self._settings.claim_timeout_s * 1000
        for dispatch_id in dispatch_ids:
            named = self._dispatch.read_job_id(dispatch_id)
            if named is not None:
                store.acknowledge(
                    tx, named[0], device_id=device_id, offer_number=named[1], due_at=due_at
                )


def _that_fit(jobs: dict[int, Job], most: int, most_segments: int | None) -> list[Recipient]:
    """Of what it is offered, in the order of the offers, as much as it may hold."""
    held = _claimed(jobs)
    segments = sum(job.recipient.segments for job in held)
    fitting: list[Recipient] = []
    offered = (job.recipient for job in jobs.values() if job.recipient.state is State.OFFERED)
    for recipient in sorted(offered, key=lambda recipient: recipient.offer_number):
        segments += recipient.segments
        is_too_long = most_segments is not None and segments > most_segments
        if len(held) + len(fitting) >= most or (is_too_long and (held or fitting)):
            break
        fitting.append(recipient)
    return fitting


def _claimed(jobs: dict[int, Job]) -> list[Job]:
    return [job for job in jobs.values() if job.recipient.state is State.CLAIMED]


def _is_unwanted(job: Job) -> bool:
    return job.recipient.cancel_requested_at is not None


def _shortened(dispatch_id: str) -> str:
    public_id, _, number = dispatch_id.partition(".")
    return f"{public_id}-{_in_36_digits(int(number))}"


def _in_36_digits(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
