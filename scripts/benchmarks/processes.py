"""The processes a measurement starts, and what the kernel counts of them.

Refuses to know what they are asked.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

import msgspec

from benchmarks import orders
from textko_server.admin_client import SOCKET_NAME

Answer = TypeVar("Answer", bound=msgspec.Struct)

ROOT = Path(__file__).resolve().parents[2]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
START_LIMIT_S = 60.0
STOP_LIMIT_S = 20.0
ANSWER_LIMIT_S = 30.0


class Server:
    """`textko serve` on a data directory; `with Server(...)` runs it until the end of the block."""

    def __init__(
        self, data_dir: Path, settings: Mapping[str, str] | None = None, port: int = 0
    ) -> None:
        """`settings` by their environment variable; `port` 0: any free one."""
        self.data_dir = data_dir
        self.port = port or free_port()
        self.start_s = 0.0
        """From the start of the process to its first answer."""
        self._environment = environment() | dict(settings or {})
        self._environment["TEXTKO_SERVER_DATA_DIR"] = str(data_dir)
        self._environment["TEXTKO_SERVER_LISTEN"] = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None  # noqa: S101 - only asked while it runs
        return self._process.pid

    @property
    def log_path(self) -> Path:
        return self.data_dir / "server.log"

    def start(self, *, wait: bool = True) -> None:
        """Start it and, with `wait`, return at its first answer."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self._log = self.log_path.open("ab")
        started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "textko_server", "serve"],
            env=self._environment, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        if wait:
            self.wait_until_ready()
            self.start_s = time.perf_counter() - started

    def wait_until_ready(self) -> None:
        end = time.perf_counter() + START_LIMIT_S
        while time.perf_counter() < end:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the server ended:\n{self.log_path.read_text()[-2_000:]}")
            try:
                if self.get("/healthz")[0] == 200:
                    return
            except OSError:
                time.sleep(0.002)
        raise RuntimeError("the server did not answer")

    def get(self, path: str, authorization: str = "") -> tuple[int, bytes]:
        """(status, body); paths of the admin API are asked over the operator's socket."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_LIMIT_S)
        if path.startswith("/admin/"):
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(self.data_dir / SOCKET_NAME))
        headers = {"Authorization": f"Bearer {authorization}"} if authorization else {}
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def kill(self) -> None:
        """kill -9, and see it gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def stop(self) -> float:
        """SIGTERM; returns the seconds it took to end.

        Raises: TimeoutExpired after twenty.
        """
        assert self._process is not None  # noqa: S101 - only asked while it runs
        started = time.perf_counter()
        self._process.terminate()
        self._process.wait(STOP_LIMIT_S)
        return time.perf_counter() - started

    @contextmanager
    def asleep(self) -> Iterator[None]:
        """Stopped in its tracks, so that what it still has to do is not measured with another."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)


class Answerer:
    """A small server of this package that prints its port: `benchmarks.bare`, `.receiver`."""

    def __init__(self, module: str) -> None:
        self._module = module
        self.port = 0

    def __enter__(self) -> "Answerer":
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module],
            env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end(self._process)

    @property
    def pid(self) -> int:
        return self._process.pid


def bare() -> Answerer:
    """The bare aiohttp handler that submits are compared with."""
    return Answerer("benchmarks.bare")


def receiver() -> Answerer:
    """A webhook receiver that answers 200."""
    return Answerer("benchmarks.receiver")


class LoadGenerator:
    """The load generator (load.py)."""

    def __enter__(self) -> "LoadGenerator":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        end(self._process)

    def ask(self, order: orders.Order, answer_type: type[Answer]) -> Answer:
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load generator ended")
        return msgspec.json.decode(line, type=answer_type)

    def open_requests(self, name: str, port: int, template: bytes, connections_count: int) -> None:
        order = orders.OpenRequests(name, port, connections_count, template.decode())
        self.ask(order, orders.Done)

    def run_requests(self, name: str, seconds: float) -> orders.Counted:
        return checked(self.ask(orders.RunRequests(name, seconds), orders.Counted))


def checked(counted: orders.Counted) -> orders.Counted:
    """Raises RuntimeError when anything was refused: such a figure says nothing."""
    if counted.refused_count:
        raise RuntimeError(f"{counted.refused_count} of {counted.count} requests were refused")
    return counted


def end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def environment() -> dict[str, str]:
    """Ours, without any setting of textko, and with these packages to be found."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("TEXTKO_")}
    return inherited | {"PYTHONPATH": f"{ROOT / 'scripts'}{os.pathsep}{ROOT}"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def cpu_s(pid: int) -> float:
    """Processor time the process has used, of all its threads, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def resident_kb(pid: int) -> int:
    return _status_figure(Path(f"/proc/{pid}/status"), "VmRSS")


def wake_ups_count(pid: int) -> int:
    """How often any of its threads has gone from waiting to running."""
    return sum(
        _status_figure(task / "status", "voluntary_ctxt_switches")
        for task in Path(f"/proc/{pid}/task").iterdir()
    )


def main_wake_ups_count(pid: int) -> int:
    """The same of the main thread alone, where the event loop is."""
    return _status_figure(Path(f"/proc/{pid}/task/{pid}/status"), "voluntary_ctxt_switches")


def _status_figure(path: Path, name: str) -> int:
    match = re.search(rf"^{name}:\s*(\d+)", path.read_text(), re.MULTILINE)
    return int(match[1]) if match else 0


def wait_for(condition: Callable[[], bool], limit_s: float, what: str) -> None:
    """Look until it is true.

    Raises: RuntimeError saying `what` did not come, after `limit_s`.
    """
    end_at = time.perf_counter() + limit_s
    while not condition():
        if time.perf_counter() > end_at:
            raise RuntimeError(f"{what}: not within {limit_s:.0f} s")
        time.sleep(0.02)
