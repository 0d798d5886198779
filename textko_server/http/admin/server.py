"""`/admin/v1/status` and `/settings`: how the server is doing and what it was told. Admins only."""

from textko_server import __version__
from textko_server import admin_wire as wire
from textko_server.admin_settings import list_settings
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint


async def get_status(call: Call) -> wire.Status:
    require_admin(call)
    gateway, about = call.gateway, call.about
    depth, oldest_at = await gateway.messages.queue_depth()
    now_ms = gateway.clock.now_ms()
    return wire.Status(
        version=__version__,
        started_at=about.started_at,
        uptime_s=max(0, now_ms - about.started_at) // 1000,
        url=about.url,
        devices_online=gateway.presence.online_count,
        open_polls=gateway.polls.open_count,
        queue_depth=depth,
        oldest_queued_at=oldest_at,
        webhooks_due=await gateway.webhooks.count_due(),
        data_dir=str(gateway.settings.server.data_dir.absolute()),
        database_bytes=await gateway.db.size_bytes(),
    )


async def get_settings(call: Call) -> wire.SettingList:
    """Every setting in force and where it came from; there are no secrets among them."""
    require_admin(call)
    return wire.SettingList(settings=list_settings(call.gateway.settings, call.about.sources))


ENDPOINTS = (
    Endpoint("GET", "/status", get_status),
    Endpoint("GET", "/settings", get_settings),
)
