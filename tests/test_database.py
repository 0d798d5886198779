"""The one writer: groups, failures that stay alone, events after commit, a disk that refuses."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from textko_server.config import StoreSettings
from textko_server.errors import Conflict, TextkoError, Unavailable
from textko_server.store.database import Database, Transaction

Write = Callable[[Transaction], int]


@pytest.fixture
async def numbers(db: Database) -> Database:
    """A database with a table of numbers."""
    await db.write(lambda tx: tx.execute("CREATE TABLE numbers (n INTEGER UNIQUE NOT NULL)"))
    return db


def insert(n: int, *, then: BaseException | None = None) -> Write:
    def write(tx: Transaction) -> int:
        tx.execute("INSERT INTO numbers VALUES (?)", (n,))
        tx.after_commit(n)
        if then is not None:
            raise then
        return n

    return write


async def stored(db: Database) -> list[int]:
    return [n for (n,) in await db.fetch_all("SELECT n FROM numbers ORDER BY n")]


def modes_of_files(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


class Held:
    """Keeps the writer busy until released, so that what is asked for meanwhile is one group."""

    def __init__(self, db: Database) -> None:
        self._go = threading.Event()
        self._busy = asyncio.ensure_future(db.write(lambda tx: self._go.wait(10)))

    async def release(self) -> None:
        self._go.set()
        await self._busy


async def test_concurrent_writes_all_take_place(numbers: Database) -> None:
    results = await asyncio.gather(*(numbers.write(insert(n)) for n in range(1_000)))

    assert results == list(range(1_000))
    assert await stored(numbers) == results


async def test_write_that_fails_in_a_group_fails_alone_with_its_events(numbers: Database) -> None:
    published: list[object] = []
    numbers.publish = published.extend
    held = Held(numbers)

    writes = [
        asyncio.ensure_future(numbers.write(insert(n, then=Conflict("no") if n % 3 == 0 else None)))
        for n in range(30)
    ]
    await asyncio.sleep(0)
    await held.release()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)

    good = [n for n in range(30) if n % 3]
    assert [o for o in outcomes if not isinstance(o, BaseException)] == good
    assert {type(o) for o in outcomes if isinstance(o, BaseException)} == {Conflict}
    assert await stored(numbers) == good
    assert published == good


async def test_events_are_published_after_the_commit_in_order_and_before_callers_resume(
    numbers: Database, tmp_path: Path
) -> None:
    seen: list[tuple[object, list[int]]] = []
    reader = sqlite3.connect(tmp_path / "textko.db")

    def publish(events: list[object]) -> None:
        on_disk = [n for (n,) in reader.execute("SELECT n FROM numbers ORDER BY n")]
        seen.extend((event, on_disk) for event in events)

    numbers.publish = publish

    async def write(n: int) -> None:
        await numbers.write(insert(n))
        assert n in [event for event, _ in seen]

    await asyncio.gather(*(write(n) for n in range(50)))
    reader.close()

    assert [event for event, _ in seen] == list(range(50))
    assert all(event in on_disk for event, on_disk in seen)


async def test_broken_rule_of_the_schema_is_told_from_a_disk_that_refuses(
    numbers: Database,
) -> None:
    await numbers.write(insert(1))

    with pytest.raises(sqlite3.IntegrityError):
        await numbers.write(insert(1))
    with pytest.raises(sqlite3.ProgrammingError):
        await numbers.write(lambda tx: tx.execute("INSERT INTO numbers VALUES (?)", (1, 2)))
    with pytest.raises(Unavailable, match="did not take the change"):
        await numbers.write(lambda tx: tx.execute("INSERT INTO absent VALUES (1)"))
    assert await stored(numbers) == [1]


async def test_write_that_need_not_last_is_answered_before_its_group_is_on_disk(
    numbers: Database, tmp_path: Path
) -> None:
    go = threading.Event()
    quick = asyncio.ensure_future(numbers.write(insert(1), durable=False))
    slow = asyncio.ensure_future(numbers.write(lambda tx: go.wait(10)))

    assert await quick == 1
    assert not slow.done()
    go.set()
    await slow

    assert await stored(numbers) == [1]


async def test_write_that_need_not_last_fails_like_any_other(numbers: Database) -> None:
    with pytest.raises(Conflict):
        await numbers.write(insert(1, then=Conflict("no")), durable=False)

    assert await stored(numbers) == []


async def test_caller_that_has_gone_harms_nobody(numbers: Database) -> None:
    held = Held(numbers)
    gone = asyncio.ensure_future(numbers.write(insert(1)))
    await asyncio.sleep(0)
    gone.cancel()
    await held.release()

    assert await numbers.write(insert(2)) == 2
    assert await stored(numbers) == [1, 2]


async def test_close_finishes_what_was_asked_for_and_refuses_the_rest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "textko.db"
    db = Database(path, StoreSettings())
    await db.open()
    await db.write(lambda tx: tx.execute("CREATE TABLE numbers (n INTEGER UNIQUE NOT NULL)"))
    writes = [asyncio.ensure_future(db.write(insert(n))) for n in range(600)]
    await asyncio.sleep(0)

    await db.close()

    assert await asyncio.gather(*writes) == list(range(600))
    with pytest.raises(Unavailable, match="stopping"):
        await db.write(insert(601))
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (600,)
    connection.close()


async def test_closed_database_is_one_file(tmp_path: Path) -> None:
    db = Database(tmp_path / "textko.db", StoreSettings())
    await db.open()
    await db.write(lambda tx: tx.execute("CREATE TABLE t (x)"))

    await db.close()

    assert list(modes_of_files(tmp_path)) == ["textko.db"]


async def test_file_is_for_its_owner_only(db: Database, tmp_path: Path) -> None:
    await db.write(lambda tx: tx.execute("CREATE TABLE t (x)"))

    assert modes_of_files(tmp_path) == {
        "textko.db": 0o600, "textko.db-wal": 0o600, "textko.db-shm": 0o600,
    }  # fmt: skip


# --- batches ---


def insert_all(tx: Transaction, items: list[int]) -> list[str | TextkoError]:
    """Refuses negative numbers; breaks on 13."""
    outcomes: list[str | TextkoError] = []
    for n in items:
        if n == 13:
            raise ValueError(n)
        if n < 0:
            outcomes.append(Conflict(str(n)))
        else:
            insert(n)(tx)
            outcomes.append(f"number {n}")
    return outcomes


async def test_items_of_a_batch_get_their_own_answers(numbers: Database) -> None:
    batch = numbers.batch(insert_all)
    items = [3, -1, 5, 13, 7]

    outcomes = await asyncio.gather(*(batch.write(n) for n in items), return_exceptions=True)

    assert [str(o) for o in outcomes] == ["number 3", "-1", "number 5", "13", "number 7"]
    assert [type(o) for o in outcomes] == [str, Conflict, str, ValueError, str]
    assert await stored(numbers) == [3, 5, 7]


async def test_item_whose_caller_has_gone_harms_nobody(numbers: Database) -> None:
    batch = numbers.batch(insert_all)
    tasks = [asyncio.ensure_future(batch.write(n)) for n in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()

    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert outcomes[0] == "number 0"
    assert outcomes[2] == "number 2"
    assert await batch.write(4) == "number 4"


async def test_batch_of_many_waves_loses_nothing(numbers: Database) -> None:
    batch = numbers.batch(insert_all)

    async def client(start: int) -> None:
        for n in range(start, start + 50):
            assert await batch.write(n) == f"number {n}"

    await asyncio.gather(*(client(1_000 * n) for n in range(1, 21)))

    assert len(await stored(numbers)) == 1_000


# --- a disk that refuses ---


def page_count(tx: Transaction) -> int:
    return int(tx.execute("PRAGMA page_count").fetchone()[0])


def limit_pages(count: int) -> Write:
    """A full disk as SQLite sees it."""
    return lambda tx: int(tx.execute(f"PRAGMA max_page_count = {count}").fetchone()[0])


@pytest.mark.parametrize("durable", [True, False])
async def test_full_disk_refuses_in_a_sentence_and_loses_nothing_accepted(
    numbers: Database, durable: bool
) -> None:
    await numbers.write(lambda tx: tx.execute("CREATE TABLE texts (t TEXT)"))
    await numbers.write(limit_pages(await numbers.write(page_count) + 8))

    def fill(tx: Transaction) -> None:
        tx.execute("INSERT INTO texts VALUES (?)", ("x" * 3_000,))

    outcomes = await asyncio.wait_for(
        asyncio.gather(
            *(numbers.write(fill, durable=durable or n % 2 == 0) for n in range(40)),
            return_exceptions=True,
        ),
        10,
    )
    accepted = len([o for o in outcomes if o is None])
    errors = [o for o in outcomes if o is not None]
    [(kept,)] = await numbers.fetch_all("SELECT count(*) FROM texts")
    await numbers.write(limit_pages(1_000_000))

    assert errors
    assert all(isinstance(e, Unavailable) and "full" in str(e) for e in errors)
    if durable:
        assert kept == accepted
    await numbers.write(fill)
    assert await numbers.fetch_all("SELECT count(*) FROM texts") == [(kept + 1,)]
    assert await numbers.fetch_all("PRAGMA integrity_check") == [("ok",)]


async def test_locked_database_answers_everybody(
    numbers: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await numbers.write(lambda tx: tx._connection.execute("PRAGMA busy_timeout = 10"))
    other = sqlite3.connect(tmp_path / "textko.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    outcomes = await asyncio.wait_for(
        asyncio.gather(
            *(numbers.write(insert(n), durable=n % 2 == 0) for n in range(10)),
            return_exceptions=True,
        ),
        10,
    )
    other.execute("ROLLBACK")
    other.close()

    assert {type(o) for o in outcomes} == {Unavailable}
    assert await numbers.write(insert(1)) == 1


async def test_file_that_is_no_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "textko.db").write_bytes(b"not a database" * 1_000)

    with pytest.raises(Unavailable, match=r"cannot open the database .*textko\.db"):
        await Database(tmp_path / "textko.db", StoreSettings()).open()


async def test_folder_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Unavailable, match="cannot open the database"):
        await Database(tmp_path / "file" / "textko.db", StoreSettings()).open()


# --- reading ---


async def test_reading_connections_cannot_write(numbers: Database) -> None:
    for sql in ("INSERT INTO numbers VALUES (1)", "DELETE FROM numbers", "CREATE TABLE t (x)"):
        with pytest.raises(Unavailable, match="cannot be read: attempt to write a readonly"):
            await numbers.fetch_all(sql)

    assert await stored(numbers) == []


async def test_reads_go_on_while_the_writer_is_busy(numbers: Database) -> None:
    held = Held(numbers)

    assert await asyncio.wait_for(stored(numbers), 30) == []
    await held.release()


async def test_more_readers_than_connections_wait_their_turn(numbers: Database) -> None:
    await numbers.write(insert(1))

    rows = await asyncio.gather(*(stored(numbers) for _ in range(50)))

    assert rows == [[1]] * 50
