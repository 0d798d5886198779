"""P5: idle phones on open polls: memory for each, and how long until all have a job in hand.

The jobs come in arrays by Self Hosted SMS's queue, open to any phone, one for each, all arrays
at once; the time runs from the first of them sent to the last phone answered.
"""

import resource
import time
from pathlib import Path

from benchmarks import bodies, orders
from benchmarks.figures import Figure, rounded
from benchmarks.p3_latency import polls_open_count
from benchmarks.processes import LoadGenerator, Server, cpu_s, resident_kb, wait_for
from benchmarks.seeding import seed
from benchmarks.wire import NUMBER_MARK

WARM_UP_COUNT = 50
ARRAY_COUNT = 1_000
OWN_FILES_COUNT = 200
WAKE_LIMIT_S = 30.0


def measure(directory: Path, phones_count: int) -> list[Figure]:
    most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most_files != resource.RLIM_INFINITY:
        phones_count = min(phones_count, most_files - OWN_FILES_COUNT)
    seeds = seed(directory / "p5", phones_count=phones_count)
    settings = {"TEXTKO_RATES_SELFHOSTED_PER_MINUTE": "0"}
    tokens = [phone.token for phone in seeds.phones]
    array = bodies.submit_array(seeds, ARRAY_COUNT).decode()
    arrays = [
        array.replace(NUMBER_MARK.decode(), f"{1_900_000_000 + n * ARRAY_COUNT}", ARRAY_COUNT)
        for n in range(phones_count // ARRAY_COUNT)
    ]
    with Server(directory / "p5", settings) as server, LoadGenerator() as load:
        load.ask(orders.OpenIdlePhones(server.port, tokens[:WARM_UP_COUNT]), orders.Done)
        wait_for(lambda: polls_open_count(server) >= WARM_UP_COUNT, 20, "first polls open")
        before_kb = resident_kb(server.pid)
        started = time.perf_counter()
        load.ask(orders.OpenIdlePhones(server.port, tokens[WARM_UP_COUNT:]), orders.Done)
        wait_for(lambda: polls_open_count(server) >= phones_count, 60, "all polls open")
        open_s = time.perf_counter() - started
        each_kb = (resident_kb(server.pid) - before_kb) / (phones_count - WARM_UP_COUNT)
        used_s = cpu_s(server.pid)
        order = orders.WakeIdlePhones(server.port, arrays, WAKE_LIMIT_S)
        woken = load.ask(order, orders.Woken)
        used_s = cpu_s(server.pid) - used_s
    if woken.answered_count < len(arrays) * ARRAY_COUNT:
        raise RuntimeError(f"only {woken.answered_count} of {phones_count} phones were answered")
    return [
        Figure(
            "P5", f"memory for each of {phones_count} idle phones", rounded(each_kb), 12, False,
            "KB", {"phones_count": phones_count, "all_open_after_s": rounded(open_s)},
        ),
        Figure(
            "P5", f"{woken.answered_count} jobs sent → every phone answered",
            rounded(woken.answered_s), 2.0, False, "s",
            {
                "submitted_after_s": rounded(woken.submitted_s),
                "server_cpu_us_per_phone": rounded(used_s / woken.answered_count * 1e6),
            },
        ),
    ]  # fmt: skip
