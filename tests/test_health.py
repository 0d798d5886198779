"""Whether the server can do its work: `/readyz` for programs, check by check for admins."""

import os
import sqlite3
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.servers import RunningServer
from textko_server.clock import HOUR_MS
from textko_server.config import ServerSettings
from textko_server.store.migrations import newest_version

NAMES = [
    "server", "disk", "database", "schema", "certificate", "phones", "queue", "webhooks", "backups",
]  # fmt: skip


def database_of(server: RunningServer) -> sqlite3.Connection:
    """Another program on the same file."""
    settings: ServerSettings = server.server.settings.server
    return sqlite3.connect(settings.data_dir / "textko.db", isolation_level=None)


async def not_ready(server: RunningServer) -> str:
    """Why it is not, as a monitor is told."""
    answer = await server.request("GET", "/readyz")
    assert answer.status == 503, answer
    return str(answer.json["message"])


async def states(server: RunningServer) -> dict[str, str]:
    answer = await server.request("GET", "/admin/v1/health", headers=server.admin.jwt_headers)
    assert answer.status == 200, answer
    return {check["name"]: check["state"] for check in answer.json["checks"]}


async def test_server_that_can_work_is_ready(server: RunningServer) -> None:
    answer = await server.request("GET", "/readyz")

    assert answer.status == 200
    assert answer.json["status"] == "ok"


async def test_stopping_server_is_not_ready(server: RunningServer) -> None:
    server.gateway.polls.stop()

    assert await not_ready(server) == "the server is stopping"


async def test_database_that_takes_no_change_is_told(server: RunningServer) -> None:
    other = database_of(server)
    other.execute("BEGIN IMMEDIATE")

    why = await not_ready(server)
    other.execute("ROLLBACK")
    other.close()

    assert why == "the database has not taken a change for 2 s"


async def test_file_that_a_newer_program_changed_is_told(server: RunningServer) -> None:
    other = database_of(server)
    other.execute("PRAGMA user_version = 9999")
    other.close()

    assert await not_ready(server) == (
        f"the file has schema 9999, this program needs {newest_version()}: restart it"
    )


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"f_flag": os.ST_RDONLY}, "the disk of the database is read-only"),
        ({"f_bavail": 10}, "the disk of the database is full"),
    ],
)
async def test_disk_that_takes_nothing_is_told(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, changes: dict[str, int], why: str
) -> None:
    real = os.statvfs

    def statvfs(path: str | Path) -> os.statvfs_result:
        told = real(path)
        names = [name for name in dir(told) if name.startswith("f_")]
        fields = {name: getattr(told, name) for name in names} | changes
        order = (
            "f_bsize f_frsize f_blocks f_bfree f_bavail f_files f_ffree f_favail f_flag f_namemax"
        )
        return os.statvfs_result([fields[name] for name in order.split()])

    monkeypatch.setattr(os, "statvfs", statvfs)

    assert await not_ready(server) == why
    health = await server.request("GET", "/admin/v1/health", headers=server.admin.jwt_headers)
    assert health.json["isReady"] is False


# --- for admins ---


async def test_admin_sees_every_check(server: RunningServer, clock: FrozenClock) -> None:
    at_first = await states(server)
    await server.sync(server.regular)
    await server.gateway.backups.make()
    later = await states(server)
    answer = await server.request("GET", "/admin/v1/health", headers=server.admin.jwt_headers)

    assert list(at_first) == NAMES
    assert (at_first["phones"], at_first["backups"]) == ("problem", "warning")
    assert later == at_first | {"phones": "ok", "backups": "ok"}
    assert answer.json["isReady"] is True
    assert "1 of 2 phones are online" in [check["text"] for check in answer.json["checks"]]


async def test_texts_and_deliveries_that_wait_long_are_told(
    server: RunningServer, clock: FrozenClock
) -> None:
    await server.gateway.webhooks.create(
        server.regular.user.id, url="http://127.0.0.1:9/", events=["MESSAGE_RECEIVED"]
    )
    body = {"recipients": ["+251911000009"], "message": "Hello"}
    sent = await server.request(
        "POST", "/api/v1/gateway/send-sms", body, headers=server.regular.key_headers
    )
    clock.advance(HOUR_MS)

    assert sent.status == 200, sent
    assert (await states(server))["queue"] == "warning"


async def test_health_is_for_admins_only(server: RunningServer) -> None:
    answer = await server.request("GET", "/admin/v1/health", headers=server.regular.jwt_headers)

    assert answer.status == 403


async def test_status_command_shows_it_and_says_whether_the_server_is_ready(
    server: RunningServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    textko = CommandLine(tmp_path / "data", capsys, monkeypatch)

    fine = await textko("status", "--health")
    as_json = await textko.json("status", "--health")
    server.gateway.polls.stop()
    stopping = await textko("status", "--health")

    assert fine.code == 0
    assert "ok       database: takes changes" in fine.out.splitlines()
    assert as_json["isReady"] is True
    assert stopping.code == 1
    assert "problem  server: the server is stopping" in stopping.out.splitlines()
