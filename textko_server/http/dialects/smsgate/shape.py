"""The shape of SMSGate's errors, `{"message", "code"}`, and which paths have it."""

import msgspec
from aiohttp import web

from textko_server.errors import InsufficientCredits, LimitExceeded
from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem

MOBILE_PREFIXES = ("/api/mobile/v1", "/mobile/v1")
THIRDPARTY_PREFIXES = ("/api/3rdparty/v1", "/3rdparty/v1")
_OWN = tuple(prefix.removesuffix("/v1") + "/" for prefix in MOBILE_PREFIXES + THIRDPARTY_PREFIXES)

# What SMSGate knows of the kind is a queue that is full.
_LIMITS = (LimitExceeded, InsufficientCredits)


class Error(msgspec.Struct, frozen=True):
    message: str
    """For people."""
    code: int
    """The status; SMSGate's clients read a number."""
    error: str
    """For programs. Not SMSGate's."""


def is_path_of(path: str) -> bool:
    """Whether errors on this path have this shape."""
    return path.startswith(_OWN)


def error_response(problem: Problem) -> web.Response:
    status, message = problem.status, problem.message
    if isinstance(problem.error, _LIMITS):
        status, message = 503, f"queue limits exceeded: {message}"
    body = Error(message, status, problem.code)
    return json_response(body, status=status, headers=dict(problem.headers))
