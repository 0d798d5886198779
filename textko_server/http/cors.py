"""Which web pages may call the dialects from a browser. Fetch standard, section 3.3: CORS protocol.

Only the dialects: the admin API and the device protocol are not for pages. No cookies are involved,
so any origin may be allowed: a page still needs an API key.
"""

from aiohttp import hdrs, web

from textko_server.http.app_keys import GATEWAY

DIALECT_PREFIXES = ("/api/", "/download/", "/postman", "/3rdparty/")
_METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
_REQUEST_HEADERS = "Authorization, Content-Type, X-API-Key, Idempotency-Key"
_ANSWER_HEADERS = (
    "Content-Disposition, Idempotent-Replayed, Link, Location, RateLimit, RateLimit-Policy,"
    " Repr-Digest, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-Total-Count"
)
_REMEMBER_S = 86_400


def answer_preflight(request: web.Request) -> web.Response | None:
    """204 for a browser that asks whether a page may; None when the request is not that question.

    allow_origin adds whether it may.
    """
    if request.method != hdrs.METH_OPTIONS or not request.path.startswith(DIALECT_PREFIXES):
        return None
    is_preflight = hdrs.ORIGIN in request.headers and (
        hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
    )
    if not is_preflight:
        return None
    headers = {
        hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
        hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _REQUEST_HEADERS,
        hdrs.ACCESS_CONTROL_MAX_AGE: str(_REMEMBER_S),
    }
    return web.Response(status=204, headers=headers)


async def allow_origin(request: web.Request, response: web.StreamResponse) -> None:
    """Before headers are sent: say that the page's origin may read the answer, if it may."""
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or not request.path.startswith(DIALECT_PREFIXES):
        return
    allowed = request.app[GATEWAY].settings.server.cors_origins
    if "*" in allowed:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = "*"
    else:
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if origin not in allowed:
            return
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
    response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _ANSWER_HEADERS
