"""A conversation as people know it: what both sides wrote, the newest at the bottom."""

from collections.abc import Sequence

from textko_server import admin_wire as wire
from textko_server.tui.columns import Shown, Tone
from textko_server.tui.details import Details
from textko_server.tui.states import state_cell
from textko_server.tui.times import Times

_DATE_LENGTH = len("2026-01-31")


def conversation_details(
    conversation: wire.Conversation,
    messages: Sequence[wire.ConversationMessage],
    times: Times,
    *,
    before: str,
) -> Details:
    """`messages`: newest first. `before`: what to say of those that are not among them."""
    details = Details(begins_at_end=True).heading(who_of(conversation))
    if before:
        details.text(before, "muted")
    day = ""
    for message in reversed(messages):
        date = (times.full(message.at) or "")[:_DATE_LENGTH]
        if date != day:
            day = date
            details.line("").line(Shown(f"── {day} ──", "muted"))
        _message(details, message, times)
    return details


def who_of(conversation: wire.Conversation) -> str:
    """`Abebe +251911000001`"""
    return f"{conversation.contact_name or ''} {conversation.phone_number}".strip()


def _message(details: Details, message: wire.ConversationMessage, times: Times) -> None:
    clock = Shown(f"{times.clock(message.at)}  ", "muted")
    slot = "" if message.sim_slot is None else f", SIM {message.sim_slot}"
    by = Shown(f"  {message.device}{slot}" if message.device else "", "muted")
    details.line("")
    if message.direction == "in":
        new = Shown("  new" if message.is_unread else "", "warning")
        details.line(clock, Shown("◂ they", "accent"), new, by)
    else:
        state = Shown("") if message.state is None else state_cell(message.state)
        details.line(clock, "▸ we    ", state, by)
    _text(details, message.text, "accent" if message.direction == "in" else "plain")
    if message.error:
        _text(details, message.error, "bad")


def _text(details: Details, text: str, tone: Tone) -> None:
    for line in (text or "(empty)").splitlines():
        details.line(Shown(f"  {line}", tone))
