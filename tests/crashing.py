"""`python crashing.py STEP LOG PROGRAM …`: runs the program for Termux, and kills it at that step.

A step is what others can see or what outlives a kill: a commit that changes something, a request
that says something, a text handed to Android; each is one before and one after. Their names go to
LOG as they are reached, so that a test knows where it died. The program itself is not changed.
"""

import http.client
import json
import os
import runpy
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

_LIMIT = int(sys.argv[1])
_LOG = Path(sys.argv[2])
_lock = threading.Lock()
_count = 0


def step(name: str) -> None:
    global _count
    with _lock:
        _count += 1
        with _LOG.open("a") as log:
            log.write(f"{name}\n")
        if _count == _LIMIT:
            os.kill(os.getpid(), signal.SIGKILL)
            threading.Event().wait()


class CrashingConnection(sqlite3.Connection):
    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        verb = " ".join(statement.split()[:6])
        if statement.startswith("BEGIN"):
            self.changes: list[str] = []
        if statement == "COMMIT" and self.changes:
            step(f"before commit of {self.changes[0]}")
            done = super().execute(statement, *values)
            step(f"after commit of {self.changes[0]}")
            return done
        done = super().execute(statement, *values)
        if done.rowcount > 0 and "facts" not in statement and "segments" not in statement:
            self.changes.append(verb)
        return done


class CrashingPopen(subprocess.Popen[bytes]):
    def __init__(self, command: list[str], *rest: Any, **options: Any) -> None:
        # Slot 98 is how it tries whether it may send.
        self._is_send = command[0] == "termux-sms-send" and "98" not in command
        if self._is_send:
            step("before handing over")
        super().__init__(command, *rest, **options)
        if self._is_send:
            step("while handing over")

    def communicate(self, *rest: Any, **options: Any) -> tuple[bytes, bytes]:
        done = super().communicate(*rest, **options)
        if self._is_send:
            step("after handing over")
        return done


class CrashingHttp(http.client.HTTPConnection):
    _said = ""

    def request(self, method: str, url: str, body: Any = None, *rest: Any, **options: Any) -> None:
        told = json.loads(body) if isinstance(body, str) else {}
        self._said = " and ".join(k for k in ("claims", "reports", "incoming") if told.get(k))
        if self._said:
            step(f"before saying {self._said}")
        super().request(method, url, body, *rest, **options)

    def getresponse(self) -> http.client.HTTPResponse:
        response = super().getresponse()
        if self._said:
            step(f"after saying {self._said}")
        return response


def main() -> None:
    connect = sqlite3.connect
    sqlite3.connect = lambda *a, **k: connect(*a, factory=CrashingConnection, **k)  # type: ignore[assignment] # as the program calls it
    subprocess.Popen = CrashingPopen  # type: ignore[assignment,misc] # the same
    http.client.HTTPConnection = CrashingHttp  # type: ignore[misc] # the same
    sys.argv = sys.argv[3:]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
