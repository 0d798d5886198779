"""What surrounds every request: errors in the shape of the path's dialect, and counters.

Phones that were refused are remembered (phone_refusals.py).

Logs a crash once, here. Never lets an exception's text reach a client.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from textko_server.errors import TextkoError
from textko_server.http import problems
from textko_server.http.app_keys import RATE_HEADERS
from textko_server.http.cors import answer_preflight
from textko_server.http.metrics import METRICS
from textko_server.http.phone_refusals import remember_refusal
from textko_server.http.shapes import shape_of

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    started_s = time.perf_counter()
    try:
        response = await handler(request)
    except TextkoError as error:
        response = await _refused(request, problems.of_error(error, request))
    except web.HTTPException as error:
        if error.status < 400:
            raise
        response = answer_preflight(request) or await _refused(
            request, problems.of_http(error, request)
        )
    except (asyncio.CancelledError, ConnectionError):
        raise  # the caller has gone; there is nobody to answer
    except Exception:
        log.exception("request_crashed", extra={"route": route_of(request)})
        response = await _refused(request, problems.of_crash(request))
    rate_headers = request.get(RATE_HEADERS)
    if rate_headers:
        response.headers.update(rate_headers)
    request.app[METRICS].count_request(
        route_of(request), request.method, response.status, time.perf_counter() - started_s
    )
    return response


async def _refused(request: web.Request, problem: problems.Problem) -> web.StreamResponse:
    await remember_refusal(request, problem)
    # Routes are chosen before %2F is decoded, and so must the shape be.
    return shape_of(request.rel_url.raw_path)(problem)


def route_of(request: web.BaseRequest) -> str:
    """The path with names for its variable parts: `/api/{token}/queue`. Safe to log."""
    match_info = getattr(request, "match_info", None)
    resource = match_info.route.resource if match_info is not None else None
    return resource.canonical if resource is not None else "unmatched"
