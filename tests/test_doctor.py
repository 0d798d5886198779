"""`textko doctor` finds what is wrong, says how to make it right, and changes nothing."""

import os
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import CommandLine
from tests.servers import PASSWORD, RunningServer, running_server
from textko_server.care import file_checks, machine_checks
from textko_server.care.address_checks import check_port
from textko_server.care.findings import Finding
from textko_server.clock import DAY_MS, MINUTE_MS, Clock
from textko_server.config import BackupSettings, ServerSettings

LEVELS = {"ok", "warning", "problem"}


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TEXTKO_SERVER_LISTEN", "127.0.0.1:0")
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


def of(told: list[dict[str, str]], check: str) -> list[tuple[str, str]]:
    return [(f["level"], f["text"]) for f in told if f["check"] == check]


def levels(findings: object) -> list[str]:
    assert isinstance(findings, list)
    assert all(isinstance(f, Finding) and (f.level == "ok" or f.fix) for f in findings)
    return [finding.level for finding in findings]


# --- the whole of it ---


async def test_running_server_is_looked_at_from_all_sides(
    server: RunningServer, textko: CommandLine
) -> None:
    outcome = await textko("doctor", "--json")

    told = outcome.json["findings"]
    assert {f["level"] for f in told} <= LEVELS
    assert {
        "settings", "data directory", "permissions", "database", "backups", "disk", "open files",
        "clock", "time zones", "port", "TLS", "server", "phones", "webhooks",
    } <= {f["check"] for f in told}  # fmt: skip
    assert all(f["fix"] for f in told if f["level"] != "ok")
    assert of(told, "server")[0][1].startswith("version ")
    has_problem = any(f["level"] == "problem" for f in told)
    assert outcome.code == (1 if has_problem else 0)


async def test_server_that_is_down_is_a_warning(tmp_path: Path, textko: CommandLine) -> None:
    async with running_server(tmp_path / "data"):
        pass

    outcome = await textko("doctor")

    assert outcome.code == 0
    assert "warning  server: not running" in outcome.out
    assert "-> start it: textko serve" in outcome.out
    assert "ok       database: whole" in outcome.out


async def test_nothing_there_yet_is_no_problem(textko: CommandLine, tmp_path: Path) -> None:
    outcome = await textko("doctor")

    assert outcome.code == 0
    assert not (tmp_path / "data").exists()


async def test_texts_that_wait_for_a_phone_that_is_away_are_a_problem(
    server: RunningServer, textko: CommandLine
) -> None:
    body = {"recipients": ["+251911000001"], "message": "Hello"}
    headers = server.regular.key_headers
    await server.request("POST", "/api/v1/gateway/send-sms", body, headers=headers)

    outcome = await textko("doctor", "--json")

    assert outcome.code == 1
    assert "problem" in [level for level, _ in of(outcome.json["findings"], "phones")]


async def test_server_elsewhere_is_asked(
    server: RunningServer, textko: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTKO_PASSWORD", PASSWORD)

    outcome = await textko(
        "--url", server.url, "--login", server.admin.user.email, "doctor", "--json"
    )

    assert {f["check"] for f in outcome.json["findings"]} <= {
        "server", "phones", "webhooks", "accounts", "backups",
    }  # fmt: skip


async def test_wrong_settings_are_named_with_their_line(
    textko: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "textko.toml").write_text("[log]\nlevel = 'loud'\n")

    outcome = await textko("doctor")

    assert outcome.code == 1
    assert f"problem  settings: {tmp_path}/textko.toml:2: log.level must be" in outcome.out


# --- files ---


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    return folder


def test_folder_and_files_that_others_may_read_are_told(data_dir: Path) -> None:
    (data_dir / "key.pem").write_text("x")
    (data_dir / "key.pem").chmod(0o644)
    assert levels(list(file_checks.check_data_dir(data_dir))) == ["ok", "warning"]

    data_dir.chmod(0o755)
    assert levels(list(file_checks.check_data_dir(data_dir))) == ["problem", "warning"]


def test_folder_that_is_a_file_is_told(data_dir: Path) -> None:
    (data_dir / "x").write_text("")

    assert levels(list(file_checks.check_data_dir(data_dir / "x"))) == ["problem"]


def test_damaged_newer_and_foreign_databases_are_told(data_dir: Path) -> None:
    path = data_dir / "textko.db"
    path.write_bytes(os.urandom(4096))
    assert levels(file_checks.look_at_database(data_dir, thoroughly=False)[1]) == ["problem"]

    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 9000")
        connection.execute("CREATE TABLE messages (id INTEGER PRIMARY KEY, created_at INTEGER)")
        connection.execute("CREATE TABLE recipients (id INTEGER, created_at INTEGER, lane TEXT)")
    state, findings = file_checks.look_at_database(data_dir, thoroughly=True)
    assert state is not None
    assert "of a newer textko: schema 9000" in findings[0].text


def test_old_and_missing_backups_are_warned_of(data_dir: Path) -> None:
    def check(now_ms: int, every_h: int) -> list[str]:
        folder = data_dir / "backups"
        return levels(list(file_checks.check_backups(folder, every_h, data_dir, now_ms)))

    made_at = 1_768_471_200_000
    assert check(made_at, 0) == ["ok"]
    (data_dir / "textko.db").write_bytes(b"")
    assert check(made_at, 0) == ["warning"]
    (data_dir / "backups").mkdir()
    (data_dir / "backups" / "textko-20260115T100000Z.tar.gz").write_bytes(b"")
    assert check(made_at + DAY_MS, 0) == ["ok"]
    assert check(made_at + 8 * DAY_MS, 0) == ["warning"]
    assert check(made_at + 3 * DAY_MS, 24) == ["warning"]


async def test_running_server_with_backups_by_the_clock_is_well(
    tmp_path: Path, textko: CommandLine
) -> None:
    async with running_server(tmp_path / "data", clock=Clock(), backup=BackupSettings(every_h=24)):
        assert (await textko("backup")).code == 0

        outcome = await textko("doctor", "--json")

    assert [level for level, _ in of(outcome.json["findings"], "backups")] == ["ok"]


# --- the machine ---


def test_clock_that_jumped_back_is_told() -> None:
    now_ms = 1_768_471_200_000

    findings = list(machine_checks.check_clock(now_ms, now_ms + 90 * MINUTE_MS))

    assert findings[0].level == "problem"
    assert "90 minutes in the future" in findings[0].text
    assert [f.level for f in machine_checks.check_clock(now_ms, now_ms)][-1:] != ["problem"]


def test_full_disk_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for limit, level in (("LOW_DISK_BYTES", "warning"), ("FULL_DISK_BYTES", "problem")):
        monkeypatch.setattr(machine_checks, limit, 1 << 60)
        assert levels(list(machine_checks.check_disk(tmp_path / "a" / "b")))[0] == level


# --- the address ---


def test_port_is_free_ours_or_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ServerSettings(listen=f"127.0.0.1:{taken.getsockname()[1]}")
        assert levels(list(check_port(server, is_running=True))) == ["ok"]
        assert levels(list(check_port(server, is_running=False))) == ["problem"]
    assert levels(list(check_port(server, is_running=False))) == ["ok"]
    assert levels(list(check_port(server, is_running=True))) == ["warning"]


def test_address_of_another_machine_is_told() -> None:
    server = ServerSettings(listen="192.0.2.1:8480")

    assert levels(list(check_port(server, is_running=False))) == ["problem"]
