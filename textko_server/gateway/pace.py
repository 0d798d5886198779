"""How many texts a SIM may take now, and when it may take the next.

Android and carriers punish bursts, so a SIM has limits: a least gap, and most per minute, hour, day
(sliding windows over granted claims), and distinct numbers a calendar month. Offers that may still
be claimed count as taken. Whether its sending window is open stands beside that: sending_windows.py
says so.
"""

from datetime import tzinfo

import msgspec

from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS, month_of
from textko_server.config import DispatchSettings
from textko_server.gateway import sending_windows
from textko_server.model import Priority, Recipient, Sim
from textko_server.store import pace as store
from textko_server.store.database import Database, Transaction

UNLIMITED = 1_000_000
# Offers that hold a SIM's slots back are claimed within seconds, or lapse: look again this often.
RECHECK_MS = 1_000


class Allowance(msgspec.Struct):
    """What one SIM may still be offered in this round."""

    sim: Sim
    remaining: int
    retry_at: int | None
    """When more is allowed, if nothing is now."""
    last_claim_at: int
    new_recipients: int
    """Numbers it has not written to this month that it may still add."""
    opens_at: int | None
    """Set while its sending window is closed: only otp goes."""
    given: int = 0

    @property
    def is_used_up(self) -> bool:
        return self.remaining <= 0 or self.new_recipients <= 0

    def lets_through(self, recipient: Recipient) -> bool:
        """Whether the sending window does: a code to log in with cannot wait for the morning."""
        return self.opens_at is None or recipient.priority <= Priority.OTP

    @property
    def look_again_at(self) -> int | None:
        """When this SIM may take what it cannot take now; None: it holds nothing back."""
        return self.retry_at if self.is_used_up and self.retry_at else self.opens_at


class Left(msgspec.Struct, frozen=True):
    """The same for people. None: no limit."""

    now: int | None
    minute: int | None
    hour: int | None
    day: int | None
    month_recipients: int | None
    opens_at: int | None
    """Set while the sending window is closed."""
    next_slot_at: int | None
    """When it may be given the next text, if not now."""


class _Limits(msgspec.Struct, frozen=True):
    """The SIM's own, else the settings' (0: none)."""

    min_gap_ms: int
    counts: tuple[tuple[int, int], ...]
    """(most texts, in so many ms) of minute, hour and day."""
    recipients_per_month: int

    @classmethod
    def of(cls, sim: Sim, settings: DispatchSettings) -> "_Limits":
        counts = (
            (sim.per_minute or settings.sim_per_minute, MINUTE_MS),
            (sim.per_hour or settings.sim_per_hour, HOUR_MS),
            (sim.per_day or settings.sim_per_day, DAY_MS),
        )
        return cls(sim.min_gap_ms or settings.sim_min_gap_ms, counts, sim.recipients_per_month or 0)

    def are_any(self) -> bool:
        return bool(self.min_gap_ms or self.recipients_per_month or any(n for n, _ in self.counts))


class _Used(msgspec.Struct, frozen=True):
    """What a SIM took of its limits; where there is no limit, nothing was counted."""

    offered: int = 0
    """May still be claimed."""
    counts: tuple[tuple[int, int | None], ...] = ((0, None),) * 3
    """(texts, claim that has to grow old before the next) of minute, hour and day."""
    recipients: int = 0
    """Distinct numbers this month."""


def allowance(
    tx: Transaction,
    sim: Sim,
    settings: DispatchSettings,
    zone: tzinfo | None,
    now_ms: int,
    last_claim_at: int,
) -> Allowance:
    """By the SIM's own limits, else the settings'; `zone` is that of sending windows."""
    limits = _Limits.of(sim, settings)
    used = _used(tx, sim, limits, now_ms) if limits.are_any() else _Used()
    return _allowance(sim, limits, used, zone, now_ms, last_claim_at)


def _used(tx: Transaction, sim: Sim, limits: _Limits, now_ms: int) -> _Used:
    counts: list[tuple[int, int | None]] = []
    for limit, window_ms in limits.counts:
        since = now_ms - window_ms + 1
        count = store.claimed_since(tx, sim.id, since) if limit else 0
        is_full = limit and count >= limit
        counts.append(
            (count, store.claim_time_since(tx, sim.id, since, count - limit) if is_full else None)
        )
    monthly = limits.recipients_per_month
    return _Used(
        store.offered_count(tx, sim.device_id, sim.id),
        tuple(counts),
        store.recipient_count(tx, sim.id, month_of(now_ms)) if monthly else 0,
    )


def _allowance(
    sim: Sim, limits: _Limits, used: _Used, zone: tzinfo | None, now_ms: int, last_claim_at: int
) -> Allowance:
    remaining, retry_at = UNLIMITED, None
    for (limit, window_ms), (count, opening_claim_at) in zip(
        limits.counts, used.counts, strict=True
    ):
        if limit and limit - count - used.offered < remaining:
            remaining = limit - count - used.offered
            if count >= limit:
                retry_at = max(retry_at or 0, (opening_claim_at or now_ms) + window_ms)
    # A clock that was ahead for a while must not hold the SIM until that time has come.
    last_claim_at = min(last_claim_at, now_ms)
    if limits.min_gap_ms:
        free_at = last_claim_at + limits.min_gap_ms
        remaining = min(remaining, 0 if free_at > now_ms or used.offered else 1)
        if free_at > now_ms:
            retry_at = max(retry_at or 0, free_at)
    new_recipients = UNLIMITED
    if limits.recipients_per_month:
        # Any offer that is still open may turn out to be to a new number.
        new_recipients = max(limits.recipients_per_month - used.recipients - used.offered, 0)
    if retry_at is None and used.offered and (remaining <= 0 or new_recipients <= 0):
        retry_at = now_ms + RECHECK_MS
    opens_at = sending_windows.opens_at(_window(sim), zone, now_ms)
    return Allowance(sim, max(remaining, 0), retry_at, last_claim_at, new_recipients, opens_at)


def _window(sim: Sim) -> sending_windows.Window | None:
    if sim.window_from_minute is None or sim.window_to_minute is None:
        return None
    return sending_windows.Window(sim.window_from_minute, sim.window_to_minute)


def may_write_to(tx: Transaction, allowed: Allowance, phone_number: str, now_ms: int) -> bool:
    """Whether the monthly limit of distinct recipients leaves room for this number."""
    if not allowed.sim.recipients_per_month or allowed.new_recipients > 0:
        return True
    return store.knows_recipient(tx, allowed.sim.id, month_of(now_ms), phone_number)


# --- reading ---


async def read_left(
    db: Database, sim: Sim, settings: DispatchSettings, zone: tzinfo | None, now_ms: int
) -> Left:
    """What is left for one SIM, for people. A few short reads where it has limits, else none."""
    limits = _Limits.of(sim, settings)
    used, last_claim_at = _Used(), 0
    if limits.are_any():
        used = await _read_used(db, sim, limits, now_ms)
    if limits.min_gap_ms:
        last_claim_at = await store.read_last_claim(db, sim.id)
    allowed = _allowance(sim, limits, used, zone, now_ms, last_claim_at)
    minute, hour, day = (
        max(limit - count - used.offered, 0) if limit else None
        for (limit, _), (count, _) in zip(limits.counts, used.counts, strict=True)
    )
    left = None if allowed.remaining == UNLIMITED else allowed.remaining
    next_slot_at = allowed.retry_at if left == 0 else None
    # What pace lets go at night waits for the morning.
    at = now_ms if next_slot_at is None else next_slot_at
    next_slot_at = sending_windows.opens_at(_window(sim), zone, at) or next_slot_at
    return Left(
        0 if allowed.opens_at is not None else left,
        minute,
        hour,
        day,
        allowed.new_recipients if limits.recipients_per_month else None,
        allowed.opens_at,
        next_slot_at,
    )


async def _read_used(db: Database, sim: Sim, limits: _Limits, now_ms: int) -> _Used:
    """As `_used`, outside of a write."""
    counts: list[tuple[int, int | None]] = []
    for limit, window_ms in limits.counts:
        since = now_ms - window_ms + 1
        count = await store.read_claimed_since(db, sim.id, since) if limit else 0
        opening_claim_at = None
        if limit and count >= limit:
            opening_claim_at = await store.read_claim_time_since(db, sim.id, since, count - limit)
        counts.append((count, opening_claim_at))
    monthly = limits.recipients_per_month
    return _Used(
        await store.read_offered_count(db, sim.device_id, sim.id),
        tuple(counts),
        await store.read_recipient_count(db, sim.id, month_of(now_ms)) if monthly else 0,
    )
