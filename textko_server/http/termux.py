"""`/t/<pairing code>`: what makes a phone with Termux a device, for `curl … | python -`.

Every well-formed code gets the same program with that code and our address filled in; whether it
is good, the phone learns by pairing with it, where guesses are counted. Refuses to know what the
program does: textko_server/termux.
"""

import json
import re
from functools import cache
from importlib.resources import files

from aiohttp import web

from textko_server import __version__
from textko_server.errors import Invalid
from textko_server.http.public_url import public_url
from textko_server.termux import PARTS

_ADDRESS = re.compile(r"https?://[A-Za-z0-9.:_\-\[\]]+(/[A-Za-z0-9._~/\-]*)?")
# Imports of one part by another; all of them are one module on the phone.
_OWN_IMPORTS = re.compile(
    r"^from (?:__future__|textko_server\.termux\S*) import (?:\([^)]*\)|[^(\n]*)\n", re.MULTILINE
)


def routes() -> list[web.RouteDef]:
    # As pairing.py makes them; whoever types one may leave out the dash and use small letters.
    return [web.get(r"/t/{code:[A-Za-z0-9]{4}-?[A-Za-z0-9]{4}}", get_program)]


async def get_program(request: web.Request) -> web.Response:
    """`GET /t/K7QM-2XWD`."""
    address = public_url(request)
    if not _ADDRESS.fullmatch(address):  # made of the caller's Host; it becomes part of a program
        raise Invalid("Host", "is no host name")
    text = program(address, request.match_info["code"].upper())
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(text=text, content_type="text/x-python", charset="utf-8", headers=headers)


def program(address: str, code: str) -> str:
    """The whole program, for a phone that is to reach us at `address`."""
    filled = _joined()
    for name, value in (("SERVER", address), ("CODE", code), ("VERSION", __version__)):
        filled = filled.replace(f'\n{name} = ""\n', f"\n{name} = {json.dumps(value)}\n", 1)
    return filled


@cache
def _joined() -> str:
    folder = files("textko_server.termux")
    texts = [folder.joinpath(f"{name}.py").read_text("utf-8") for name in PARTS]
    parts = [_OWN_IMPORTS.sub("", text).strip() for text in texts]
    first = '"""A phone with Termux as a device of a textko server: --help."""'
    return "\n\n\n".join([f"{first}\n\nfrom __future__ import annotations", *parts]) + "\n"
