"""What the benchmark asks of its load generator, a process of its own: one JSON line each way.

Refuses to know how an order is carried out; load.py does.
"""

import msgspec


class Order(msgspec.Struct, frozen=True, tag_field="order"):
    """Answered by the struct that its docstring names."""


class OpenRequests(Order, frozen=True, tag="open_requests"):
    """Connections that will send `template` with running numbers in place. Done."""

    name: str
    port: int
    connections_count: int
    template: str


class RunRequests(Order, frozen=True, tag="run_requests"):
    """Each connection sends the next request when it has its answer. Counted."""

    name: str
    seconds: float


class OpenPhones(Order, frozen=True, tag="open_phones"):
    """Phones that keep a poll open and work off what they are offered. Done."""

    name: str
    port: int
    tokens: list[str]
    capacity: int


class RunCycles(Order, frozen=True, tag="run_cycles"):
    """Submit through `requests` and let `phones` bring all of it to delivered. Counted."""

    requests: str
    phones: str
    seconds: float
    in_flight_count: int
    """No more messages than this on their way at a time."""


class RunLatencies(Order, frozen=True, tag="run_latencies"):
    """Submit at a steady pace; how long until a phone holds each job. Latencies."""

    requests: str
    phones: str
    seconds: float
    per_second: int


class RunRoundTrips(Order, frozen=True, tag="run_round_trips"):
    """One request after the other on one connection. RoundTrips."""

    name: str
    seconds: float


class OpenIdlePhones(Order, frozen=True, tag="open_idle_phones"):
    """Phones with an open poll each and no more. Done."""

    port: int
    tokens: list[str]


class WakeIdlePhones(Order, frozen=True, tag="wake_idle_phones"):
    """Send the requests at once; wait until every idle phone is answered. Woken."""

    port: int
    requests: list[str]
    limit_s: float


AnyOrder = (
    OpenRequests
    | RunRequests
    | OpenPhones
    | RunCycles
    | RunLatencies
    | RunRoundTrips
    | OpenIdlePhones
    | WakeIdlePhones
)


class Done(msgspec.Struct, frozen=True):
    pass


class Counted(msgspec.Struct, frozen=True):
    count: int
    seconds: float
    """From the first request to the last answer."""
    refused_count: int
    """Answers that were not 2xx; a benchmark with any is void."""

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


class Latencies(msgspec.Struct, frozen=True):
    """Milliseconds from the submit's answer, sorted."""

    offered_ms: list[float]
    granted_ms: list[float]
    refused_count: int


class RoundTrips(msgspec.Struct, frozen=True):
    ms: list[float]
    """Sorted."""


class Woken(msgspec.Struct, frozen=True):
    answered_count: int
    submitted_s: float
    """From the first request sent to the last one answered."""
    answered_s: float
    """From the first request sent to the last phone answered."""
