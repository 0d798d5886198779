"""P1: single-message submits a second, durable, ÷ a bare handler that parses and answers the same.

`POST /api/v1/gateway/devices/{id}/send-sms` with an API key and default settings, 64 connections.
"""

from pathlib import Path

from benchmarks import bodies
from benchmarks.figures import Figure, Slices, middle, rounded, take_pairs
from benchmarks.processes import LoadGenerator, Server, bare, cpu_s
from benchmarks.seeding import seed

CONNECTIONS_COUNT = 64


def measure(directory: Path, slices: Slices) -> list[Figure]:
    seeds = seed(directory / "p1")
    request = bodies.submit_to_phone(seeds, seeds.absent_phone)
    with bare() as other, Server(directory / "p1") as server, LoadGenerator() as load:
        load.open_requests("bare", other.port, request, CONNECTIONS_COUNT)
        load.open_requests("server", server.port, request, CONNECTIONS_COUNT)
        costs: dict[str, list[float]] = {"bare": [], "server": []}

        def rate(name: str, pid: int) -> float:
            used_s = cpu_s(pid)
            counted = load.run_requests(name, slices.seconds)
            costs[name].append((cpu_s(pid) - used_s) / counted.count * 1e6)
            return counted.per_second

        pairs = take_pairs(
            slices.pairs_count,
            lambda: rate("bare", other.pid),
            lambda: rate("server", server.pid),
        )
    return [
        Figure(
            "P1", "durable submits ÷ a bare handler", pairs.ratio, 0.5, True, "ratio",
            {
                "spread": pairs.spread,
                "server_per_s": rounded(middle(pairs.second)),
                "bare_per_s": rounded(middle(pairs.first)),
                "server_cpu_us_per_request": middle(costs["server"]),
                "bare_cpu_us_per_request": middle(costs["bare"]),
            },
        )
    ]  # fmt: skip
