"""`/healthz`: the server takes requests. `/readyz`: and its disk takes writes."""

from aiohttp import web

from textko_server import __version__
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response


def routes() -> list[web.RouteDef]:
    return [web.get("/healthz", get_healthz), web.get("/readyz", get_readyz)]


async def get_healthz(request: web.Request) -> web.Response:
    return json_response({"status": "ok", "version": __version__})


async def get_readyz(request: web.Request) -> web.Response:
    """503 in the shape of an error when the writer does not answer."""
    await request.app[GATEWAY].db.write(lambda tx: tx.one("SELECT 1"))
    return json_response({"status": "ok", "version": __version__})
