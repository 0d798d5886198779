"""Which phone may take which job: lanes, SIM choice, pace, offers and claims.

Phones pull. A job waits in one lane: of the SIM or device it is pinned to, of the SIM that last
wrote to the number (for a short time), or of the whole account. A device that asks is offered the
best of its own lanes and its account's, within the pace of its SIMs. Only a granted claim lets it
send.
"""

import msgspec

from textko_server.clock import Clock, month_of
from textko_server.config import DispatchSettings
from textko_server.gateway import pace
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.model import Job, Recipient, Sim, State
from textko_server.store import devices as device_store
from textko_server.store import messages as store
from textko_server.store import pace as pace_store
from textko_server.store import usage as usage_store
from textko_server.store.database import Transaction

MAX_OFFERS = 100


def account_lane(user_id: int) -> str:
    return f"a{user_id}"


def device_lane(device_id: int) -> str:
    return f"d{device_id}"


def sim_lane(sim_id: int) -> str:
    return f"s{sim_id}"


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
    """When pace allows the next one; None: pace is not what holds jobs back."""
    left_over: bool
    """Jobs of the account's lane remain that another device could take."""


class ClaimAnswer(msgspec.Struct, frozen=True):
    granted: list[str]
    refused: list[tuple[str, str]]
    """(job id, reason)"""


class Dispatch:
    def __init__(
        self, clock: Clock, settings: DispatchSettings, public_ids: PublicIds, lifecycle: Lifecycle
    ) -> None:
        self._clock = clock
        self._settings = settings
        self._public_ids = public_ids
        self._lifecycle = lifecycle

    def job_id(self, recipient_id: int, created_at: int, offer_number: int) -> str:
        """Names one offer of one job: a claim of a lapsed offer is told from a current one."""
        return f"{self._public_ids.encode(Kind.RECIPIENT, recipient_id, created_at)}.{offer_number}"

    def read_job_id(self, job_id: str) -> tuple[int, int] | None:
        """(recipient key, offer number), or None when it cannot be one of ours."""
        public_id, _, number = job_id.partition(".")
        key = self._public_ids.decode(Kind.RECIPIENT, public_id)
        if key is None or not (number.isascii() and number.isdigit() and len(number) < 10):
            return None
        return key, int(number)

    # --- offer ---

    def offer(self, tx: Transaction, device_id: int, capacity: int) -> OfferRound:
        """Lease up to `capacity` jobs to a device. Lapses by itself (gateway/sweep.py)."""
        now_ms = self._clock.now_ms()
        found = device_store.find_with_sims(tx, device_id)
        if found is None or not found[0].is_enabled:
            return OfferRound([], None, left_over=False)
        device, sims = found
        limit = min(capacity, MAX_OFFERS)
        if limit <= 0:
            return OfferRound([], None, left_over=False)
        open_lane = account_lane(device.user_id)
        candidates = self._candidates(tx, [device_lane(device_id), open_lane], sims, limit)
        if not candidates:
            return OfferRound([], None, left_over=False)
        allowances = [pace.allowance(tx, s, self._settings, now_ms) for s in sims if s.is_present]
        offers: list[Offer] = []
        held_back: list[Job] = []
        for job in candidates:
            if len(offers) == limit:
                held_back.append(job)
                continue
            expires_at = job.recipient.expires_at
            if expires_at is not None and expires_at <= now_ms:
                continue  # the sweep ends it
            chosen = self._choose_sim(tx, job, allowances, now_ms)
            if sims and chosen is None:  # no SIM may, or all have been pulled out
                held_back.append(job)
                continue
            offers.append(self._lease(tx, job, device_id, chosen, now_ms))
        retry_times = [
            a.retry_at
            for a in allowances
            if a.retry_at and (a.remaining <= 0 or a.new_recipients <= 0)
        ]
        return OfferRound(
            offers,
            min(retry_times) if held_back and retry_times and len(offers) < limit else None,
            left_over=any(j.recipient.lane == open_lane for j in held_back)
            or (len(offers) == limit and len(candidates) > limit),
        )

    def _candidates(
        self, tx: Transaction, lanes: list[str], sims: list[Sim], limit: int
    ) -> list[Job]:
        """The best jobs over all lanes of a device, one more than asked to see if any remain."""
        lanes = lanes + [sim_lane(s.id) for s in sims if s.is_present]
        jobs = [j for lane in lanes for j in store.waiting_in_lane(tx, lane, limit + 1)]
        jobs.sort(key=lambda j: (j.recipient.priority, j.recipient.id))
        return jobs

    def _choose_sim(
        self, tx: Transaction, job: Job, allowances: list[pace.Allowance], now_ms: int
    ) -> Sim | None:
        """The SIM the job is bound to, else the one with most pace left, least lately used."""
        lane = job.recipient.lane or ""
        able = [
            a
            for a in allowances
            if a.remaining > 0
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
            offer_count=job.recipient.offer_count + 1,
            due_at=now_ms + self._settings.lease_s * 1000,
        )
        recipient = job.recipient
        return Offer(
            self.job_id(recipient.id, recipient.created_at, recipient.offer_count),
            recipient.phone_number,
            job.text,
            sim.slot if sim else None,
            recipient.segments,
            recipient.priority,
            recipient.expires_at,
        )

    # --- claim ---

    def claim(self, tx: Transaction, device_id: int, job_ids: list[str]) -> ClaimAnswer:
        """Grant each job to this device, or say why not. A repeated claim is granted again."""
        now_ms = self._clock.now_ms()
        device = device_store.find_in(tx, device_id)
        granted: list[str] = []
        refused: list[tuple[str, str]] = []
        for job_id in dict.fromkeys(job_ids):
            named = self.read_job_id(job_id)
            job = store.find_job(tx, named[0]) if named else None
            if named is None or job is None or device is None:
                refused.append((job_id, "unknown_job"))
                continue
            if job.recipient.user_id != device.user_id:
                refused.append((job_id, "unknown_job"))
                continue
            reason = self._why_not(job, device_id, named[1], now_ms, device.is_enabled)
            if reason is not None:
                refused.append((job_id, reason))
                continue
            if job.recipient.state != State.CLAIMED:
                self._grant(tx, job, device_id, now_ms)
            granted.append(job_id)
        return ClaimAnswer(granted, refused)

    def _why_not(
        self, job: Job, device_id: int, offer_number: int, now_ms: int, is_enabled: bool
    ) -> str | None:
        """None when the claim is to be granted, new or again."""
        r = job.recipient
        if r.state is State.CANCELLED or r.cancel_requested_at is not None:
            return "cancelled"
        if r.offer_count != offer_number:
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

    def _grant(self, tx: Transaction, job: Job, device_id: int, now_ms: int) -> None:
        r = job.recipient
        self._lifecycle.move(
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
        if r.sim_id is not None:
            usage_store.set_last_sim(tx, r.user_id, r.phone_number, r.sim_id, now_ms)
            if device_store.has_recipient_limit(tx, r.sim_id):
                pace_store.add_recipient(tx, r.sim_id, month_of(now_ms), r.phone_number)
