"""Which phone may take which job: lanes, SIM choice, pace, offers and claims.

Phones pull. A job waits in one lane: of the SIM or device it is pinned to, of the SIM that last
wrote to the number (for a short time), or of the whole account. A device that asks is offered the
best of its own lanes and its account's, within the pace and the sending windows of its SIMs. Only a
granted claim lets it send.
"""

from itertools import count

import msgspec

from textko_server.clock import Clock, month_of, time_zone
from textko_server.config import DispatchSettings
from textko_server.gateway import pace
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.phone_numbers import is_number
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.model import Device, Job, Priority, Recipient, Sim, State
from textko_server.store import devices as device_store
from textko_server.store import messages as store
from textko_server.store import pace as pace_store
from textko_server.store import usage as usage_store
from textko_server.store.database import Transaction

MAX_OFFERS = 100
# More than one start can make; and SQLite's integers take as many starts.
_OFFERS_PER_START = 1_000_000_000


def account_lane(user_id: int) -> str:
    return f"a{user_id}"


def device_lane(device_id: int) -> str:
    return f"d{device_id}"


def sim_lane(sim_id: int) -> str:
    return f"s{sim_id}"


def lanes_of(device: Device, sims: list[Sim]) -> list[str]:
    """Where jobs that this device can take may turn up; the account's lane last."""
    return [
        device_lane(device.id),
        *(sim_lane(s.id) for s in sims if s.is_present),
        account_lane(device.user_id),
    ]


def living_home(tx: Transaction, recipient: Recipient) -> str:
    """Its home lane; the account's, when the device or SIM it was pinned to is gone."""
    lane = recipient.home_lane
    key = int(lane[1:])
    if (lane.startswith("d") and device_store.find_in(tx, key) is None) or (
        lane.startswith("s") and device_store.find_sim_in(tx, key) is None
    ):
        return account_lane(recipient.user_id)
    return lane


class Offer(msgspec.Struct, frozen=True):
    """A job shown to one device under a lease."""

    job_id: str
    phone_number: str
    text: str
    sim_slot: int | None
    segments: int
    priority: int
    expires_at: int | None


class OfferRound(msgspec.Struct, frozen=True):
    offers: list[Offer]
    retry_at: int | None
    """When pace or a sending window allows the next one; None: they hold nothing back."""
    left_over: bool
    """Jobs of the account's lane remain that another device could take."""
    has_otp_left_over: bool = False
    """One of them may go at any hour."""
    held_back: bool = False
    """Jobs remain in a lane of this device."""


NOTHING = OfferRound([], None, left_over=False)


class Ask(msgspec.Struct, frozen=True, eq=False):
    """A device that can take up to `capacity` jobs."""

    device: Device
    sims: list[Sim]
    capacity: int

    @property
    def limit(self) -> int:
        return min(self.capacity, MAX_OFFERS)


class _Round(msgspec.Struct):
    """What several asks share."""

    by_lane: dict[str, list[Job]]
    last_claims: dict[int, int]
    allowances: dict[int, list[pace.Allowance]] = {}
    taken: set[int] = set()

    def jobs_in(self, lanes: list[str]) -> list[Job]:
        """What is left in these lanes, best first; no more of each than one device can be offered.

        The front of a shared lane is taken by those who ask first: without that bound and the cut,
        a thousand asks would each walk what the others took.
        """
        jobs: list[Job] = []
        for lane in lanes:
            waiting = self.by_lane.get(lane)
            if not waiting:
                continue
            taken_count = next(
                (n for n, job in enumerate(waiting) if job.recipient.id not in self.taken),
                len(waiting),
            )
            del waiting[:taken_count]
            jobs += waiting[: 2 * MAX_OFFERS]
        jobs = [job for job in jobs if job.recipient.id not in self.taken]
        jobs.sort(key=lambda job: (job.recipient.priority, job.recipient.id))
        return jobs


class ClaimAnswer(msgspec.Struct, frozen=True):
    granted: list[str]
    refused: list[tuple[str, str]]
    """(job id, reason)"""


class Dispatch:
    """`start_count` is how often this installation was started, this time included.

    An offer is answered before it is on disk, so a crash may forget it while a phone still holds
    it: no number is ever used again, or two phones with one token could be granted the same job id.
    """

    def __init__(
        self,
        clock: Clock,
        settings: DispatchSettings,
        public_ids: PublicIds,
        lifecycle: Lifecycle,
        start_count: int,
    ) -> None:
        self._offer_numbers = count(start_count * _OFFERS_PER_START)
        self._clock = clock
        self._settings = settings
        self._zone = time_zone(settings.time_zone)
        self._public_ids = public_ids
        self._lifecycle = lifecycle

    def job_id(self, recipient_id: int, created_at: int, offer_number: int) -> str:
        """Names one offer of one job: a claim of a lapsed offer is told from a current one."""
        return f"{self._public_ids.encode(Kind.RECIPIENT, recipient_id, created_at)}.{offer_number}"

    def read_job_id(self, job_id: str) -> tuple[int, int] | None:
        """(recipient key, offer number), or None when it cannot be one of ours."""
        public_id, _, number = job_id.partition(".")
        key = self._public_ids.decode(Kind.RECIPIENT, public_id)
        if key is None or not (number.isascii() and number.isdigit() and len(number) <= 18):
            return None
        return key, int(number)

    # --- offer ---

    def offer(self, tx: Transaction, asks: list[Ask]) -> list[OfferRound]:
        """Lease jobs to devices that ask, in their order; an answer for each.

        Leases lapse by themselves (gateway/sweep.py). The transaction is flushed before: what the
        same devices just claimed or gave back counts.
        """
        able = [ask for ask in asks if ask.device.is_enabled and ask.capacity > 0]
        candidates = self._candidates(tx, able) if able else []
        if not candidates:
            return [NOTHING] * len(asks)
        by_lane: dict[str, list[Job]] = {}
        for job in candidates:
            by_lane.setdefault(job.recipient.lane or "", []).append(job)
        round_ = _Round(by_lane, self._last_claims(tx, able))
        return [
            self._offer_one(tx, ask, round_) if ask.device.is_enabled else NOTHING for ask in asks
        ]

    def _candidates(self, tx: Transaction, asks: list[Ask]) -> list[Job]:
        """The best jobs of every lane asked for, one more than asked to see if any remain."""
        tx.flush()
        lanes = dict.fromkeys(lane for ask in asks for lane in lanes_of(ask.device, ask.sims))
        return store.waiting_in_lanes(tx, list(lanes), sum(ask.limit for ask in asks) + 1)

    def _last_claims(self, tx: Transaction, asks: list[Ask]) -> dict[int, int]:
        """Of the SIMs whose choice or gap depends on it: most phones have one, without a gap."""
        sim_ids = [
            sim.id
            for ask in asks
            for sim in ask.sims
            if len(ask.sims) > 1 or sim.min_gap_ms or self._settings.sim_min_gap_ms
        ]
        return pace_store.last_claims(tx, sim_ids) if sim_ids else {}

    def _offer_one(self, tx: Transaction, ask: Ask, round_: _Round) -> OfferRound:
        now_ms = self._clock.now_ms()
        device, sims = ask.device, ask.sims
        lanes = lanes_of(device, sims)
        jobs = round_.jobs_in(lanes) if ask.limit > 0 else []
        if not jobs:
            return NOTHING
        allowed = round_.allowances.get(device.id)
        if allowed is None:
            allowed = round_.allowances[device.id] = [
                pace.allowance(
                    tx, s, self._settings, self._zone, now_ms, round_.last_claims.get(s.id, 0)
                )
                for s in sims
                if s.is_present
            ]
        offers: list[Offer] = []
        held_back: list[Job] = []
        is_stale = False
        for job in jobs:
            if len(offers) == ask.limit:
                held_back.append(job)
                break
            expires_at = job.recipient.expires_at
            if expires_at is not None and expires_at <= now_ms:
                is_stale = True  # the sweep ends it; others may wait behind it
                continue
            chosen = self._choose_sim(tx, job, allowed, now_ms)
            if sims and chosen is None:  # no SIM may, or all have been pulled out
                held_back.append(job)
                continue
            offers.append(self._lease(tx, job, device.id, chosen, now_ms))
            round_.taken.add(job.recipient.id)
        retry_times = [a.look_again_at for a in allowed if a.look_again_at]
        is_full = len(offers) == ask.limit
        left_over = is_full or any(j.recipient.lane == lanes[-1] for j in held_back)
        return OfferRound(
            offers,
            min(retry_times) if held_back and retry_times and not is_full else None,
            left_over=left_over and bool(held_back),
            has_otp_left_over=left_over
            and any(j.recipient.priority <= Priority.OTP for j in held_back),
            held_back=bool(held_back) or is_stale,
        )

    def _choose_sim(
        self, tx: Transaction, job: Job, allowances: list[pace.Allowance], now_ms: int
    ) -> Sim | None:
        """The SIM the job is bound to, else the one with most pace left, least lately used."""
        lane = job.recipient.lane or ""
        able = [
            a
            for a in allowances
            if a.remaining > 0
            and a.lets_through(job.recipient)
            and (not lane.startswith("s") or lane == sim_lane(a.sim.id))
            and pace.may_write_to(tx, a, job.recipient.phone_number, now_ms)
        ]
        if not able:
            return None
        best = min(able, key=lambda a: (-a.remaining, a.given, a.last_claim_at))
        best.remaining -= 1
        best.new_recipients -= 1
        best.given += 1
        return best.sim

    def _lease(
        self, tx: Transaction, job: Job, device_id: int, sim: Sim | None, now_ms: int
    ) -> Offer:
        job = self._lifecycle.move(
            tx,
            job,
            State.OFFERED,
            now_ms=now_ms,
            actor="device",
            device_id=device_id,
            sim_id=sim.id if sim else None,
            offer_number=next(self._offer_numbers),
            due_at=now_ms + self._settings.lease_s * 1000,
        )
        recipient = job.recipient
        return Offer(
            self.job_id(recipient.id, recipient.created_at, recipient.offer_number),
            recipient.phone_number,
            job.text,
            sim.slot if sim else None,
            recipient.segments,
            recipient.priority,
            recipient.expires_at,
        )

    # --- claim ---

    def claim(
        self,
        tx: Transaction,
        device: Device,
        sims: list[Sim],
        job_ids: list[str],
        jobs: dict[int, Job],
    ) -> ClaimAnswer:
        """Grant each job to this device, or say why not. A repeated claim is granted again.

        `jobs` holds the jobs named, as they are now, and takes those granted.
        """
        now_ms = self._clock.now_ms()
        granted: list[str] = []
        refused: list[tuple[str, str]] = []
        for job_id in dict.fromkeys(job_ids):
            named = self.read_job_id(job_id)
            job = jobs.get(named[0]) if named else None
            if named is None or job is None or job.recipient.user_id != device.user_id:
                refused.append((job_id, "unknown_job"))
                continue
            reason = self._why_not(job, device.id, named[1], now_ms, device.is_enabled)
            if reason is not None:
                refused.append((job_id, reason))
                continue
            if job.recipient.state is not State.CLAIMED:
                jobs[named[0]] = self._grant(tx, job, device.id, sims, now_ms)
            granted.append(job_id)
        return ClaimAnswer(granted, refused)

    def _why_not(
        self, job: Job, device_id: int, offer_number: int, now_ms: int, is_enabled: bool
    ) -> str | None:
        """None when the claim is to be granted, new or again."""
        r = job.recipient
        if r.state is State.CANCELLED or r.cancel_requested_at is not None:
            return "cancelled"
        if r.offer_number != offer_number:
            return "lapsed"
        if r.state in (State.SENT, State.DELIVERED, State.FAILED):
            return "ended"
        if r.device_id != device_id:
            return "not_yours"
        if r.state is State.CLAIMED:
            return None
        if r.state is State.EXPIRED or (r.expires_at is not None and r.expires_at <= now_ms):
            return "expired"
        if r.state is not State.OFFERED and r.lane is None:
            return "ended"
        return None if is_enabled else "disabled"

    def _grant(
        self, tx: Transaction, job: Job, device_id: int, sims: list[Sim], now_ms: int
    ) -> Job:
        r = job.recipient
        sim = next((s for s in sims if s.id == r.sim_id), None)
        if sim is not None:
            if is_number(r.phone_number):
                tx.later(usage_store.set_last_sims, (r.user_id, r.phone_number, sim.id, now_ms))
            if sim.recipients_per_month:
                pace_store.add_recipient(tx, sim.id, month_of(now_ms), r.phone_number)
        return self._lifecycle.move(
            tx,
            job,
            State.CLAIMED,
            now_ms=now_ms,
            actor="device",
            device_id=device_id,
            due_at=now_ms + self._settings.claim_timeout_s * 1000,
            claimed_at=now_ms,
            lease_count=r.lease_count + 1,
        )
