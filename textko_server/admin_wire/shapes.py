"""What all structs of the admin API share, and the few that belong to no noun."""

from typing import Annotated, Any, TypeVar

import msgspec

Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
NaturalNumber = Annotated[int, msgspec.Meta(ge=1, lt=1 << 53)]


class Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What the server says."""


Wider = TypeVar("Wider", bound=Answer)


def widened(answer: Answer, to: type[Wider], **more: Any) -> Wider:
    """The same answer with further fields, as a struct that extends its own."""
    return to(**msgspec.structs.asdict(answer), **more)


class Request(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """What a caller says: a body, or the query of the URL."""


class Problem(Answer, frozen=True, kw_only=True):
    """RFC 9457, with our stable `code` and, when a field is wrong, its name."""

    title: str = ""
    status: int
    detail: str = ""
    code: str = ""
    field: str | None = None


class UserQuery(Request, frozen=True, kw_only=True):
    user: str | None = None
    """E-mail or id of the account that is meant. Only an admin may name another than their own."""


class Changed(Answer, frozen=True, kw_only=True):
    count: int
    """How many recipients or deliveries it changed."""


class IncomingQuery(UserQuery, frozen=True, kw_only=True):
    device: str | None = None
    """Id of a device."""
    number: str | None = None
    """Who sent it: the whole number or name."""
    text: str | None = None
    """Part of the text, whatever its case."""
    from_: int | None = msgspec.field(default=None, name="from")
    """Received by the server then or later."""
    to: int | None = None
    """Received earlier than that."""
    before: str | None = None
    limit: Limit = 50
