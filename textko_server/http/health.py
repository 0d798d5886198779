"""`/healthz`: the server takes requests. `/readyz`: and can keep what it is given."""

from aiohttp import web

from textko_server import __version__
from textko_server.errors import Unavailable
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response


def routes() -> list[web.RouteDef]:
    return [web.get("/healthz", get_healthz), web.get("/readyz", get_readyz)]


async def get_healthz(request: web.Request) -> web.Response:
    return json_response({"status": "ok", "version": __version__})


async def get_readyz(request: web.Request) -> web.Response:
    """503 in the shape of an error, with what is wrong, when it should be given no work."""
    checks = await request.app[GATEWAY].health.readiness()
    problems = [check.text for check in checks if check.state == "problem"]
    if problems:
        raise Unavailable("; ".join(problems))
    return json_response({"status": "ok", "version": __version__})
