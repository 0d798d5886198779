"""`/metrics`: all there is to count, in the Prometheus text format; the admin API has it as JSON.

https://prometheus.io/docs/instrumenting/exposition_formats/. Each number is in memory already or
one short look at an index, so that a collector may come every few seconds.
"""

import ipaddress

from aiohttp import web

from textko_server import __version__
from textko_server.errors import Forbidden
from textko_server.gateway.gateway import Gateway
from textko_server.http.app_keys import ABOUT, GATEWAY
from textko_server.http.auth import authenticate, require_scope
from textko_server.http.metrics import METRICS, Family, Metrics
from textko_server.http.operator_socket import is_by_operator
from textko_server.http.process_metrics import process_families
from textko_server.model import Role, Scope, State

_OUTCOMES = ("delivered", "failed")


async def get_metrics(request: web.Request) -> web.Response:
    """`GET /metrics`."""
    await _check_access(request)
    lines = [line for family in await families(request.app) for line in family.lines()]
    return web.Response(
        text="\n".join(lines) + "\n",
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


async def get_metrics_by_operator(request: web.Request) -> web.Response:
    """`GET /metrics` where the port is not to have it: on the operator's socket alone."""
    if not is_by_operator(request):
        raise web.HTTPNotFound
    return await get_metrics(request)


async def families(app: web.Application) -> list[Family]:
    """All there is to tell, of now."""
    gateway, metrics = app[GATEWAY], app[METRICS]
    program = Family("textko_info", "The program.", "gauge")
    program.add(1, version=__version__)
    return [
        program,
        *await _of_phones(gateway),
        *await _of_queue(gateway, metrics),
        *await _of_webhooks(gateway, metrics),
        *await _of_disk(gateway),
        *_of_certificate(gateway),
        *process_families(app[ABOUT].started_at),
        *metrics.families(),
    ]


async def _of_phones(gateway: Gateway) -> list[Family]:
    batteries = await gateway.phone_alerts.batteries()
    lowest = Family("textko_battery_lowest_percent", "Of phones heard of lately.", "gauge")
    if batteries.lowest_percent is not None:
        lowest.add(batteries.lowest_percent)
    return [
        _gauge("textko_devices_paired", "Phones that are paired.", gateway.devices.paired_count),
        _gauge(
            "textko_devices_online",
            "Devices with an open poll or a recent one.",
            gateway.presence.online_count,
        ),
        _gauge(
            "textko_devices_away",
            "Phones silent for webhooks.phone_offline_after_s.",
            gateway.phone_alerts.away_count,
        ),
        _gauge(
            "textko_devices_battery_low",
            "Phones heard of lately at 20 % or less and not charging.",
            batteries.low_count,
        ),
        lowest,
        _gauge("textko_polls_open", "Open long-polls.", gateway.polls.open_count),
    ]


async def _of_queue(gateway: Gateway, metrics: Metrics) -> list[Family]:
    depth, oldest_at = await gateway.messages.queue_depth()
    changes = Family(
        "textko_recipient_changes_total", "Changes of state, by the new state.", "counter"
    )
    for state in sorted(State):
        changes.add(metrics.events.get(("recipient", state), 0), state=state.value)
    submitted, incoming = metrics.events.get(("submit", ""), 0), metrics.events.get(("in", ""), 0)
    return [
        _gauge("textko_queue_depth", "Jobs waiting for a phone.", depth),
        _gauge(
            "textko_oldest_queued_seconds", "Age of the oldest waiting job.",
            _age_s(gateway, oldest_at),
        ),
        _counter("textko_submitted_total", "Recipients of messages submitted.", submitted),
        _counter("textko_incoming_total", "Messages that phones received.", incoming),
        changes,
    ]  # fmt: skip


async def _of_webhooks(gateway: Gateway, metrics: Metrics) -> list[Family]:
    due_count, due_at = await gateway.webhook_log.due()
    attempts = Family(
        "textko_webhook_attempts_total", "Attempts at webhook deliveries, by outcome.", "counter"
    )
    for outcome in _OUTCOMES:
        attempts.add(metrics.events.get(("webhook", outcome), 0), outcome=outcome)
    return [
        attempts,
        _gauge("textko_webhook_deliveries_due", "Deliveries whose attempt is due.", due_count),
        _gauge(
            "textko_webhook_oldest_due_seconds", "For how long the first of them has been.",
            _age_s(gateway, due_at),
        ),
    ]  # fmt: skip


async def _of_disk(gateway: Gateway) -> list[Family]:
    disk = await gateway.db.disk()
    backup = Family("textko_last_backup_timestamp_seconds", "Of the newest backup.", "gauge")
    last_at = await gateway.backups.last_at()
    if last_at is not None:
        backup.add(last_at // 1000)
    has_failed = gateway.backups.last_failure is not None
    return [
        _gauge("textko_database_bytes", "On disk.", await gateway.db.size_bytes()),
        _gauge("textko_disk_free_bytes", "On the disk of the database.", disk.free_bytes),
        _gauge(
            "textko_disk_read_only", "1: the disk of the database takes no changes.",
            int(disk.is_read_only),
        ),
        backup,
        _gauge("textko_backup_failed", "1: the last attempt at a backup failed.", int(has_failed)),
    ]  # fmt: skip


def _of_certificate(gateway: Gateway) -> list[Family]:
    state = gateway.certificates.state()
    return [
        _gauge(
            "textko_certificate_ends_timestamp_seconds", "Of the port's certificate; 0: no TLS.",
            state.certificate.ends_at // 1000 if state.certificate else 0,
        ),
        _gauge(
            "textko_certificate_failed",
            "1: the last attempt to renew the certificate, or to read it, failed.",
            int(state.failure is not None),
        ),
    ]  # fmt: skip


def _age_s(gateway: Gateway, at: int | None) -> float:
    return 0 if at is None else max(0, gateway.clock.now_ms() - at) / 1000


def _gauge(name: str, help_text: str, value: float) -> Family:
    family = Family(name, help_text, "gauge")
    family.add(value)
    return family


def _counter(name: str, help_text: str, value: float) -> Family:
    family = Family(name, help_text, "counter")
    family.add(value)
    return family


async def _check_access(request: web.Request) -> None:
    """Numbers of all accounts: for admins, and for a collector on this machine.

    A request that a proxy passed on comes from this machine only seemingly.

    Raises:
        Unauthenticated, Forbidden.
    """
    if is_by_operator(request) or _is_local(request):
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
