"""What applications ask, for the published description: the endpoints, with examples of bodies."""

import inspect
from typing import Any, cast

from textko_server.http.dialects.smsgate.shape import THIRDPARTY_PREFIXES
from textko_server.http.dialects.smsgate.tag import TAG
from textko_server.http.dialects.smsgate.thirdparty import ENDPOINTS, health, tokens, wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Endpoint
from textko_server.http.openapi.operation import (
    API_KEY,
    BASIC,
    BEARER,
    Method,
    Operation,
)

_PREFIX, *_OTHERS = THIRDPARTY_PREFIXES
_BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/messages"): {
        "textMessage": {"text": "Hello from SMSGate!"},
        "phoneNumbers": ["+251912345678"],
    },
    ("POST", "/webhooks"): {"url": "https://shop.example.org/sms", "event": "sms:received"},
    ("PUT", "/settings"): {"messages": {"send_interval_min": 2, "send_interval_max": 5}},
    ("PATCH", "/settings"): {"ping": {"interval_seconds": 300}},
    ("POST", "/inbox/refresh"): {
        "since": "2027-01-15T00:00:00Z",
        "until": "2027-01-16T00:00:00Z",
    },
    ("POST", "/auth/token"): {"scopes": ["messages:send", "messages:read"], "ttl": 900},
}
_QUERIES: dict[tuple[str, str], dict[str, Any]] = {
    ("GET", "/messages"): {"state": "Delivered", "limit": 20},
    ("GET", "/inbox"): {"limit": 20},
}


def operations() -> list[Operation]:
    return [*map(_operation, ENDPOINTS), _refresh(), *_health()]


def _operation(endpoint: Endpoint) -> Operation:
    key = (endpoint.method, endpoint.path)
    summary, _, more = (inspect.getdoc(endpoint.handler) or "").partition("\n\n")
    scopes = " or ".join(endpoint.scopes)
    return Operation(
        method=cast(Method, endpoint.method),
        path=_PREFIX + endpoint.path,
        summary=" ".join(summary.split()),
        description="\n\n".join(part for part in (more, f"Scope: {scopes}.") if part),
        tag=TAG,
        answers={endpoint.status: endpoint.answer},
        body=endpoint.body,
        query=endpoint.query,
        security=(BASIC, BEARER, API_KEY),
        body_example=_BODIES.get(key),
        query_example=_QUERIES.get(key, {}),
        aliases=_aliases(endpoint.path, *endpoint.aliases),
    )


def _refresh() -> Operation:
    summary, _, more = (inspect.getdoc(tokens.post_refresh) or "").partition("\n\n")
    return Operation(
        method="POST",
        path=_PREFIX + tokens.REFRESH_PATH,
        summary=summary,
        description=more,
        tag=TAG,
        answers={201: wire.TokenPair},
        security=(BEARER,),
        aliases=_aliases(tokens.REFRESH_PATH),
    )


def _health() -> list[Operation]:
    return [
        Operation(
            method="GET",
            path=_PREFIX + path,
            summary=inspect.getdoc(handler) or "",
            tag=TAG,
            answers={200: wire.HealthTold, 503: wire.HealthTold},
            security=(),
            aliases=(*_aliases(path), path),
        )
        for path, handler in health.HANDLERS.items()
    ]


def _aliases(path: str, *more: str) -> tuple[str, ...]:
    """The same under the other prefix, and the other spellings under both."""
    return (
        *(other + path for other in _OTHERS),
        *(prefix + spelling for spelling in more for prefix in THIRDPARTY_PREFIXES),
    )
