"""The web application: every route, once, for the port and for the operator's socket."""

import asyncio

from aiohttp import web

from textko_server.gateway.events import (
    Event,
    MessageSubmitted,
    RecipientChanged,
    WebhookAttempted,
)
from textko_server.gateway.gateway import Gateway
from textko_server.http import admin, device, health
from textko_server.http.app_keys import (
    ABOUT,
    GATEWAY,
    IS_SOCKET,
    SELFHOSTED_RATE,
    STOPPING,
    About,
)
from textko_server.http.dialects import selfhosted, textko
from textko_server.http.metrics import METRICS, Metrics, get_metrics
from textko_server.http.middleware import answer_errors
from textko_server.http.rate_limits import RateLimit


def make_app(
    gateway: Gateway, metrics: Metrics, about: About, *, is_socket: bool
) -> web.Application:
    """`is_socket`: for the unix socket, where every caller is the operator."""
    app = web.Application(
        middlewares=[answer_errors], client_max_size=gateway.settings.server.max_body_bytes
    )
    app[GATEWAY] = gateway
    app[METRICS] = metrics
    app[IS_SOCKET] = is_socket
    app[ABOUT] = about
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_end_streams)
    app[SELFHOSTED_RATE] = RateLimit(gateway.clock, gateway.settings.rates.selfhosted_per_minute)
    app.add_routes(
        [
            *health.routes(),
            web.get("/metrics", get_metrics),
            *device.routes(),
            *admin.routes(),
            *textko.routes(),
            *selfhosted.routes(),
        ]
    )
    return app


async def _end_streams(app: web.Application) -> None:
    app[STOPPING].set()


def make_metrics(gateway: Gateway) -> Metrics:
    """Counters that follow the gateway's events."""
    metrics = Metrics()

    def count(event: Event) -> None:
        if isinstance(event, MessageSubmitted):
            metrics.count_event("recipient", event.state, len(event.recipient_ids))
        elif isinstance(event, RecipientChanged):
            metrics.count_event("recipient", event.state)
        elif isinstance(event, WebhookAttempted):
            outcome = "delivered" if event.state == "delivered" else "failed"
            metrics.count_event("webhook", outcome)

    gateway.events.listen(count, MessageSubmitted, RecipientChanged, WebhookAttempted)
    return metrics
