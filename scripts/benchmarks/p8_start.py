"""P8: from the start of the process to its first answer; memory and wake-ups with nothing to do."""

import time
from pathlib import Path
from statistics import median

from benchmarks.figures import Figure, rounded
from benchmarks.processes import (
    Server,
    cpu_s,
    main_wake_ups_count,
    resident_kb,
    wake_ups_count,
)
from benchmarks.seeding import seed

SETTLE_S = 1.0


def measure(directory: Path, starts_count: int, idle_s: float) -> list[Figure]:
    seed(directory / "p8")
    starts_s = []
    for _ in range(starts_count):
        with Server(directory / "p8") as server:
            starts_s.append(server.start_s)
    with Server(directory / "p8") as server:
        time.sleep(SETTLE_S)
        before = wake_ups_count(server.pid), main_wake_ups_count(server.pid), cpu_s(server.pid)
        time.sleep(idle_s)
        after = wake_ups_count(server.pid), main_wake_ups_count(server.pid), cpu_s(server.pid)
        memory_mb = resident_kb(server.pid) / 1000
    all_threads, main_thread, used_s = (b - a for a, b in zip(before, after, strict=True))
    return [
        Figure(
            "P8", "start → first answer", rounded(median(starts_s)), 0.6, False, "s",
            {"spread": [rounded(min(starts_s)), rounded(max(starts_s))]},
        ),
        Figure("P8", "memory with nothing to do", rounded(memory_mb), 60, False, "MB"),
        Figure(
            "P8", "wake-ups of the event loop with nothing to do",
            rounded(main_thread / idle_s), 1.0, False, "1/s",
            {
                "of_all_threads_per_s": rounded(all_threads / idle_s),
                "cpu_ms_per_s": rounded(used_s / idle_s * 1000),
            },
        ),
    ]  # fmt: skip
