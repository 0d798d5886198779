"""Messages: where each one is, what happened to it, and what can be done about it."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.model import Dialect, State
from textko_server.terminal_text import safe
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.filters import Filter
from textko_server.tui.message_details import message_details
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.states import state_cell
from textko_server.tui.time_columns import age, moment
from textko_server.tui.views.list_view import PAGE_SIZE, ListView
from textko_server.typed_times import parse_time

_FAULTS = frozenset({State.FAILED, State.EXPIRED})
_ENDED = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.CANCELLED})


class MessagesView(ListView[wire.MessageSummary]):
    """Every text that was submitted, newest first. Fields of a filter: state, device (its name),
    user, dialect, number, text, since and until (12h, 2026-12-31), is:fault.
    """

    NOUN = ("message", "messages")
    EMPTY = "no messages: c writes one, and applications send them with an API key (7)"
    EVENTS = frozenset({"message_submitted", "recipient_changed"})
    SERVER_FIELDS = frozenset(
        {"state", "device", "user", "dialect", "number", "text", "since", "until", "is"}
    )
    FIELDS_HELP = "state: device: user: dialect: number: text: since:1d"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("compose", "c", "Write", needs="nothing"),
        Action("cancel", "d", "Cancel", confirm="Cancel", is_destructive=True),
        Action("requeue", "u", "Requeue", confirm="Queue again", is_shown=False),
        Action("resend", "a", "Send again", needs="one"),
        Action("test", "T", "Send a test", needs="nothing", is_shown=False),
        Action("state", "n", "Only one state", needs="nothing", changes=False, is_shown=False),
    )

    def columns(self) -> Sequence[Column[wire.MessageSummary]]:
        return (
            moment("Time", lambda m: m.created_at, self.app, 3),
            Column("To", _to, 16),
            Column("State", lambda m: state_cell(m.state), 11),
            Column("Device", _device, 12, 5),
            Column("User", lambda m: m.user, 18, 6),
            Column("Dialect", lambda m: m.dialect, 10, 8),
            Column("Seg", lambda m: str(m.segments), 3, 9, is_right=True),
            age("Age", lambda m: m.created_at, self.app, 7),
            Column("Text", lambda m: m.text or "-", 12, 2, is_flexible=True),
        )

    def key_of(self, row: wire.MessageSummary) -> str:
        return row.id

    def name_of(self, row: wire.MessageSummary) -> str:
        return f"the message to {_to(row)}"

    def is_fault(self, row: wire.MessageSummary) -> bool:
        return row.state in _FAULTS

    def path_of(self, row: wire.MessageSummary) -> str:
        return f"/messages/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.MessageSummary]:
        page = await self.admin.list_messages(
            await self._wire_filter(wanted), before=cursor, limit=PAGE_SIZE
        )
        note = ""
        is_short = len(page.messages) < PAGE_SIZE
        if is_short and page.next is not None and page.searched_to is not None:
            note = f"searched back to {self.app.times.full(page.searched_to)}"
        return FetchedPage(page.messages, page.next, note)

    async def total(self, wanted: Filter) -> str:
        found = await self.admin.count_messages(await self._wire_filter(wanted))
        text = f"{found.total:,}{'' if found.is_exact else '+'}"
        if not wanted:
            return text
        of_all = await self.admin.count_messages(wire.MessageFilter(user=self.app.scope))
        return f"{text}/{of_all.total:,}{'' if of_all.is_exact else '+'}"

    async def details(self, row: wire.MessageSummary) -> Details:
        message = await self.admin.get_message(row.id)
        return message_details(message, self.app.times, self.app.clock.now_ms())

    async def _wire_filter(self, wanted: Filter) -> wire.MessageFilter:
        now_ms = self.app.clock.now_ms()
        return wire.MessageFilter(
            user=wanted.value("user") or self.app.scope,
            state=self._states(wanted.value("state")),
            device=await self._device_id(wanted.value("device")),
            dialect=_dialect(wanted.value("dialect")),
            from_=_time("since", wanted.value("since"), now_ms),
            to=_time("until", wanted.value("until"), now_ms),
            faults=wanted.has("is", "fault") or None,
            number=wanted.value("number"),
            text=wanted.value("text"),
        )

    @staticmethod
    def _states(value: str | None) -> str | None:
        """The beginning of a state will do: `del`."""
        if value is None:
            return None
        states = []
        for word in value.split(","):
            found = [state.value for state in State if state.value.startswith(word)]
            if len(found) != 1:
                raise Invalid("state", f"is one of {', '.join(State)}, not {word}")
            states += found
        return ",".join(states)

    async def _device_id(self, value: str | None) -> str | None:
        """By its name, the beginning of it, or its id."""
        if value is None:
            return None
        devices = (await self.admin.list_devices(self.app.scope)).devices
        for device in devices:
            if value in (device.id, device.name.lower()):
                return device.id
        found = [device for device in devices if device.name.lower().startswith(value)]
        if len(found) != 1:
            raise Invalid("device", f"{len(found) or 'no'} devices have a name like {value}")
        return found[0].id

    # --- actions ---

    async def do_compose(self) -> None:
        await self._write()

    async def do_test(self) -> None:
        at = self.app.times.full(self.app.clock.now_ms())
        await self._write(text=f"A test of textko, {at}", title="Send a test")

    async def _write(self, text: str = "", title: str = "Write a message") -> None:
        sent = await self.app.ask(await Compose.make(self.app, title=title, text=text))
        if sent is not None:
            self.app.tell_submitted(sent)

    async def do_cancel(self, rows: list[wire.MessageSummary]) -> None:
        await self.for_each(rows, lambda row: self.admin.cancel_message(row.id), "cancelled")

    async def do_requeue(self, rows: list[wire.MessageSummary]) -> None:
        await self.for_each(rows, lambda row: self.admin.requeue_message(row.id), "queued again")

    async def do_resend(self, row: wire.MessageSummary) -> None:
        """As a new message, after a look at it."""
        message = await self.admin.get_message(row.id)
        sent = await self.app.ask(
            await Compose.make(
                self.app,
                title="Send again, as a new message",
                to=[recipient.phone_number for recipient in message.recipients],
                text=message.text,
                user=message.user,
                priority=message.priority,
            )
        )
        if sent is not None:
            self.app.tell_submitted(sent)

    async def consequences(self, action: Action, rows: Sequence[wire.MessageSummary]) -> str:
        if action.name == "cancel":
            held = sum(row.state in (State.OFFERED, State.CLAIMED) for row in rows)
            ended = sum(row.state in _ENDED or row.state == State.SENT for row in rows)
            lines = []
            if held:
                lines.append(f"{held} are with a phone: it is asked not to send.")
            if ended:
                lines.append(f"{ended} are over and stay as they are.")
            return "\n".join(lines)
        if action.name == "requeue":
            return "Recipients that failed, expired or were cancelled are sent again, at no cost."
        return ""

    async def do_state(self) -> None:
        from textko_server.tui.dialogs.menu import Choice, Menu

        chosen = await self.app.ask(
            Menu("Only messages that are", [Choice(s.value, s.value, s.value[0]) for s in State])
        )
        if chosen is not None:
            await self.show_filter(str(self.filter.with_term("state", chosen)))


def _to(message: wire.MessageSummary) -> str:
    first = message.first_recipient
    number = first.phone_number if first is not None else "-"
    more = message.recipient_count - 1
    return f"{number} +{more}" if more > 0 else number


def _device(message: wire.MessageSummary) -> str | Shown | None:
    first = message.first_recipient
    return None if first is None or first.device is None else safe(first.device)


def _dialect(value: str | None) -> Dialect | None:
    if value is None:
        return None
    found = [dialect for dialect in Dialect if dialect.value.startswith(value)]
    if not found:
        raise Invalid("dialect", f"is one of {', '.join(Dialect)}, not {value}")
    return found[0]


def _time(field: str, value: str | None, now_ms: int) -> int | None:
    if value is None:
        return None
    at_ms = parse_time(value, now_ms, is_past=True)
    if at_ms is None:
        raise Invalid(field, f"is a span such as 12h or a date such as 2026-12-31, not {value}")
    return at_ms
