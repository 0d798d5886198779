"""Counters, and `/metrics` in the Prometheus text format, version 0.0.4.

Labels are bounded: route templates, methods, status codes, states. Never a token, number or id.
"""

import ipaddress
from bisect import bisect_left

from aiohttp import web

from textko_server import __version__
from textko_server.errors import Forbidden
from textko_server.http.app_keys import GATEWAY, IS_SOCKET
from textko_server.http.auth import authenticate, require_scope
from textko_server.model import Role, Scope

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

    def render_requests(self) -> list[str]:
        lines = [
            "# HELP textko_http_requests_total Requests answered.",
            "# TYPE textko_http_requests_total counter",
        ]
        for (route, method, status), count in sorted(self._requests.items()):
            labels = f'route="{route}",method="{method}",code="{status}"'
            lines.append(f"textko_http_requests_total{{{labels}}} {count}")
        name = "textko_http_request_duration_seconds"
        lines += [f"# HELP {name} Time to answer; long-polls wait.", f"# TYPE {name} histogram"]
        for route, buckets in sorted(self._durations.items()):
            total = 0
            for bound, count in zip((*_BUCKETS_S, "+Inf"), buckets, strict=True):
                total += count
                lines.append(f'{name}_bucket{{route="{route}",le="{bound}"}} {total}')
            lines.append(f'{name}_sum{{route="{route}"}} {self._duration_sums[route]:.6f}')
            lines.append(f'{name}_count{{route="{route}"}} {total}')
        return lines


METRICS = web.AppKey("metrics", Metrics)


async def get_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`."""
    await _check_access(request)
    gateway = request.app[GATEWAY]
    lines = [
        "# HELP textko_info The program.",
        "# TYPE textko_info gauge",
        f'textko_info{{version="{__version__}"}} 1',
        "# HELP textko_devices_online Devices with an open poll or a recent one.",
        "# TYPE textko_devices_online gauge",
        f"textko_devices_online {gateway.presence.online_count}",
        "# HELP textko_polls_open Open long-polls.",
        "# TYPE textko_polls_open gauge",
        f"textko_polls_open {gateway.polls.open_count}",
        *await _queue_lines(request),
        *request.app[METRICS].render_requests(),
    ]
    return web.Response(
        text="\n".join(lines) + "\n",
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


async def _check_access(request: web.Request) -> None:
    """Numbers of all accounts: for admins, and for a collector on this machine.

    A request that a proxy passed on comes from this machine only seemingly.

    Raises:
        Unauthenticated, Forbidden.
    """
    if request.app[IS_SOCKET] or _is_local(request):
        return
    principal = await authenticate(request)
    if principal.role is not Role.ADMIN:
        raise Forbidden("only an admin may see the metrics")
    require_scope(principal, Scope.READ_ANALYTICS)


def _is_local(request: web.Request) -> bool:
    if any(name in request.headers for name in ("X-Forwarded-For", "Forwarded")):
        return False
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


async def _queue_lines(request: web.Request) -> list[str]:
    gateway = request.app[GATEWAY]
    depth, oldest_at = await gateway.messages.queue_depth()
    age_s = (gateway.clock.now_ms() - oldest_at) / 1000 if oldest_at is not None else 0
    lines = [
        "# HELP textko_queue_depth Jobs waiting for a phone.",
        "# TYPE textko_queue_depth gauge",
        f"textko_queue_depth {depth}",
        "# HELP textko_oldest_queued_seconds Age of the oldest waiting job.",
        "# TYPE textko_oldest_queued_seconds gauge",
        f"textko_oldest_queued_seconds {age_s:.3f}",
        "# HELP textko_recipient_changes_total Changes of state, by the new state.",
        "# TYPE textko_recipient_changes_total counter",
    ]
    events = sorted(request.app[METRICS].events.items())
    lines += [
        f'textko_recipient_changes_total{{state="{label}"}} {count}'
        for (kind, label), count in events
        if kind == "recipient"
    ]
    lines += [
        "# HELP textko_webhook_attempts_total Attempts at webhook deliveries, by outcome.",
        "# TYPE textko_webhook_attempts_total counter",
    ]
    lines += [
        f'textko_webhook_attempts_total{{outcome="{label}"}} {count}'
        for (kind, label), count in events
        if kind == "webhook"
    ]
    return lines
