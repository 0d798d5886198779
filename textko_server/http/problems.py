"""One description of whatever went wrong, from which each dialect makes its own answer.

Refuses to know the shapes: those stand with the dialects, and shapes.py picks one by path.
"""

import http
from collections.abc import Mapping

import msgspec
from aiohttp import web

from textko_server import errors

# The most specific class of an error's ancestry wins.
STATUS_OF: dict[type[errors.TextkoError], int] = {
    errors.TextkoError: 400,
    errors.Invalid: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.IdempotencyMismatch: 422,
    errors.LimitExceeded: 429,
    errors.InsufficientCredits: 402,
    errors.TooManyRequests: 429,
    errors.TooLarge: 413,
    errors.Unavailable: 503,
}

_CODE_OF_STATUS = {
    400: "invalid",
    404: "not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    417: "expectation_failed",
}


class Problem(msgspec.Struct, frozen=True):
    status: int
    code: str
    message: str
    """For people; never holds a secret or a message's text."""
    headers: Mapping[str, str] = {}
    error: errors.TextkoError | None = None
    """Set when the domain raised it: dialects read its fields."""
    method: str = ""
    path: str = ""

    @property
    def title(self) -> str:
        return http.HTTPStatus(self.status).phrase


def of_error(error: errors.TextkoError, request: web.BaseRequest) -> Problem:
    status = next(STATUS_OF[c] for c in type(error).__mro__ if c in STATUS_OF)
    headers = {}
    if isinstance(error, errors.TooManyRequests):
        headers["Retry-After"] = str(max(1, error.retry_after_s))
    elif status == 503 or isinstance(error, errors.StillRunning):
        headers["Retry-After"] = "1"
    return Problem(status, error.code, error.message, headers, error, request.method, request.path)


def of_http(error: web.HTTPException, request: web.BaseRequest) -> Problem:
    """What aiohttp itself refuses: unknown path, wrong method, body over the limit."""
    headers = {}
    if isinstance(error, web.HTTPMethodNotAllowed):
        headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    code = _CODE_OF_STATUS.get(error.status, "error")
    message = {
        404: f"Cannot {request.method} this path",
        405: f"{request.method} is not allowed here",
        408: "the request body did not arrive in time",
        413: "the request body is too large",
        415: "the request body may be plain or compressed by gzip or deflate",
    }.get(error.status, error.reason or "error")
    return Problem(error.status, code, message, headers, None, request.method, request.path)


def of_crash(request: web.BaseRequest) -> Problem:
    message = "the server failed to answer this; its log says why"
    return Problem(500, "internal", message, {}, None, request.method, request.path)


def problem_details(problem: Problem) -> web.Response:
    """RFC 9457, for our own APIs."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.message,
        "code": problem.code,
    }
    if isinstance(problem.error, errors.Invalid):
        body["field"] = problem.error.field
    return web.Response(
        body=msgspec.json.encode(body),
        status=problem.status,
        headers=problem.headers,
        content_type="application/problem+json",
    )
