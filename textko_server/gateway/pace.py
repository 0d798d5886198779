"""How many texts a SIM may take now, and when it may take the next.

Android and carriers punish bursts, so a SIM has limits: a least gap, and most per minute, hour, day
(sliding windows over granted claims), and distinct numbers a calendar month. Offers that may still
be claimed count as taken.
"""

import msgspec

from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS, month_of
from textko_server.config import DispatchSettings
from textko_server.model import Sim
from textko_server.store import pace as store
from textko_server.store.database import Transaction

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
    given: int = 0


def allowance(
    tx: Transaction, sim: Sim, settings: DispatchSettings, now_ms: int, last_claim_at: int
) -> Allowance:
    """By the SIM's own limits, else the settings' (0: none)."""
    windows = (
        (sim.per_minute or settings.sim_per_minute, MINUTE_MS),
        (sim.per_hour or settings.sim_per_hour, HOUR_MS),
        (sim.per_day or settings.sim_per_day, DAY_MS),
    )
    min_gap_ms = sim.min_gap_ms or settings.sim_min_gap_ms
    is_paced = bool(min_gap_ms or sim.recipients_per_month or any(n for n, _ in windows))
    offered = store.offered_count(tx, sim.device_id, sim.id) if is_paced else 0
    remaining, retry_at = UNLIMITED, None
    for limit, window_ms in windows:
        if not limit:
            continue
        since = now_ms - window_ms + 1
        used = store.claimed_since(tx, sim.id, since)
        if limit - used - offered < remaining:
            remaining = limit - used - offered
            if used >= limit:
                opens = store.claim_time_since(tx, sim.id, since, used - limit)
                retry_at = max(retry_at or 0, (opens or now_ms) + window_ms)
    # A clock that was ahead for a while must not hold the SIM until that time has come.
    last_claim_at = min(last_claim_at, now_ms)
    if min_gap_ms:
        free_at = last_claim_at + min_gap_ms
        remaining = min(remaining, 0 if free_at > now_ms or offered else 1)
        if free_at > now_ms:
            retry_at = max(retry_at or 0, free_at)
    new_recipients = _new_recipients(tx, sim, offered, now_ms)
    if retry_at is None and offered and (remaining <= 0 or new_recipients <= 0):
        retry_at = now_ms + RECHECK_MS
    return Allowance(sim, max(remaining, 0), retry_at, last_claim_at, new_recipients)


def _new_recipients(tx: Transaction, sim: Sim, offered: int, now_ms: int) -> int:
    """Any offer that is still open may turn out to be to a new number."""
    if not sim.recipients_per_month:
        return UNLIMITED
    used = store.recipient_count(tx, sim.id, month_of(now_ms))
    return max(sim.recipients_per_month - used - offered, 0)


def may_write_to(tx: Transaction, allowed: Allowance, phone_number: str, now_ms: int) -> bool:
    """Whether the monthly limit of distinct recipients leaves room for this number."""
    if not allowed.sim.recipients_per_month or allowed.new_recipients > 0:
        return True
    return store.knows_recipient(tx, allowed.sim.id, month_of(now_ms), phone_number)
