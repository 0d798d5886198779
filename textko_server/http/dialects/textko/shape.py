"""The shape of Textko's answers: `{"data": …}`, and `error` as the one field every client reads."""

from typing import Any

from aiohttp import web

from textko_server import errors
from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem

# The first segment after /api/v1 that makes a path Textko's.
FIRST_SEGMENTS = frozenset({"gateway", "users", "auth", "webhooks"})

# Upstream's words; ours are "no such …".
_NOT_FOUND = {
    "device": "Device not found",
    "message": "SMS not found",
    "batch": "SMS batch not found",
    "API key": "API key not found",
    "webhook": "Subscription not found",
    "user": "User not found",
}


class Rejected(errors.Invalid):
    """A send that upstream answers as `{"success": false, "error": …}` with 400."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(field, message)
        self.message = message


class Refused(errors.Invalid):
    """A 400 in upstream's own words."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(field, message)
        self.message = message


def data_response(
    data: Any, *, status: int = 200, headers: dict[str, str] | None = None, **extra: Any
) -> web.Response:
    """`{"data": data, **extra}`."""
    return json_response({"data": data, **extra}, status=status, headers=headers)


def error_response(problem: Problem) -> web.Response:
    error = problem.error
    body: dict[str, Any]
    if isinstance(error, errors.InvalidCredentials):
        body = {"error": "Invalid credentials"}
    elif isinstance(error, errors.Unauthenticated):
        body = {"error": "Unauthorized", "code": "AUTH_INVALID", "message": problem.message}
    elif isinstance(error, Rejected):
        body = {"success": False, "error": error.message}
        if error.field:
            body["field"] = error.field
    elif isinstance(error, errors.LimitExceeded):
        body = {
            "error": problem.message,
            "message": problem.message,
            "hasReachedLimit": True,
            "monthlyLimit": error.limit,
            "monthlyRemaining": max(error.limit - error.used, 0),
        }
    elif isinstance(error, errors.NotFound):
        message = _NOT_FOUND.get(error.what, problem.message)
        body = {"error": message, "code": problem.code}
    elif error is not None:
        body = {"error": problem.message, "code": problem.code}
        if isinstance(error, errors.Invalid) and error.field:
            body["field"] = error.field
    else:  # what the router refuses, in the words of upstream's framework
        message = problem.message
        if problem.status == 404:
            message = f"Cannot {problem.method} {problem.path}"
        body = {"statusCode": problem.status, "message": message, "error": problem.title}
    return json_response(body, status=problem.status, headers=dict(problem.headers))
