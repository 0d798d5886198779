"""Counters of one process, and the lines of the Prometheus text format, version 0.0.4. What stands
on `/metrics` says metrics_page.py.

Labels are bounded: route templates, methods, status codes, states. Never a token, number or id.
"""

from bisect import bisect_left
from typing import Literal

import msgspec
from aiohttp import web

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """Of one process since its start."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str, int], int] = {}
        self._durations: dict[str, list[int]] = {}
        self._duration_sums: dict[str, float] = {}
        self.events: dict[tuple[str, str], int] = {}

    def count_request(self, route: str, method: str, status: int, duration_s: float) -> None:
        # Methods are bounded too: aiohttp takes any token for one.
        method = method if method in ("GET", "POST", "PATCH", "PUT", "DELETE", "HEAD") else "OTHER"
        key = (route, method, status)
        self._requests[key] = self._requests.get(key, 0) + 1
        buckets = self._durations.get(route)
        if buckets is None:
            buckets = self._durations[route] = [0] * (len(_BUCKETS_S) + 1)
        buckets[bisect_left(_BUCKETS_S, duration_s)] += 1
        self._duration_sums[route] = self._duration_sums.get(route, 0.0) + duration_s

    def count_event(self, kind: str, label: str, count: int = 1) -> None:
        self.events[(kind, label)] = self.events.get((kind, label), 0) + count

    def families(self) -> list["Family"]:
        requests = Family("textko_http_requests_total", "Requests answered.", "counter")
        for (route, method, status), count in sorted(self._requests.items()):
            requests.add(count, route=route, method=method, code=str(status))
        name = "textko_http_request_duration_seconds"
        durations = Family(name, "Time to answer; long-polls wait.", "histogram")
        for route, buckets in sorted(self._durations.items()):
            total = 0
            for bound, count in zip((*_BUCKETS_S, "+Inf"), buckets, strict=True):
                total += count
                durations.add(total, "_bucket", route=route, le=str(bound))
            durations.add(self._duration_sums[route], "_sum", route=route)
            durations.add(total, "_count", route=route)
        return [requests, durations]


class Sample(msgspec.Struct, frozen=True):
    suffix: str
    """Of a histogram: _bucket, _sum, _count."""
    labels: dict[str, str]
    value: float

    def line(self, name: str) -> str:
        pairs = ",".join(f'{label}="{value}"' for label, value in self.labels.items())
        value = self.value if isinstance(self.value, int) else f"{self.value:.6f}"
        return f"{name}{self.suffix}{f'{{{pairs}}}' if pairs else ''} {value}"


class Family(msgspec.Struct, frozen=True):
    """Samples that have name, help and kind in common."""

    name: str
    help: str
    kind: Literal["gauge", "counter", "histogram"]
    samples: list[Sample] = []

    def add(self, value: float, suffix: str = "", /, **labels: str) -> None:
        self.samples.append(Sample(suffix, labels, value))

    def lines(self) -> list[str]:
        head = [f"# HELP {self.name} {self.help}", f"# TYPE {self.name} {self.kind}"]
        return head + [sample.line(self.name) for sample in self.samples]


METRICS = web.AppKey("metrics", Metrics)
