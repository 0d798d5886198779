"""A database as the migrations leave it, without running them for each of thousands of tests.

What they do has tests of its own (test_migrations.py), and programs that tests start run them.
"""

import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from textko_server.store.migrations import migrate


def lay_out(path: Path) -> None:
    """Put an empty database at `path`, unless there is one already."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
    path.write_bytes(_migrated())


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "textko.db"
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        migrate(connection, path)
        connection.close()
        return path.read_bytes()
