"""The shape of Texify's errors, which its document leaves open: the envelope of its successes with
`status` "error", a stable `code`, and for a wrong request where it is wrong.
"""

from datetime import UTC, datetime

import msgspec
from aiohttp import web

from textko_server import errors
from textko_server.gateway.audience import NobodyToWriteTo, Refused
from textko_server.http.bodies import json_response
from textko_server.http.dialects.texify import wire
from textko_server.http.problems import Problem

# The first segment after /api/v1 that makes a path Texify's.
FIRST_SEGMENTS = frozenset(
    {"messages", "balance", "contacts", "groups", "templates", "scheduled", "analytics"}
)


def error_response(problem: Problem) -> web.Response:
    error = problem.error
    body = wire.Error(status="error", message=problem.message, code=problem.code)
    if isinstance(error, errors.Invalid):
        body = msgspec.structs.replace(
            body, errors=[wire.FieldError(field=error.field, message=error.reason)]
        )
    if isinstance(error, NobodyToWriteTo):
        body = msgspec.structs.replace(
            body,
            invalid_phones=error.invalid_phones,
            invalid_recipients=wire_refused(error.refused),
        )
    elif isinstance(error, errors.InsufficientCredits):
        body = msgspec.structs.replace(body, required=error.required, available=error.available)
    elif isinstance(error, errors.MissingScope):
        body = msgspec.structs.replace(body, required_scope=error.scope)
    return json_response(body, status=problem.status, headers=dict(problem.headers))


def wire_refused(refused: list[Refused]) -> list[wire.RefusedRecipient]:
    return [wire.RefusedRecipient(recipient=r.recipient, reason=r.reason) for r in refused]


def iso_utc_s(at_ms: int) -> str:
    """As the samples write times: `2024-01-15T10:30:00Z`."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"


def iso_or_none(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc_s(at_ms)
