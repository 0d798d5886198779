"""What a page that is a list says of its rows: which columns they have, how they are fetched, what
they are called. messages.py is a whole one.

Refuses to know how the rows are shown and what can be done with them: list_view.py does that.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Generic, TypeVar

import msgspec

from textko_server.tui.columns import Column
from textko_server.tui.details import Details
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.views.view import View

Row = TypeVar("Row", bound=msgspec.Struct)


class Listing(View, Generic[Row]):
    NOUN: ClassVar[tuple[str, str]] = ("row", "rows")
    EMPTY: ClassVar[str] = "nothing here"
    SERVER_FIELDS: ClassVar[frozenset[str]] = frozenset()
    """Of a filter, that `fetch` passes on to the server; the others are compared here."""
    FIELDS_HELP: ClassVar[str] = ""
    """The fields, for the empty filter line."""

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
