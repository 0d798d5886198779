"""Whether the machine has what a server needs: room, memory, open files, the time, time zones.

Reads what Linux tells of itself; where it does not, there is no finding. Refuses to know settings.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.clock import MINUTE_MS, time_zone

LOW_DISK_BYTES = 1_000_000_000
FULL_DISK_BYTES = 200_000_000
LOW_MEMORY_BYTES = 100_000_000
# A phone that waits for work holds one file open, and so does everybody else who asks.
FEW_FILES = 4_096
_MEMORY_FILE = Path("/proc/meminfo")
# The first systemd-timesyncd writes when the clock was set right; chrony and ntpd do not.
_SYNCHRONIZED = Path("/run/systemd/timesync/synchronized")
_ANSWER_S = 5
_FUTURE_MS = 5 * MINUTE_MS


def check_disk(folder: Path) -> Iterator[Finding]:
    """Of the data directory, or of the first folder above that exists."""
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:.1f} GB free at {folder}"
    fix = "delete what is not needed, set store.keep_messages_days, or move to a larger disk"
    if free < FULL_DISK_BYTES:
        yield problem("disk", text, fix)
    elif free < LOW_DISK_BYTES:
        yield warning("disk", text, fix)
    else:
        yield ok("disk", text)
    nodes = os.statvfs(folder)
    if nodes.f_files and nodes.f_favail < 1_000:
        yield problem("disk", f"only {nodes.f_favail} more files fit on it", "delete small files")


def check_memory() -> Iterator[Finding]:
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY_FILE.read_text().splitlines())
        available = int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError):
        return
    text = f"{available // 1_000_000} MB available"
    if available < LOW_MEMORY_BYTES:
        yield warning("memory", text, "stop other programs, or add memory or swap")
    else:
        yield ok("memory", text)


def check_open_files() -> Iterator[Finding]:
    """Of programs started here; a service may have limits of its own."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEW_FILES:
        fix = "raise it: `ulimit -Hn`, or LimitNOFILE= of the service"
        yield warning("open files", f"limit {hard}: about so many phones at once", fix)
    else:
        shown = "no limit" if hard == resource.RLIM_INFINITY else f"limit {hard}"
        yield ok("open files", shown)


def check_clock(now_ms: int, newest_at: int | None) -> Iterator[Finding]:
    """`newest_at`: when the newest thing in the database was made, by the clock of then."""
    if newest_at is not None and newest_at > now_ms + _FUTURE_MS:
        minutes = (newest_at - now_ms) // MINUTE_MS
        yield problem(
            "clock",
            f"the newest message is {minutes} minutes in the future: the clock jumped back, or was"
            " wrong before",
            "set the clock (`timedatectl`), and let it be kept: `timedatectl set-ntp true`",
        )
    is_synchronized = _is_synchronized()
    if is_synchronized is False:
        yield warning(
            "clock", "not synchronized", "`timedatectl set-ntp true`, or run chrony or ntpd"
        )
    elif is_synchronized:
        yield ok("clock", "synchronized")
    else:
        yield ok("clock", "systemd does not tell whether it is synchronized")


def _is_synchronized() -> bool | None:
    """None: nobody tells."""
    if _SYNCHRONIZED.exists():
        return True
    environ = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}  # of a one-file build
    try:
        told = subprocess.run(
            ["timedatectl", "show", "--property=NTPSynchronized", "--value"],  # noqa: S607 - as the operator's own PATH has it
            capture_output=True, text=True, timeout=_ANSWER_S, check=True, env=environ,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return {"yes": True, "no": False}.get(told.stdout.strip())


def check_time_zones() -> Iterator[Finding]:
    try:
        time_zone("Europe/Berlin")
    except LookupError as error:
        yield warning("time zones", str(error), "apt install tzdata")
    else:
        yield ok("time zones", "their data is there")
