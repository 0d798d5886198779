"""P10: `textko tui` in a real pseudo-terminal: start to the first useful frame, a key to what it
does, and what the screens cost while nothing happens.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from statistics import median
from types import TracebackType

from benchmarks.figures import Figure, rounded
from benchmarks.processes import Server, cpu_s, environment, resident_kb
from benchmarks.seeding import seed

COLUMNS, LINES = 160, 50
SETTLE_S = 2.0
_LIMIT_S = 30.0
_ESCAPES = re.compile(rb"\x1b(?:\[[0-9;?<>=]*[A-Za-z~]|[()][A-Z0-9]|[=>]|\].*?(?:\x07|\x1b\\))")
# Of the top bar: it knows who we are, and has read its page.
READY = "● live".encode()


class Screens:
    """The screens on a server of ours; `with Screens(...)` runs them until the end of the block."""

    def __init__(self, data_dir: Path, page: str) -> None:
        self._command = [
            sys.executable, "-m", "textko_server", "--data-dir", str(data_dir), "tui", page,
        ]  # fmt: skip
        self._seen = b""

    def __enter__(self) -> "Screens":
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        variables = environment() | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            self._command, env=variables, stdin=inner, stdout=inner, stderr=inner,
            start_new_session=True,
        )  # fmt: skip
        os.close(inner)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)

    @property
    def pid(self) -> int:
        return self._process.pid

    def seen_after_s(self, *texts: bytes, since: float | None = None) -> float:
        """Seconds from the start, or from `since`, until all of these were drawn.

        Raises: RuntimeError when they never are.
        """
        begun = self.started if since is None else since
        if since is not None:
            self._seen = b""
        while time.perf_counter() - begun < _LIMIT_S:
            if select.select([self._terminal], [], [], 0.5)[0]:
                self._seen += os.read(self._terminal, 65_536)
                plain = _ESCAPES.sub(b"", self._seen)
                if all(text in plain for text in texts):
                    return time.perf_counter() - begun
        raise RuntimeError(f"never seen: {texts!r}")

    def press(self, keys: bytes) -> float:
        """The moment at which they were."""
        os.write(self._terminal, keys)
        return time.perf_counter()

    def drain(self, seconds: float) -> int:
        """Read what is drawn meanwhile; how many bytes that was."""
        end, count = time.perf_counter() + seconds, 0
        while (left_s := end - time.perf_counter()) > 0:
            if select.select([self._terminal], [], [], left_s)[0]:
                count += len(os.read(self._terminal, 65_536))
        return count


def measure(directory: Path, starts_count: int, idle_s: float) -> list[Figure]:
    seed(directory / "p10")
    with Server(directory / "p10"):
        starts_s, start_cpu_s = _starts(directory / "p10", starts_count)
        with Screens(directory / "p10", "messages") as screens:
            screens.seen_after_s(READY)
            screens.drain(SETTLE_S)
            key_s = []
            for _ in range(starts_count):
                pressed = screens.press(b"?")
                key_s.append(screens.seen_after_s(b"On this page", since=pressed))
                screens.press(b"\x1b")
                screens.drain(0.5)
            before = cpu_s(screens.pid)
            screens.drain(idle_s)
            used_s = cpu_s(screens.pid) - before
            memory_mb = resident_kb(screens.pid) / 1000
    return [
        Figure(
            "P10", "screens: start → first useful frame", rounded(median(starts_s)), 0.7, False,
            "s",
            {
                "spread": [rounded(min(starts_s)), rounded(max(starts_s))],
                "cpu_s": rounded(start_cpu_s),
            },
        ),
        Figure(
            "P10", "screens: key → its box drawn", rounded(median(key_s) * 1000), 100, False, "ms"
        ),
        Figure(
            "P10", "screens: processor time with nothing to do",
            rounded(used_s / idle_s * 1000), 10, False, "ms/s",
        ),
        Figure("P10", "screens: memory", rounded(memory_mb), 80, False, "MB"),
    ]  # fmt: skip


def measure_on_big_file(data_dir: Path, starts_count: int) -> list[Figure]:
    """The list of messages on a file of millions; its server runs."""
    starts_s, start_cpu_s = _starts(data_dir, starts_count)
    return [
        Figure(
            "P10", "screens: start → first frame on the big file", rounded(median(starts_s)), 0.7,
            False, "s",
            {
                "spread": [rounded(min(starts_s)), rounded(max(starts_s))],
                "cpu_s": rounded(start_cpu_s),
            },
        )
    ]  # fmt: skip


def _starts(data_dir: Path, count: int) -> tuple[list[float], float]:
    """Seconds of each start, and the median processor time of one."""
    seconds, used_s = [], []
    # The first one warms the cache of files.
    for number in range(count + 1):
        with Screens(data_dir, "messages") as screens:
            taken_s = screens.seen_after_s(READY)
            cpu_taken_s = cpu_s(screens.pid)
        if number:
            seconds.append(taken_s)
            used_s.append(cpu_taken_s)
    return seconds, median(used_s)
