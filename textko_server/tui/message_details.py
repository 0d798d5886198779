"""Everything about a message: what it is, each recipient's time line, and what it cost."""

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown
from textko_server.tui.counted import many
from textko_server.tui.details import Details
from textko_server.tui.states import state_cell, state_tone
from textko_server.tui.times import Times, ago

# Of a message to thousands, the first ones will do: the others are found by their number.
_MAX_SHOWN = 50


def message_details(message: wire.MessageDetail, times: Times, now_ms: int) -> Details:
    details = Details().heading(f"Message {message.id}").text(message.text or "(text deleted)")
    details.line("")
    details.fields(
        [
            ("State", state_cell(message.state)),
            ("Submitted", f"{times.full(message.created_at)} ({ago(message.created_at, now_ms)})"),
            ("By", f"{message.user}{f', key {message.api_key}' if message.api_key else ''}"),
            ("Dialect", message.dialect),
            ("Segments", f"{message.segments} × {message.recipient_count}, {message.encoding}"),
            ("Cost", many(message.credits, "credit")),
            ("Priority", message.priority),
            ("Send at", times.full(message.scheduled_at)),
            ("Expires", times.full(message.expires_at)),
            ("Sender id", message.sender_id),
            ("Custom id", message.custom_id),
        ]
    )
    for recipient in message.recipients[:_MAX_SHOWN]:
        _recipient(details, message, recipient, times)
    more = len(message.recipients) - _MAX_SHOWN
    if more > 0:
        details.line("").line(Shown(f"and {more} more recipients", "muted"))
    return details


def _recipient(
    details: Details, message: wire.MessageDetail, recipient: wire.RecipientDetail, times: Times
) -> None:
    details.heading(f"To {recipient.phone_number}")
    slot = f", SIM {recipient.sim_slot}" if recipient.sim_slot is not None else ""
    error = recipient.error or recipient.error_code
    details.fields(
        [
            ("State", state_cell(recipient.state)),
            ("Phone", f"{recipient.device}{slot}" if recipient.device else None),
            ("Attempts", str(recipient.attempts) if recipient.attempts else None),
            ("Why", Shown(error, "bad") if error else None),
            ("Text", recipient.text if recipient.text != message.text else None),
            ("Cancel", "asked for" if recipient.is_cancel_requested else None),
        ]
    )
    for entry in recipient.time_line:
        by = f" by {entry.by}" if entry.by else ""
        device = f" on {entry.device}" if entry.device and entry.by != entry.device else ""
        details.line(
            Shown(f"{times.clock(entry.at)}  ", "muted"),
            Shown(f"{entry.state:<10}", state_tone(entry.state)),
            Shown(f"{by}{device}".strip(), "muted"),
        )
        if entry.detail:
            details.line(f"            {entry.detail}")
