"""The shape of SMSGate's errors, `{"message", "code"}`, and where its paths begin."""

import msgspec
from aiohttp import web

from textko_server.errors import InsufficientCredits, LimitExceeded
from textko_server.gateway.pairing import PairingRefused
from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem

MOBILE_PREFIXES = ("/api/mobile/v1", "/mobile/v1")
THIRDPARTY_PREFIXES = ("/api/3rdparty/v1", "/3rdparty/v1")

# What SMSGate knows of the kind is a queue that is full.
_LIMITS = (LimitExceeded, InsufficientCredits)
_WRONG_PATH = (
    "no such path: the API URL of the app is https://your.server/api/mobile/v1, that of"
    " applications https://your.server/api/3rdparty/v1"
)


class Error(msgspec.Struct, frozen=True):
    message: str
    """For people."""
    code: int
    """The status; SMSGate's clients read a number."""
    error: str
    """For programs. Not SMSGate's."""


def error_response(problem: Problem) -> web.Response:
    status, message = problem.status, problem.message
    if isinstance(problem.error, _LIMITS):
        status, message = 503, f"queue limits exceeded: {message}"
    elif isinstance(problem.error, PairingRefused):
        status = 401
    elif status == 404 and problem.error is None:
        message = _WRONG_PATH
    headers = dict(problem.headers)
    if status == 401 and problem.path.startswith(THIRDPARTY_PREFIXES):
        # RFC 7617: some clients send their password only to who asks for it.
        headers["WWW-Authenticate"] = 'Basic realm="SMSGate", charset="UTF-8"'
    body = Error(message, status, problem.code)
    return json_response(body, status=status, headers=headers)
