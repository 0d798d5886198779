"""Contacts: the rows of the address book. Those that only remember a SIM are in usage.py."""

import json
from typing import Any

import msgspec

from textko_server.model import Contact, ContactStatus
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_CONTACTS = load("contacts")


class Filter(msgspec.Struct, frozen=True):
    """Which contacts a page is of; None: whatever it is."""

    status: str | None = None
    search: str | None = None
    """Part of a name, number or e-mail, whatever its case."""
    tags: list[str] | None = None
    """With any of these. So the next one."""
    group_ids: list[int] | None = None


class Place(msgspec.Struct, frozen=True):
    """A contact's place in the order of lists: by when it was saved, then by key."""

    saved_at: int
    contact_id: int


NEWEST = Place(1 << 62, 1 << 62)


# --- inside a write ---


def find_number(tx: Transaction, user_id: int, phone_number: str) -> tuple[int, bool] | None:
    """(key, whether it is a contact) of the row of a number."""
    row = tx.one(_CONTACTS.find_number, (user_id, phone_number))
    return (row[0], row[1] is not None) if row else None


def insert(tx: Transaction, contact: Contact) -> int:
    """Returns its key; `contact.id` is ignored."""
    c = contact
    values = (c.user_id, c.phone_number, c.created_at, *_fields(c), c.created_at, c.updated_at)
    return tx.insert(_CONTACTS.insert, values)


def put(tx: Transaction, contact: Contact) -> None:
    """Store it over the row of its key, which becomes a contact if it was none."""
    c = contact
    tx.execute(_CONTACTS.put, (c.phone_number, c.created_at, *_fields(c), c.updated_at, c.id))


def insert_many(tx: Transaction, contacts: list[Contact]) -> range:
    """Returns their keys, in order; `id` is ignored."""
    rows = [
        (c.user_id, c.phone_number, c.created_at, *_fields(c), c.created_at, c.updated_at)
        for c in contacts
    ]
    return tx.insert_all(_CONTACTS.insert, rows)


def delete(tx: Transaction, contact_id: int) -> None:
    tx.execute(_CONTACTS.delete, (contact_id,))


def find_in(tx: Transaction, user_id: int | None, contact_id: int) -> Contact | None:
    """Of the account, or (None) whosever it is."""
    row = tx.one(_CONTACTS.get, {"id": contact_id, "user_id": user_id})
    return _contact(row) if row else None


def existing_in(tx: Transaction, user_id: int, contact_ids: list[int]) -> set[int]:
    """Which of these are contacts of the account."""
    values = {"ids": json.dumps(contact_ids), "user_id": user_id}
    return {row[0] for row in tx.all(_CONTACTS.get_many, values)}


def of_numbers_in(tx: Transaction, user_id: int, numbers: list[str]) -> dict[str, Contact]:
    """Those that exist, by number."""
    values = {"numbers": json.dumps(numbers), "user_id": user_id}
    contacts = map(_contact, tx.all(_CONTACTS.of_numbers, values))
    return {contact.phone_number: contact for contact in contacts}


def unsaved_in(tx: Transaction, user_id: int, numbers: list[str]) -> dict[str, int]:
    """Keys of the rows of these numbers that only remember a SIM."""
    values = {"numbers": json.dumps(numbers), "user_id": user_id}
    return dict(tx.all(_CONTACTS.unsaved_of_numbers, values))


# --- reading ---


async def find(db: Database, user_id: int | None, contact_id: int) -> Contact | None:
    """Of the account, or (None) whosever it is."""
    row = await db.fetch_one(_CONTACTS.get, {"id": contact_id, "user_id": user_id})
    return _contact(row) if row else None


async def find_many(db: Database, user_id: int, contact_ids: list[int]) -> dict[int, Contact]:
    """Those that exist, by key."""
    values = {"ids": json.dumps(contact_ids), "user_id": user_id}
    contacts = map(_contact, await db.fetch_all(_CONTACTS.get_many, values))
    return {contact.id: contact for contact in contacts}


async def of_numbers(db: Database, user_id: int, numbers: list[str]) -> dict[str, Contact]:
    """Those that exist, by number."""
    values = {"numbers": json.dumps(numbers), "user_id": user_id}
    contacts = map(_contact, await db.fetch_all(_CONTACTS.of_numbers, values))
    return {contact.phone_number: contact for contact in contacts}


async def of_groups(
    db: Database, user_id: int, group_ids: list[int], *, limit: int
) -> dict[int, list[Contact]]:
    """The members of each group, no more than `limit` in all."""
    members: dict[int, list[Contact]] = {}
    values = {"group_ids": json.dumps(group_ids), "user_id": user_id, "limit": limit}
    for group_id, *rest in await db.fetch_all(_CONTACTS.of_groups, values):
        members.setdefault(group_id, []).append(_contact(tuple(rest)))
    return members


async def list_page(
    db: Database, user_id: int, wanted: Filter, *, offset: int, limit: int
) -> list[Contact]:
    """Newest first."""
    values = _values(user_id, wanted) | {"offset": offset, "limit": limit}
    return [_contact(row) for row in await db.fetch_all(_CONTACTS.list_of_user, values)]


async def list_before(
    db: Database, user_id: int | None, wanted: Filter, *, before: Place, limit: int
) -> list[Contact]:
    """Newest first: of an account, or (None) of everybody. Not by tags."""
    sql = _CONTACTS.after_of_all if user_id is None else _CONTACTS.after_of_user
    place = {"before_at": before.saved_at, "before_id": before.contact_id, "limit": limit}
    return [_contact(row) for row in await db.fetch_all(sql, _values(user_id, wanted) | place)]


async def count(db: Database, user_id: int, wanted: Filter) -> int:
    row = await db.fetch_one(_CONTACTS.count_of_user, _values(user_id, wanted))
    return int(row[0]) if row else 0


def _values(user_id: int | None, wanted: Filter) -> dict[str, Any]:
    return {
        "user_id": user_id,
        "status": wanted.status,
        "search": wanted.search.casefold() if wanted.search else None,
        "tags": None if wanted.tags is None else json.dumps(wanted.tags),
        "group_ids": None if wanted.group_ids is None else json.dumps(wanted.group_ids),
    }


def _fields(c: Contact) -> tuple[Any, ...]:
    search_text = "\n".join((c.full_name, c.phone_number, c.email)).casefold()
    return (
        c.first_name, c.last_name, c.email, c.status, json.dumps(c.tags, ensure_ascii=False),
        json.dumps(c.custom_fields, ensure_ascii=False), search_text,
    )  # fmt: skip


def _contact(row: Row) -> Contact:
    key, user_id, phone_number, first, last, email, status, tags, fields, saved_at, updated_at = row
    return Contact(
        key, user_id, phone_number, first, last, email, ContactStatus(status), json.loads(tags),
        json.loads(fields), saved_at, updated_at,
    )  # fmt: skip
