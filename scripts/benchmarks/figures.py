"""A measured figure, and ratios of two sides taken in turn.

The machine's speed drifts by a factor of two within minutes, so both sides of a ratio are measured
in short slices, A B A B …, and the median of the paired ratios counts. Refuses to know what the
sides are.
"""

import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import msgspec


class Figure(msgspec.Struct, frozen=True):
    id: str
    """Of the target: `P1`."""
    name: str
    value: float
    target: float
    is_at_least: bool
    """Whether the target is a floor; else a ceiling."""
    unit: str
    more: dict[str, Any] = {}
    """Spread, the two sides, processor time: what helps to judge the value."""

    @property
    def is_met(self) -> bool:
        return self.value >= self.target if self.is_at_least else self.value <= self.target

    def to_json(self) -> dict[str, Any]:
        own = {
            "id": self.id, "name": self.name, "value": self.value, "target": self.target,
            "bound": "at least" if self.is_at_least else "at most", "met": self.is_met,
            "unit": self.unit,
        }  # fmt: skip
        return own | self.more


class Slices(msgspec.Struct):
    """How long to measure."""

    pairs_count: int
    seconds: float
    """Of one slice."""


class Pairs(msgspec.Struct, frozen=True):
    """Rates a second of both sides, slice by slice."""

    first: list[float]
    second: list[float]

    @property
    def ratios(self) -> list[float]:
        """Second ÷ first."""
        return [b / a for a, b in zip(self.first, self.second, strict=True)]

    @property
    def ratio(self) -> float:
        return rounded(median(self.ratios))

    @property
    def spread(self) -> list[float]:
        """Lowest and highest ratio of a pair."""
        return [rounded(min(self.ratios)), rounded(max(self.ratios))]


def take_pairs(pairs_count: int, first: Callable[[], float], second: Callable[[], float]) -> Pairs:
    """A warm-up of both, then so many slices of each in turn."""
    first()
    second()
    rates = [(first(), second()) for _ in range(pairs_count)]
    return Pairs([a for a, _ in rates], [b for _, b in rates])


def middle(rates: list[float]) -> float:
    return rounded(median(rates))


def rounded(value: float) -> float:
    """Three figures: the rest is noise."""
    return float(f"{value:.3g}")


def percentile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def tell(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)
