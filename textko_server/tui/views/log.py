"""The log of the server: its end, followed as it grows."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar, get_args

from textual import on, work
from textual.worker import Worker

from textko_server import admin_wire as wire
from textko_server.errors import Invalid, TextkoError
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown, Tone
from textko_server.tui.details import Details
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.filters import Filter
from textko_server.tui.live import GATHER_S
from textko_server.tui.log_tail import LogTail
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import moment
from textko_server.tui.views.list_view import ListView
from textko_server.tui.widgets.records import Records
from textko_server.tui.widgets.tail_records import TailRecords

_LEVELS: tuple[wire.LogLevel, ...] = get_args(wire.LogLevel)
_FAULTS = frozenset({"warning", "error", "critical"})
_TONES: dict[str, Tone] = {
    "debug": "muted", "warning": "warning", "error": "bad", "critical": "bad",
}  # fmt: skip
# As long as the server holds an answer.
_WAIT_S = 25


class LogView(ListView[wire.LogRecord]):
    """What the server says of itself, as it says it: the newest below, and the list goes along
    while you are at its end (G). Fields of a filter: level (warning is that and above), text (also
    of fields and exceptions), logger, event, fields. f: only warnings and errors.
    """

    NOUN = ("record", "records")
    EMPTY = "nothing was logged that fits: L makes the server say more"
    SERVER_FIELDS = frozenset({"level", "text", "is"})
    FIELDS_HELP = "level:warning text: logger: event:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("show_level", "l", "From level", needs="nothing", changes=False),
        Action("set_level", "L", "Server's level", needs="nothing", for_admins=True),
    )

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self._tail = LogTail()
        self._follower: Worker[None] | None = None
        self._seen_key = ""
        """The last record there was when one was at the end."""

    def make_records(self) -> TailRecords[wire.LogRecord]:
        return TailRecords(self.columns(), empty=self.EMPTY, id="records")

    @property
    def records(self) -> TailRecords[wire.LogRecord]:
        return self.query_one(TailRecords)

    # --- what it lists ---

    def columns(self) -> Sequence[Column[wire.LogRecord]]:
        return (
            moment("Time", lambda r: r.at, self.app, 3),
            Column("Level", lambda r: Shown(r.level, _TONES.get(r.level, "plain")), 8),
            Column("Logger", _logger, 20, 6),
            Column("Event", lambda r: r.event, 20, is_flexible=True),
            Column("Fields", _fields, 20, 2, is_flexible=True),
            Column("Exception", _raised, 20, 9),
        )

    def key_of(self, row: wire.LogRecord) -> str:
        return str(row.number)

    def name_of(self, row: wire.LogRecord) -> str:
        return row.event

    def is_fault(self, row: wire.LogRecord) -> bool:
        return row.level in _FAULTS

    def path_of(self, row: wire.LogRecord) -> str:
        return f"/log?after={row.number - 1}&limit=1"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.LogRecord]:
        """All that is at hand; for another level or text the server is asked."""
        query = wire.LogQuery(level=_level(wanted), text=wanted.value("text"))
        if await self._tail.start(self.admin, query):
            if self._follower is not None:
                self._follower.cancel()
                self._follower = None
            self._follow_or_rest()
        note = "some are missing: too many at once" if self._tail.has_gap else ""
        return FetchedPage(list(self._tail.records), None, note)

    async def details(self, row: wire.LogRecord) -> Details:
        details = Details().heading(row.event)
        at = f"{self.app.times.full(row.at)}.{row.at % 1000:03d}"
        tone = _TONES.get(row.level, "plain")
        details.fields(
            [("At", at), ("Level", Shown(row.level, tone)), ("Logger", row.logger),
             ("Number", row.number)]
        )  # fmt: skip
        if row.fields:
            details.heading("Fields")
            details.fields([(name, _text(value)) for name, value in row.fields.items()])
        if row.exception is not None:
            details.heading("Exception").text(row.exception)
        return details

    # --- following ---

    async def reload(self) -> None:
        await self._tail.read(self.admin)
        await super().reload()

    def redraw(self) -> None:
        super().redraw()
        self.records.keep_at_end()
        self._follow_or_rest()

    def on_screen_suspend(self) -> None:
        self._follow_or_rest()

    def _follow_or_rest(self) -> None:
        """Follow while somebody looks at it and wants it live; ask for nothing otherwise."""
        app = self.app
        is_wanted = (
            self.is_running and app.view is self and app.is_live and app.link.is_up
            and self._tail.is_started
        )  # fmt: skip
        is_following = self._follower is not None and not self._follower.is_finished
        if is_wanted and not is_following:
            self._follower = self._follow_log()
        elif is_following and not is_wanted and self._follower is not None:
            self._follower.cancel()
            self._follower = None

    @work(group="tail")
    async def _follow_log(self) -> None:
        while True:
            try:
                fresh_count = await self._tail.read(self.admin, _WAIT_S)
            except TextkoError as error:
                self.app.trouble(error)
                return
            if fresh_count:
                await self.records.reload()
            self.was_updated()
            await asyncio.sleep(GATHER_S)

    def sort_by(self, name: str | None) -> None:
        self.records.is_following = name is None
        super().sort_by(name)

    @on(Records.CursorMoved)
    @on(Records.Loaded)
    def note_end(self) -> None:
        if self.records.is_at_end and self.records.current is not None:
            self._seen_key = self.key_of(self.records.current)

    @property
    def counts(self) -> str:
        records = self.records
        new_count = 0 if records.is_at_end else records.after(self._seen_key)
        if not new_count or not records.is_following:
            return super().counts
        return f"{new_count:,} new  {super().counts}"

    # --- actions ---

    async def do_show_level(self) -> None:
        chosen = await self.app.ask(Menu("Show from which level on", _level_choices()))
        if chosen is not None:
            await self.show_filter(str(self.filter.with_term("level", chosen)))

    async def do_set_level(self) -> None:
        now = await self.admin.get_log_level()
        title = f"What the server logs, until it restarts. Now: {now.level} and above"
        chosen = await self.app.ask(Menu(title, _level_choices()))
        if chosen is None:
            return
        level = next(level for level in _LEVELS if level == chosen)
        changed = await self.admin.set_log_level(level)
        until = "" if changed.level == changed.configured else (
            f", until the server restarts: then {changed.configured} again, as the settings say"
        )  # fmt: skip
        self.app.tell(f"Logged from now on: {changed.level} and above{until}.")


def _level_choices() -> list[Choice]:
    return [Choice(level, f"{level} and above", level[0]) for level in _LEVELS]


def _level(wanted: Filter) -> wire.LogLevel:
    """The least one asked for; the beginning of its name will do."""
    word = wanted.value("level")
    if word is None:
        return "warning" if wanted.has("is", "fault") else "debug"
    found = [level for level in _LEVELS if level.startswith(word)]
    if len(found) != 1:
        raise Invalid("level", f"is one of {', '.join(_LEVELS)}, not {word}")
    return found[0]


def _logger(record: wire.LogRecord) -> str:
    return record.logger.removeprefix("textko_server.")


def _fields(record: wire.LogRecord) -> str:
    return " ".join(f"{name}={_text(value)}" for name, value in record.fields.items())


def _text(value: str | int | float | bool | None) -> str:
    return "" if value is None else str(value)


def _raised(record: wire.LogRecord) -> str | None:
    """What it was: the last line of the traceback."""
    lines = (record.exception or "").rstrip().splitlines()
    return lines[-1] if lines else None
