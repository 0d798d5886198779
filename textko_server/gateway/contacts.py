"""The address book of an account. Groups are in groups.py, many at a time in contact_imports.py.

A contact that is unsubscribed or blocked is sent nothing, under whichever name it is asked for; see
audience.py. Refuses to know who may ask; callers check scopes.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.errors import AlreadyExists, Invalid, NotFound
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.profile_fields import checked_email
from textko_server.model import Contact, ContactStatus, Group
from textko_server.store import contacts as store
from textko_server.store import groups as group_store
from textko_server.store.database import Database, Transaction

MAX_NAME_CHARACTERS = 100
MAX_DESCRIPTION_CHARACTERS = 1_000
MAX_TAGS = 50
MAX_TAG_CHARACTERS = 50
MAX_GROUPS_OF_CONTACT = 100
MAX_CUSTOM_FIELDS = 50
MAX_FIELD_CHARACTERS = 1_000

Value = str | int | float | bool | None
Filter = store.Filter
Place = store.Place


class ContactChanges(msgspec.Struct, frozen=True):
    """What to set; UNSET stays as it is, and in a new contact is empty."""

    phone_number: str | UnsetType = UNSET
    first_name: str | UnsetType = UNSET
    last_name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    """Empty: none."""
    status: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    custom_fields: dict[str, Value] | UnsetType = UNSET
    group_ids: list[int] | UnsetType = UNSET
    """The groups it then belongs to, and no other."""


class Contacts:
    def __init__(self, db: Database, clock: Clock, default_region: str) -> None:
        self._db = db
        self._clock = clock
        self._default_region = default_region

    async def create(self, user_id: int, new: ContactChanges) -> Contact:
        """Raises:
        Invalid: names the field, as the wire names it.
        AlreadyExists: the number is another contact's.
        NotFound: one of the groups.
        """
        if new.phone_number is UNSET:
            raise Invalid("phoneNumber", "is required")
        fields = self.checked(new)
        now_ms = self._clock.now_ms()
        contact = msgspec.structs.replace(empty_contact(user_id, now_ms), **fields)

        def write(tx: Transaction) -> Contact:
            known = store.find_number(tx, user_id, contact.phone_number)
            if known is not None:
                key, is_contact = known
                if is_contact:
                    raise _number_taken()
                store.put(tx, msgspec.structs.replace(contact, id=key))
            else:
                key = store.insert(tx, contact)
            _set_groups(tx, user_id, key, new.group_ids)
            return msgspec.structs.replace(contact, id=key)

        return await self._db.write(write)

    async def update(
        self, user_id: int | None, contact_id: int, changes: ContactChanges
    ) -> Contact:
        """Change what is given; `user_id` None: whosever it is.

        Raises as `create`, and NotFound for the contact.
        """
        fields = self.checked(changes)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Contact:
            before = store.find_in(tx, user_id, contact_id)
            if before is None:
                raise NotFound("contact")
            changed = msgspec.structs.replace(before, updated_at=now_ms, **fields)
            if changed.phone_number != before.phone_number:
                _free_number(tx, before.user_id, changed.phone_number)
            store.put(tx, changed)
            _set_groups(tx, before.user_id, contact_id, changes.group_ids)
            return changed

        return await self._db.write(write)

    async def delete(self, user_id: int | None, contact_id: int) -> None:
        """`user_id` None: whosever it is. Raises NotFound."""

        def write(tx: Transaction) -> None:
            if store.find_in(tx, user_id, contact_id) is None:
                raise NotFound("contact")
            store.delete(tx, contact_id)

        await self._db.write(write)

    async def get(self, user_id: int | None, contact_id: int) -> Contact:
        """`user_id` None: whosever it is. Raises NotFound: absent, or another account's."""
        contact = await store.find(self._db, user_id, contact_id)
        if contact is None:
            raise NotFound("contact")
        return contact

    async def list_page(
        self, user_id: int, wanted: Filter, *, offset: int, limit: int
    ) -> tuple[list[Contact], int]:
        """A page, newest first, and how many there are."""
        contacts = await store.list_page(self._db, user_id, wanted, offset=offset, limit=limit)
        return contacts, await store.count(self._db, user_id, wanted)

    async def list_before(
        self, user_id: int | None, wanted: Filter, *, before: Place | None, limit: int
    ) -> list[Contact]:
        """Newest first: of an account, or (None) of everybody. Not by tags."""
        return await store.list_before(
            self._db, user_id, wanted, before=before or store.NEWEST, limit=limit
        )

    async def groups_of(self, contacts: list[Contact]) -> dict[int, list[Group]]:
        """The groups of each contact, by its key."""
        return await group_store.of_contacts(self._db, [contact.id for contact in contacts])

    def checked(self, changes: ContactChanges) -> dict[str, Any]:
        """The fields of model.Contact to replace. Raises Invalid."""
        fields: dict[str, Any] = {}
        if changes.phone_number is not UNSET:
            fields["phone_number"] = self._number(changes.phone_number)
        if changes.first_name is not UNSET:
            fields["first_name"] = _line("firstName", changes.first_name)
        if changes.last_name is not UNSET:
            fields["last_name"] = _line("lastName", changes.last_name)
        if changes.email is not UNSET:
            fields["email"] = checked_email(changes.email) if changes.email.strip() else ""
        if changes.status is not UNSET:
            fields["status"] = read_status(changes.status)
        if changes.tags is not UNSET:
            fields["tags"] = _tags(changes.tags)
        if changes.custom_fields is not UNSET:
            fields["custom_fields"] = _custom_fields(changes.custom_fields)
        return fields

    def _number(self, text: str) -> str:
        try:
            return normalise(text, self._default_region)
        except Invalid as error:
            raise Invalid("phoneNumber", error.reason) from error


def empty_contact(user_id: int, now_ms: int) -> Contact:
    """One of whom nothing is known yet."""
    return Contact(0, user_id, "", "", "", "", ContactStatus.ACTIVE, [], {}, now_ms, now_ms)


def read_status(text: str) -> ContactStatus:
    """Empty is active. Raises Invalid."""
    try:
        return ContactStatus(text.lower() or ContactStatus.ACTIVE)
    except ValueError:
        raise Invalid("status", f"must be one of {', '.join(ContactStatus)}") from None


def checked_title(name: str) -> str:
    """A name of a group or template. Raises Invalid."""
    title = _line("name", name)
    if not title:
        raise Invalid("name", "must not be blank")
    return title


def checked_description(description: str) -> str:
    """Raises Invalid."""
    description = clean_text(description).strip()
    if len(description) > MAX_DESCRIPTION_CHARACTERS:
        raise Invalid("description", f"may have at most {MAX_DESCRIPTION_CHARACTERS} characters")
    return description


def _line(field: str, text: str) -> str:
    text = clean_text(text).strip()
    if len(text) > MAX_NAME_CHARACTERS:
        raise Invalid(field, f"may have at most {MAX_NAME_CHARACTERS} characters")
    if not text.isprintable():
        raise Invalid(field, "may only have characters that print")
    return text


def _tags(tags: list[str]) -> list[str]:
    """Without repeats, in the order given."""
    cleaned = list(dict.fromkeys(clean_text(tag).strip() for tag in tags))
    if len(cleaned) > MAX_TAGS:
        raise Invalid("tags", f"at most {MAX_TAGS}")
    for tag in cleaned:
        if not tag or len(tag) > MAX_TAG_CHARACTERS or not tag.isprintable():
            raise Invalid("tags", f"each must be 1 to {MAX_TAG_CHARACTERS} printing characters")
    return cleaned


def _custom_fields(fields: dict[str, Value]) -> dict[str, Value]:
    if len(fields) > MAX_CUSTOM_FIELDS:
        raise Invalid("customFields", f"at most {MAX_CUSTOM_FIELDS} of them")
    cleaned: dict[str, Value] = {}
    for name, value in fields.items():
        name = clean_text(name).strip()
        if not name or len(name) > MAX_TAG_CHARACTERS or not name.isprintable():
            reason = f"names must be 1 to {MAX_TAG_CHARACTERS} printing characters"
            raise Invalid("customFields", reason)
        if len(str(value)) > MAX_FIELD_CHARACTERS:
            raise Invalid(f"customFields.{name}", f"at most {MAX_FIELD_CHARACTERS} characters")
        cleaned[name] = clean_text(value) if isinstance(value, str) else value
    return cleaned


def _set_groups(
    tx: Transaction, user_id: int, contact_id: int, group_ids: list[int] | UnsetType
) -> None:
    if group_ids is UNSET:
        return
    wanted = list(dict.fromkeys(group_ids))
    if len(wanted) > MAX_GROUPS_OF_CONTACT:
        raise Invalid("groups", f"at most {MAX_GROUPS_OF_CONTACT}")
    if group_store.existing_in(tx, user_id, wanted) != set(wanted):
        raise NotFound("group")
    group_store.set_groups(tx, contact_id, wanted)


def _free_number(tx: Transaction, user_id: int, phone_number: str) -> None:
    """Make way for a contact's new number; what it remembers of a SIM goes."""
    known = store.find_number(tx, user_id, phone_number)
    if known is None:
        return
    key, is_contact = known
    if is_contact:
        raise _number_taken()
    store.delete(tx, key)


def _number_taken() -> AlreadyExists:
    return AlreadyExists("another contact has this phone number")
