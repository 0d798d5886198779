"""P4: full cycles a second (submit, offer, claim, sent, delivered, webhook row) ÷ P1's submits.

50 phones that take 20 texts at a time and say claims and reports as they come; one webhook, owed
`MESSAGE_DELIVERED`, whose receiver answers 200. The submits alone go to a server of their own; the
server that is not measured is stopped in its tracks, since deliveries would go on beside.
"""

import sqlite3
from pathlib import Path

from benchmarks import bodies, orders
from benchmarks.figures import Figure, Slices, middle, rounded, take_pairs
from benchmarks.p1_submits import CONNECTIONS_COUNT
from benchmarks.p3_latency import polls_open_count
from benchmarks.processes import LoadGenerator, Server, checked, cpu_s, receiver, wait_for
from benchmarks.seeding import Seeds, seed

PHONES_COUNT = 50
CAPACITY = 20
# Enough that no phone waits for a submit, few enough that none waits for a phone.
IN_FLIGHT_COUNT = 1_500
WEBHOOK_EVENTS = ("MESSAGE_DELIVERED",)


def measure(directory: Path, slices: Slices) -> list[Figure]:
    with receiver() as hooks:
        plain_seeds = seed(directory / "p4-plain")
        seeds = seed_for_cycles(directory / "p4", hooks.port)
        with (
            Server(directory / "p4-plain") as plain,
            Server(directory / "p4") as server,
            LoadGenerator() as load,
        ):
            request = bodies.submit_to_phone(plain_seeds, plain_seeds.absent_phone)
            load.open_requests("plain", plain.port, request, CONNECTIONS_COUNT)
            cycles = Cycles("cycles", load, server, seeds)

            def submits() -> float:
                with server.asleep():
                    return load.run_requests("plain", slices.seconds).per_second

            def whole_cycles() -> float:
                with plain.asleep():
                    return cycles.run(slices.seconds)

            pairs = take_pairs(slices.pairs_count, submits, whole_cycles)
            cycles.check_webhook_rows()
    return [
        Figure(
            "P4", "full cycles ÷ submits, 50 phones", pairs.ratio, 0.25, True, "ratio",
            {
                "spread": pairs.spread,
                "cycles_per_s": rounded(middle(pairs.second)),
                "submits_per_s": rounded(middle(pairs.first)),
                "server_cpu_us_per_cycle": middle(cycles.costs_us),
            },
        )
    ]  # fmt: skip


def seed_for_cycles(data_dir: Path, webhook_port: int) -> Seeds:
    return seed(
        data_dir,
        phones_count=PHONES_COUNT,
        webhook_url=f"http://127.0.0.1:{webhook_port}/",
        webhook_events=WEBHOOK_EVENTS,
    )


class Cycles:
    """Phones and submits on one server, ready to run slices."""

    def __init__(self, name: str, load: LoadGenerator, server: Server, seeds: Seeds) -> None:
        self._name = name
        self._load = load
        self._server = server
        self._database_path = seeds.database_path
        self._count = 0
        self.costs_us: list[float] = []
        """Processor time of the server for each cycle, by slice."""
        load.open_requests(name, server.port, bodies.submit_to_any(seeds), CONNECTIONS_COUNT)
        tokens = [phone.token for phone in seeds.phones]
        load.ask(orders.OpenPhones(name, server.port, tokens, CAPACITY), orders.Done)
        wait_for(lambda: polls_open_count(server) >= len(tokens), 20, "all polls open")

    def run(self, seconds: float) -> float:
        """Cycles a second, over a slice that ends when every message is delivered."""
        used_s = cpu_s(self._server.pid)
        order = orders.RunCycles(self._name, self._name, seconds, IN_FLIGHT_COUNT)
        counted = checked(self._load.ask(order, orders.Counted))
        self.costs_us.append((cpu_s(self._server.pid) - used_s) / counted.count * 1e6)
        self._count += counted.count
        return counted.per_second

    def check_webhook_rows(self) -> None:
        """Raises RuntimeError unless each cycle has its webhook row, which makes it one."""
        connection = sqlite3.connect(f"file:{self._database_path}?mode=ro", uri=True)
        query = "SELECT count(*) FROM webhook_deliveries WHERE event = 'MESSAGE_DELIVERED'"
        [rows_count] = connection.execute(query).fetchone()
        connection.close()
        if rows_count < self._count:
            raise RuntimeError(f"{self._count} cycles left {rows_count} webhook rows")
