"""`/dashboard/static/…`: the few files the pages load, ours and textual-serve's, and nothing else.

Read and compressed once, when first asked for; browsers ask again whether a file has changed.
"""

import asyncio
import gzip
import hashlib
from functools import cache
from importlib.resources import files

import msgspec
from aiohttp import hdrs, web

from textko_server.http.dashboard.html import PREFIX

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".ttf": "font/ttf",
}
# By name: the package and the path in it.
_FILES = {
    "plain.css": (__package__, "plain.css"),
    "terminal.css": (__package__, "terminal.css"),
    "terminal.js": (__package__, "terminal.js"),
    "xterm.css": ("textual_serve", "static/css/xterm.css"),
    "textual.js": ("textual_serve", "static/js/textual.js"),
    "mono.ttf": ("textual_serve", "static/fonts/RobotoMono-VariableFont_wght.ttf"),
    "mono-italic.ttf": ("textual_serve", "static/fonts/RobotoMono-Italic-VariableFont_wght.ttf"),
}


class _File(msgspec.Struct, frozen=True):
    content: bytes
    compressed: bytes
    tag: str
    content_type: str


def routes() -> list[web.RouteDef]:
    return [web.get(f"{PREFIX}/static/{{name}}", get_file)]


async def get_file(request: web.Request) -> web.Response:
    """`GET /dashboard/static/{name}`: open to everybody, nothing in it is anybody's."""
    name = request.match_info["name"]
    if name not in _FILES:
        raise web.HTTPNotFound
    file = await asyncio.to_thread(_read, name)
    headers = {
        hdrs.ETAG: f'"{file.tag}"',
        hdrs.CACHE_CONTROL: "no-cache",
        hdrs.VARY: hdrs.ACCEPT_ENCODING,
        "X-Content-Type-Options": "nosniff",
    }
    if any(known.value == file.tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = file.content_type
    if "gzip" in request.headers.get(hdrs.ACCEPT_ENCODING, ""):
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(body=file.compressed, headers=headers)
    return web.Response(body=file.content, headers=headers)


@cache
def _read(name: str) -> _File:
    package, path = _FILES[name]
    content = files(package).joinpath(path).read_bytes()
    tag = hashlib.sha256(content).hexdigest()[:32]
    content_type = _TYPES[name[name.rindex(".") :]]
    return _File(content, gzip.compress(content, mtime=0), tag, content_type)
