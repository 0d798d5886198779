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
from textko_server.http import admin, dashboard, device, docs, health
from textko_server.http.app_keys import (
    ABOUT,
    GATEWAY,
    IS_SOCKET,
    KEY_RATE,
    SELFHOSTED_RATE,
    STOPPING,
    About,
)
from textko_server.http.cors import DIALECT_PREFIXES, allow_origin
from textko_server.http.dialects import selfhosted, texify, textko, textlink
from textko_server.http.metrics import METRICS, Metrics, get_metrics
from textko_server.http.middleware import answer_errors
from textko_server.http.openapi import routes as openapi
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
    app.on_response_prepare.append(allow_origin)
    app[SELFHOSTED_RATE] = RateLimit(gateway.clock, gateway.settings.rates.selfhosted_per_minute)
    app[KEY_RATE] = RateLimit(gateway.clock, gateway.settings.rates.requests_per_minute)
    routes: list[web.RouteDef] = [
        *health.routes(),
        web.get("/metrics", get_metrics),
        *openapi.routes(),
        *docs.routes(),
        *device.routes(),
        *admin.routes(),
        *textko.routes(),
        *textlink.routes(),
        *texify.routes(),
        *selfhosted.routes(),
    ]
    if gateway.settings.dashboard.enabled:
        dashboard.set_up(app)
        routes += dashboard.routes()
    app.add_routes([*routes, *_with_slash(routes)])
    return app


def _with_slash(routes: list[web.RouteDef]) -> list[web.RouteDef]:
    """The dialects' routes again with a slash at the end, which their vendors' servers take too.

    Not by redirect: most clients do not follow one with a body. After all others, so that nothing
    is looked up later than it would be without them.
    """
    return [
        web.RouteDef(route.method, route.path + "/", route.handler, route.kwargs)
        for route in routes
        if route.path.startswith(DIALECT_PREFIXES)
    ]


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
