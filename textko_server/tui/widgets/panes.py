"""A list and, beside or below it, the details of the row under its cursor: read when the cursor has
come to rest, and large in place of the list when the row is opened.

Refuses to know what the rows are: it is told what each is known by and how its details are had.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Container

from textko_server.terminal_text import safe
from textko_server.tui.details import Details
from textko_server.tui.guarded import Guarded
from textko_server.tui.widgets.detail_pane import DetailPane
from textko_server.tui.widgets.records import Records

Row = TypeVar("Row")
# Moving through a list should not ask for the details of every row on the way.
_PAUSE_S = 0.12


class Panes(Guarded, Container, Generic[Row]):
    def __init__(
        self,
        records: Records[Row],
        key_of: Callable[[Row], str],
        details: Callable[[Row], Awaitable[Details]],
        *,
        where: str,
    ) -> None:
        """`details` raises TextkoError. `where`: they stand, as the preferences say it."""
        super().__init__(id="panes", classes=f"-detail-{where}")
        self.records = records
        self.detail = DetailPane()
        self.is_open = False
        """The details are large."""
        self._key_of = key_of
        self._details = details

    def compose(self) -> ComposeResult:
        yield self.records
        yield self.detail

    def open(self, *, is_open: bool) -> None:
        """Large, or where they are by themselves."""
        self.is_open = is_open
        self.set_class(is_open, "-detail-open")
        (self.detail if is_open else self.records).focus()
        self.show_details()

    def switch(self) -> None:
        """The keys go to the other one."""
        if self.detail.display and self.screen.focused is not self.detail:
            self.detail.focus()
        else:
            self.records.focus()

    def show_details(self) -> None:
        """Read afresh, if they can be seen."""
        if self.is_attached and self.detail.display:
            self._load_details()

    @on(Records.CursorMoved)
    def follow_cursor(self) -> None:
        self.set_timer(_PAUSE_S, self.show_details, name="details")

    @on(Records.Opened)
    def open_details(self) -> None:
        self.open(is_open=True)

    @work(exclusive=True, group="details")
    async def _load_details(self) -> None:
        row = self.records.current
        if row is None:
            self.detail.clear()
            return
        try:
            details = await self._details(row)
        except Exception as error:  # noqa: BLE001 - said where the details would stand
            details = Details().text(safe(str(error)), "bad")
        self.detail.show(self._key_of(row), details)
