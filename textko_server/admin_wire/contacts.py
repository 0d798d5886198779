"""Contacts, and bringing in many of them."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.admin_wire.shapes import Answer, Limit, Request, UserQuery
from textko_server.model import ContactStatus

CustomValue = str | int | float | bool | None
MAX_IMPORTED = 10_000


class ContactQuery(UserQuery, frozen=True, kw_only=True):
    search: str | None = None
    """Part of a name, number or e-mail, whatever its case."""
    group: str | None = None
    """Id of a group."""
    status: ContactStatus | None = None
    before: str | None = None
    """`next` of the page before."""
    limit: Limit = 50


class NewContact(Request, frozen=True, kw_only=True):
    phone_number: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    status: ContactStatus = ContactStatus.ACTIVE
    tags: list[str] = msgspec.field(default_factory=list)
    custom_fields: dict[str, CustomValue] = msgspec.field(default_factory=dict)
    group_ids: list[str] = msgspec.field(default_factory=list)


class ContactChanges(Request, frozen=True, kw_only=True):
    """What is not given stays."""

    phone_number: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    """Empty: none."""
    status: ContactStatus | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    custom_fields: dict[str, CustomValue] | UnsetType = UNSET
    group_ids: list[str] | UnsetType = UNSET
    """The groups it then belongs to, and no other."""


class GroupName(Answer, frozen=True, kw_only=True):
    id: str
    name: str


class Contact(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    phone_number: str
    first_name: str
    last_name: str
    full_name: str
    email: str
    status: ContactStatus
    tags: list[str]
    custom_fields: dict[str, CustomValue]
    groups: list[GroupName]
    created_at: int
    updated_at: int


class ContactPage(Answer, frozen=True, kw_only=True):
    contacts: list[Contact]
    next: str | None
    """`before` of the next page; None: this is the last."""


class ImportedContact(Request, frozen=True, kw_only=True):
    """What is not given stays, and is empty in a new contact; what is wrong the report tells."""

    phone_number: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    custom_fields: dict[str, CustomValue] | UnsetType = UNSET
    group_ids: list[str] = msgspec.field(default_factory=list)
    """Groups to join."""


class ContactImport(Request, frozen=True, kw_only=True):
    contacts: Annotated[list[ImportedContact], msgspec.Meta(min_length=1, max_length=MAX_IMPORTED)]
    known_numbers: Literal["refuse", "skip", "change"] = "refuse"
    """What to do with a number that is a contact already; `change` sets what is given."""
    is_partial: bool = False
    """Store what is right although some are wrong; else nothing is stored then."""


class RefusedContact(Answer, frozen=True, kw_only=True):
    index: int
    """In the list that was sent, from 0."""
    field: str
    """Empty: it is about the whole contact."""
    reason: str


class ContactImportReport(Answer, frozen=True, kw_only=True):
    is_stored: bool
    """False: nothing was changed, since some were refused."""
    created_count: int
    """What was made, or would have been. So the next two."""
    changed_count: int
    skipped_count: int
    refused: list[RefusedContact]
