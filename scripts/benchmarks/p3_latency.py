"""P3: from the submit's answer to the moment a phone on an open poll holds the job.

100 phones, 100 messages a second, open to any phone; both ends in one process, so that clocks
agree. In units of one bare HTTP round trip, measured in turn with it. "Holds" is the offer in hand;
how long until its claim is granted stands beside it.
"""

from pathlib import Path

from benchmarks import bodies, orders
from benchmarks.figures import Figure, Slices, percentile, rounded
from benchmarks.processes import LoadGenerator, Server, bare, wait_for
from benchmarks.seeding import seed

PHONES_COUNT = 100
PER_SECOND = 100
CAPACITY = 10
# So many that the pace holds through a disk that stalls for half a second.
CONNECTIONS_COUNT = 64
ROUND_TRIPS_S = 0.3


def measure(directory: Path, slices: Slices) -> list[Figure]:
    seeds = seed(directory / "p3", phones_count=PHONES_COUNT)
    tokens = [phone.token for phone in seeds.phones]
    offered_ms: list[float] = []
    granted_ms: list[float] = []
    round_trips_ms: list[float] = []
    with bare() as other, Server(directory / "p3") as server, LoadGenerator() as load:
        request = bodies.submit_to_any(seeds)
        load.open_requests("bare", other.port, bodies.submit_to_phone(seeds, seeds.absent_phone), 1)
        load.open_requests("server", server.port, request, CONNECTIONS_COUNT)
        load.ask(orders.OpenPhones("phones", server.port, tokens, CAPACITY), orders.Done)
        wait_for(lambda: polls_open_count(server) >= PHONES_COUNT, 20, "all polls open")
        for index in range(slices.pairs_count + 1):
            order = orders.RunRoundTrips("bare", ROUND_TRIPS_S)
            trips = load.ask(order, orders.RoundTrips)
            run = orders.RunLatencies("server", "phones", slices.seconds, PER_SECOND)
            latencies = load.ask(run, orders.Latencies)
            if latencies.refused_count:
                raise RuntimeError(f"{latencies.refused_count} requests were refused")
            if index:  # the first slice warms up
                round_trips_ms += trips.ms
                offered_ms += latencies.offered_ms
                granted_ms += latencies.granted_ms
    for times_ms in (round_trips_ms, offered_ms, granted_ms):
        times_ms.sort()
    unit_ms = percentile(round_trips_ms, 0.5)
    return [
        Figure(
            "P3", f"submit answered → phone holds the job, {name}",
            rounded(percentile(offered_ms, share) / unit_ms), target, False, "trips",
            {
                "ms": rounded(percentile(offered_ms, share)),
                "until_claim_is_granted": rounded(percentile(granted_ms, share) / unit_ms),
                "round_trip_ms": rounded(unit_ms),
                "messages_count": len(offered_ms),
            },
        )
        for name, share, target in (("p50", 0.5, 3.0), ("p99", 0.99, 15.0))
    ]  # fmt: skip


def polls_open_count(server: Server) -> int:
    """As the server counts them."""
    for line in server.get("/metrics")[1].decode().splitlines():
        if line.startswith("textko_polls_open "):
            return int(line.split()[1])
    raise RuntimeError("the server does not count its polls")
