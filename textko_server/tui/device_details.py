"""Everything about a phone: how it is, its SIMs and what each may send, what it was given lately,
and why it could not connect.
"""

from collections.abc import Sequence

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.phone_cells import battery_cell, counted_up, presence_cell, signal_cell
from textko_server.tui.states import state_cell, state_tone
from textko_server.tui.times import Times, ago

_MAX_REFUSALS_SHOWN = 10


def device_details(
    device: wire.DeviceDetail,
    load: wire.DeviceLoad | None,
    jobs: wire.DeviceJobPage,
    refusals: Sequence[wire.Refusal],
    times: Times,
    now_ms: int,
    *,
    is_ascii: bool,
) -> Details:
    """`load` and `refusals` are those of this device."""
    details = Details().heading(device.name)
    since = ago(device.polling_since, now_ms)
    seen = times.full(device.last_seen_at)
    details.fields(
        [
            ("State", presence_cell(device)),
            ("Open poll", None if since is None else f"for {since}"),
            ("Last seen", f"{seen} ({ago(device.last_seen_at, now_ms)})" if seen else "never"),
            ("Address", device.address),
            ("Battery", battery_cell(device, is_ascii=is_ascii)),
            ("Charging", None if device.is_charging is None else _yes(device.is_charging)),
            ("Network", device.network),
            ("Signal", signal_cell(device, is_ascii=is_ascii)),
            ("Waiting", None if load is None else f"{counted_up(load.waiting)} for it alone"),
            ("Holds", None if load is None else f"{counted_up(load.held)} not yet sent"),
            ("Delivery", None if device.tells_delivered else "never told: sent is the end"),
            ("Account", device.user),
            ("Default", "yes" if device.is_default else None),
            ("Model", device.model or None),
            ("App", " ".join(filter(None, (device.app_name, device.app_version))) or None),
            ("Paired", times.full(device.created_at)),
            ("Id", device.id),
        ]
    )
    for sim in device.sims:
        _sim(details, sim, times, now_ms)
    if not device.sims:
        details.line("").line(Shown("It has not told of a SIM.", "muted"))
    _jobs(details, jobs, times)
    _refusals(details, refusals, times)
    return details


def _sim(details: Details, sim: wire.Sim, times: Times, now_ms: int) -> None:
    pace, left = sim.pace, sim.pace_left
    details.heading(f"SIM {sim.slot}{f' {sim.carrier}' if sim.carrier else ''}")
    opens = times.full(sim.window_opens_at)
    details.fields(
        [
            ("Number", sim.number),
            ("In the phone", None if sim.is_present else Shown("no longer", "warning")),
            ("Country", sim.country_iso),
            ("Left now", _left(left.now)),
            ("A minute", _of(left.minute, pace.per_minute)),
            ("An hour", _of(left.hour, pace.per_hour)),
            ("A day", _of(left.day, pace.per_day)),
            ("New numbers", _of(left.month_recipients, pace.recipients_per_month)),
            ("Gap", None if pace.min_gap_ms is None else f"{pace.min_gap_ms:,} ms"),
            ("Window", window_text(sim.window)),
            ("Opens", None if opens is None else Shown(opens, "warning")),
            ("Next slot", _next_slot(sim, times, now_ms)),
        ]
    )


def window_text(window: wire.Window | None) -> str:
    return "always" if window is None else f"{window.from_} to {window.to}"


def _left(left: int | None) -> Shown:
    if left is None:
        return Shown("no limit")
    return Shown(str(left), "warning" if left == 0 else "good")


def _of(left: int | None, limit: int | None) -> str | None:
    """A limit of the settings has no figure of its own here."""
    if left is None:
        return None
    return f"{left:,} left" if limit is None else f"{left:,} left of {limit:,}"


def _next_slot(sim: wire.Sim, times: Times, now_ms: int) -> str:
    at_ms = sim.next_slot_at
    if at_ms is None:
        return "now"
    return f"{times.full(at_ms)} ({ago(at_ms, now_ms)})"


def _jobs(details: Details, page: wire.DeviceJobPage, times: Times) -> None:
    details.heading("Lately")
    for job in (*page.offered, *page.jobs):
        at_ms = job.at or job.claimed_at
        details.line(
            Shown(f"{times.clock(at_ms) if at_ms is not None else '':<10}", "muted"),
            Shown(f"{state_cell(job.state).text:<12}", state_tone(job.state)),
            job.phone_number,
            Shown(f"  SIM {job.sim_slot}" if job.sim_slot is not None else "", "muted"),
        )
        error = job.error or job.error_code
        if error:
            details.line(Shown(f"          {error}", "bad"))
    if not page.offered and not page.jobs:
        details.line(Shown("It was given nothing yet.", "muted"))


def _refusals(details: Details, refusals: Sequence[wire.Refusal], times: Times) -> None:
    if not refusals:
        return
    details.heading("Why it could not connect")
    for refusal in refusals[:_MAX_REFUSALS_SHOWN]:
        often = f" ({refusal.count:,} times)" if refusal.count > 1 else ""
        details.line(
            Shown(f"{times.full(refusal.last_at)}  ", "muted"),
            Shown(f"{refusal.reason}{often}", "bad"),
        )


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"
