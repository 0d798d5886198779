"""`textko` as a program that kills itself, as `kill -9` does, at the step it is told.

Arguments: the number of the step (0: never), a file to note the steps in, and then those of textko.
A step is before and after anything that outlives the process: what is written down, told to the
modem, and told to the server.
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from textko_server.cli import run
from textko_server.phone.client import DeviceClient
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.port import Port
from textko_server.phone.modem.records import AnyRecord

Step = Callable[[str], None]


def main() -> int:
    last_step, log, *arguments = sys.argv[1:]
    step = _steps(int(last_step), os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT))
    _crash_around_journal(step)
    _crash_around_port(step)
    _crash_around_requests(step)
    return run(arguments)


def _steps(last_step: int, log: int) -> Step:
    count = 0

    def step(name: str) -> None:
        nonlocal count
        os.write(log, f"{name}\n".encode())
        count += 1
        if count == last_step:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def _crash_around_journal(step: Step) -> None:
    write = Journal.write

    def crashing(self: Journal, record: AnyRecord) -> None:
        name = type(record).__name__
        step(f"before noting {name}")
        write(self, record)
        step(f"after noting {name}")

    Journal.write = crashing  # type: ignore[method-assign] # what this program is for


def _crash_around_port(step: Step) -> None:
    write = Port.write

    def crashing(self: Port, data: bytes) -> None:
        name = "PDU" if data.endswith(b"\x1a") else data.decode().partition("=")[0].strip()
        if name not in ("PDU", "AT+CMGS", "AT+CMGD"):
            write(self, data)
            return
        step(f"before writing {name}")
        write(self, data)
        step(f"after writing {name}")

    Port.write = crashing  # type: ignore[method-assign] # what this program is for


def _crash_around_requests(step: Step) -> None:
    post = DeviceClient._post

    async def crashing(
        self: DeviceClient, url: str, request: Any, headers: dict[str, str], wait_s: int
    ) -> Any:
        said = [name for name in ("claims", "reports", "incoming") if getattr(request, name)]
        for name in said:
            step(f"before saying {name}")
        reply = await post(self, url, request, headers, wait_s)
        for name in said:
            step(f"after saying {name}")
        return reply

    DeviceClient._post = crashing  # type: ignore[method-assign] # what this program is for
