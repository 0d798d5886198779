"""`/admin/v1/contacts`: the address book, and bringing in many at once."""

from msgspec import UNSET

from textko_server import admin_wire as wire
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.contact_imports import KnownNumbers
from textko_server.gateway.contacts import ContactChanges, Filter, Place
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Contact

_ID_LENGTH = 24


async def list_contacts(call: Call, query: wire.ContactQuery) -> wire.ContactPage:
    """A page, newest first."""
    group_ids = None
    if query.group is not None:
        key = call.read_id(Kind.GROUP, query.group, "group")
        group_ids = [(await call.gateway.groups.get(visible_owner(call), key)).id]
    search = None if query.search is None else clean_text(query.search)
    wanted = Filter(status=query.status, search=search, group_ids=group_ids)
    contacts = await call.gateway.contacts.list_before(
        await owner_shown(call, query.user),
        wanted,
        before=None if query.before is None else _read_place(call, query.before),
        limit=query.limit,
    )
    is_last = len(contacts) < query.limit
    following = None if is_last else _place(call, contacts[-1])
    return wire.ContactPage(contacts=await _shown(call, contacts), next=following)


async def create_contact(call: Call, query: wire.UserQuery, body: wire.NewContact) -> wire.Contact:
    """Make a contact."""
    owner = await owner_of_new(call, query.user)
    new = ContactChanges(
        phone_number=body.phone_number,
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        status=body.status,
        tags=body.tags,
        custom_fields=body.custom_fields,
        group_ids=_group_keys(call, body.group_ids),
    )
    return await _shown_one(call, await call.gateway.contacts.create(owner, new))


async def import_contacts(
    call: Call, query: wire.UserQuery, body: wire.ContactImport
) -> wire.ContactImportReport:
    """Make or change many contacts at once.

    Nothing is stored when one of them is refused, unless `isPartial`.
    """
    owner = await owner_of_new(call, query.user)
    new = [
        ContactChanges(
            phone_number=contact.phone_number,
            first_name=contact.first_name,
            last_name=contact.last_name,
            email=contact.email,
            status=contact.status,
            tags=contact.tags,
            custom_fields=contact.custom_fields,
            group_ids=_group_keys(call, contact.group_ids),
        )
        for contact in body.contacts
    ]
    report = await call.gateway.contact_imports.store(
        owner, new, KnownNumbers(body.known_numbers), is_partial=body.is_partial
    )
    return wire.ContactImportReport(
        is_stored=report.is_stored,
        created_count=report.created_count,
        changed_count=report.changed_count,
        skipped_count=report.skipped_count,
        refused=[
            wire.RefusedContact(index=r.index, field=r.field, reason=r.reason)
            for r in report.refused
        ],
    )


async def get_contact(call: Call) -> wire.Contact:
    """One contact."""
    return await _shown_one(call, await call.gateway.contacts.get(visible_owner(call), _key(call)))


async def change_contact(call: Call, body: wire.ContactChanges) -> wire.Contact:
    """Change what is given."""
    changes = ContactChanges(
        phone_number=body.phone_number,
        first_name=body.first_name,
        last_name=body.last_name,
        email=body.email,
        status=body.status,
        tags=body.tags,
        custom_fields=body.custom_fields,
        group_ids=UNSET if body.group_ids is UNSET else _group_keys(call, body.group_ids),
    )
    contact = await call.gateway.contacts.update(visible_owner(call), _key(call), changes)
    return await _shown_one(call, contact)


async def delete_contact(call: Call) -> None:
    """Delete it; what was sent to it stays."""
    await call.gateway.contacts.delete(visible_owner(call), _key(call))


def _key(call: Call) -> int:
    return call.key(Kind.CONTACT, "contact")


def _group_keys(call: Call, group_ids: list[str]) -> list[int]:
    return [call.read_id(Kind.GROUP, group_id, "group") for group_id in group_ids]


# An id says the second a contact was saved in; its place among others is by the millisecond.


def _place(call: Call, contact: Contact) -> str:
    public_id = call.gateway.public_ids.encode(Kind.CONTACT, contact.id, contact.created_at)
    return f"{public_id}{contact.created_at % 1000:03d}"


def _read_place(call: Call, before: str) -> Place:
    public_id, ms = before[:_ID_LENGTH], before[_ID_LENGTH:]
    key = call.read_id(Kind.CONTACT, public_id, "page")
    # A bare id: after all that were saved in that second.
    past_second_ms = int(ms) if len(ms) == 3 and ms.isascii() and ms.isdigit() else 0
    return Place(int(public_id[:8], 16) * 1000 + past_second_ms, key)


async def _shown_one(call: Call, contact: Contact) -> wire.Contact:
    [shown] = await _shown(call, [contact])
    return shown


async def _shown(call: Call, contacts: list[Contact]) -> list[wire.Contact]:
    groups = await call.gateway.contacts.groups_of(contacts)
    names, encode = Names(call.gateway), call.gateway.public_ids.encode
    shown = []
    for contact in contacts:
        user_id, email = await names.user(contact.user_id)
        shown.append(
            wire.Contact(
                id=encode(Kind.CONTACT, contact.id, contact.created_at),
                user_id=user_id,
                user=email,
                phone_number=contact.phone_number,
                first_name=contact.first_name,
                last_name=contact.last_name,
                full_name=contact.full_name,
                email=contact.email,
                status=contact.status,
                tags=contact.tags,
                custom_fields=contact.custom_fields,
                groups=[
                    wire.GroupName(id=encode(Kind.GROUP, g.id, g.created_at), name=g.name)
                    for g in groups.get(contact.id, [])
                ],
                created_at=contact.created_at,
                updated_at=contact.updated_at,
            )
        )
    return shown


ENDPOINTS = (
    Endpoint("GET", "/contacts", list_contacts),
    Endpoint("POST", "/contacts", create_contact, status=201),
    Endpoint("POST", "/contacts/import", import_contacts),
    Endpoint("GET", "/contacts/{id}", get_contact),
    Endpoint("PATCH", "/contacts/{id}", change_contact),
    Endpoint("DELETE", "/contacts/{id}", delete_contact),
)
