"""A page that is a list: its filter, its order, the details of the row under the cursor, marks, and
what every list can do with its rows: copy, export, look at one in a pager.

A page names its columns and how rows are fetched, as listing.py asks for.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, ClassVar, Generic

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from textko_server.errors import TextkoError
from textko_server.tui.actions import Action
from textko_server.tui.counted import many
from textko_server.tui.dialogs.copy_row import as_json, copy_curl, copy_row
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.filters import Filter
from textko_server.tui.matching import Matching
from textko_server.tui.paged_rows import PagedRows
from textko_server.tui.views.listing import Listing, Row
from textko_server.tui.widgets.filter_bar import FilterBar
from textko_server.tui.widgets.panes import Panes
from textko_server.tui.widgets.records import Records

PAGE_SIZE = 100


class ListView(Listing[Row], Generic[Row]):
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

    # --- the page ---

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.filter = Filter()
        self._total = ""
        self._sort: str | None = None
        self._is_reverse = False
        self._wanted_key = ""
        self._must_begin = True
        """What is shown is not yet of this filter and order."""

    def compose_body(self) -> ComposeResult:
        yield FilterBar(f"/ filter   {self.FIELDS_HELP}")
        where = self.app.preferences.detail
        yield Panes(self.make_records(), self.key_of, self.details, where=where)

    def make_records(self) -> Records[Row]:
        return Records(self.columns(), empty=self.EMPTY, id="records")

    @property
    def records(self) -> Records[Row]:
        return self.query_one(Records)

    @property
    def panes(self) -> Panes[Row]:
        return self.query_one(Panes)

    def on_mount(self) -> None:
        # Textual calls that of View too.
        self._begin()

    def redraw(self) -> None:
        super().redraw()
        self.records.refresh()

    def on_resize(self) -> None:
        """The details may have come into view, and columns may have room or lack it."""
        self.call_after_refresh(self._after_resize)

    def _after_resize(self) -> None:
        self.redraw()
        self.panes.show_details()

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
        if self.panes.is_open:
            self.panes.open(is_open=False)
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

    # --- the rows and their details ---

    @on(Records.Loaded)
    def show_loaded(self, event: Records.Loaded) -> None:
        if event.error is not None:
            self.app.trouble(event.error)
        if self._wanted_key and self.records.select(self._wanted_key):
            self._wanted_key = ""
        self.was_updated()
        self.panes.show_details()

    @on(Records.MarksChanged)
    def count_marks(self) -> None:
        self.redraw()
        self.refresh_bindings()

    def action_switch_pane(self) -> None:
        self.panes.switch()

    def action_maximise(self) -> None:
        self.panes.open(is_open=not self.panes.is_open)

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
        await copy_row(self)

    @work(group="actions")
    async def action_copy_curl(self) -> None:
        if self.records.current is not None:
            await copy_curl(self, self.records.current)

    @work(group="actions")
    async def action_pager(self) -> None:
        """The row as JSON, in the pager."""
        row = self.records.current
        if row is not None:
            await self.app.page_text(as_json(row))

    @work(group="actions")
    async def action_export(self) -> None:
        """All rows that the filter leaves."""
        from textko_server.tui.dialogs.export_form import export

        await export(self.app, self.page.name, self.matching().all_rows())
