"""What the disk, the clock and other programs may do to a running server: it says so, lives on, and
loses nothing it has accepted.

A full disk is shown twice: by SQLite's own limit on pages, which fails as a full disk does, and by
the kernel's limit on the size of files, where the write itself fails (EFBIG instead of ENOSPC).
A read-only disk is a connection that may not write; nobody needs to be root for any of it.
"""

import asyncio
import logging
import os
import resource
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.gateways import check_invariants
from tests.servers import RunningServer
from tests.test_backups import files_in
from textko_server.care.backup import Source, make_backup
from textko_server.clock import DAY_MS, HOUR_MS
from textko_server.errors import Unavailable
from textko_server.store.database import Database, Transaction

Trouble = Callable[[RunningServer], AbstractAsyncContextManager[None]]
MANY = 400


async def set_pragma(db: Database, name: str, value: int) -> int:
    def write(tx: Transaction) -> int:
        tx.execute(f"PRAGMA {name} = {value}")
        return int((tx.one(f"PRAGMA {name}") or (0,))[0])

    return await db.write(write)


@asynccontextmanager
async def full_disk(server: RunningServer) -> AsyncIterator[None]:
    db = server.gateway.db
    await set_pragma(db, "max_page_count", 1)  # SQLite makes that the number there are
    yield
    await set_pragma(db, "max_page_count", 1 << 30)


@asynccontextmanager
async def failing_writes(server: RunningServer) -> AsyncIterator[None]:
    """Files may not grow over the size that the write-ahead log has now."""
    log_bytes = (server.server.settings.server.data_dir / "textko.db-wal").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@asynccontextmanager
async def read_only_disk(server: RunningServer) -> AsyncIterator[None]:
    connection = server.gateway.db._writer_connection
    assert connection is not None
    await asyncio.to_thread(connection.execute, "PRAGMA query_only = 1")
    yield
    await asyncio.to_thread(connection.execute, "PRAGMA query_only = 0")


@asynccontextmanager
async def locked_database(server: RunningServer) -> AsyncIterator[None]:
    """Another program writes, and does not end."""
    await set_pragma(server.gateway.db, "busy_timeout", 20)
    path = server.server.settings.server.data_dir / "textko.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def submit(server: RunningServer, number: int) -> tuple[int, dict[str, str], bytes]:
    body = {"recipients": ["+251911000001"], "message": f"{number} " + "x" * 1_000}
    headers = server.regular.key_headers
    answer = await server.request("POST", "/api/v1/gateway/send-sms", body, headers=headers)
    return answer.status, answer.headers, answer.content


@pytest.mark.parametrize("trouble", [full_disk, failing_writes, read_only_disk, locked_database])
async def test_disk_that_refuses_is_told_to_caller_and_log_and_loses_nothing(
    server: RunningServer, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    accepted = []
    async with trouble(server):
        for number in range(MANY):
            status, headers, content = await submit(server, number)
            if status == 503:
                break
            assert status == 200, content
            accepted.append(number)
        else:
            pytest.fail("nothing was refused")
        assert b'"code":"unavailable"' in content
        assert int(headers["Retry-After"]) > 0
        assert (await server.request("GET", "/healthz")).status == 200
        listed = await server.request("GET", "/admin/v1/messages", headers=server.admin.jwt_headers)
        assert listed.status == 200
    told = [record.message for record in caplog.records]
    assert told.count("database_refuses") == 1

    for number in range(MANY, MANY + 3):
        status, _, content = await submit(server, number)
        assert status == 200, content
        accepted.append(number)
    assert "database_takes_changes_again" in [record.message for record in caplog.records]
    kept = await server.gateway.db.fetch_all("SELECT text FROM messages")
    assert {int(text.split()[0]) for (text,) in kept} >= set(accepted)
    await check_invariants(server.gateway.db)
    assert (await server.sync(server.regular, capacity=1))["offers"]


# --- the clock ---


@pytest.mark.parametrize("jump_ms", [-HOUR_MS, -400 * DAY_MS, HOUR_MS, DAY_MS])
async def test_clock_that_jumps_stops_nothing(
    server: RunningServer, clock: FrozenClock, jump_ms: int
) -> None:
    assert (await submit(server, 1))[0] == 200
    clock.advance(jump_ms)
    assert (await submit(server, 2))[0] == 200

    [first, second] = (await server.sync(server.regular, capacity=2))["offers"]
    claims = [first["jobId"], second["jobId"]]
    granted = (await server.sync(server.regular, capacity=0, claims=claims))["granted"]

    assert granted == claims
    me = await server.request("GET", "/admin/v1/me", headers=server.admin.jwt_headers)
    assert me.status == 200
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(server.server.crashed(), 0.05)
    await check_invariants(server.gateway.db)


# --- what a start finds ---


def serve(
    data_dir: Path, *, preexec: Callable[[], None] | None = None
) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-m", "textko_server", "--data-dir", str(data_dir), "serve"]
    environ = os.environ | {"TEXTKO_SERVER_LISTEN": "127.0.0.1:0"}
    return subprocess.run(
        program, capture_output=True, text=True, timeout=30, env=environ, preexec_fn=preexec,
        check=False,
    )  # fmt: skip


def test_folder_that_nobody_may_write_ends_the_start_in_a_sentence() -> None:
    """/sys is read-only to root too."""
    ended = serve(Path("/sys/kernel/textko"))

    assert ended.returncode == 1
    assert "textko: cannot use the data directory /sys/kernel/textko: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_database_that_cannot_be_opened_ends_the_start_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "textko.db").mkdir()

    ended = serve(tmp_path)

    assert ended.returncode == 1
    assert f"textko: cannot open the database {tmp_path}/textko.db: " in ended.stderr
    assert "Traceback" not in ended.stderr


def test_disk_without_room_ends_the_start_in_a_sentence(tmp_path: Path) -> None:
    def allow_little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))

    ended = serve(tmp_path, preexec=allow_little)

    assert ended.returncode == 1
    assert f"textko: cannot open the database {tmp_path}/textko.db: " in ended.stderr
    assert "Traceback" not in ended.stderr


# --- a backup without room ---


async def test_backup_without_room_says_so_and_leaves_nothing(
    server: RunningServer, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    source = Source(data_dir=data_dir, backup_dir=data_dir / "backups", settings_file=None)
    target = tmp_path / "b.tar.gz"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, before[1]))
    try:
        with pytest.raises(Unavailable, match=r"cannot (copy|write)"):
            make_backup(source, target, 0, lambda _done, _all: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert files_in(tmp_path, "b.tar.gz*") == []
    assert (await submit(server, 1))[0] == 200
