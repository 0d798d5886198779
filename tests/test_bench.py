"""`scripts/bench` measures what it says, in the form others read. Speeds are not judged here."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Figure, Pairs, percentile

SCRIPT = Path(__file__).parents[1] / "scripts/bench"


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    run = subprocess.run(
        [str(SCRIPT), "--quick", "--json", "--only", "P1,P8"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    parsed: dict[str, Any] = json.loads(run.stdout)
    return parsed


def test_report_names_the_machine(report: dict[str, Any]) -> None:
    assert {"processor", "cores", "python", "sqlite"} <= report["machine"].keys()


def test_report_has_the_figures_asked_for(report: dict[str, Any]) -> None:
    figures = report["results"]

    assert [figure["id"] for figure in figures] == ["P1", "P8", "P8", "P8"]
    for figure in figures:
        assert {"name", "value", "target", "bound", "unit", "met"} <= figure.keys()
        assert figure["value"] >= 0


def test_ratio_comes_with_spread_and_processor_time(report: dict[str, Any]) -> None:
    submits = report["results"][0]

    lowest, highest = submits["spread"]
    assert lowest <= submits["value"] <= highest
    assert submits["server_cpu_us_per_request"] > 0


def test_unknown_figure_is_a_usage_error() -> None:
    run = subprocess.run([str(SCRIPT), "--only", "P99"], capture_output=True, timeout=60)

    assert run.returncode == 2
    assert b"choose from P1" in run.stderr


def test_ratio_is_the_median_of_the_pairs() -> None:
    pairs = Pairs(first=[100.0, 50.0, 200.0], second=[50.0, 40.0, 20.0])

    assert pairs.ratio == 0.5
    assert pairs.spread == [0.1, 0.8]


def test_target_is_a_floor_or_a_ceiling() -> None:
    assert Figure("P1", "", 0.5, 0.5, True, "ratio").is_met
    assert not Figure("P1", "", 0.49, 0.5, True, "ratio").is_met
    assert not Figure("P5", "", 12.1, 12, False, "KB").is_met


def test_percentile_of_a_few_is_one_of_them() -> None:
    assert percentile([1.0, 2.0, 3.0], 0.99) == 3.0
    assert percentile([1.0, 2.0, 3.0], 0.5) == 2.0
