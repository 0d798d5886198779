"""A page that is a list: filter, rows, details of the one under the cursor, marks, and what every
list can do with its rows: copy, export, look at one in a pager.

A page names its columns and how rows are fetched; see messages.py for a whole one.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic, TypeVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from textko_server.errors import TextkoError
from textko_server.terminal_text import safe
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column
from textko_server.tui.counted import many
from textko_server.tui.details import Details
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.filters import Filter
from textko_server.tui.matching import Matching
from textko_server.tui.paged_rows import FetchedPage, PagedRows
from textko_server.tui.views.view import View
from textko_server.tui.widgets.detail_pane import DetailPane
from textko_server.tui.widgets.filter_bar import FilterBar
from textko_server.tui.widgets.records import Records

Row = TypeVar("Row", bound=msgspec.Struct)
PAGE_SIZE = 100
# Moving through a list should not ask for the details of every row on the way.
_DETAIL_PAUSE_S = 0.12


class ListView(View, Generic[Row]):
    NOUN: ClassVar[tuple[str, str]] = ("row", "rows")
    EMPTY: ClassVar[str] = "nothing here"
    SERVER_FIELDS: ClassVar[frozenset[str]] = frozenset()
    """Of a filter, that `fetch` passes on to the server; the others are compared here."""
    FIELDS_HELP: ClassVar[str] = ""
    """The fields, for the empty filter line."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual's own way
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012 - Textual's own way
    BINDINGS: ClassVar[list[BindingType]] = [
        # Not in the footer: the filter's own line says it.
        Binding("slash", "filter", "Filter", id="list.filter", show=False),
        Binding("f", "faults", "Only faults", id="list.faults", show=False),
        Binding("escape", "back", "Back", id="list.back", show=False),
        Binding("tab", "switch_pane", "List or details", id="list.pane", show=False),
        Binding("z", "maximise", "Details large", id="list.maximise", show=False),
        Binding("w", "wide", "All columns", id="list.wide", show=False),
        Binding("s", "sort", "Sort", id="list.sort", show=False),
        Binding("S", "sort_other_way", "Sort the other way", id="list.sort_reverse", show=False),
        Binding("y", "copy", "Copy", id="list.copy", show=False),
        Binding("Y", "copy_curl", "Copy as curl", id="list.copy_curl", show=False),
        Binding("e", "export", "Export", id="list.export", show=False),
        Binding("o", "pager", "Open in pager", id="list.pager", show=False),
        Binding("x", "menu", "Actions", id="list.menu"),
    ]

    # --- what a page says ---

    def columns(self) -> Sequence[Column[Row]]:
        raise NotImplementedError

    def key_of(self, row: Row) -> str:
        raise NotImplementedError

    def name_of(self, row: Row) -> str:
        """For questions: `the message to +251…`. May hold what users wrote."""
        raise NotImplementedError

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[Row]:
        """A page of rows from the server. Raises TextkoError."""
        raise NotImplementedError

    async def details(self, row: Row) -> Details:
        """What the pane shows of it. Raises TextkoError."""
        raise NotImplementedError

    async def total(self, wanted: Filter) -> str:
        """How many rows the filter leaves of how many, where the server can tell."""
        return ""

    def is_fault(self, row: Row) -> bool:
        """Shown by `f`, only faults."""
        return False

    def path_of(self, row: Row) -> str | None:
        """Where the admin API answers this row, for a copy as curl. None: nowhere."""
        return None

    def texts_of(self, row: Row) -> Mapping[str, str]:
        """What else can be copied of it, by what it is."""
        return {}

    # --- the page ---

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.filter = Filter()
        self._total = ""
        self._sort: str | None = None
        self._is_reverse = False
        self._is_detail_open = False
        self._wanted_key = ""
        self._must_begin = True
        """What is shown is not yet of this filter and order."""

    def compose_body(self) -> ComposeResult:
        yield FilterBar(f"/ filter   {self.FIELDS_HELP}")
        with Container(id="panes"):
            yield Records(self.columns(), empty=self.EMPTY, id="records")
            yield DetailPane()

    @property
    def records(self) -> Records[Row]:
        return self.query_one(Records)

    @property
    def detail(self) -> DetailPane:
        return self.query_one(DetailPane)

    def on_mount(self) -> None:
        # Textual calls that of View too.
        self._place_detail()
        self._begin()

    def redraw(self) -> None:
        super().redraw()
        self.records.refresh()

    def on_resize(self) -> None:
        """The details may have come into view, and columns may have room or lack it."""
        self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self.redraw()
        self._show_details()

    def _begin(self) -> None:
        """With another filter or order: from the top."""
        self._must_begin = True
        self._reload()

    async def reload(self) -> None:
        """A reading that another overtakes leaves to that one to begin."""
        if not self._must_begin:
            await self.records.reload()
            await self._count()
            return
        self.query_one(FilterBar).put(str(self.filter))
        await self.records.show(PagedRows(self.matching().page, self.key_of))
        self._must_begin = False
        with suppress(TextkoError):  # as when the rows were fetched, which said it
            await self._count()

    async def _count(self) -> None:
        self._total = await self.total(self.filter)
        self.was_updated()

    @property
    def counts(self) -> str:
        records = self.records
        known = f"{records.row_count:,}{'' if records.is_complete else '+'}"
        count = self._total or known
        text = f"{count} {self.NOUN[count != '1']}"
        if records.marks:
            text = f"{len(records.marks)} marked  {text}"
        if records.hidden_count:
            text = f"+{many(records.hidden_count, 'column')}  {text}"
        return f"{records.note}  {text}" if records.note else text

    def matching(self) -> Matching[Row]:
        """The rows that the filter leaves, in the order chosen."""
        columns = self.columns()
        order = next((column for column in columns if column.name == self._sort), None)
        return Matching(
            self.fetch,
            columns,
            self.is_fault,
            self.SERVER_FIELDS,
            self.filter,
            order,
            self._is_reverse,
        )

    # --- the filter ---

    @property
    def trail(self) -> str:
        return ""

    async def show_filter(self, text: str) -> None:
        self.filter = Filter.parse(text)
        self.records.clear_marks()
        self._begin()

    def select_key(self, key: str) -> None:
        """As soon as that row is there: the list may be just about to begin anew."""
        self.records.select(key)
        self._wanted_key = key

    @on(FilterBar.Narrowed)
    def change_filter(self, event: FilterBar.Narrowed) -> None:
        event.stop()
        known = self.SERVER_FIELDS | {c.field for c in self.columns()} | {"is"}
        unknown = event.filter.unknown_fields(known)
        if unknown:
            fields = ", ".join(sorted(known))
            self.app.tell(f"There is no field {unknown[0]}. There are: {fields}", "warning")
            return
        self.filter = event.filter
        self._begin()

    @on(FilterBar.Left)
    def leave_filter(self) -> None:
        self.records.focus()

    def action_filter(self) -> None:
        # At once: focus() is put off, and what is typed meanwhile would be taken for keys.
        self.set_focus(self.query_one(FilterBar))

    def action_faults(self) -> None:
        self.filter = self.filter.toggled("is", "fault")
        self._begin()

    def action_back(self) -> None:
        """Out of the details, then out of the marks, the filter, the page."""
        if self._is_detail_open:
            self._open_detail(is_open=False)
        elif self.records.marks:
            self.records.clear_marks()
        elif self.app.history.came_from:
            self.app.go_back()
        elif self.filter:
            self.filter = Filter()
            self._begin()
        else:
            self.app.go_back()

    # --- the order ---

    def action_sort(self) -> None:
        names = [column.name for column in self.columns()]
        order: list[str | None] = [None, *names]
        self.sort_by(order[(order.index(self._sort) + 1) % len(order)])

    def action_sort_other_way(self) -> None:
        self._is_reverse = not self._is_reverse
        self.sort_by(self._sort or self.columns()[0].name)

    @on(Records.HeadingClicked)
    def sort_by_heading(self, event: Records.HeadingClicked) -> None:
        if self._sort == event.column:
            self._is_reverse = not self._is_reverse
        self.sort_by(event.column)

    def sort_by(self, name: str | None) -> None:
        self._sort = name
        self.records.sort_label = name or ""
        self._begin()

    # --- the details ---

    @on(Records.CursorMoved)
    def follow_cursor(self) -> None:
        self.set_timer(_DETAIL_PAUSE_S, self._show_details, name="details")

    @on(Records.Loaded)
    def show_loaded(self, event: Records.Loaded) -> None:
        if event.error is not None:
            self.app.trouble(event.error)
        if self._wanted_key and self.records.select(self._wanted_key):
            self._wanted_key = ""
        self.was_updated()
        self._show_details()

    @on(Records.Opened)
    def open_details(self) -> None:
        self._open_detail(is_open=True)

    @on(Records.MarksChanged)
    def count_marks(self) -> None:
        self.redraw()
        self.refresh_bindings()

    def _show_details(self) -> None:
        if self.is_attached and self.detail.display:
            self._load_details()

    @work(exclusive=True, group="details")
    async def _load_details(self) -> None:
        row = self.records.current
        if row is None:
            self.detail.clear()
            return
        try:
            details = await self.details(row)
        except Exception as error:  # noqa: BLE001 - said where the details would stand
            details = Details().text(safe(str(error)), "bad")
        self.detail.show(self.key_of(row), details)

    def _open_detail(self, *, is_open: bool) -> None:
        """Large, or where it is by itself."""
        self._is_detail_open = is_open
        self.set_class(is_open, "-detail-open")
        self._place_detail()
        (self.detail if is_open else self.records).focus()
        self._show_details()

    def _place_detail(self) -> None:
        where = self.app.preferences.detail
        self.set_class(where == "off", "-detail-off")
        self.set_class(where == "right", "-detail-right")
        self.set_class(where == "bottom", "-detail-bottom")

    def action_switch_pane(self) -> None:
        if self.detail.display and self.focused is not self.detail:
            self.detail.focus()
        else:
            self.records.focus()

    def action_maximise(self) -> None:
        self._open_detail(is_open=not self._is_detail_open)

    def action_wide(self) -> None:
        self.records.is_wide = not self.records.is_wide
        self.redraw()

    # --- actions on rows ---

    def rows_for(self, action: Action) -> Sequence[Row]:
        if action.needs == "one":
            return [] if self.records.current is None else [self.records.current]
        return self.records.chosen

    def name_rows(self, rows: Sequence[Any]) -> str:
        if len(rows) == 1:
            return self.name_of(rows[0])
        return f"{len(rows):,} {self.NOUN[1]}"

    def finish_bulk(self) -> None:
        self.records.clear_marks()

    @work(group="actions")
    async def action_menu(self) -> None:
        """What can be done with these rows."""
        actions = self.actions_now()
        chosen = await self.app.ask(
            Menu(
                f"{self.name_rows(self.records.chosen) or self.page.title}",
                [Choice(a.name, a.label, self.app.key_of(f"{self.page.name}.{a.name}", a.key))
                 for a in actions],
            )
        )  # fmt: skip
        if chosen is not None:
            self.action_do(chosen)

    @work(group="actions")
    async def action_copy(self) -> None:
        row = self.records.current
        if row is None:
            return
        cells = [(column.name, column.text(row)) for column in self.columns()]
        texts = self.texts_of(row)
        choices = [
            Choice("json", "the row as JSON", "j"),
            Choice("rows", "the marked rows as JSON", "r"),
            Choice("curl", "the request as curl", "c"),
            Choice("detail", "the details as text", "d"),
            Choice("box", "nothing: show the details in a box to select from", "b"),
            *(Choice(f"text-{name}", f"{name}: {text}") for name, text in texts.items()),
            *(Choice(f"cell-{i}", f"{name}: {text}", str(i + 1) if i < 9 else "")
              for i, (name, text) in enumerate(cells)),
        ]  # fmt: skip
        chosen = await self.app.ask(Menu("Copy", choices))
        if chosen is None:
            return
        if chosen.startswith("cell-"):
            await self.app.copy(cells[int(chosen[5:])][1])
        elif chosen.startswith("text-"):
            await self.app.copy(texts[chosen[5:]])
        elif chosen == "curl":
            await self._copy_curl(row)
        elif chosen == "box":
            await self.app.show_text(self.name_of(row), (await self.details(row)).plain)
        elif chosen == "detail":
            await self.app.copy((await self.details(row)).plain)
        else:
            rows = [row] if chosen == "json" else self.records.chosen
            await self.app.copy(_json(rows[0] if len(rows) == 1 else rows))

    @work(group="actions")
    async def action_copy_curl(self) -> None:
        if self.records.current is not None:
            await self._copy_curl(self.records.current)

    async def _copy_curl(self, row: Row) -> None:
        path = self.path_of(row)
        if path is None:
            self.app.tell("No request answers just this row.", "warning")
        else:
            await self.app.copy(self.admin.curl_of("GET", path))

    @work(group="actions")
    async def action_pager(self) -> None:
        """The row as JSON, in the pager."""
        row = self.records.current
        if row is not None:
            await self.app.page_text(_json(row))

    @work(group="actions")
    async def action_export(self) -> None:
        """All rows that the filter leaves."""
        from textko_server.tui.dialogs.export_form import export

        await export(self.app, self.page.name, self.all_rows())

    async def all_rows(self) -> AsyncIterator[Row]:
        """Every row that fits the filter, from the first, fetched as they are taken."""
        matching = self.matching()
        cursor: str | None = None
        while True:
            page = await matching.page(cursor)
            for row in page.rows:
                yield row
            cursor = page.next
            if cursor is None:
                return


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
