"""The rows of a list of any length: fetched page by page as they come into view, few of them kept.

A page is known by the cursor that fetches it, so that one that was dropped can be had again. Memory
is bounded by KEPT_PAGES, however far one scrolls. Refuses to know how rows are drawn.
"""

from bisect import bisect_right
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Row = TypeVar("Row")
KEPT_PAGES = 20
# Refreshed from the top on, so that new rows appear; further down only what is in view is.
_REFRESHED_ROWS = 500


@dataclass(frozen=True, slots=True)
class FetchedPage(Generic[Row]):
    rows: list[Row]
    next: str | None
    """Cursor of the page after; None: this is the last."""
    note: str = ""
    """For whoever looks: how far back was searched."""


Fetch = Callable[[str | None], Awaitable[FetchedPage[Row]]]


@dataclass(slots=True)
class _Page(Generic[Row]):
    cursor: str | None
    count: int
    next: str | None
    rows: list[Row] | None = field(default=None, repr=False)
    used: int = 0


class PagedRows(Generic[Row]):
    def __init__(self, fetch: Fetch[Row], key_of: Callable[[Row], str]) -> None:
        self._fetch = fetch
        self.key_of = key_of
        self._pages: list[_Page[Row]] = []
        self._starts: list[int] = []
        self._use_count = 0
        self.note = ""

    @property
    def count(self) -> int:
        """Rows known so far."""
        return self._starts[-1] + self._pages[-1].count if self._pages else 0

    @property
    def is_complete(self) -> bool:
        """No further rows."""
        return bool(self._pages) and self._pages[-1].next is None

    def get(self, index: int) -> Row | None:
        """None: not at hand, `load(index)` fetches it."""
        page = self._page_at(index)
        if page is None or page.rows is None:
            return None
        self._use_count += 1
        page.used = self._use_count
        offset = index - self._starts[bisect_right(self._starts, index) - 1]
        return page.rows[offset] if offset < len(page.rows) else None

    def loaded(self) -> list[Row]:
        """Those at hand, in order."""
        return [row for page in self._pages if page.rows is not None for row in page.rows]

    def find(self, key: str) -> int | None:
        """The index of that row, if it is at hand."""
        for start, page in zip(self._starts, self._pages, strict=True):
            for offset, row in enumerate(page.rows or ()):
                if self.key_of(row) == key:
                    return start + offset
        return None

    async def load(self, index: int) -> None:
        """Make row `index` be at hand, if there is one. Raises what fetching raises."""
        while index >= self.count and not self.is_complete:
            before = len(self._pages)
            await self._load_next()
            if len(self._pages) == before:
                return
        page = self._page_at(index)
        if page is not None and page.rows is None:
            await self._reload(page)

    async def load_more(self) -> None:
        """One page more, if there is one: it may be empty where few rows match."""
        if not self.is_complete:
            await self._load_next()

    async def refresh(self, first: int, last: int) -> None:
        """Fetch afresh what is in view, and near the top also what is new above it."""
        if first >= _REFRESHED_ROWS:
            for page in self._pages_between(first, last):
                await self._reload(page)
            return
        pages: list[_Page[Row]] = []
        count, cursor = 0, None
        while True:
            page = await self._fetched(cursor)
            pages.append(page)
            count += page.count
            cursor = page.next
            if cursor is None or count > last or len(pages) >= KEPT_PAGES:
                break
        self._pages = pages
        self._count_anew()

    def _page_at(self, index: int) -> _Page[Row] | None:
        if not 0 <= index < self.count:
            return None
        return self._pages[bisect_right(self._starts, index) - 1]

    def _pages_between(self, first: int, last: int) -> list[_Page[Row]]:
        return [
            page
            for start, page in zip(self._starts, self._pages, strict=True)
            if start <= last and start + page.count > first
        ]

    async def _load_next(self) -> None:
        last = self._pages[-1] if self._pages else None
        page = await self._fetched(last.next if last else None)
        # Another load may have come first.
        if (self._pages[-1] if self._pages else None) is last:
            self._pages.append(page)
            self._count_anew()

    async def _reload(self, page: _Page[Row]) -> None:
        fresh = await self._fetched(page.cursor)
        page.rows, page.count, page.used = fresh.rows, fresh.count, fresh.used
        if page is self._pages[-1]:
            page.next = fresh.next
        self._count_anew()

    async def _fetched(self, cursor: str | None) -> _Page[Row]:
        fetched = await self._fetch(cursor)
        self.note = fetched.note
        self._use_count += 1
        return _Page(cursor, len(fetched.rows), fetched.next, fetched.rows, self._use_count)

    def _count_anew(self) -> None:
        self._starts, start = [], 0
        for page in self._pages:
            self._starts.append(start)
            start += page.count
        held = [page for page in self._pages if page.rows is not None]
        held.sort(key=lambda page: page.used)
        for page in held[:-KEPT_PAGES]:
            page.rows = None
