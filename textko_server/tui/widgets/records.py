"""A list of any length: draws the rows in view, fetches them as they come into view, keeps the
cursor on its row when the list is read afresh, and lets rows be marked.

Refuses to know what the rows are: columns draw them, a fetch brings them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import get_current_worker

from textko_server.tui.columns import GAP, Column, Tone, fit, padded
from textko_server.tui.guarded import Guarded
from textko_server.tui.paged_rows import PagedRows

Row = TypeVar("Row")
_TONES: tuple[Tone, ...] = ("muted", "good", "warning", "bad", "accent")
_HEADING_HEIGHT = 1


class Records(Guarded, ScrollView, Generic[Row], can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="list.page_down"),
        Binding("home,g", "first", "First", show=False, id="list.first"),
        Binding("end,G", "last", "Last of what is loaded", show=False, id="list.last"),
        Binding("enter", "open", "Details", id="list.open", show=False),
        Binding("space", "mark", "Mark", show=False, id="list.mark"),
        Binding("v", "mark_range", "Mark from the last mark to here", show=False, id="list.range"),
        Binding("asterisk", "mark_all", "Mark all, or none", show=False, id="list.mark_all"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "records--heading", "records--cursor", "records--marked", "records--empty",
        *(f"records--{tone}" for tone in _TONES),
    }  # fmt: skip
    cursor: reactive[int] = reactive(0)
    is_wide: reactive[bool] = reactive(False)
    """All columns, even where they do not fit."""

    @dataclass
    class CursorMoved(Message, bubble=True):
        records: "Records[Any]"

    @dataclass
    class Opened(Message):
        records: "Records[Any]"

    @dataclass
    class MarksChanged(Message):
        records: "Records[Any]"

    @dataclass
    class HeadingClicked(Message):
        records: "Records[Any]"
        column: str

    @dataclass
    class Loaded(Message):
        """Rows came; `error` says why none did."""

        records: "Records[Any]"
        error: Exception | None

    def __init__(
        self, columns: Sequence[Column[Row]], *, empty: str, id: str | None = None
    ) -> None:
        """`empty`: what to say when there are no rows."""
        super().__init__(id=id)
        self.columns = columns
        self.empty_text = empty
        self.sort_label = ""
        """What the heading says of the order: ↓ before the name of a column."""
        self.marks: dict[str, Row] = {}
        self.is_loading = False
        self._has_failed = False
        """Not to be tried again with every frame: reading afresh does."""
        self._rows: PagedRows[Row] | None = None
        self._cursor_key: str | None = None
        self._last_mark = 0
        self._is_at_top = True

    # --- what it shows ---

    async def show(self, rows: PagedRows[Row]) -> None:
        """From now on these rows, from the top."""
        self._rows = rows
        self._is_at_top = True
        self.cursor = 0
        self.scroll_to(0, 0, animate=False, immediate=True)
        await self.reload()

    async def reload(self) -> None:
        """Read afresh what is in view; cursor and scroll stay with their rows."""
        rows = self._rows
        if rows is None:
            return
        top_key = self._key_at(self.scroll_offset.y)
        height = max(self.size.height, 1)
        self.is_loading = True
        try:
            await rows.refresh(self.scroll_offset.y, self.scroll_offset.y + height)
        except Exception as error:  # noqa: BLE001 - shown by the view, whichever it is
            self._finish_load(error)
            return
        if rows is not self._rows:
            return
        self._follow(top_key)
        self._finish_load(None)

    def _follow(self, top_key: str | None) -> None:
        """New rows above push what one looks at down: go along, unless one is at the very top."""
        rows = self._rows
        if rows is None:
            return
        self._measure()
        if self._is_at_top:
            self.cursor = 0
            self._note_cursor()
            return
        index = rows.find(self._cursor_key) if self._cursor_key is not None else None
        if top_key is not None and self.scroll_offset.y > 0:
            top = rows.find(top_key)
            if top is not None and top != self.scroll_offset.y:
                self.scroll_to(0, top, animate=False, immediate=True)
        if index is not None:
            self.set_reactive(Records.cursor, index)
        else:
            self.set_reactive(Records.cursor, max(min(self.cursor, rows.count - 1), 0))
        self._note_cursor()

    def _finish_load(self, error: Exception | None) -> None:
        self.is_loading = False
        self._has_failed = error is not None
        self._measure()
        self.refresh()
        self.post_message(self.Loaded(self, error))

    def _measure(self) -> None:
        rows = self._rows
        count = rows.count if rows else 0
        more = 0 if rows is None or rows.is_complete else 1
        self.virtual_size = Size(self.row_width, count + more + _HEADING_HEIGHT)

    @work(exclusive=True, group="load")
    async def _load(self, index: int) -> None:
        rows = self._rows
        if rows is None:
            return
        self.is_loading = True
        worker = get_current_worker()
        try:
            if index >= rows.count:
                await rows.load_more()
            else:
                await rows.load(index)
        except Exception as error:  # noqa: BLE001 - shown by the view, whichever it is
            if not worker.is_cancelled:
                self._finish_load(error)
            return
        if rows is self._rows:
            self._finish_load(None)

    # --- what is under the cursor ---

    @property
    def row_count(self) -> int:
        return self._rows.count if self._rows else 0

    @property
    def is_complete(self) -> bool:
        return self._rows is not None and self._rows.is_complete

    @property
    def note(self) -> str:
        return self._rows.note if self._rows else ""

    @property
    def current(self) -> Row | None:
        return self._rows.get(self.cursor) if self._rows else None

    @property
    def chosen(self) -> list[Row]:
        """What an action is for: the marked rows, else the one under the cursor."""
        if self.marks:
            return list(self.marks.values())
        return [] if self.current is None else [self.current]

    def select(self, key: str) -> bool:
        """Put the cursor on that row; False: it is not at hand."""
        index = self._rows.find(key) if self._rows else None
        if index is None:
            return False
        self._is_at_top = False
        self.cursor = index
        return True

    def _key_at(self, index: int) -> str | None:
        row = self._rows.get(index) if self._rows else None
        return None if row is None else self._key_of(row)

    def _key_of(self, row: Row) -> str:
        return self._rows.key_of(row) if self._rows else ""

    def _note_cursor(self) -> None:
        self._cursor_key = self._key_at(self.cursor)
        self.post_message(self.CursorMoved(self))

    def validate_cursor(self, cursor: int) -> int:
        return max(min(cursor, self.row_count - 1), 0)

    def watch_cursor(self) -> None:
        self.scroll_to_region(
            Region(0, self.cursor, 1, 1 + _HEADING_HEIGHT), animate=False, immediate=True
        )
        self._note_cursor()
        self.refresh()

    def watch_is_wide(self) -> None:
        self.refresh()

    # --- keys and mouse ---

    def action_move(self, step: int) -> None:
        self._is_at_top = False
        if step > 0 and self.cursor + step >= self.row_count and not self.is_complete:
            self._load(self.row_count)
        self.cursor += step

    def action_page(self, step: int) -> None:
        self.action_move(step * max(self.size.height - _HEADING_HEIGHT - 1, 1))

    def action_first(self) -> None:
        self.cursor = 0
        self._is_at_top = True

    def action_last(self) -> None:
        self.action_move(self.row_count)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened(self))

    def action_mark(self) -> None:
        row = self.current
        if row is None:
            return
        key = self._key_of(row)
        if self.marks.pop(key, None) is None:
            self.marks[key] = row
        self._last_mark = self.cursor
        self.action_move(1)
        self._marks_changed()

    def action_mark_range(self) -> None:
        first, last = sorted((self._last_mark, self.cursor))
        for index in range(first, last + 1):
            row = self._rows.get(index) if self._rows else None
            if row is not None:
                self.marks[self._key_of(row)] = row
        self._last_mark = self.cursor
        self._marks_changed()

    def action_mark_all(self) -> None:
        """Of the rows at hand."""
        if self.marks or self._rows is None:
            self.marks.clear()
        else:
            self.marks = {self._key_of(row): row for row in self._rows.loaded()}
        self._marks_changed()

    def clear_marks(self) -> None:
        self.marks.clear()
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.refresh()
        self.post_message(self.MarksChanged(self))

    def on_click(self, event: events.Click) -> None:
        if event.y < _HEADING_HEIGHT:
            self._click_heading(event.x)
            return
        index = self.scroll_offset.y + event.y - _HEADING_HEIGHT
        if index >= self.row_count:
            return
        self._is_at_top = False
        self.cursor = index
        if event.ctrl:
            self.action_mark()
        elif event.chain > 1:
            self.action_open()

    def _click_heading(self, x: int) -> None:
        left = 2
        for column, width in self._fitted():
            if left <= x < left + width:
                self.post_message(self.HeadingClicked(self, column.name))
            left += width + GAP

    def on_resize(self) -> None:
        self._measure()
        # A higher list may need more rows than were at hand.
        if self._rows is not None and self.size.height > self.row_count and not self.is_complete:
            self._load(self.row_count)

    # --- drawing ---

    @property
    def hidden_count(self) -> int:
        """Columns that have no room."""
        return len(self.columns) - len(self._fitted())

    @property
    def row_width(self) -> int:
        """Beside the scrollbar, if there is one."""
        return self.scrollable_content_region.width

    def _fitted(self) -> list[tuple[Column[Row], int]]:
        if self.is_wide:
            return fit(self.columns, 1_000)
        return fit(self.columns, self.row_width - 2)

    def render_line(self, y: int) -> Strip:
        width = self.row_width
        if y < _HEADING_HEIGHT:
            return self._heading(width)
        index = self.scroll_offset.y + y - _HEADING_HEIGHT
        if index < self.row_count:
            return self._line(index, width)
        if index == self.row_count and not (index and self.is_complete):
            return self._below(width)
        return Strip.blank(width, self.rich_style)

    def _heading(self, width: int) -> Strip:
        style = self.get_component_rich_style("records--heading")
        text = "  "
        for column, cells in self._fitted():
            name = f"{column.name}{'↓' if column.name == self.sort_label else ''}"
            text += padded(name, cells, is_right=column.is_right) + " " * GAP
        return Strip([Segment(padded(text.rstrip(), width), style)], width)

    def _below(self, width: int) -> Strip:
        """Under the last row at hand: there are more, or why there are none."""
        if self._may_load and not self.is_complete and self._rows is not None:
            self.call_later(self._load, self.row_count)
        waiting = "could not be read" if self._has_failed else "loading …"
        text = "  " + (self.empty_text if self.is_complete else waiting)
        style = self.get_component_rich_style("records--empty")
        return Strip([Segment(padded(text, width), style)], width)

    @property
    def _may_load(self) -> bool:
        return not self.is_loading and not self._has_failed

    def _line(self, index: int, width: int) -> Strip:
        rows = self._rows
        row = rows.get(index) if rows else None
        base = self.rich_style
        is_cursor = index == self.cursor
        if row is None:
            if self._may_load:
                self.call_later(self._load, index)
            return Strip([Segment(padded("  …", width), base)], width)
        is_marked = self._key_of(row) in self.marks
        if is_cursor:
            base += self.get_component_rich_style("records--cursor")
        elif is_marked:
            base += self.get_component_rich_style("records--marked")
        segments = [Segment("● " if is_marked else "› " if is_cursor else "  ", base)]
        used = 2
        for column, cells in self._fitted():
            shown = column.shown(row)
            style = base
            if shown.tone != "plain" and not is_cursor:
                style += self._tone_style(shown.tone)
            segments.append(Segment(padded(shown.text, cells, is_right=column.is_right), style))
            segments.append(Segment(" " * GAP, base))
            used += cells + GAP
        if used < width:
            segments.append(Segment(" " * (width - used), base))
        return Strip(segments, max(used, width)).crop(0, width)

    def _tone_style(self, tone: Tone) -> Style:
        # Only the colour: what lies behind is the row's.
        style = self.get_component_rich_style(f"records--{tone}")
        return Style(color=style.color, bold=style.bold, dim=style.dim)
