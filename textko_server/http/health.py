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
    """503 in the shape of an error, with what is wrong, when it should be given no work. What is
    wrong with the certificate stands beside `ok`.
    """
    health = request.app[GATEWAY].health
    checks = await health.readiness()
    if not health.is_ready(checks):
        raise Unavailable("; ".join(check.text for check in checks if check.state == "problem"))
    answer: dict[str, str] = {"status": "ok", "version": __version__}
    for check in checks:
        if check.name == "certificate" and check.state != "ok":
            answer["certificate"] = check.text
    return json_response(answer)
