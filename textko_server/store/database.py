"""One writer thread with group commit, and a small pool of read-only connections.

A write is a plain function of a Transaction. The writer takes every function that is waiting, runs
them in one BEGIN IMMEDIATE … COMMIT with a savepoint for each, and answers all callers after the
one fsync. A function that raises is rolled back to its savepoint and fails alone. Functions may be
run again from the start, so they must not change anything but the database.

Refuses to know what is stored; see migrations/ for that.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from textko_server.config import StoreSettings
from textko_server.errors import Unavailable
from textko_server.store.migrations import migrate

T = TypeVar("T")
Row = tuple[Any, ...]
Parameters = Sequence[Any] | dict[str, Any]

# Bounds the time a late-comer waits behind a group, and what one failing COMMIT takes with it.
MAX_GROUP_COUNT = 256


class Transaction:
    """What a write function sees: SQL on the writer's connection, events for after the commit."""

    __slots__ = ("_connection", "events", "execute", "executemany")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
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

    def after_commit(self, event: object) -> None:
        """Publish `event` once this write is on disk; it is dropped when the write fails."""
        self.events.append(event)


class _Write:
    __slots__ = ("durable", "error", "events", "function", "future", "result")

    def __init__(
        self, function: Callable[[Transaction], Any], future: "asyncio.Future[Any]", durable: bool
    ) -> None:
        self.function = function
        self.future = future
        self.durable = durable
        self.result: Any = None
        self.error: BaseException | None = None
        self.events: list[object] = []


class Database:
    """Open with `open()`, close with `close()`; both may be called once."""

    def __init__(self, path: Path, settings: StoreSettings) -> None:
        self._path = path
        self._settings = settings
        self._writes: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._readers: asyncio.Queue[aiosqlite.Connection] = asyncio.Queue()
        self._reader_connections: list[aiosqlite.Connection] = []
        self.publish: Callable[[list[object]], None] = lambda _events: None
        """Called on the event loop with the events of each commit, before its callers resume."""

    async def open(self) -> list[str]:
        """Create or migrate the file and start the writer. Returns the migrations applied.

        Raises:
            DatabaseTooNew: the file was written by a newer program.
            Unavailable: the file cannot be opened; says why.
        """
        self._loop = asyncio.get_running_loop()
        try:
            connection, applied = await self._loop.run_in_executor(None, self._connect)
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"cannot open the database {self._path}: {error}") from error
        self._thread = threading.Thread(
            target=self._run_writer, args=(connection,), name="textko-writer", daemon=True
        )
        self._thread.start()
        for _ in range(self._settings.readers_count):
            reader = await aiosqlite.connect(
                f"{self._path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None
            )
            await reader.execute("PRAGMA query_only = 1")
            await reader.execute("PRAGMA busy_timeout = 5000")
            self._reader_connections.append(reader)
            self._readers.put_nowait(reader)
        return applied

    async def close(self) -> None:
        """Finish what is queued, then close. Writes asked for later fail with Unavailable."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._writes.put(None)
            await asyncio.get_running_loop().run_in_executor(None, thread.join)
        for reader in self._reader_connections:
            await reader.close()
        self._reader_connections.clear()

    async def write(self, function: Callable[[Transaction], T], *, durable: bool = True) -> T:
        """Run `function` in a transaction on the writer thread; return what it returns.

        With `durable`, returns after the commit is on disk. Without, as soon as the function has
        run: the change is visible to all later writes but a crash may take it back, so only things
        that may be forgotten (an offer) are written this way.

        Raises: whatever `function` raises, after its changes were undone; Unavailable when the
        disk refuses or the server stops.
        """
        if self._thread is None or self._loop is None:
            raise Unavailable("the server is stopping")
        write = _Write(function, self._loop.create_future(), durable)
        self._writes.put(write)
        result: T = await write.future
        return result

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query on a read-only connection."""
        async with self.reader() as connection:
            return list(await connection.execute_fetchall(sql, parameters))  # type: ignore[arg-type]  # typed as sqlite3.Row; they are tuples

    async def fetch_one(self, sql: str, parameters: Parameters = ()) -> Row | None:
        """The first row, or None."""
        rows = await self.fetch_all(sql, parameters)
        return rows[0] if rows else None

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[aiosqlite.Connection]:
        """A read-only connection of the pool, for several queries in a row."""
        connection = await self._readers.get()
        try:
            yield connection
        finally:
            self._readers.put_nowait(connection)

    def _connect(self) -> tuple[sqlite3.Connection, list[str]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not self._path.exists()
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        try:
            if is_new:
                self._path.chmod(0o600)
            connection.execute("PRAGMA busy_timeout = 5000")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._settings.synchronous}")
            connection.execute("PRAGMA foreign_keys = 1")
            connection.execute("PRAGMA cache_size = -16384")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            return connection, migrate(connection, self._path)
        except BaseException:
            connection.close()
            raise

    # --- on the writer thread ---

    def _run_writer(self, connection: sqlite3.Connection) -> None:
        stopping = False
        while not stopping:
            group: list[_Write] = []
            item = self._writes.get()
            while item is not None:
                group.append(item)
                if len(group) == MAX_GROUP_COUNT:
                    break
                try:
                    item = self._writes.get_nowait()
                except queue.Empty:
                    break
            stopping = item is None
            if group:
                self._commit(connection, group)
        connection.close()

    def _commit(self, connection: sqlite3.Connection, group: list[_Write]) -> None:
        try:
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                self._run(connection, write, alone=len(group) == 1)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for write in group:
                write.error = write.error or _unavailable(error)
        self._hand_back([w for w in group if w.durable or w.events])

    def _run(self, connection: sqlite3.Connection, write: _Write, *, alone: bool) -> None:
        """Run one function inside the open transaction. Raises only when the group is lost."""
        transaction = Transaction(connection)
        if not alone:
            connection.execute("SAVEPOINT write")
        try:
            write.result = write.function(transaction)
        except Exception as error:
            if not connection.in_transaction:
                # SQLite itself rolled everything back (disk full, I/O error).
                raise sqlite3.OperationalError(str(error)) from error
            write.error = _unavailable(error) if isinstance(error, _DISK_ERRORS) else error
            connection.execute("ROLLBACK" if alone else "ROLLBACK TO write")
            if alone:
                connection.execute("BEGIN IMMEDIATE")
        else:
            write.events = transaction.events
        if not alone:
            connection.execute("RELEASE write")
        if not write.durable:
            self._hand_back([write], publish=False)

    def _hand_back(self, writes: list[_Write], *, publish: bool = True) -> None:
        if not writes or self._loop is None:
            return
        events = [e for w in writes if w.error is None for e in w.events] if publish else []
        self._loop.call_soon_threadsafe(self._resolve, writes, events)

    # --- on the event loop ---

    def _resolve(self, writes: Iterable[_Write], events: list[object]) -> None:
        if events:
            self.publish(events)
        for write in writes:
            if write.future.done():
                continue  # answered early, or its caller has gone
            if write.error is not None:
                write.future.set_exception(write.error)
            else:
                write.future.set_result(write.result)


_DISK_ERRORS = (sqlite3.OperationalError, sqlite3.DatabaseError)


def _unavailable(error: BaseException) -> BaseException:
    if isinstance(error, sqlite3.IntegrityError):
        return error
    unavailable = Unavailable(f"the database did not take the change: {error}")
    unavailable.__cause__ = error
    return unavailable
