"""The inbox: what phones received, and what can be done about it."""

import re
from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.terminal_text import safe
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column
from textko_server.tui.details import Details
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.dialogs.reply_form import reply_form
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age, moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import PAGE_SIZE, ListView
from textko_server.typed_times import parse_time

# The server finds whole numbers only; the beginning of one is compared here.
_WHOLE_NUMBER = re.compile(r"\+[0-9]{11,15}")
# Fewer digits are a service's number, which others end in too.
_LEAST_DIGITS = 7


class InboxView(ListView[wire.Incoming]):
    """Every text that phones received, newest first. Fields of a filter: number, text, device (its
    name), user, since and until (12h, 2026-12-31). A reply goes through the SIM it came to.
    """

    NOUN = ("text", "texts")
    EMPTY = "nothing came in yet: what a paired phone (4) receives comes here"
    EVENTS = frozenset({"incoming_received"})
    SERVER_FIELDS = frozenset({"device", "user", "text", "since", "until"})
    FIELDS_HELP = "number: text: device: user: since:1d"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("reply", "m", "Reply", needs="one"),
        Action("conversation", "l", "Conversation", needs="one", changes=False),
        Action("read", "n", "Mark read", is_shown=False),
        Action("opt_out", "b", "Opt out", confirm="Write no more to", is_destructive=True),
        Action("compose", "c", "Write", needs="nothing", is_shown=False),
    )

    def columns(self) -> Sequence[Column[wire.Incoming]]:
        return (
            moment("Time", lambda i: i.received_at, self.app, 3),
            Column("Number", lambda i: i.sender, 16),
            Column("Text", lambda i: i.text, 28, is_flexible=True),
            Column("Device", _device, 18, 5),
            Column("User", lambda i: i.user, 18, 6),
            age("Age", lambda i: i.received_at, self.app, 4),
        )

    def key_of(self, row: wire.Incoming) -> str:
        return row.id

    def name_of(self, row: wire.Incoming) -> str:
        return row.sender

    def name_rows(self, rows: Sequence[wire.Incoming]) -> str:
        senders = {row.sender for row in rows}
        return f"{len(senders):,} senders" if len(senders) > 1 else senders.pop() if senders else ""

    def path_of(self, row: wire.Incoming) -> str:
        return f"/incoming/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Incoming]:
        number = wanted.value("number")
        page = await self.admin.list_incoming(
            user=wanted.value("user") or self.app.scope,
            device=await self._device_id(wanted.value("device")),
            number=number if number and _WHOLE_NUMBER.fullmatch(number) else None,
            text=wanted.value("text"),
            from_at=self._time("since", wanted),
            to_at=self._time("until", wanted),
            before=cursor,
            limit=PAGE_SIZE,
        )
        note = ""
        if len(page.incoming) < PAGE_SIZE and page.next and page.searched_to is not None:
            note = f"searched back to {self.app.times.full(page.searched_to)}"
        return FetchedPage(page.incoming, page.next, note)

    async def _device_id(self, value: str | None) -> str | None:
        """By its id, its name or the beginning of that."""
        if value is None:
            return None
        devices = (await self.admin.list_devices(self.app.scope)).devices
        found = [d for d in devices if value in (d.id, d.name.lower())]
        found = found or [d for d in devices if d.name.lower().startswith(value)]
        if len(found) != 1:
            raise Invalid("device", f"{len(found) or 'no'} devices have a name like {value}")
        return found[0].id

    def _time(self, field: str, wanted: Filter) -> int | None:
        text = wanted.value(field)
        if text is None:
            return None
        now_ms = self.app.clock.now_ms()
        at_ms = parse_time(text, now_ms, is_past=True, zone=self.app.times.zone)
        if at_ms is None:
            raise Invalid(field, f"is a span such as 12h or a date such as 2026-12-31, not {text}")
        return at_ms

    async def details(self, row: wire.Incoming) -> Details:
        times, now_ms = self.app.times, self.app.clock.now_ms()
        return (
            Details()
            .heading(f"From {row.sender}")
            .text(row.text or "(empty)")
            .line("")
            .fields(
                [
                    ("Contact", await self._contact_name(row)),
                    ("Phone", _device(row)),
                    ("Received", f"{times.full(row.received_at)} ({ago(row.received_at, now_ms)})"),
                    ("Told", times.full(row.created_at)),
                    ("Account", row.user),
                    ("Id", row.id),
                ]
            )
        )

    async def _contact_name(self, row: wire.Incoming) -> str | None:
        """The sender may stand there in another way of writing: with 00 or 0 for +251."""
        digits = "".join(c for c in row.sender if c in "0123456789").lstrip("0")
        if len(digits) < _LEAST_DIGITS:
            return None
        query = wire.ContactQuery(user=row.user_id, search=digits, limit=10)
        contacts = (await self.admin.list_contacts(query)).contacts
        return next((c.full_name for c in contacts if c.phone_number.endswith(digits)), None)

    # --- actions ---

    async def do_reply(self, row: wire.Incoming) -> None:
        form = reply_form(self.app, row.id, who=row.sender, text=row.text, device=_device(row))
        sent = await self.app.ask(form)
        if sent is not None:
            self.app.tell(f"Submitted to {row.sender}: {sent.state}.")

    async def do_compose(self) -> None:
        sent = await self.app.ask(await Compose.make(self.app))
        if sent is not None:
            self.app.tell_submitted(sent)

    async def do_conversation(self, row: wire.Incoming) -> None:
        # A filter knows no capitals, and names of senders have them.
        is_number = row.sender.lower() == row.sender
        wanted = Filter().with_term("with" if is_number else "number", row.sender)
        if self.app.is_admin:
            wanted = wanted.with_term("user", row.user)
        self.app.open_page("conversations", str(wanted))

    async def do_read(self, rows: list[wire.Incoming]) -> None:
        """All that came from those numbers."""
        await self.for_each(
            rows,
            lambda row: self.admin.mark_conversation_read(row.sender, row.user_id),
            "marked as read",
        )

    async def do_opt_out(self, rows: list[wire.Incoming]) -> None:
        senders = {(row.sender, row.user_id): row for row in rows}
        await self.for_each(
            list(senders.values()),
            lambda row: self.admin.add_opt_out(row.sender, row.user_id),
            "opted out",
        )

    async def consequences(self, action: Action, rows: Sequence[wire.Incoming]) -> str:
        return "What the account submits for them fails, and costs nothing."


def _device(incoming: wire.Incoming) -> str | None:
    if incoming.device is None:
        return None
    slot = "" if incoming.sim_slot is None else f", SIM {incoming.sim_slot}"
    return safe(f"{incoming.device}{slot}")
