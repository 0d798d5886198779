"""`scripts/bench`: runs the measurements asked for, prints a table or JSON.

Refuses to know how anything is measured.
"""

import argparse
import json
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    p1_submits,
    p2_arrays,
    p3_latency,
    p4_cycle,
    p5_idle,
    p6_growth,
    p7_lists,
    p8_start,
    p10_screens,
)
from benchmarks.figures import Figure, Slices, tell
from benchmarks.processes import Server, receiver

Measurement = Callable[[Path, bool, list[str]], list[Figure]]

# The file that P6 and P7 share: ended and queued messages.
FULL_COUNTS = (2_000_000, 100_000)
QUICK_COUNTS = (100_000, 5_000)
# Of a list of single values, in the table; --json has them all.
_SHOWN_COUNT = 5


def main() -> int:
    options = _options()
    started = time.perf_counter()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="textko-bench-") as directory:
        for names, measurement in _MEASUREMENTS.items():
            wanted = [n for n in names if not options.only or n in options.only]
            if wanted:
                tell(f"{' and '.join(wanted)} …")
                figures += measurement(Path(directory), options.quick, wanted)
    machine = _machine() | {"seconds": round(time.perf_counter() - started, 1)}
    if options.json:
        print(json.dumps({"machine": machine, "results": [f.to_json() for f in figures]}))
    else:
        _print_table(machine, figures)
    return 0


def _p1(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p1_submits.measure(directory, Slices(3, 0.4) if quick else Slices(12, 1.0))


def _p2(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p2_arrays.measure(directory, Slices(3, 0.3) if quick else Slices(10, 0.6))


def _p3(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p3_latency.measure(directory, Slices(1, 1.5) if quick else Slices(5, 3.0))


def _p4(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p4_cycle.measure(directory, Slices(2, 0.5) if quick else Slices(8, 1.0))


def _p5(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p5_idle.measure(directory, 1_000 if quick else 10_000)


def _p6_and_p7(directory: Path, quick: bool, wanted: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    with receiver() as hooks:
        seeds = p6_growth.build(
            directory / "full", hooks, *(QUICK_COUNTS if quick else FULL_COUNTS)
        )
        if "P7" in wanted:
            with Server(directory / "full") as server:
                figures += p7_lists.measure(server, seeds)
                figures += p10_screens.measure_on_big_file(directory / "full", 1 if quick else 5)
        if "P6" in wanted:
            slices = Slices(2, 0.4) if quick else Slices(8, 0.8)
            figures += p6_growth.measure(directory, hooks, seeds, slices)
    return sorted(figures, key=lambda figure: figure.id)


def _p8(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p8_start.measure(directory, *((3, 2.0) if quick else (7, 10.0)))


def _p10(directory: Path, quick: bool, _wanted: list[str]) -> list[Figure]:
    return p10_screens.measure(directory, *((3, 2.0) if quick else (7, 10.0)))


_MEASUREMENTS: dict[tuple[str, ...], Measurement] = {
    ("P1",): _p1,
    ("P2",): _p2,
    ("P3",): _p3,
    ("P4",): _p4,
    ("P5",): _p5,
    ("P6", "P7"): _p6_and_p7,
    ("P8",): _p8,
    ("P10",): _p10,
}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measure textko's speed and size against its targets."
    )
    parser.add_argument("--quick", action="store_true", help="short slices, under 40 s in all")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--only", type=_names, default=frozenset(), metavar="P1,P3", help="only these figures"
    )
    return parser.parse_args()


def _names(text: str) -> frozenset[str]:
    names = frozenset(text.upper().split(","))
    known = [name for group in _MEASUREMENTS for name in group]
    if not names.issubset(known):
        raise argparse.ArgumentTypeError(f"choose from {', '.join(known)}")
    return names


def _machine() -> dict[str, Any]:
    models = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "Model"))
    ]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _print_table(machine: dict[str, Any], figures: list[Figure]) -> None:
    print(", ".join(f"{key} {value}" for key, value in machine.items()))
    for figure in figures:
        bound = "≥" if figure.is_at_least else "≤"
        verdict = "met" if figure.is_met else "missed"
        print(
            f"{figure.id}  {figure.name:<58} {figure.value:>8g} {figure.unit:<6}"
            f" {bound} {figure.target:<6g} {verdict}"
        )
        for key, value in figure.more.items():
            shown = list(value.items())[:_SHOWN_COUNT] if isinstance(value, dict) else [("", value)]
            for name, number in shown:
                print(f"      {key}: {number} {name}")


if __name__ == "__main__":
    sys.exit(main())
