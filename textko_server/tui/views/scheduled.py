"""Scheduled messages: what goes out later, and what became of it."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.model import ScheduledStatus
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.schedule_form import (
    schedule_form,
    scheduled_edit_form,
    scheduled_sentence,
)
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.states import state_cell
from textko_server.tui.time_columns import moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_FAULTS = frozenset({ScheduledStatus.FAILED, ScheduledStatus.PARTIALLY_FAILED})


class ScheduledView(ListView[wire.Scheduled]):
    """Texts that become messages at their time, the newest first. Fields of a filter: status
    (pending, processing, sent, partially_failed, failed, cancelled) and user.
    """

    NOUN = ("scheduled message", "scheduled messages")
    EMPTY = "nothing is scheduled: c schedules a text for numbers or groups"
    EVENTS = frozenset({"scheduled_changed"})
    SERVER_FIELDS = frozenset({"status", "user"})
    FIELDS_HELP = "status: to: text: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("edit", "E", "Edit", needs="one"),
        Action("cancel", "d", "Cancel", confirm="Cancel", is_destructive=True),
    )

    def columns(self) -> Sequence[Column[wire.Scheduled]]:
        now = self.app.clock.now_ms
        return (
            moment("Send at", lambda s: s.send_at, self.app),
            Column("In", lambda s: _waits(s, now()), 9, 6, is_right=True),
            Column("Status", lambda s: state_cell(s.status), 12),
            Column("To", lambda s: ", ".join(s.recipient_names), 18, 2),
            Column("Count", lambda s: f"{s.recipient_count:,}", 5, 5, is_right=True),
            Column("Credits", lambda s: f"{s.credits:,}", 7, 7, is_right=True),
            Column("User", lambda s: s.user, 18, 4),
            Column("Text", lambda s: s.text, 12, 3, is_flexible=True),
        )

    def key_of(self, row: wire.Scheduled) -> str:
        return row.id

    def name_of(self, row: wire.Scheduled) -> str:
        return f"the message to {', '.join(row.recipient_names)}"

    def is_fault(self, row: wire.Scheduled) -> bool:
        return row.status in _FAULTS

    def path_of(self, row: wire.Scheduled) -> str:
        return f"/scheduled/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Scheduled]:
        query = wire.ScheduledQuery(
            user=wanted.value("user") or self.app.scope,
            status=_status(wanted.value("status")),
            before=cursor,
            limit=PAGE_SIZE,
        )
        page = await self.admin.list_scheduled(query)
        return FetchedPage(page.scheduled, page.next)

    async def details(self, row: wire.Scheduled) -> Details:
        times = self.app.times
        details = Details().heading(f"Scheduled message {row.id}").text(row.text).line("")
        is_sure = row.sent_at is not None
        about = "" if is_sure else " (estimated)"
        details.fields(
            [
                ("Status", state_cell(row.status)),
                ("Why", Shown(row.error, "bad") if row.error else None),
                ("Send at", times.full(row.send_at)),
                ("Sent", times.full(row.sent_at)),
                ("Recipients", f"{row.recipient_count:,}{about}"),
                ("Segments", f"{row.segments} each, {row.encoding}{about}"),
                ("Cost", f"{row.credits:,} credits{about}"),
                ("Account", row.user),
                ("Made", times.full(row.created_at)),
                ("Changed", times.full(row.updated_at)),
            ]
        )
        details.heading("To")
        for name in row.recipient_names:
            details.line(name)
        more = len(row.recipients) - len(row.recipient_names)
        if more > 0:
            details.line(Shown(f"and {more:,} more", "muted"))
        if row.values:
            details.heading("Values").fields(list(row.values.items()))
        if row.message_ids:
            details.heading("Messages")
            for message_id in row.message_ids:
                details.line(message_id)
        return details

    # --- actions ---

    async def do_create(self) -> None:
        scheduled = await self.app.ask(await schedule_form(self.app))
        if scheduled is not None:
            self.app.tell(scheduled_sentence(scheduled, self.app.times))

    async def do_edit(self, row: wire.Scheduled) -> None:
        if row.status != ScheduledStatus.PENDING:
            self.app.tell(f"It is {row.status}: only what is pending can be changed.", "warning")
            return
        scheduled = await self.app.ask(scheduled_edit_form(self.app, row))
        if scheduled is not None:
            self.app.tell(scheduled_sentence(scheduled, self.app.times))

    async def do_cancel(self, rows: list[wire.Scheduled]) -> None:
        await self.for_each(rows, lambda row: self.admin.cancel_scheduled(row.id), "cancelled")

    async def consequences(self, action: Action, rows: Sequence[wire.Scheduled]) -> str:
        over = sum(row.status != ScheduledStatus.PENDING for row in rows)
        return f"{over} are pending no more and stay as they are." if over else ""


def _waits(scheduled: wire.Scheduled, now_ms: int) -> str | None:
    """How long still."""
    if scheduled.status != ScheduledStatus.PENDING:
        return None
    return ago(scheduled.send_at, now_ms)


def _status(value: str | None) -> ScheduledStatus | None:
    """The beginning of it will do."""
    if value is None:
        return None
    found = [status for status in ScheduledStatus if status.value.startswith(value)]
    if len(found) != 1:
        raise Invalid("status", f"is one of {', '.join(ScheduledStatus)}, not {value}")
    return found[0]
