"""Brings a database file to the newest schema: `migrations/NNNN_what.sql`, in order, append-only.

Each migration runs in its own transaction together with the version number it leads to, after an
automatic copy of the file. A file made by a newer program is refused.
"""

import sqlite3
from functools import cache
from importlib import resources
from pathlib import Path

from textko_server.errors import TextkoError


class DatabaseTooNew(TextkoError):
    """The file was written by a newer textko."""

    code = "database_too_new"


def available() -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration, in order."""
    folder = resources.files("textko_server.store") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [(int(f.name[:4]), f.name, f.read_text("utf-8")) for f in files]


@cache
def newest_version() -> int:
    """The schema that this program works with."""
    return available()[-1][0]


def migrate(connection: sqlite3.Connection, path: Path) -> list[str]:
    """Apply what is missing; return the names applied. `connection` must be in autocommit mode.

    Before an existing database changes, it is copied to `<file>.before-<NNNN>` beside it.

    Raises:
        DatabaseTooNew: the file has a version this program does not know.
    """
    migrations = available()
    newest = migrations[-1][0]
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > newest:
        raise DatabaseTooNew(
            f"{path} was written by a newer textko (schema {version}, this program knows {newest}):"
            " install that version or newer, or restore a copy from before the upgrade"
        )
    missing = [m for m in migrations if m[0] > version]
    if missing and version > 0:
        _copy(connection, path.with_name(f"{path.name}.before-{missing[0][0]:04d}"))
    for number, _, sql in missing:
        _apply(connection, number, sql)
    return [name for _, name, _ in missing]


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    target.chmod(0o600)


def _apply(connection: sqlite3.Connection, number: int, sql: str) -> None:
    # Statement by statement: executescript would commit whatever is open first.
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _statements(sql):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> list[str]:
    statements, current = [], ""
    for line in sql.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
