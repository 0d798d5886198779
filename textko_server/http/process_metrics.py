"""Memory, processor time and files of this process, under the names every Prometheus client has.

https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics. Without /proc, what
only it knows is left out.
"""

import os
import resource
from pathlib import Path

from textko_server.http.metrics import Family

_PROC = Path("/proc/self")


def process_families(started_at: int) -> list[Family]:
    """`started_at`: Unix ms."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    values = {
        "process_cpu_seconds_total": used.ru_utime + used.ru_stime,
        "process_start_time_seconds": started_at / 1000,
        "process_max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        **_from_proc(),
    }
    return [_family(name, value) for name, value in values.items()]


def _from_proc() -> dict[str, float]:
    try:
        pages = (_PROC / "statm").read_text("ascii").split()
        open_fds = len(os.listdir(_PROC / "fd"))  # noqa: PTH208 - no objects for ten thousand names
    except OSError:
        return {}
    page_bytes = os.sysconf("SC_PAGESIZE")
    return {
        "process_virtual_memory_bytes": int(pages[0]) * page_bytes,
        "process_resident_memory_bytes": int(pages[1]) * page_bytes,
        "process_open_fds": open_fds,
    }


_HELP = {
    "process_cpu_seconds_total": "User and system processor time.",
    "process_start_time_seconds": "When it began to take requests.",
    "process_max_fds": "How many files it may have open.",
    "process_virtual_memory_bytes": "Address space.",
    "process_resident_memory_bytes": "Memory in use.",
    "process_open_fds": "Files and connections that are open.",
}


def _family(name: str, value: float) -> Family:
    family = Family(name, _HELP[name], "counter" if name.endswith("_total") else "gauge")
    family.add(value)
    return family
