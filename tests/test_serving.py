"""A server as a service: what systemd is told, what signals do, how the journal gets its log."""

import asyncio
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.server_process import WAIT_LIMIT_S, ServerProcess, serving
from textko_server import logs
from textko_server.cli.serve_signals import LogLevel, handle_signals
from textko_server.config_loader import ConfigError
from textko_server.service_manager import ServiceManager


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[logging.Logger]:
    """As it was, afterwards."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield root
    root.setLevel(level)
    root.handlers[:] = handlers


# --- systemd ---


class Manager:
    """The end of NOTIFY_SOCKET that systemd holds."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(WAIT_LIMIT_S)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def close(self) -> None:
        self.socket.close()

    def next(self) -> list[str]:
        """The lines of one datagram."""
        return self.socket.recv(4096).decode().splitlines()

    def until(self, line: str) -> list[str]:
        while line not in (lines := self.next()):
            pass
        return lines

    def until_silent(self, silence_s: float) -> None:
        """What is on its way still comes; then nothing may for so long. Blocks."""
        self.socket.settimeout(silence_s)
        for _ in range(100):
            try:
                self.next()
            except TimeoutError:
                self.socket.settimeout(WAIT_LIMIT_S)
                return
        raise AssertionError("it was never silent")


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with closing(Manager(str(tmp_path / "notify"))) as made:
        yield made


def test_service_manager_is_told_of_start_and_stop(tmp_path: Path, manager: Manager) -> None:
    with serving(tmp_path / "data", environ={"NOTIFY_SOCKET": manager.address}) as server:
        ready = manager.until("READY=1")
        server.process.send_signal(signal.SIGTERM)
        stopping = manager.next()

        assert ready == ["READY=1", f"STATUS=Listening at {server.url}"]
        assert stopping == ["STOPPING=1"]
        assert server.process.wait(WAIT_LIMIT_S) == 0


def test_hanging_server_pings_no_more(tmp_path: Path, manager: Manager) -> None:
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    with serving(tmp_path / "data", environ=environ) as server:
        manager.until("WATCHDOG=1")
        manager.until("WATCHDOG=1")
        server.process.send_signal(signal.SIGSTOP)
        manager.until_silent(1.0)


async def test_pings_stop_while_the_event_loop_hangs(manager: Manager) -> None:
    """Not from a thread of their own: what is watched is the loop."""
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "20000"}
    pings = asyncio.create_task(ServiceManager(environ).ping())
    await asyncio.to_thread(manager.until, "WATCHDOG=1")
    # The loop, and with it whatever it runs, stands still in here.
    manager.until_silent(0.2)
    again = await asyncio.to_thread(manager.next)
    pings.cancel()

    assert again == ["WATCHDOG=1"]


async def test_nothing_wakes_up_when_nobody_watches(manager: Manager) -> None:
    await asyncio.wait_for(ServiceManager({"NOTIFY_SOCKET": manager.address}).ping(), 30)


@pytest.mark.parametrize(
    ("pid", "is_watched"),
    [(os.getpid(), True), (os.getppid(), True), (1 << 22, False)],
    ids=["us", "who started us", "another"],
)
def test_watchdog_of_another_process_is_not_ours(pid: int, is_watched: bool) -> None:
    manager = ServiceManager({"WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(pid)})

    assert manager.watchdog_s == (10 if is_watched else 0)


def test_programs_that_the_server_starts_are_not_the_service() -> None:
    environ = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}

    ServiceManager(environ)

    assert environ == {"HOME": "/"}


def test_abstract_socket_is_found() -> None:
    with closing(Manager(f"@textko-test-{os.getpid()}")) as abstract:
        ServiceManager({"NOTIFY_SOCKET": abstract.address}).tell("READY=1")

        assert abstract.next() == ["READY=1"]


def test_manager_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


# --- signals ---


def test_level_follows_signals_and_the_settings_file(tmp_path: Path) -> None:
    config = tmp_path / "textko.toml"
    config.write_text('[log]\nlevel = "info"\n')
    with serving(tmp_path / "data", "--config", str(config)) as server:
        server.process.send_signal(signal.SIGUSR1)
        server.wait_for("log_level_changed level=debug")
        server.process.send_signal(signal.SIGUSR2)
        server.wait_for("log_level_changed level=info")
        config.write_text('[log]\nlevel = "warning"\n')
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("log_level_changed level=warning")
        config.write_text('[log]\nlevel = "loud"\n')
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reload_failed")

        assert "textko.toml" in server.log.partition("reload_failed")[2]
        assert json.loads(server.textko("log", "level", "--json").stdout)["level"] == "warning"


async def test_one_reload_that_fails_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    done = asyncio.Event()

    def fail() -> None:
        raise ConfigError("no such file")

    reloads = [fail]
    handle_signals(asyncio.Event(), LogLevel(lambda: "info"), reloads)
    reloads.append(done.set)
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(WAIT_LIMIT_S):
        await done.wait()

    assert [record.message for record in caplog.records] == ["log_level_changed", "reload_failed"]


async def test_server_ends_with_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    stop = asyncio.Event()
    handle_signals(stop, LogLevel(lambda: "info"), [])
    os.kill(os.getpid(), signal.SIGHUP)
    async with asyncio.timeout(WAIT_LIMIT_S):
        await stop.wait()


# --- the log ---


def record(level: int = logging.WARNING, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("textko_server.x", level, "", 0, "it_happened", (), None)
    made.__dict__.update(fields)
    return made


def test_json_line_has_event_level_time_and_fields() -> None:
    made = record(device_id=7, event="another", data=Path("/"))
    line = json.loads(logs.JsonFormatter().format(made))

    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning", "event": "it_happened", "logger": "textko_server.x",
        "device_id": 7, "event_": "another", "data": "/",
    }  # fmt: skip


def test_json_line_holds_a_whole_traceback() -> None:
    failed = record()
    try:
        raise ValueError("why")
    except ValueError:
        failed.exc_info = sys.exc_info()

    text = logs.JsonFormatter().format(failed)

    assert len(text.splitlines()) == 1
    assert json.loads(text)["exception"].endswith("ValueError: why")


def test_journal_gets_a_priority_on_every_line_and_no_time() -> None:
    failed = record(logging.ERROR)
    try:
        raise ValueError("why")
    except ValueError:
        failed.exc_info = sys.exc_info()

    lines = logs.JournalFormatter(logs.LineFormatter(has_time=False)).format(failed).splitlines()

    assert lines[0] == "<3>error   it_happened"
    assert len(lines) > 2
    assert all(line.startswith("<3>") for line in lines)


@pytest.mark.parametrize(
    ("level", "priority"),
    [(logging.DEBUG, 7), (logging.INFO, 6), (logging.WARNING, 4), (logging.CRITICAL, 2)],
)
def test_priorities_are_those_of_syslog(level: int, priority: int) -> None:
    text = logs.JournalFormatter(logs.LineFormatter(has_time=False)).format(record(level))

    assert text.startswith(f"<{priority}>")


def test_server_logs_json_when_told_to(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data", "--set", "log.format=json")
    try:
        server.wait_for('"started"')
        lines = [line for line in server.log.splitlines() if line.startswith("{")]
    finally:
        server.process.kill()
        server.process.wait()

    assert json.loads(lines[-1])["event"] == "started"
    assert json.loads(lines[-1])["port"] > 0


def test_server_knows_the_journal(tmp_path: Path) -> None:
    """The variable names the file that standard error is: here, the log of the test."""
    log = (tmp_path / "data").with_suffix(".log")
    log.touch()
    stream = f"{log.stat().st_dev}:{log.stat().st_ino}"
    with serving(tmp_path / "data", environ={"JOURNAL_STREAM": stream}) as server:
        server.wait_for("user create")
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(WAIT_LIMIT_S)
        said = server.log

    assert "<6>info    started version=" in said
    assert "first-admin" not in said, "more people read the journal than may become the admin"
