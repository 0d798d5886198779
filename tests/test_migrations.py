"""A database file is brought to the newest schema, copied before, or left as it was.

`python -m tests.test_migrations` writes store/schema.sql anew.
"""

import sqlite3
from pathlib import Path

import pytest

import textko_server.store
from textko_server.config import StoreSettings
from textko_server.errors import Unavailable
from textko_server.store import migrations
from textko_server.store.database import Database
from textko_server.store.migrations import DatabaseTooNew, available, migrate

SCHEMA = Path(textko_server.store.__file__).parent / "schema.sql"
HEADER = "-- What all migrations together make. Nothing reads this but people, and a test.\n"
FIRST = (1, "0001_first.sql", "CREATE TABLE a (x INTEGER);\nINSERT INTO a VALUES (1);\n")
SECOND = (2, "0002_second.sql", "-- A comment; with a semicolon.\nALTER TABLE a ADD y TEXT;\n")
BROKEN = (2, "0002_broken.sql", "ALTER TABLE a ADD y TEXT;\nINSERT INTO absent VALUES (1);\n")


def dump(connection: sqlite3.Connection) -> str:
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'sqlite_sequence'"
        " ORDER BY rowid"
    )
    return HEADER + "".join(f"\n{sql};\n" for (sql,) in rows)


def newest_schema() -> str:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection, Path(":memory:"))
        return dump(connection)
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "textko.db"


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def content(path: Path) -> tuple[int, list[str]]:
    """(version, all of the schema and rows as SQL)"""
    connection = opened(path)
    try:
        return connection.execute("PRAGMA user_version").fetchone()[0], list(connection.iterdump())
    finally:
        connection.close()


def run(path: Path) -> list[str]:
    connection = opened(path)
    try:
        return migrate(connection, path)
    finally:
        connection.close()


@pytest.fixture
def old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of a made-up first version."""
    monkeypatch.setattr(migrations, "available", lambda: [FIRST])
    run(path)
    return path


def test_schema_file_shows_what_the_migrations_make() -> None:
    assert SCHEMA.read_text("utf-8") == newest_schema(), "run: python -m tests.test_migrations"


def test_migrations_are_numbered_without_gaps() -> None:
    assert [number for number, _, _ in available()] == list(range(1, len(available()) + 1))


def test_every_statement_of_a_migration_is_complete() -> None:
    """What follows the last semicolon would be left out without a word."""
    for _, name, sql in available():
        last_line = [line for line in sql.splitlines() if not line.startswith("--")][-1]
        assert last_line.split("--")[0].rstrip().endswith(";"), name


def test_new_file_gets_all_migrations_and_no_copy(path: Path) -> None:
    assert run(path) == [name for _, name, _ in available()]
    assert run(path) == []
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_old_file_is_copied_before_it_changes(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(old_file)
    monkeypatch.setattr(migrations, "available", lambda: [FIRST, SECOND])

    assert run(old_file) == ["0002_second.sql"]

    copy = old_file.with_name("textko.db.before-0002")
    assert content(copy) == before
    assert copy.stat().st_mode & 0o777 == 0o600
    assert content(old_file)[0] == 2


def test_migration_that_fails_leaves_the_file_as_it_was(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(old_file)
    monkeypatch.setattr(migrations, "available", lambda: [FIRST, BROKEN])

    with pytest.raises(sqlite3.OperationalError, match="no such table: absent"):
        run(old_file)

    assert content(old_file) == before


async def test_failed_migration_is_told_in_a_sentence(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "available", lambda: [FIRST, BROKEN])

    with pytest.raises(Unavailable, match=r"cannot open the database .*no such table: absent"):
        await Database(old_file, StoreSettings()).open()


def test_file_of_a_newer_program_is_refused_in_one_sentence(
    old_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "available", lambda: [FIRST, SECOND])
    run(old_file)
    before = content(old_file)
    monkeypatch.setattr(migrations, "available", lambda: [FIRST])

    with pytest.raises(DatabaseTooNew, match="written by a newer textko") as refused:
        run(old_file)

    assert "schema 2, this program knows 1" in refused.value.message
    assert content(old_file) == before


async def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (
        1,
        "0001_first.sql",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);\n"
        "CREATE TABLE b (a_id INTEGER REFERENCES a (id) ON DELETE CASCADE);\n"
        "INSERT INTO a VALUES (1);\nINSERT INTO b VALUES (1);\n",
    )
    rebuild = (
        2,
        "0002_rebuild.sql",
        "CREATE TABLE new_a (id INTEGER PRIMARY KEY, x TEXT);\n"
        "INSERT INTO new_a SELECT id, NULL FROM a;\nDROP TABLE a;\n"
        "ALTER TABLE new_a RENAME TO a;\n",
    )
    monkeypatch.setattr(migrations, "available", lambda: [first, rebuild])
    db = Database(path, StoreSettings())

    await db.open()

    assert await db.fetch_all("SELECT a_id FROM b") == [(1,)]
    await db.write(lambda tx: tx.execute("DELETE FROM a"))
    assert await db.fetch_all("SELECT a_id FROM b") == []
    await db.close()


if __name__ == "__main__":
    SCHEMA.write_text(newest_schema(), "utf-8")
