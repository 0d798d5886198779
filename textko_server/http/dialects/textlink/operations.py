"""TextLink's operations, for the published description: its endpoints, with examples of bodies."""

from typing import Any, cast

from textko_server.http.dialects.textlink import ENDPOINTS
from textko_server.http.dialects.textlink.shape import Refusal
from textko_server.http.openapi.operation import (
    BEARER_KEY,
    IDEMPOTENCY_KEY,
    Method,
    Operation,
    Tag,
)

TAG = Tag(
    name="textlink",
    title="TextLink",
    description="""\
The API of TextLink, under /api: send a text, verify a phone number by a code, tag a contact.

Ask with Authorization: Bearer and an API key. Every answer has ok; a refusal has ok: false and a \
message, and answers 200 when the request itself was right.""",
    errors=Refusal,
)

_NUMBER = "+251912345678"
_TAGGED = {"phone_number": _NUMBER, "tag": "vip"}
_BODIES: dict[str, Any] = {
    "/api/send-sms": {"phone_number": _NUMBER, "text": "Hello from TextLink!"},
    "/api/send-code": {"phone_number": _NUMBER, "service_name": "My shop"},
    "/api/verify-code": {"phone_number": _NUMBER, "code": "042317"},
    "/api/update-contect-tag": _TAGGED,
    "/api/update-contact-tag": _TAGGED,
}


def operations() -> list[Operation]:
    return [
        Operation(
            method=cast(Method, endpoint.method),
            path=endpoint.path,
            summary=endpoint.summary,
            tag=TAG,
            answers={200: (endpoint.answer, Refusal)},
            body=endpoint.body,
            security=(BEARER_KEY,),
            headers=(IDEMPOTENCY_KEY,) if endpoint.path == "/api/send-sms" else (),
            body_example=_BODIES[endpoint.path],
        )
        for endpoint in ENDPOINTS
    ]
