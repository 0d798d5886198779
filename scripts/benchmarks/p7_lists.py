"""P7: the slowest list page on P6's file.

Each page is asked for several times on an idle server; the 90th percentile of each counts.
"""

import time

from benchmarks.figures import Figure, percentile, rounded
from benchmarks.processes import Server
from benchmarks.seeding import Seeds

REPEATS_COUNT = 10
# Pages an API key may see.
_KEY_PATHS = (
    "/api/v1/gateway/messages?limit=100",
    "/api/v1/gateway/messages?limit=100&page=50",
    "/api/v1/gateway/messages?limit=100&status=failed",
    "/api/v1/gateway/messages?limit=100&search=parcel",
    "/api/v1/gateway/messages?limit=100&search=%2B25180000",
    "/metrics",
)


def measure(server: Server, seeds: Seeds) -> list[Figure]:
    """`server` runs on a file of P6 with nothing else to do."""
    times_ms: dict[str, float] = {}
    refused: dict[str, int] = {}
    for path in _KEY_PATHS:
        taken_ms = []
        for _ in range(REPEATS_COUNT):
            started = time.perf_counter()
            status, _body = server.get(path, seeds.api_key)
            taken_ms.append((time.perf_counter() - started) * 1000)
            if status != 200:
                refused[path] = status
                break
        else:
            times_ms[path] = rounded(percentile(sorted(taken_ms), 0.9))
    more = {"pages_ms": times_ms} | ({"not_there": refused} if refused else {})
    return [Figure("P7", "the slowest list page", max(times_ms.values()), 50, False, "ms", more)]
