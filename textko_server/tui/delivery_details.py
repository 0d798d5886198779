"""Everything about a delivery: what was sent, as it went over the line, and every attempt."""

import msgspec

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.details import Details
from textko_server.tui.states import state_cell
from textko_server.tui.times import Times, ago
from textko_server.tui.webhook_details import outcome_of


def delivery_details(delivery: wire.DeliveryDetail, times: Times, now_ms: int) -> Details:
    details = Details().heading(delivery.event)
    next_at = delivery.next_attempt_at if delivery.state == "pending" else None
    details.fields(
        [
            ("State", state_cell(delivery.state)),
            ("Webhook", delivery.webhook_name or None),
            ("URL", delivery.webhook_url),
            ("Owed since", f"{times.full(delivery.created_at)} "
                f"({ago(delivery.created_at, now_ms)})"),
            ("Next attempt", None if next_at is None else
                f"{times.full(next_at)} ({ago(next_at, now_ms)})"),
            ("Ended", times.full(delivery.ended_at)),
            ("Account", delivery.user),
            ("Id", delivery.id),
        ]
    )  # fmt: skip
    _attempts(details, delivery, times)
    if delivery.request is None:
        details.heading("Will be sent").text(pretty(delivery.body))
    else:
        _request(details, delivery.request, times)
    return details


def _attempts(details: Details, delivery: wire.DeliveryDetail, times: Times) -> None:
    details.heading("Attempts")
    if not delivery.attempts:
        details.line(Shown("none yet", "muted"))
    for attempt in reversed(delivery.attempts):
        details.line(
            f"{attempt.number:>2}  ",
            Shown(f"{times.full(attempt.at)}  {attempt.duration_ms:,} ms  ", "muted"),
            outcome_of(attempt) or "",
        )
        if attempt.error and attempt.status is not None:
            details.line(Shown(f"    answered {attempt.status}", "muted"))
        if attempt.answer:
            details.text("\n".join(f"    {line}" for line in attempt.answer.splitlines()))


def _request(details: Details, request: wire.DeliveryRequest, times: Times) -> None:
    details.heading(f"Sent at {times.clock(request.attempt_at)}")
    details.line(Shown(f"{request.method} ", "accent"), request.url)
    if request.may_differ:
        details.line(Shown("the webhook was changed since: signatures may have differed", "muted"))
    for name, value in request.headers.items():
        details.line(Shown(f"{name}: ", "muted"), value)
    details.line("").text(pretty(request.body))


def pretty(body: str) -> str:
    """JSON with a line for each value; anything else as it is."""
    try:
        return msgspec.json.format(body.encode(), indent=2).decode()
    except (msgspec.DecodeError, UnicodeError):
        return body
