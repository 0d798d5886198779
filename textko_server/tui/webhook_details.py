"""Everything about a webhook: what it is told of, how it stands, and what it got last."""

from collections.abc import Sequence

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.states import state_cell, state_tone
from textko_server.tui.times import Times, ago

# How far the server counts deliveries.
_MAX_COUNTED = 1_000


def standing_of(webhook: wire.Webhook) -> Shown:
    """In a word."""
    if not webhook.is_enabled:
        is_by_itself = bool(webhook.disabled_reason)
        return Shown("✗ disabled", "bad") if is_by_itself else Shown("disabled", "muted")
    if webhook.failing_since is not None:
        return Shown("✗ failing", "bad")
    return Shown("✓ enabled", "good") if webhook.success_count else Shown("enabled")


def counted_deliveries(count: int) -> str:
    return f"{count:,}+" if count >= _MAX_COUNTED else f"{count:,}"


def webhook_details(
    webhook: wire.Webhook, last: Sequence[wire.Delivery], times: Times, now_ms: int
) -> Details:
    details = Details().heading(webhook.name or "Webhook").text(webhook.url)
    details.line("")
    details.fields(
        [
            ("State", standing_of(webhook)),
            ("Why", Shown(webhook.disabled_reason, "bad") if webhook.disabled_reason else None),
            ("Failing", _since(webhook.failing_since, times, now_ms)),
            ("Waiting", counted_deliveries(webhook.pending_count)),
            ("Next", _since(webhook.next_attempt_at, times, now_ms)),
            ("Given up", counted_deliveries(webhook.failed_count)),
            ("Attempts", f"{webhook.success_count:,} taken, {webhook.failure_count:,} not"),
            ("Last taken", _since(webhook.last_success_at, times, now_ms)),
            ("Last refused", _since(webhook.last_failure_at, times, now_ms)),
            ("Account", webhook.user),
            ("Format", webhook.format),
            ("Made", times.full(webhook.created_at)),
            ("Changed", times.full(webhook.updated_at)),
            ("Id", webhook.id),
        ]
    )
    details.heading("Events")
    for event in webhook.events:
        details.line(event)
    details.heading("Last deliveries")
    for delivery in last:
        details.line(
            Shown(f"{times.brief(delivery.created_at, now_ms):<13}", "muted"),
            Shown(f"{state_cell(delivery.state).text:<12}", state_tone(delivery.state)),
            f"{delivery.event}  ",
            outcome_of(delivery.last_attempt) or "",
        )
    if not last:
        details.line(Shown("none yet: T sends it a test", "muted"))
    return details


def outcome_of(attempt: wire.Attempt | None) -> Shown | None:
    """What became of it, in few words; None: nothing yet."""
    if attempt is None:
        return None
    # Without an error it was answered.
    is_taken = attempt.status is not None and 200 <= attempt.status < 300
    return Shown(attempt.error or str(attempt.status), "good" if is_taken else "bad")


def _since(at_ms: int | None, times: Times, now_ms: int) -> str | None:
    return None if at_ms is None else f"{times.full(at_ms)} ({ago(at_ms, now_ms)})"
