"""The shapes of Self Hosted SMS's refusals: those its vendor states, and the like for the rest.

Refuses to know which request it was, but for the path: `status` has a 422 of its own.
"""

from typing import Any

from aiohttp import web

from textko_server.errors import (
    Invalid,
    LimitExceeded,
    SubscriptionRequired,
    TextkoError,
    Unauthenticated,
)
from textko_server.http.bodies import json_response
from textko_server.http.problems import Problem

# First segments of paths whose errors have this shape, beside those of a token.
OWN_PREFIXES = ("/api/app-version", "/api/app-versions", "/api/download/", "/download/")
NO_STORE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def error_response(problem: Problem) -> web.Response:
    """The four bodies the vendor states, and the like for what it does not."""
    error = problem.error
    headers = dict(problem.headers) | NO_STORE
    if isinstance(error, Refused):
        return json_response(error.body, status=error.status, headers=headers | error.headers)
    if isinstance(error, Unauthenticated):
        return json_response({"error": "Invalid API token"}, status=401, headers=headers)
    if isinstance(error, SubscriptionRequired):
        body: dict[str, Any] = {"error": "No active subscription", "code": "subscription_required"}
        return json_response(body, status=403, headers=headers)
    if isinstance(error, LimitExceeded):
        body = {
            "error": "SMS limit exceeded for this month",
            "code": "limit_exceeded",
            "limit": error.limit,
            "used": error.used,
        }
        return json_response(body, status=429, headers=headers)
    if isinstance(error, Invalid) and problem.path.rstrip("/").endswith("/status"):
        errors = [{"index": 0, "error": problem.message}]
        body = {"ok": False, "updated": 0, "errors": errors}
        return json_response(body, status=422, headers=headers)
    if isinstance(error, Invalid):
        body = {
            "ok": False,
            "queued": 0,
            "failed": 1,
            "items": [],
            "errors": [{"index": 0, "error": problem.message}],
        }
        return json_response(body, status=422, headers=headers)
    body = {"error": problem.message, "code": problem.code}
    return json_response(body, status=problem.status, headers=headers)


class Refused(TextkoError):
    """An answer that only this dialect has."""

    def __init__(self, status: int, body: dict[str, Any], headers: dict[str, str]) -> None:
        super().__init__("refused")
        self.status = status
        self.body = body
        self.headers = headers
