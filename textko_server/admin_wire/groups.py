"""Groups of contacts."""

from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery

MAX_MEMBERS_AT_ONCE = 10_000


class GroupQuery(UserQuery, frozen=True, kw_only=True):
    before: str | None = None
    """Id of the last group of the page before."""
    limit: Limit = 50


class NewGroup(Request, frozen=True, kw_only=True):
    name: str
    description: str = ""


class GroupChanges(Request, frozen=True, kw_only=True):
    """What is not given stays."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Group(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    description: str
    contact_count: int
    created_at: int


class GroupPage(Answer, frozen=True, kw_only=True):
    groups: list[Group]
    next: str | None


class GroupMembers(Request, frozen=True, kw_only=True):
    contacts: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MAX_MEMBERS_AT_ONCE)]
    """Ids of contacts, or their phone numbers."""


class GroupMembersChanged(Answer, frozen=True, kw_only=True):
    count: int
    """How many joined or left; those that had already are not counted."""
