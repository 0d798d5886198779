"""`/admin/v1/status` and `/settings`: how the server is doing and what it was told. Admins only."""

from textko_server import __version__
from textko_server import admin_wire as wire
from textko_server.admin_settings import list_settings
from textko_server.gateway.message_search import Wanted
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.model import State

_OPEN = frozenset({State.SCHEDULED, State.QUEUED, State.OFFERED, State.CLAIMED})


async def get_status(call: Call) -> wire.Status:
    require_admin(call)
    gateway, about = call.gateway, call.about
    depth, oldest_at = await gateway.messages.queue_depth()
    open_counts = await gateway.message_search.count(call.principal, Wanted(states=_OPEN))
    now_ms = gateway.clock.now_ms()
    failure = gateway.backups.last_failure
    return wire.Status(
        version=__version__,
        started_at=about.started_at,
        uptime_s=max(0, now_ms - about.started_at) // 1000,
        url=about.url,
        devices_online=gateway.presence.online_count,
        open_polls=gateway.polls.open_count,
        queue_depth=depth,
        oldest_queued_at=oldest_at,
        open_messages={
            state: open_counts.by_state.get(state, 0) for state in State if state in _OPEN
        },
        webhooks_due=await gateway.webhook_log.count_due(),
        data_dir=str(gateway.settings.server.data_dir.absolute()),
        database_bytes=await gateway.db.size_bytes(),
        last_backup_at=await gateway.backups.last_at(),
        backup_failure=failure.reason if failure else None,
    )


async def get_health(call: Call) -> wire.Health:
    """Whether it can do its work, check by check: the short form is `/readyz`."""
    require_admin(call)
    health = call.gateway.health
    checks = await health.list_checks()
    return wire.Health(
        is_ready=health.is_ready(checks),
        checks=[wire.HealthCheck(name=c.name, state=c.state, text=c.text) for c in checks],
    )


async def get_settings(call: Call) -> wire.SettingList:
    """Every setting in force and where it came from; there are no secrets among them."""
    require_admin(call)
    return wire.SettingList(settings=list_settings(call.gateway.settings, call.about.sources))


ENDPOINTS = (
    Endpoint("GET", "/status", get_status),
    Endpoint("GET", "/health", get_health),
    Endpoint("GET", "/settings", get_settings),
)
