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

LAST_STEP = int(sys.argv[1])
STEPS = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_counts = [0]


def step(name: str) -> None:
    os.write(STEPS, f"{name}\n".encode())
    _counts[0] += 1
    if _counts[0] == LAST_STEP:
        os.kill(os.getpid(), signal.SIGKILL)


def crash_around_journal(write: Callable[[Journal, AnyRecord], None]) -> None:
    def crashing(self: Journal, record: AnyRecord) -> None:
        name = type(record).__name__
        step(f"before noting {name}")
        write(self, record)
        step(f"after noting {name}")

    Journal.write = crashing  # type: ignore[method-assign] # what this program is for


def crash_around_port(write: Callable[[Port, bytes], None]) -> None:
    def crashing(self: Port, data: bytes) -> None:
        name = "PDU" if data.endswith(b"\x1a") else data.decode().partition("=")[0].strip()
        if name not in ("PDU", "AT+CMGS", "AT+CMGD"):
            write(self, data)
            return
        step(f"before writing {name}")
        write(self, data)
        step(f"after writing {name}")

    Port.write = crashing  # type: ignore[method-assign] # what this program is for


def crash_around_requests() -> None:
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


if __name__ == "__main__":
    crash_around_journal(Journal.write)
    crash_around_port(Port.write)
    crash_around_requests()
    sys.exit(run(sys.argv[3:]))
