"""P2: messages a second in arrays of 100 ÷ raw `sqlite3.executemany` of the very same rows.

The server takes them by `POST /api/{token}/queue` over a few connections. The rows it wrote are
then read back and written by hand into a file with the same tables, indexes and pragmas, in as many
commits as the server made, which SQLite counts itself.
"""

import sqlite3
import sys
import time
from pathlib import Path

from benchmarks import bodies
from benchmarks.figures import Figure, Pairs, Slices, middle, rounded
from benchmarks.processes import LoadGenerator, Server, cpu_s
from benchmarks.seeding import seed
from textko_server.store.migrations import migrate

CONNECTIONS_COUNT = 8
_TABLES = ("messages", "recipients")
# The WAL index opens with its version, a filler, and a counter that each commit raises:
# https://www.sqlite.org/walformat.html#the_wal_index_header
_COMMIT_COUNTER = slice(8, 12)
_BYTE_ORDER = sys.byteorder  # of whoever made the file, which is us


def measure(directory: Path, slices: Slices) -> list[Figure]:
    seeds = seed(directory / "p2")
    settings = {"TEXTKO_RATES_SELFHOSTED_PER_MINUTE": "0"}
    raw = _RawFile(directory / "raw.db")
    costs: list[float] = []
    rates: list[tuple[float, float]] = []
    group_counts: list[float] = []
    with Server(directory / "p2", settings) as server, LoadGenerator() as load:
        template = bodies.submit_array(seeds)
        load.open_requests("arrays", server.port, template, CONNECTIONS_COUNT)
        load.run_requests("arrays", slices.seconds)
        written = _Written(seeds.database_path)
        for _ in range(slices.pairs_count):
            used_s = cpu_s(server.pid)
            counted = load.run_requests("arrays", slices.seconds)
            messages_count = counted.count * bodies.ARRAY_COUNT
            costs.append((cpu_s(server.pid) - used_s) / messages_count * 1e6)
            rows, commits_count = written.since_last()
            group_counts.append(messages_count / commits_count)
            raw_s = raw.write(rows, commits_count)
            rates.append((messages_count / raw_s, messages_count / counted.seconds))
    pairs = Pairs([a for a, _ in rates], [b for _, b in rates])
    return [
        Figure(
            "P2", "messages in arrays of 100 ÷ raw executemany", pairs.ratio, 0.5, True, "ratio",
            {
                "spread": pairs.spread,
                "server_messages_per_s": middle(pairs.second),
                "raw_messages_per_s": middle(pairs.first),
                "server_cpu_us_per_message": middle(costs),
                "messages_per_commit": rounded(middle(group_counts)),
            },
        )
    ]  # fmt: skip


class _Written:
    """What the server wrote since one looked last."""

    def __init__(self, path: Path) -> None:
        self._index_path = Path(f"{path}-shm")
        self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        self._last_ids = dict.fromkeys(_TABLES, 0)
        self._commits_count = 0
        self.since_last()

    def since_last(self) -> tuple[dict[str, list[tuple[object, ...]]], int]:
        """(rows by table, commits they were written in)"""
        with self._index_path.open("rb") as index:
            commits_count = int.from_bytes(index.read(12)[_COMMIT_COUNTER], _BYTE_ORDER)
        rows: dict[str, list[tuple[object, ...]]] = {}
        for table, last_id in self._last_ids.items():
            query = f"SELECT * FROM {table} WHERE id > ? ORDER BY id"  # noqa: S608 - our own names
            rows[table] = self._connection.execute(query, (last_id,)).fetchall()
        self._last_ids = {
            table: _id_of(found[-1]) if found else self._last_ids[table]
            for table, found in rows.items()
        }
        made, self._commits_count = commits_count - self._commits_count, commits_count
        return rows, max(1, made)


class _RawFile:
    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA cache_size = -16384")
        migrate(self._connection, path)
        # The account and its key are not in this file.
        self._connection.execute("PRAGMA foreign_keys = 0")

    def write(self, rows: dict[str, list[tuple[object, ...]]], commits_count: int) -> float:
        """Returns the seconds it took."""
        share = -(-len(rows["messages"]) // commits_count)
        inserts = {
            table: f"INSERT INTO {table} VALUES ({', '.join('?' * len(found[0]))})"  # noqa: S608 - our own names
            for table, found in rows.items()
        }
        started = time.perf_counter()
        for start in range(0, len(rows["messages"]), share):
            self._connection.execute("BEGIN IMMEDIATE")
            for table in _TABLES:
                self._connection.executemany(inserts[table], rows[table][start : start + share])
            self._connection.execute("COMMIT")
        return time.perf_counter() - started


def _id_of(row: tuple[object, ...]) -> int:
    key = row[0]
    assert isinstance(key, int)  # noqa: S101 - an INTEGER PRIMARY KEY
    return key
