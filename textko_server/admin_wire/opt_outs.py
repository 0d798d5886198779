"""Numbers that want no texts."""

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery


class OptOutQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    limit: Limit = 50


class NewOptOut(Request, frozen=True, kw_only=True):
    phone_number: str


class OptOut(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    phone_number: str
    source: str
    """text: it sent STOP; operator: it was entered."""
    created_at: int


class OptOutPage(Answer, frozen=True, kw_only=True):
    opt_outs: list[OptOut]
    next: str | None
