"""The web application: every route, once, for the port and for the sockets beside it."""

import asyncio

from aiohttp import web

from textko_server.gateway.events import (
    Event,
    IncomingReceived,
    MessageSubmitted,
    RecipientChanged,
    WebhookAttempted,
)
from textko_server.gateway.gateway import Gateway
from textko_server.http import admin, dashboard, device, docs, health, local_authority, termux
from textko_server.http.app_keys import (
    ABOUT,
    GATEWAY,
    KEY_RATE,
    SELFHOSTED_RATE,
    STOPPING,
    About,
)
from textko_server.http.cors import DIALECT_PREFIXES, allow_origin
from textko_server.http.dialects import cht, selfhosted, smsgate, texify, textko, textlink
from textko_server.http.metrics import METRICS, Metrics
from textko_server.http.metrics_page import get_metrics, get_metrics_by_operator
from textko_server.http.middleware import answer_errors
from textko_server.http.openapi import routes as openapi
from textko_server.http.rate_limits import RateLimit


def make_app(gateway: Gateway, metrics: Metrics, about: About) -> web.Application:
    app = _bare_app(gateway, metrics, about)
    app.on_response_prepare.append(allow_origin)
    routes: list[web.RouteDef] = [
        *health.routes(),
        *openapi.routes(),
        *docs.routes(),
        *local_authority.routes(),
        *device.routes(),
        *termux.routes(),
        *admin.routes(),
        *textko.routes(),
        *textlink.routes(),
        *texify.routes(),
        *smsgate.routes(),
        *selfhosted.routes(),
        *cht.routes(),
    ]
    is_on_port = gateway.settings.metrics.on_port
    routes.append(web.get("/metrics", get_metrics if is_on_port else get_metrics_by_operator))
    if gateway.settings.dashboard.enabled:
        dashboard.set_up(app)
        routes += dashboard.routes()
    app.add_routes([*routes, *_with_slash(routes)])
    return app


def make_metrics_app(gateway: Gateway, metrics: Metrics, about: About) -> web.Application:
    """For a listener of their own: `/metrics`, health, and nothing else."""
    app = _bare_app(gateway, metrics, about)
    app.add_routes([*health.routes(), web.get("/metrics", get_metrics)])
    return app


def _bare_app(gateway: Gateway, metrics: Metrics, about: About) -> web.Application:
    app = web.Application(
        middlewares=[answer_errors], client_max_size=gateway.settings.server.max_body_bytes
    )
    app[GATEWAY] = gateway
    app[METRICS] = metrics
    app[ABOUT] = about
    app[STOPPING] = asyncio.Event()
    app.on_shutdown.append(_end_streams)
    app[SELFHOSTED_RATE] = RateLimit(gateway.clock, gateway.settings.rates.selfhosted_per_minute)
    app[KEY_RATE] = RateLimit(gateway.clock, gateway.settings.rates.requests_per_minute)
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
            metrics.count_event("submit", "", len(event.recipient_ids))
        elif isinstance(event, RecipientChanged):
            metrics.count_event("recipient", event.state)
        elif isinstance(event, WebhookAttempted):
            outcome = "delivered" if event.state == "delivered" else "failed"
            metrics.count_event("webhook", outcome)
        elif isinstance(event, IncomingReceived):
            metrics.count_event("in", "")

    kinds = (MessageSubmitted, RecipientChanged, WebhookAttempted, IncomingReceived)
    gateway.events.listen(count, *kinds)
    return metrics
