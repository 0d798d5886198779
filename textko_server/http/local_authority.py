"""`/tls`: the certificate of the local authority for phones to download, and how they trust it.

Open to everybody: it is no secret, and who does not trust it yet cannot log in safely.
Whether it is the right one, the fingerprint tells. Where there is no such authority, there is no
such page.
"""

import asyncio
import html

from aiohttp import web

from textko_server.http.app_keys import ABOUT, GATEWAY
from textko_server.tls.places import LocalPlaces
from textko_server.tls.reading import read_certificate
from textko_server.tls.trust_steps import FILE_NAME, in_pairs, steps

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}
_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trust this server</title>
<h1>Trust this server</h1>
<p><a href="/tls/ca.crt">Download {file}</a>, after you have compared its fingerprint (SHA-256) with
what <code>textko tls status</code> says on the server:</p>
<p><code>{fingerprint}</code></p>
<dl>
{steps}
</dl>
"""


def routes() -> list[web.RouteDef]:
    return [web.get("/tls", get_page), web.get("/tls/ca.crt", get_certificate)]


async def get_certificate(request: web.Request) -> web.Response:
    """`GET /tls/ca.crt`: PEM."""
    return web.Response(
        body=await asyncio.to_thread(_read, request),
        content_type="application/x-x509-ca-cert",
        headers=_HEADERS | {"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
    )


async def get_page(request: web.Request) -> web.Response:
    """`GET /tls`"""
    text = await asyncio.to_thread(_page, request)
    return web.Response(text=text, content_type="text/html", charset="utf-8", headers=_HEADERS)


def _page(request: web.Request) -> str:
    told = [
        f"<dt>{html.escape(step.where)}</dt><dd>{html.escape(step.sentence)}"
        + (f"<pre>{html.escape(step.command)}</pre>" if step.command else "")
        + "</dd>"
        for step in steps(request.app[ABOUT].url)
    ]
    return _PAGE.format(
        file=FILE_NAME,
        fingerprint=in_pairs(read_certificate(_read(request)).fingerprint),
        steps="\n".join(told),
    )


def _read(request: web.Request) -> bytes:
    """Raises HTTPNotFound: no such authority signs for this server."""
    server = request.app[GATEWAY].settings.server
    places = LocalPlaces(server.data_dir)
    if not places.is_used_by(server):
        raise web.HTTPNotFound
    try:
        return places.authority.read_bytes()
    except OSError as error:
        raise web.HTTPNotFound from error
