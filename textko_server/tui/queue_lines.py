"""The queue in a few lines: how much waits and for how long, in which states, who is there to send
it, and the server itself for who may know.
"""

from collections.abc import Mapping, Sequence

from textko_server import admin_wire as wire
from textko_server.clock import MINUTE_MS
from textko_server.model import State
from textko_server.tui.columns import Shown, Tone
from textko_server.tui.details import Details
from textko_server.tui.times import ago, span

OPEN_STATES = (State.SCHEDULED, State.QUEUED, State.OFFERED, State.CLAIMED)
_OLD_MS = 15 * MINUTE_MS


def queue_lines(
    status: wire.Status | None,
    waiting: int | None,
    open_counts: Mapping[State, int],
    phones: Sequence[wire.Device],
    now_ms: int,
) -> Details:
    """`status`: of admins only. `waiting`: recipients; None: not looked at yet."""
    if status is not None:
        waiting = status.queue_depth
    details = Details()
    online = sum(phone.is_online for phone in phones)
    polls = sum(phone.open_polls > 0 for phone in phones)
    tone: Tone = "good" if online else "bad" if phones else "muted"
    details.line(
        Shown("Queue     ", "muted"),
        Shown("-" if waiting is None else f"{waiting:,} waiting", "accent" if waiting else "plain"),
        _oldest(status, now_ms),
        Shown("   Phones ", "muted"),
        Shown(f"{online} of {len(phones)} online", tone),
        f", {polls} polling",
    )
    states = "  ".join(f"{state} {open_counts.get(state, 0):,}" for state in OPEN_STATES)
    details.line(Shown("Messages  ", "muted"), states)
    if status is not None:
        megabytes, up = status.database_bytes / 1_000_000, span(status.uptime_s * 1000)
        details.line(
            Shown("Server    ", "muted"),
            f"{status.version} up {up}, {megabytes:,.1f} MB, {status.url}",
        )
    return details


def _oldest(status: wire.Status | None, now_ms: int) -> Shown:
    oldest_at = None if status is None else status.oldest_queued_at
    if oldest_at is None:
        return Shown("")
    is_old = now_ms - oldest_at >= _OLD_MS
    sign = "! " if is_old else ""
    return Shown(f", {sign}oldest {ago(oldest_at, now_ms)}", "warning" if is_old else "plain")
