"""P7: the slowest list page on P6's file, of those that applications and operators ask for.

Each page is asked for several times on an idle server; the 90th percentile of each counts. The
screens are clients of the admin API and wait for nothing else.
"""

import time

import msgspec

from benchmarks.figures import Figure, percentile, rounded
from benchmarks.processes import Server
from benchmarks.seeding import Seeds

REPEATS_COUNT = 10
_STATES = ("queued", "delivered", "failed", "cancelled")
_FILTERS = (
    "state=queued,failed,expired",
    "faults=true",
    "faults=true&user=bench@example.org",
    "text=PARCEL",
    "text=nowhere%20to%20be%20found",
    "number=%2B251800000000",
    "number=%2B4917",
    "number=%2B4917&text=nowhere&state=delivered",
)


class _Id(msgspec.Struct):
    id: str


class _Webhooks(msgspec.Struct):
    webhooks: list[_Id]


def measure(server: Server, seeds: Seeds) -> list[Figure]:
    """`server` runs on a file of P6 with nothing else to do."""
    times_ms = {path: _time_ms(server, seeds, path) for path in _paths(server, seeds)}
    slowest_first = sorted(times_ms, key=lambda path: -times_ms[path])
    return [
        Figure(
            "P7",
            f"the slowest of {len(times_ms)} list pages",
            times_ms[slowest_first[0]],
            50,
            False,
            "ms",
            {"pages_ms": {path: times_ms[path] for path in slowest_first}},
        )
    ]


def _paths(server: Server, seeds: Seeds) -> list[str]:
    [webhook] = msgspec.json.decode(server.get("/admin/v1/webhooks")[1], type=_Webhooks).webhooks
    messages = "/api/v1/gateway/messages?limit=100"
    phone = f"/api/v1/gateway/devices/{seeds.phones[0].public_id}"
    return [
        messages,
        f"{messages}&page=30",
        f"{messages}&order=asc",
        f"{messages}&direction=received",
        f"{messages}&search=parcel",
        f"{messages}&search=nowhere%20to%20be%20found",
        *(f"{messages}&status={status}" for status in ("pending", "delivered", "failed")),
        f"{messages}&deviceIds={seeds.phones[0].public_id}",
        f"{phone}/messages?limit=100",
        f"{phone}/get-received-sms?limit=100",
        "/api/v1/gateway/stats",
        "/api/v1/gateway/devices",
        "/api/v1/webhooks/notifications?limit=100",
        "/admin/v1/messages?limit=200",
        *(f"/admin/v1/messages?limit=200&state={state}" for state in _STATES),
        "/admin/v1/messages?limit=200&user=bench@example.org",
        *(f"/admin/v1/messages?limit=200&user=bench@example.org&state={s}" for s in _STATES),
        *(f"/admin/v1/messages?limit=200&{filters}" for filters in _FILTERS),
        f"/admin/v1/messages?limit=200&device={seeds.phones[0].public_id}",
        f"/admin/v1/messages?limit=200&device={seeds.absent_phone.public_id}",
        *(f"/admin/v1/messages/counts?{filters}" for filters in ("", *_FILTERS)),
        "/admin/v1/traffic",
        "/admin/v1/attention",
        "/admin/v1/incoming?limit=200",
        "/admin/v1/devices",
        "/admin/v1/users",
        "/admin/v1/status",
        f"/admin/v1/webhooks/{webhook.id}/deliveries?limit=100",
        f"/admin/v1/webhooks/{webhook.id}/deliveries?limit=100&state=failed",
        f"/admin/v1/webhooks/{webhook.id}/deliveries?limit=100&state=pending",
        "/metrics",
    ]


def _time_ms(server: Server, seeds: Seeds, path: str) -> float:
    times_ms = []
    for _ in range(REPEATS_COUNT):
        started = time.perf_counter()
        status, body = server.get(path, "" if path.startswith("/admin/") else seeds.api_key)
        times_ms.append((time.perf_counter() - started) * 1000)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {body[:200]!r}")
    return rounded(percentile(sorted(times_ms), 0.9))
