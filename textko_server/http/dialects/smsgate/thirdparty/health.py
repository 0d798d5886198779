"""`/health`: whether the server is there and can work, in the words of SMSGate's.

Under the base and at the root, open to everybody: monitors have no keys.
"""

from aiohttp import web

from textko_server import __version__
from textko_server.gateway.health import Check
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response
from textko_server.http.dialects.smsgate.routing import routes_under
from textko_server.http.dialects.smsgate.shape import THIRDPARTY_PREFIXES
from textko_server.http.dialects.smsgate.thirdparty import wire

_WORD_OF: dict[str, wire.HealthWord] = {"ok": "pass", "warning": "warn", "problem": "fail"}


def routes() -> list[web.RouteDef]:
    return [
        route
        for path, handler in HANDLERS.items()
        for route in (
            *routes_under(THIRDPARTY_PREFIXES, "GET", path, handler),
            web.get(path, handler),
        )
    ]


async def get_ready(request: web.Request) -> web.Response:
    """Whether it can keep what it is given; 503 when not."""
    health = _health(await request.app[GATEWAY].health.readiness())
    return json_response(health, status=503 if health.status == "fail" else 200)


async def get_live(request: web.Request) -> web.Response:
    """That it takes requests."""
    return json_response(_health([]))


def _health(checks: list[Check]) -> wire.HealthTold:
    words = {check.name: _WORD_OF[check.state] for check in checks}
    worst: wire.HealthWord = next((w for w in ("fail", "warn") if w in words.values()), "pass")
    return wire.HealthTold(
        status=worst,
        version=__version__,
        release_id=_release_number(),
        checks={
            # What is fine may name folders: that is for operators.
            check.name: wire.HealthCheck(
                status=words[check.name], description="" if check.state == "ok" else check.text
            )
            for check in checks
        },
    )


def _release_number() -> int:
    """`1.2.3` is 10203: clients read a number that grows."""
    parts = [int(part) if part.isdecimal() else 0 for part in __version__.split(".")[:3]]
    number = 0
    for part in parts:
        number = number * 100 + min(part, 99)
    return number


HANDLERS = {
    "/health": get_ready,
    "/health/ready": get_ready,
    "/health/live": get_live,
    "/health/startup": get_live,
}
