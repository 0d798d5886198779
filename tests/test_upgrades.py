"""A database of an earlier schema goes on where it was, and back when the new version must go."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.gateways import check_invariants
from tests.servers import REGULAR_EMAIL, settings_for_tests
from tests.test_backups import put_back
from tests.upgrade_story import DUMPS, INCOMING, dump
from textko_server.admin_client import AdminClient
from textko_server.server import Server
from textko_server.store.copies import newest_schema
from textko_server.store.migrations import DatabaseTooNew

ALL = sorted(DUMPS.glob("schema-*.sql"))
OLD = [path for path in ALL if int(path.stem[-4:]) < newest_schema()]


def loaded(path: Path, data_dir: Path) -> Path:
    """The database of a dump, in a data directory."""
    data_dir.mkdir(mode=0o700)
    database = data_dir / "textko.db"
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(path.read_text("utf-8"))
    return database


def test_there_are_dumps_to_upgrade() -> None:
    assert OLD


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
async def test_database_of_an_earlier_schema_goes_on_where_it_was(
    path: Path, tmp_path: Path, clock: FrozenClock
) -> None:
    loaded(path, tmp_path / "data")

    async with (
        Server(settings_for_tests(tmp_path / "data"), clock) as server,
        AdminClient.over_socket(server.socket_path) as admin,
    ):
        db = server.gateway.db
        assert await db.fetch_all("PRAGMA integrity_check") == [("ok",)]
        assert await db.fetch_all("PRAGMA foreign_key_check") == []
        messages = (await admin.list_messages()).messages
        assert {m.text: m.state for m in messages} == {
            "delivered": "delivered", "failed": "failed", "waiting": "queued",
        }  # fmt: skip
        assert [m.text for m in (await admin.list_incoming()).incoming] == [INCOMING]
        user = await server.gateway.accounts.find_user_by_email(REGULAR_EMAIL)
        assert user is not None
        await check_invariants(db)


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
async def test_upgrade_can_be_rolled_back(path: Path, tmp_path: Path, clock: FrozenClock) -> None:
    """As docs/operate.md has it: the copy from before the upgrade is restored."""
    data_dir = tmp_path / "data"
    database = loaded(path, data_dir)
    before = dump(database)
    async with Server(settings_for_tests(data_dir), clock):
        pass
    [copy] = copies_in(data_dir)

    put_back(copy, data_dir)

    # But for the number that keeps job ids from being used again.
    assert without_starts(dump(database)) == without_starts(before)
    assert copy.exists()


def copies_in(data_dir: Path) -> list[Path]:
    return list(data_dir.glob("textko.db.before-*"))


def without_starts(text: str) -> list[str]:
    return [line for line in text.splitlines() if "'starts'" not in line]


async def test_server_refuses_a_newer_database_and_leaves_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    database = loaded(ALL[-1], tmp_path / "data")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 9000")
    before = dump(database)

    with pytest.raises(DatabaseTooNew, match="was written by a newer textko"):
        async with Server(settings_for_tests(tmp_path / "data"), clock):
            pass

    assert dump(database) == before
