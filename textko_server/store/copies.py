"""A database file beside the server's own connections: copied while it is written, looked through,
and made ready to take another's place.

Everything here blocks and opens connections of its own. Refuses to know why a copy is wanted.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from textko_server.errors import Unavailable
from textko_server.store import secrets
from textko_server.store.migrations import available
from textko_server.store.queries import load
from textko_server.store.transaction import Transaction

_MESSAGES = load("messages")
_RECIPIENTS = load("recipients")

# 4 MiB of 4 KiB pages: small enough to be asked often whether to go on.
_STEP_PAGES = 1024
# Instructions of SQLite's machine between two looks at whether to go on: some milliseconds.
_STEP_INSTRUCTIONS = 100_000

Tick = Callable[[int, int], None]
"""Told (bytes done, bytes in all) now and then; may raise to end the work."""


class DatabaseState(msgspec.Struct, frozen=True):
    schema: int
    """Number of its newest migration."""
    newest_message_at: int | None
    waiting_count: int
    """Recipients in a queue."""
    fault: str | None
    """What SQLite found damaged, in its own words; None: nothing."""


def newest_schema() -> int:
    """What this program brings a database to."""
    return available()[-1][0]


def copy_database(source: Path, target: Path, tick: Tick) -> None:
    """Copy `source`, as it is at one moment after the call, to the new file `target`.

    Nobody who reads or writes it waits meanwhile; its write-ahead log grows until the copy is made.

    Raises:
        Unavailable: it cannot be read, or the copy not written; or whatever `tick` raises.
    """
    with _told(f"cannot copy {source}"), _opened(source) as connection:
        # A transaction that reads holds the moment: without, each commit would start it anew.
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
        page_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0])
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # whoever wants to keep it syncs it
            connection.backup(
                copy,
                pages=_STEP_PAGES,
                progress=lambda _status, left, total: tick(
                    (total - left) * page_bytes, total * page_bytes
                ),
            )
            # One file without a log beside it; the server that opens it changes that again.
            copy.execute("PRAGMA journal_mode = DELETE")


def look_through(path: Path, tick: Tick, *, thoroughly: bool) -> DatabaseState:
    """`thoroughly`: also compares indexes with tables, which takes some times longer.

    Raises:
        Unavailable: it cannot be read, or is no database of ours; or whatever `tick` raises.
    """
    check = "integrity_check" if thoroughly else "quick_check"
    with _told(f"cannot read {path}"), _opened(path) as connection:
        schema = int(connection.execute("PRAGMA user_version").fetchone()[0])
        with _ticking(connection, tick):
            fault = str(connection.execute(f"PRAGMA {check}(1)").fetchone()[0])
        newest_at, waiting_count = None, 0
        if fault == "ok" and schema:
            row = connection.execute(_MESSAGES.newest_at).fetchone()
            newest_at = row[0] if row else None
            waiting_count = int(connection.execute(_RECIPIENTS.queue_depth).fetchone()[0])
        return DatabaseState(schema, newest_at, waiting_count, None if fault == "ok" else fault)


def schema_of(path: Path) -> int:
    """Raises Unavailable."""
    with _told(f"cannot read {path}"), _opened(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def take_over(path: Path, at_ms: int) -> None:
    """Make a copy fit to become the database now, at `at_ms`: phones may hold offers that were made
    after it was taken, and their numbers must not be used again.

    Raises Unavailable.
    """
    with (
        _told(f"cannot change {path}"),
        closing(sqlite3.connect(path, isolation_level=None)) as connection,
    ):
        secrets.skip_starts(Transaction(connection), at_ms)


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 5000")
        yield connection


@contextmanager
def _ticking(connection: sqlite3.Connection, tick: Tick) -> Iterator[None]:
    """SQLite asks now and then whether to go on; what `tick` raises comes out as it is."""
    raised: list[BaseException] = []

    def ask() -> int:
        try:
            tick(0, 0)
        except BaseException as error:  # noqa: BLE001 - handed on below
            raised.append(error)
            return 1
        return 0

    connection.set_progress_handler(ask, _STEP_INSTRUCTIONS)
    try:
        yield
    except sqlite3.OperationalError:
        if raised:
            raise raised[0] from None
        raise
    finally:
        connection.set_progress_handler(None, 0)


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise Unavailable(f"{what}: {error}") from error
