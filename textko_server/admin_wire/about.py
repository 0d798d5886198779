"""What this server is made of, and the numbers it counts."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer


class RowCount(Answer, frozen=True, kw_only=True):
    name: str
    """What is counted: users, messages, …"""
    count: int
    is_estimate: bool
    """Of what grows with traffic: not fewer than there are, and more when some were deleted out of
    turn."""


class Feature(Answer, frozen=True, kw_only=True):
    name: str
    is_on: bool
    setting: str
    """The setting that decides: `accounts.registration`"""


class About(Answer, frozen=True, kw_only=True):
    version: str
    licence: str
    python: str
    sqlite: str
    platform: str
    url: str
    """Where phones reach it, as far as the server knows."""
    data_dir: str
    started_at: int
    uptime_s: int
    database_bytes: int
    counts: list[RowCount]
    features: list[Feature]


class Metric(Answer, frozen=True, kw_only=True):
    """One value of `/metrics`."""

    name: str
    help: str
    kind: Literal["gauge", "counter", "histogram"]
    """Of a histogram, the name ends in `_bucket`, `_sum` or `_count`."""
    labels: dict[str, str]
    value: float


class MetricList(Answer, frozen=True, kw_only=True):
    metrics: list[Metric]
