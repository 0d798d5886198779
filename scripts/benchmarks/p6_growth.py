"""P6: P1's submits and P4's cycles with millions of messages in the file ÷ with an empty one.

Two servers in turn; the one that is not measured is stopped in its tracks.
"""

import time
from pathlib import Path

from benchmarks import big_file, bodies
from benchmarks.figures import Figure, Pairs, Slices, middle, rounded, take_pairs, tell
from benchmarks.p1_submits import CONNECTIONS_COUNT
from benchmarks.p4_cycle import Cycles, seed_for_cycles
from benchmarks.processes import Answerer, LoadGenerator, Server
from benchmarks.seeding import Seeds


def build(data_dir: Path, hooks: Answerer, ended_count: int, queued_count: int) -> Seeds:
    """A data directory with so much history; takes a minute for two million."""
    started = time.perf_counter()
    seeds = seed_for_cycles(data_dir, hooks.port)
    big_file.fill(seeds, ended_count=ended_count, queued_count=queued_count)
    file_gb = seeds.database_path.stat().st_size / 1e9
    tell(f"built {file_gb:.2f} GB in {time.perf_counter() - started:.0f} s")
    return seeds


def measure(directory: Path, hooks: Answerer, full_seeds: Seeds, slices: Slices) -> list[Figure]:
    """`full_seeds` are of `build`, and their server is not running."""
    full_dir = full_seeds.database_path.parent
    empty_seeds = seed_for_cycles(directory / "p6-empty", hooks.port)
    with (
        Server(directory / "p6-empty") as empty,
        Server(full_dir) as full,
        LoadGenerator() as load,
    ):
        sides = {"empty": (empty, full, empty_seeds), "full": (full, empty, full_seeds)}
        cycles = {
            name: Cycles(f"{name} cycles", load, server, seeds)
            for name, (server, _, seeds) in sides.items()
        }
        for name, (server, _, seeds) in sides.items():
            request = bodies.submit_to_phone(seeds, seeds.absent_phone)
            load.open_requests(name, server.port, request, CONNECTIONS_COUNT)

        def submits(name: str) -> float:
            with sides[name][1].asleep():
                return load.run_requests(name, slices.seconds).per_second

        def whole_cycles(name: str) -> float:
            with sides[name][1].asleep():
                return cycles[name].run(slices.seconds)

        submit_pairs = take_pairs(
            slices.pairs_count, lambda: submits("empty"), lambda: submits("full")
        )
        cycle_pairs = take_pairs(
            slices.pairs_count, lambda: whole_cycles("empty"), lambda: whole_cycles("full")
        )
    return [
        _figure("submits with a full file ÷ with an empty one", submit_pairs),
        _figure("full cycles with a full file ÷ with an empty one", cycle_pairs),
    ]


def _figure(name: str, pairs: Pairs) -> Figure:
    return Figure(
        "P6", name, pairs.ratio, 0.9, True, "ratio",
        {
            "spread": pairs.spread,
            "full_per_s": rounded(middle(pairs.second)),
            "empty_per_s": rounded(middle(pairs.first)),
        },
    )  # fmt: skip
