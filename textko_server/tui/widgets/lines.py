"""A short list on a page of several: its rows are given to it whole, nothing in it is marked, and a
click on a line goes there.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from textual import events

from textko_server.tui.columns import Column
from textko_server.tui.paged_rows import FetchedPage, PagedRows
from textko_server.tui.widgets.records import Records

Row = TypeVar("Row")
_HEADING_HEIGHT = 1


class Lines(Records[Row]):
    def __init__(
        self,
        columns: Sequence[Column[Row]],
        key_of: Callable[[Row], str],
        *,
        empty: str,
        id: str | None = None,
    ) -> None:
        super().__init__(columns, empty=empty, id=id)
        self._rows_given: list[Row] = []
        self._key_of_row = key_of

    async def put(self, rows: list[Row]) -> None:
        """From now on these; the cursor stays with its row."""
        self._rows_given = rows
        if self._rows is None:
            await self.show(PagedRows(self._fetch_given, self._key_of_row))
        else:
            await self.reload()

    async def _fetch_given(self, _cursor: str | None) -> FetchedPage[Row]:
        return FetchedPage(self._rows_given, None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return not action.startswith("mark")

    def on_click(self, event: events.Click) -> None:
        # Records would only move there, and mark with ctrl.
        event.prevent_default()
        index = self.scroll_offset.y + event.y - _HEADING_HEIGHT
        if event.y >= _HEADING_HEIGHT and index < self.row_count:
            self.action_move(index - self.cursor)
            self.action_open()
