"""`/admin/v1/about` and `/metrics`: what this server is made of and what it counts. Admins only."""

import platform

from textko_server import __version__
from textko_server import admin_wire as wire
from textko_server.config import Settings
from textko_server.http.admin.access import require_admin
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.metrics_page import families
from textko_server.store import row_counts

_LICENCE = "MIT"


async def get_about(call: Call) -> wire.About:
    """What it is made of, how much it holds, and what is switched on."""
    require_admin(call)
    gateway, about = call.gateway, call.about
    exact = await row_counts.count_rows(gateway.db)
    estimated = await row_counts.estimate_rows(gateway.db)
    return wire.About(
        version=__version__,
        licence=_LICENCE,
        python=platform.python_version(),
        sqlite=gateway.db.sqlite_version,
        platform=platform.platform(terse=True),
        url=about.url,
        data_dir=str(gateway.settings.server.data_dir.absolute()),
        started_at=about.started_at,
        uptime_s=max(0, gateway.clock.now_ms() - about.started_at) // 1000,
        database_bytes=await gateway.db.size_bytes(),
        counts=[
            *(wire.RowCount(name=n, count=c, is_estimate=False) for n, c in exact.items()),
            *(wire.RowCount(name=n, count=c, is_estimate=True) for n, c in estimated.items()),
        ],
        features=_features(gateway.settings),
    )


async def list_metrics(call: Call) -> wire.MetricList:
    """The numbers of `/metrics`, since the server's start."""
    require_admin(call)
    return wire.MetricList(
        metrics=[
            wire.Metric(
                name=family.name + sample.suffix, help=family.help, kind=family.kind,
                labels=sample.labels, value=sample.value,
            )
            for family in await families(call.request.app)
            for sample in family.samples
        ]
    )  # fmt: skip


def _features(settings: Settings) -> list[wire.Feature]:
    """What a setting switches on or off."""
    server, store, dispatch = settings.server, settings.store, settings.dispatch
    switches = {
        "TLS": (server.tls_cert or server.domain, "server.tls_cert"),
        "trusted proxies": (server.trusted_proxies, "server.trusted_proxies"),
        "calls from web pages": (server.cors_origins, "server.cors_origins"),
        "open registration": (settings.accounts.registration == "open", "accounts.registration"),
        "national numbers": (settings.messages.default_region, "messages.default_region"),
        "STOP opts out": (settings.opt_out.recognize, "opt_out.recognize"),
        "confirmation of STOP": (settings.opt_out.confirmation, "opt_out.confirmation"),
        "sending again after silence": (
            dispatch.resend_after_silence, "dispatch.resend_after_silence",
        ),
        "webhooks to private addresses": (
            settings.webhooks.allow_private_targets, "webhooks.allow_private_targets",
        ),
        "requests a minute": (settings.rates.requests_per_minute, "rates.requests_per_minute"),
        "old messages are deleted": (store.keep_messages_days, "store.keep_messages_days"),
        "old texts are emptied": (store.keep_text_days, "store.keep_text_days"),
        "a log line for each request": (settings.log.access, "log.access"),
    }  # fmt: skip
    return [
        wire.Feature(name=name, is_on=bool(value), setting=setting)
        for name, (value, setting) in switches.items()
    ]


ENDPOINTS = (
    Endpoint("GET", "/about", get_about),
    Endpoint("GET", "/metrics", list_metrics),
)
