"""Texify's operations, for the published description: its endpoints, with examples of bodies."""

import inspect
import re
from typing import Any, cast

from textko_server.http.dialects.texify import ENDPOINTS, wire
from textko_server.http.dialects.texify.endpoint import PREFIX, Endpoint
from textko_server.http.openapi.operation import (
    IDEMPOTENCY_KEY,
    KEY_ONLY,
    Method,
    Operation,
    Tag,
)

TAG = Tag(
    name="texify",
    title="Texify v2",
    description="""\
The API of Texify, version 2, under /api/v1: send to phone numbers, contacts and groups, with \
templates, at once or at a time; balance and analytics.

Ask with an API key in X-API-Key; it needs a scope of the operation. Every success is 200 with \
{"status": "success", …}, every error {"status": "error", "message", "code"}.""",
    errors=wire.Error,
)

_AN_ID = "6ab13b80f7243b3a0e3eaaf3"
_NUMBER = "+251912345678"
# By method and path below /api/v1.
_BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/messages/send"): {"message": "Hello from Texify!", "recipients": [_NUMBER]},
    ("POST", "/contacts"): {"phoneNumber": _NUMBER, "firstName": "Abebe", "tags": ["vip"]},
    ("PATCH", "/contacts/{id}"): {"lastName": "Bikila"},
    ("POST", "/groups"): {"name": "Customers"},
    ("POST", "/templates"): {"name": "Welcome", "message": "Hi {{name}}, welcome!"},
    ("POST", "/templates/preview"): {
        "message": "Hi {{name}}, welcome!",
        "variables": {"name": "Abebe"},
    },
    ("POST", "/templates/{id}/render"): {"variables": {"name": "Abebe"}},
    ("POST", "/scheduled"): {
        "message": "The shop opens at nine.",
        "scheduledFor": "2027-01-15T08:00:00Z",
        "recipientType": "phones",
        "phones": [_NUMBER],
    },
    ("PATCH", "/scheduled/{id}"): {"scheduledFor": "2027-01-16T08:00:00Z"},
}
_QUERIES: dict[str, dict[str, Any]] = {
    "/messages": {"status": "delivered", "limit": 20},
    "/contacts": {"tags": "vip"},
    "/analytics": {"dateFrom": "2027-01-01", "dateTo": "2027-01-31"},
}
_PATTERN = re.compile(r":\[[^}]*\]\{\d+\}")


def operations() -> list[Operation]:
    return [_operation(endpoint) for endpoint in ENDPOINTS]


def _operation(endpoint: Endpoint) -> Operation:
    path = _PATTERN.sub("", endpoint.path)
    summary, _, more = (inspect.getdoc(endpoint.handler) or "").partition("\n\n")
    scopes = " or ".join(endpoint.scopes)
    return Operation(
        method=cast(Method, endpoint.method),
        path=PREFIX + path,
        summary=" ".join(summary.split()),
        description="\n\n".join(part for part in (more, f"Scope: {scopes}.") if part),
        tag=TAG,
        answers={200: endpoint.answer},
        body=endpoint.body,
        query=endpoint.query,
        security=KEY_ONLY,
        headers=(IDEMPOTENCY_KEY,) if endpoint.is_repeatable else (),
        body_example=_BODIES.get((endpoint.method, path)),
        query_example=_QUERIES.get(path, {}) if endpoint.method == "GET" else {},
    )
