"""The shape of TextLink's answers: `ok`, and `message` when it is false, never when it is true."""

import msgspec
from aiohttp import web

from textko_server import errors
from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem

# The first segment after /api that makes a path TextLink's.
FIRST_SEGMENTS = frozenset(
    {"send-sms", "send-code", "verify-code", "update-contect-tag", "update-contact-tag"}
)

# No fault of the request: another time, or with another account, it would have been done.
_BUSINESS = (errors.LimitExceeded, errors.InsufficientCredits, errors.SubscriptionRequired)


class Refused(errors.TextkoError):
    """Understood, and not done; answered with 200, as the vendor does."""

    code = "refused"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = False
    message: str


def error_response(problem: Problem) -> web.Response:
    error = problem.error
    status, message = problem.status, problem.message
    if isinstance(error, (Refused, *_BUSINESS)):
        status = 200
    elif isinstance(error, errors.Unauthenticated):
        message = "API key not found"  # the vendor's words
    return json_response(Refusal(message=message), status=status, headers=dict(problem.headers))
