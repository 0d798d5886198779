"""The rows of a list that a filter leaves, in the order asked for: what the server does not compare
is compared here, and an order other than its own is made here.

Refuses to know what rows are and who shows them.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from textko_server.tui.columns import Column, Row
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage

# A filter that the server does not know may fit few rows of a page: look at so many pages at once.
_MAX_PAGES_AT_ONCE = 5
# So many rows are enough to show; the next ones come when they are scrolled to.
_ENOUGH_ROWS = 50
# Of a long list, only the newest rows are sorted.
_MAX_SORTED_PAGES = 20


@dataclass(frozen=True, slots=True)
class Matching(Generic[Row]):
    fetch: Callable[[Filter, str | None], Awaitable[FetchedPage[Row]]]
    """From the server, by filter and cursor."""
    columns: Sequence[Column[Row]]
    is_fault: Callable[[Row], bool]
    server_fields: frozenset[str]
    """Of the filter, that `fetch` has seen to."""
    wanted: Filter
    order: Column[Row] | None = None
    """None: the server's."""
    is_reverse: bool = False

    async def page(self, cursor: str | None) -> FetchedPage[Row]:
        """Raises what fetching raises."""
        if self.order is not None:
            return await self._sorted(self.order)
        found: list[Row] = []
        for _ in range(_MAX_PAGES_AT_ONCE):
            page = await self.fetch(self.wanted, cursor)
            found += filter(self._fits, page.rows)
            cursor = page.next
            if cursor is None or len(found) >= _ENOUGH_ROWS:
                break
        return FetchedPage(found, cursor, page.note)

    async def all_rows(self) -> AsyncIterator[Row]:
        """Every one, from the first, fetched as they are taken."""
        cursor: str | None = None
        while True:
            page = await self.page(cursor)
            for row in page.rows:
                yield row
            cursor = page.next
            if cursor is None:
                return

    async def _sorted(self, order: Column[Row]) -> FetchedPage[Row]:
        rows: list[Row] = []
        cursor: str | None = None
        for _ in range(_MAX_SORTED_PAGES):
            page = await self.fetch(self.wanted, cursor)
            rows += filter(self._fits, page.rows)
            cursor = page.next
            if cursor is None:
                break
        rows.sort(key=order.sort_key, reverse=self.is_reverse)
        note = "" if cursor is None else f"the newest {len(rows):,}, sorted"
        return FetchedPage(rows, None, note)

    def _fits(self, row: Row) -> bool:
        rest = self.wanted.rest(self.server_fields)
        if rest.has("is", "fault") and not self.is_fault(row):
            return False
        terms = Filter(tuple(term for term in rest.terms if term.field != "is"))
        return not terms or terms.matches({c.field: c.text(row).lower() for c in self.columns})
