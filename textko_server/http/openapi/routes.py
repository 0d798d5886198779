"""`GET /openapi.json`."""

import asyncio
from typing import Any

from aiohttp import web

from textko_server.http.bodies import json_response
from textko_server.http.public_url import public_url

# It names the host that the caller named.
_HEADERS = {"Cache-Control": "private, no-cache"}


def routes() -> list[web.RouteDef]:
    return [web.get("/openapi.json", get_openapi)]


async def get_openapi(request: web.Request) -> web.Response:
    # Making it takes a while, the first time: other requests go on.
    described = await asyncio.to_thread(_document, public_url(request))
    return json_response(described, headers=_HEADERS)


def _document(server_url: str) -> dict[str, Any]:
    from textko_server.http.openapi.document import document  # the server starts without it

    return document(server_url)
