"""Routes under each of SMSGate's prefixes, with the slash that too many people type at its end."""

from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler


def routes_under(
    prefixes: tuple[str, ...], method: str, path: str, handler: Handler
) -> list[web.RouteDef]:
    """`path` begins with a slash. An API URL that ends with one makes two of it."""
    options: dict[str, Any] = {"allow_head": False} if method == "GET" else {}
    make = _MAKE[method]
    return [
        make(prefix + slash + path, handler, **options)
        for prefix in prefixes
        for slash in ("", "/")
    ]


_MAKE: dict[str, Callable[..., web.RouteDef]] = {
    "GET": web.get, "POST": web.post, "PUT": web.put, "PATCH": web.patch, "DELETE": web.delete,
}  # fmt: skip
