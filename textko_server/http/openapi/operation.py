"""One operation of an API: what a handler takes and answers, as types.

Each dialect has an operations.py beside its handlers, with `operations()`. Refuses to know JSON
Schema: that is made of these in document.py.
"""

from typing import Any, Literal

import msgspec

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

BEARER = "bearer"
BEARER_KEY = "bearerApiKey"
API_KEY = "apiKey"
DEVICE_TOKEN = "deviceToken"  # noqa: S105 - the name of a scheme, not a secret
DEVICE_LOGIN = "deviceLogin"
BASIC = "basic"
ANY_CALLER = (API_KEY, BEARER)
"""An API key in either header, or a login."""
KEY_ONLY = (API_KEY, BEARER_KEY)


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """Of a path or a header; those of the query are the fields of `Operation.query`."""

    name: str
    description: str
    example: str | int
    type: Any = str
    is_in: Literal["path", "header"] = "path"
    is_required: bool = True


IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    description="Makes the request safe to repeat for a day: the same key and body send once.",
    example="order-17",
    is_in="header",
    is_required=False,
)


class Tag(msgspec.Struct, frozen=True, kw_only=True):
    """One API: a dialect, or one of ours."""

    name: str
    title: str
    description: str
    """Paragraphs, plain text, apart by empty lines."""
    errors: Any
    """Type of every answer of status 400 and above that an operation does not name."""
    error_content_type: str = "application/json"
    parameters: tuple[Parameter, ...] = ()
    """Of the paths, by name. One that is not here is an id of 24 hex."""


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    method: Method
    path: str
    """As aiohttp names it: `/api/{token}/queue`."""
    summary: str
    tag: Tag
    answers: dict[int, Any]
    """Type by status; None: no body; a tuple: any of these types."""
    body: Any = None
    """bytes: a file as it is."""
    body_is_optional: bool = False
    query: type[msgspec.Struct] | None = None
    security: tuple[str, ...] = ANY_CALLER
    """Any one of these; empty: none, or a token in the path."""
    headers: tuple[Parameter, ...] = ()
    description: str = ""
    body_example: Any = None
    query_example: dict[str, Any] = {}
    answer_example: Any = None
    """Of the first of `answers`."""
    content_type: str = "application/json"
    aliases: tuple[str, ...] = ()
    """Older spellings of the path, which work the same."""
