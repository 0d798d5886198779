"""One writer thread with group commit, and a small pool of read-only connections.

A write is a plain function of a Transaction. The writer takes every function that is waiting, runs
them in one BEGIN IMMEDIATE … COMMIT with a savepoint for each, and answers all callers after the
one fsync. A function that raises is rolled back to its savepoint and fails alone. Functions may be
run again from the start, so they must not change anything but the database.

What comes thick and fast goes through a Batch (batches.py).

Refuses to know what is stored; see migrations/ for that.
"""

import asyncio
import logging
import os
import queue
import shutil
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiosqlite

from textko_server.config import StoreSettings
from textko_server.errors import TextkoError, Unavailable
from textko_server.store.batches import Batch
from textko_server.store.migrations import migrate, newest_version
from textko_server.store.transaction import Parameters, Row, Transaction

__all__ = ["Database", "Row", "Transaction"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Item = TypeVar("Item")

# Bounds the time a late-comer waits behind a group, and what one failing COMMIT takes with it.
MAX_GROUP_COUNT = 256


class Disk(NamedTuple):
    free_bytes: int
    is_read_only: bool


class _Write:
    __slots__ = ("durable", "error", "function", "future", "result")

    def __init__(
        self, function: Callable[[Transaction], Any], future: "asyncio.Future[Any]", durable: bool
    ) -> None:
        self.function = function
        self.future = future
        self.durable = durable
        self.result: Any = None
        self.error: BaseException | None = None


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
        self._writer_connection: sqlite3.Connection | None = None
        self._is_refused = False
        self.publish: Callable[[list[object]], None] = lambda _events: None
        """Called on the event loop with the events of each commit, before its callers resume."""
        self.on_loss: Callable[[], None] = lambda: None
        """Called on the event loop when writes that were not durable may have been answered and
        then undone, before the other callers of their group resume."""

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
        self._writer_connection = connection
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
        if self._writer_connection is not None:
            # The last to close puts the write-ahead log into the file; a reader cannot.
            await asyncio.get_running_loop().run_in_executor(None, self._writer_connection.close)
            self._writer_connection = None

    async def write(self, function: Callable[[Transaction], T], *, durable: bool = True) -> T:
        """Run `function` in a transaction on the writer thread; return what it returns.

        With `durable`, returns after the commit is on disk. Without, as soon as the function has
        run: the change is visible to all later writes but a crash may take it back, so only things
        that may be forgotten (an offer) are written this way.

        Raises: whatever `function` raises, after its changes were undone; Unavailable when the
        disk refuses or the server stops.
        """
        result: T = await self._enqueue(function, durable=durable)
        return result

    def batch(
        self,
        function: Callable[[Transaction, list[Item]], list[T | TextkoError]],
        *,
        durable: bool = True,
    ) -> Batch[Item, T]:
        """A way to store items of one kind together; see Batch, and `write` for `durable`."""
        return Batch(self._enqueue, function, durable=durable)

    def _enqueue(
        self,
        function: Callable[[Transaction], Any],
        *,
        durable: bool = True,
    ) -> "asyncio.Future[Any]":
        if self._thread is None or self._loop is None:
            raise Unavailable("the server is stopping")
        write = _Write(function, self._loop.create_future(), durable)
        self._writes.put(write)
        return write.future

    async def fetch_all(self, sql: str, parameters: Parameters = ()) -> list[Row]:
        """All rows of a query on a read-only connection.

        Raises:
            Unavailable: the disk refuses, or the database is closed.
        """
        async with self.reader() as connection:
            try:
                return list(await connection.execute_fetchall(sql, parameters))  # type: ignore[arg-type]  # typed as sqlite3.Row; they are tuples
            except sqlite3.OperationalError as error:
                raise Unavailable(f"the database cannot be read: {error}") from error

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

    @property
    def sqlite_version(self) -> str:
        return sqlite3.sqlite_version

    async def size_bytes(self) -> int:
        """What the database takes on disk, its write-ahead log included."""

        def measure() -> int:
            files = (self._path, self._path.with_name(f"{self._path.name}-wal"))
            return sum(file.stat().st_size for file in files if file.exists())

        return await asyncio.get_running_loop().run_in_executor(None, measure)

    async def free_bytes(self) -> int:
        """What is left on the disk it lies on."""
        return (await asyncio.to_thread(shutil.disk_usage, self._path.parent)).free

    async def disk(self) -> "Disk":
        """What is left on the disk it lies on, and whether that takes changes. Raises OSError."""

        def look() -> Disk:
            told = os.statvfs(self._path)
            return Disk(told.f_bavail * told.f_frsize, bool(told.f_flag & os.ST_RDONLY))

        return await asyncio.to_thread(look)

    async def schema_versions(self) -> tuple[int, int]:
        """(of the file as it is now, of this program). Raises Unavailable."""
        row = await self.fetch_one("PRAGMA user_version")
        return (int(row[0]) if row else 0), newest_version()

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
            connection.execute("PRAGMA cache_size = -16384")
            connection.execute("PRAGMA journal_size_limit = 67108864")
            applied = migrate(connection, self._path)
            # Only now: a migration that rebuilds a table must not delete what refers to it.
            connection.execute("PRAGMA foreign_keys = 1")
            return connection, applied
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

    def _commit(self, connection: sqlite3.Connection, group: list[_Write]) -> None:
        events: list[object] = []
        changes_before = connection.total_changes
        try:
            connection.execute("BEGIN IMMEDIATE")
            for write in group:
                self._run(connection, write, events)
            connection.execute("COMMIT")
            has_changed = connection.total_changes > changes_before
            self._tell_of([write.error for write in group], has_changed=has_changed)
        except sqlite3.Error as error:
            if connection.in_transaction:
                # A disk that refuses even this has ended the transaction by itself.
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            events.clear()
            for write in group:
                write.error = write.error or _unavailable(error)
            self._tell_of([write.error for write in group], has_changed=False)
            self._note_loss()
        self._hand_back(group, events)

    def _run(self, connection: sqlite3.Connection, write: _Write, events: list[object]) -> None:
        """Run one function inside the open transaction. Raises only when the group is lost."""
        transaction = Transaction(connection)
        connection.execute("SAVEPOINT write")
        try:
            write.result = write.function(transaction)
            if not write.durable:  # what is answered may be forgotten, so why wait for the rest
                self._hand_back([write], [])
            transaction.flush()
        except Exception as error:
            if not connection.in_transaction:
                # SQLite itself rolled everything back (disk full, I/O error).
                raise sqlite3.OperationalError(str(error)) from error
            write.error = _unavailable(error) if isinstance(error, sqlite3.Error) else error
            connection.execute("ROLLBACK TO write")
            if not write.durable:
                self._note_loss()
        else:
            events.extend(transaction.events)
        connection.execute("RELEASE write")

    def _tell_of(self, errors: list[BaseException | None], *, has_changed: bool) -> None:
        """Log once when the disk begins to refuse, and once when it takes changes again.

        A full disk takes a commit that changes nothing: that is no sign.
        """
        refusals = [error for error in errors if isinstance(error, Unavailable)]
        if refusals and not self._is_refused:
            self._is_refused = True
            log.error("database_refuses", extra={"reason": refusals[0].message})
        elif self._is_refused and has_changed and not refusals:
            self._is_refused = False
            log.warning("database_takes_changes_again")

    def _note_loss(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.on_loss)

    def _hand_back(self, writes: list[_Write], events: list[object]) -> None:
        if self._loop is not None:
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


def _unavailable(error: BaseException) -> BaseException:
    if isinstance(error, (sqlite3.IntegrityError, sqlite3.ProgrammingError)):
        return error
    unavailable = Unavailable(f"the database did not take the change: {error}")
    unavailable.__cause__ = error
    return unavailable
