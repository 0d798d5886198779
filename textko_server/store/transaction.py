"""What a write function sees of the database: SQL, work put off to its end, events for after it."""

import sqlite3
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeVar

Item = TypeVar("Item")
Row = tuple[Any, ...]
Parameters = Sequence[Any] | dict[str, Any]

# How many rows one INSERT takes, largest first: few sizes, so that their statements stay prepared.
_CHUNK_SIZES = (64, 16, 4, 1)


class Transaction:
    """What a write function sees: SQL on the writer's connection, events for after the commit."""

    __slots__ = ("_connection", "_later", "events", "execute", "executemany")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._later: dict[Callable[[Transaction, list[Any]], None], list[Any]] = {}
        self.execute = connection.execute
        self.executemany = connection.executemany
        self.events: list[object] = []

    def one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        row: Row | None = self.execute(sql, parameters).fetchone()
        return row

    def all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        return self.execute(sql, parameters).fetchall()

    def insert(self, sql: str, parameters: Parameters) -> int:
        """Run an INSERT and return the new row's id."""
        rowid = self.execute(sql, parameters).lastrowid
        assert rowid is not None  # noqa: S101 - lastrowid is None only before the first INSERT
        return rowid

    def insert_all(self, sql: str, rows: Sequence[Parameters]) -> range:
        """Insert rows with a one-row `INSERT … VALUES (?, …)`, many at a step; returns their ids.

        The table's ids must be AUTOINCREMENT: then those of one writer have no gaps.
        """
        last = self.execute_all(sql, rows)
        return range(last - len(rows) + 1, last + 1)

    def execute_all(self, sql: str, rows: Sequence[Parameters]) -> int:
        """The same for any `INSERT … VALUES (?, …) …`; returns the last row's id."""
        last = start = 0
        for size in _CHUNK_SIZES:
            while len(rows) - start >= size:
                chunk = rows[start : start + size]
                values = chunk[0] if size == 1 else tuple(chain.from_iterable(chunk))
                last = self.execute(_repeated(sql, size), values).lastrowid or 0
                start += size
        return last

    def later(self, function: "Callable[[Transaction, list[Item]], None]", item: Item) -> None:
        """Give `item` to `function` at the end of this write, with all others for it at once.

        What has to be read back in the same write needs `flush` before.
        """
        self._later.setdefault(function, []).append(item)

    def flush(self) -> None:
        """Do now what `later` put off."""
        while self._later:
            later, self._later = self._later, {}
            for function, items in later.items():
                function(self, items)

    def after_commit(self, event: object) -> None:
        """Publish `event` once this write is on disk; it is dropped when the write fails."""
        self.events.append(event)


@cache
def _repeated(sql: str, count: int) -> str:
    """`INSERT … VALUES (?, ?) …` for `count` rows at once."""
    start = sql.index("VALUES (") + len("VALUES ")
    end = sql.index(")", start) + 1
    return sql[:end] + f", {sql[start:end]}" * (count - 1) + sql[end:]
