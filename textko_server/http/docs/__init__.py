"""`/docs`: the published document as pages for people, one for each API. No scripts, no network.

The parts are loaded at the first request for a page: the server starts without them.
"""

import asyncio

from aiohttp import web

from textko_server.http.public_url import public_url

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    # Examples name the host that the caller named.
    "Cache-Control": "private, no-cache",
}


def routes() -> list[web.RouteDef]:
    return [web.get("/docs", get_docs), web.get("/docs/{tag}", get_docs)]


async def get_docs(request: web.Request) -> web.Response:
    """`GET /docs`: what there is; `GET /docs/{tag}`: one API, or 404."""
    name = request.match_info.get("tag")
    return await asyncio.to_thread(_page, public_url(request), name)


def _page(server_url: str, name: str | None) -> web.Response:
    from textko_server.http.docs import pages
    from textko_server.http.openapi.document import document

    described = document(server_url)
    if name is None:
        text = pages.index_page(described)
    elif name in {tag["name"] for tag in described["tags"]}:
        text = pages.tag_page(described, name)
    else:
        raise web.HTTPNotFound
    policy = (
        f"default-src 'none'; style-src 'sha256-{pages.STYLE_SHA256}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    headers = _HEADERS | {"Content-Security-Policy": policy}
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=headers)
