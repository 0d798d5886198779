"""Everything about a user: limits, what this month took, what they hold, how their credits went."""

from collections.abc import Sequence

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.times import Times, ago
from textko_server.tui.typed_limits import shown_count, shown_end

_HELD = {
    "devices": ("device", "devices"),
    "api_keys": ("API key", "API keys"),
    "webhooks": ("webhook", "webhooks"),
    "webhook_deliveries": ("webhook delivery", "webhook deliveries"),
    "messages": ("message", "messages"),
    "incoming": ("incoming message", "incoming messages"),
    "contacts": ("contact", "contacts"),
    "groups": ("group", "groups"),
    "templates": ("template", "templates"),
    "scheduled": ("scheduled message", "scheduled messages"),
    "opt_outs": ("opt-out", "opt-outs"),
}


def held_things(held: Sequence[wire.Holdings]) -> list[str]:
    """`12 messages`, of all of them together, without what nobody has."""
    counts = {names: sum(getattr(each, field) for each in held) for field, names in _HELD.items()}
    return [f"{count:,} {names[count != 1]}" for names, count in counts.items() if count]


def is_over(ends_at: int | None, now_ms: int) -> bool:
    return ends_at is not None and ends_at <= now_ms


def user_details(
    user: wire.User,
    usage: wire.Usage,
    held: wire.Holdings,
    ledger: Sequence[wire.LedgerLine],
    times: Times,
    now_ms: int,
) -> Details:
    ends = shown_end(user.subscription_ends_at, times)
    over = Shown(f"{ends}, which is over", "bad")
    details = Details().heading(user.email)
    details.fields(
        [
            ("Name", user.name or None),
            ("Role", user.role),
            ("Since", f"{times.full(user.created_at)} ({ago(user.created_at, now_ms)})"),
            ("Id", user.id),
        ]
    )
    details.heading("Limits")
    details.fields(
        [
            ("Credits", shown_count(usage.credits)),
            ("A month", f"{shown_count(usage.monthly_limit)} messages"),
            ("Ends", over if is_over(user.subscription_ends_at, now_ms) else ends),
        ]
    )
    details.heading(f"In {usage.month}")
    details.fields([("Messages", f"{usage.messages:,}"), ("Segments", f"{usage.segments:,}")])
    details.heading("Has")
    for thing in held_things([held]) or ["nothing"]:
        details.line(thing)
    details.heading("Credits, last changes")
    if not ledger:
        details.line(Shown("none", "muted"))
    for line in ledger:
        balance = "unlimited" if line.balance is None else f"{line.balance:,}"
        details.line(
            Shown(f"{times.full(line.created_at)}  ", "muted"),
            f"{line.amount:>+9,}  ",
            f"{balance:>10}  ",
            Shown(line.kind, "muted"),
        )
    return details
