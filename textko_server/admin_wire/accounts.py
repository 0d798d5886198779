"""Logging in, users, their limits and what they used."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.shapes import Answer, Limit, Request
from textko_server.model import Role


class Login(Request, frozen=True, kw_only=True):
    email: str
    password: str


class FirstAdmin(Request, frozen=True, kw_only=True):
    token: str
    """Printed by the server at its first start."""
    email: str
    password: str
    name: str = ""


class User(Answer, frozen=True, kw_only=True):
    id: str
    email: str
    name: str
    role: Role
    credits: int | None
    """None: unlimited. So the next; and for the subscription: never ends."""
    monthly_limit: int | None
    subscription_ends_at: int | None
    created_at: int
    updated_at: int


class LoggedIn(Answer, frozen=True, kw_only=True):
    token: str
    """A JWT, for `Authorization: Bearer`."""
    user: User


class WhoAmI(Answer, frozen=True, kw_only=True):
    is_operator: bool
    """Came over the unix socket."""
    is_admin: bool
    user: User | None
    """None for the operator, who has no account."""


class UserPageQuery(Request, frozen=True, kw_only=True):
    search: str | None = None
    """What e-mail or name begins with, whatever the case."""
    role: Role | None = None
    after: str | None = None
    """Id of the last user of the page before."""
    limit: Limit = 100


class UserPage(Answer, frozen=True, kw_only=True):
    users: list[User]
    next: str | None
    """`after` of the next page; None: this is the last."""


class NewUser(Request, frozen=True, kw_only=True):
    email: str
    password: str
    role: Role = Role.REGULAR
    name: str = ""


class UserChanges(Request, frozen=True, kw_only=True):
    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET


class NewRole(Request, frozen=True, kw_only=True):
    role: Role


class NewPassword(Request, frozen=True, kw_only=True):
    password: str


class LimitChanges(Request, frozen=True, kw_only=True):
    """What is left out stays; null is unlimited, and for the subscription: never ends."""

    credits: int | UnsetType | None = UNSET
    monthly_limit: int | UnsetType | None = UNSET
    subscription_ends_at: int | UnsetType | None = UNSET


class Holdings(Answer, frozen=True, kw_only=True):
    """What an account has, and what goes with it when it is deleted."""

    devices: int
    api_keys: int
    webhooks: int
    webhook_deliveries: int
    messages: int
    incoming: int
    contacts: int
    """Those that somebody saved."""
    groups: int
    templates: int
    scheduled: int
    """Scheduled messages, those of the past too."""
    opt_outs: int


class UsageQuery(Request, frozen=True, kw_only=True):
    month: Annotated[str, msgspec.Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])$")] | None = None
    """`2026-01`, UTC; None: the current one."""


class Usage(Answer, frozen=True, kw_only=True):
    """What an account used in a calendar month, and what it may."""

    month: str
    messages: int
    """Recipients."""
    segments: int
    credits: int | None
    monthly_limit: int | None
    subscription_ends_at: int | None


class LedgerQuery(Request, frozen=True, kw_only=True):
    before: str | None = None
    """Id of the last line of the page before."""
    limit: Limit = 50


class LedgerLine(Answer, frozen=True, kw_only=True):
    """A change of an account's number of credits."""

    id: str
    kind: str
    """message: a submit was charged; limits: an admin set the number."""
    amount: int
    """Below zero: taken."""
    balance: int | None
    """After it; None: unlimited from here on."""
    message_id: str | None
    """The first message of the submit it paid for."""
    created_at: int


class LedgerPage(Answer, frozen=True, kw_only=True):
    lines: list[LedgerLine]
    next: str | None
