"""Our programs as processes that come of a fork, for tests that start and kill many of them.

Each is a process of its own: it has its own memory and files, and `kill -9` ends it as it ends any
other. Only what Python does before a program's first line is done once, by a process that has
imported the programs and does nothing but fork: this module, as a program. A test's own process
cannot: it has threads, which a fork tears out of what they are doing.

Refuses to know what the programs are. That they start from nothing is for other tests to show.
"""

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parent.parent
# Of whatever is waited for: with other work on it, a machine is slow.
LIMIT_S = 60.0
_ORDER_BYTES = 2**20
Main = Callable[[], int | None]


class ForkedProcess:
    """Of subprocess.Popen what the tests use."""

    def __init__(self, pid: int, end: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._end = end

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], 0)[0]:
            self.wait()
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = _received(self._end)
            self._end.close()
        return self.returncode

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def start(
    program: str,
    arguments: Sequence[str],
    *,
    warm: Sequence[str] = (),
    stdin: int | None = None,
    stdout: int | None = None,
    stderr: int | None = None,
    cwd: Path = _ROOT,
    environ: dict[str, str] | None = None,
) -> ForkedProcess:
    """The module `program`, whose `main()` runs with these arguments.

    `warm`: modules that it imports only when it runs. `stdin`, `stdout`: files; None: /dev/null.
    `stderr`: None: the tests' own. `environ`: None: what the tests have now.
    """
    order = {
        "program": program, "arguments": list(arguments), "warm": list(warm), "cwd": str(cwd),
        "environ": dict(os.environ if environ is None else environ),
    }  # fmt: skip
    ours, theirs = socket.socketpair()
    with theirs, Path(os.devnull).open("r+b") as nothing:
        files = [
            nothing.fileno() if stdin is None else stdin,
            nothing.fileno() if stdout is None else stdout,
            2 if stderr is None else stderr,
        ]
        with _lock:
            line = json.dumps(order).encode() + b"\n"
            orders = _mother()
            sent = socket.send_fds(orders, [line], [theirs.fileno(), *files])
            orders.sendall(line[sent:])
    return ForkedProcess(_received(ours), ours)


def _received(end: socket.socket) -> int:
    number = end.recv(4)
    if not number:
        raise RuntimeError("the forking process has ended, and has said why")
    return int.from_bytes(number, signed=True)


def _send(end: socket.socket, number: int) -> None:
    end.sendall(number.to_bytes(4, signed=True))


_lock = threading.Lock()
_orders: socket.socket | None = None


def _mother() -> socket.socket:
    """Where the forking process takes its orders; it ends when this process does."""
    global _orders
    if _orders is None:
        _orders, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()], cwd=_ROOT,
            )  # fmt: skip
        atexit.register(_end_mother, process, _orders)
    return _orders


def _end_mother(process: "subprocess.Popen[bytes]", orders: socket.socket) -> None:
    orders.close()
    process.wait()


# --- the process that forks ---


class Mother:
    def __init__(self, orders: socket.socket) -> None:
        self._orders = orders
        self._woken, self._wake = socket.socketpair()
        self._children: dict[int, socket.socket] = {}

    def next_child(self) -> Main | None:
        """In each child: the `main` that it is to run. In the mother: None, once all is over."""
        self._wake.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        # Ctrl-C is for the tests, which end this.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while True:
            ready, _, _ = select.select([self._orders, self._woken], [], [])
            if self._woken in ready:
                self._woken.recv(_ORDER_BYTES)
                self._tell_ends()
            if self._orders in ready:
                line, files, _, _ = socket.recv_fds(self._orders, _ORDER_BYTES, 4)
                if not line:
                    self._end()
                    return None
                while not line.endswith(b"\n"):
                    line += self._orders.recv(_ORDER_BYTES)
                main = self._fork(json.loads(line), files)
                if main is not None:
                    return main

    def _fork(self, order: dict[str, Any], files: list[int]) -> Main | None:
        main: Main = import_module(order["program"]).main
        for name in order["warm"]:
            import_module(name)
        # A thread would not be in the child, and what it holds would never be let go.
        assert threading.active_count() == 1
        # What the collector touches in a child would be copied there.
        gc.freeze()
        end = socket.socket(fileno=files[0])
        pid = os.fork()
        if pid == 0:
            self._become(order, files[1:])
            end.close()
            return main
        for file in files[1:]:
            os.close(file)
        self._children[pid] = end
        _send(end, pid)
        return None

    def _become(self, order: dict[str, Any], files: list[int]) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for inherited in (self._orders, self._woken, self._wake, *self._children.values()):
            inherited.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["environ"])
        sys.argv = [order["program"], *order["arguments"]]

    def _tell_ends(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            with self._children.pop(pid) as end:
                _send(end, os.waitstatus_to_exitcode(status))

    def _end(self) -> None:
        """Nobody outlives the tests."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main = Mother(socket.socket(fileno=int(sys.argv[1]))).next_child()
    sys.exit(main and main())
