"""Contacts and groups.

The document's scopes promise to change and to delete contacts and name no path for it: `GET`,
`PATCH` and `DELETE /contacts/:id` are ours. So is `data` in the answer to a new group, without
which nobody could name it.
"""

from msgspec import UNSET

from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.contacts import ContactChanges, Filter, read_status
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.texify import wire
from textko_server.http.dialects.texify.endpoint import Call, Endpoint
from textko_server.http.dialects.texify.parameters import (
    MAX_BULK_LIMIT,
    read_ids,
    read_paging,
    split_list,
)
from textko_server.http.dialects.texify.shape import iso_utc_s
from textko_server.model import Contact, Group, Scope


async def post_contact(call: Call, body: wire.NewContact) -> wire.Done[wire.Contact]:
    """Make a contact."""
    new = ContactChanges(
        phone_number=body.phone_number,
        first_name=body.first_name or "",
        last_name=body.last_name or "",
        email=body.email or "",
        status=body.status or "",
        tags=body.tags or [],
        custom_fields=body.custom_fields or {},
        group_ids=read_ids(call, Kind.GROUP, body.groups or []),
    )
    contact = await call.gateway.contacts.create(call.user_id, new)
    [shown] = await _shown(call, [contact])
    return wire.Done(message="Contact created successfully", data=shown)


async def list_contacts(call: Call, query: wire.ContactQuery) -> wire.Data[wire.ContactPage]:
    """List contacts, newest first."""
    paging = read_paging(query, 50, MAX_BULK_LIMIT)
    groups = split_list("groups", query.groups)
    wanted = Filter(
        status=None if query.status is None else read_status(query.status),
        search=None if query.search is None else clean_text(query.search),
        tags=split_list("tags", query.tags),
        group_ids=None if groups is None else read_ids(call, Kind.GROUP, groups),
    )
    contacts, total = await call.gateway.contacts.list_page(
        call.user_id, wanted, offset=paging.offset, limit=paging.limit
    )
    shown = await _shown(call, contacts)
    return wire.Data(data=wire.ContactPage(pagination=paging.meta(total), contacts=shown))


async def get_contact(call: Call) -> wire.Data[wire.Contact]:
    """One contact."""
    contact = await call.gateway.contacts.get(call.user_id, call.key(Kind.CONTACT, "contact"))
    [shown] = await _shown(call, [contact])
    return wire.Data(data=shown)


async def patch_contact(call: Call, body: wire.ContactChanges) -> wire.Done[wire.Contact]:
    """Change what is given of a contact."""
    changes = ContactChanges(
        phone_number=body.phone_number,
        first_name=UNSET if body.first_name is UNSET else body.first_name or "",
        last_name=UNSET if body.last_name is UNSET else body.last_name or "",
        email=UNSET if body.email is UNSET else body.email or "",
        status=UNSET if body.status is UNSET else body.status or "",
        tags=UNSET if body.tags is UNSET else body.tags or [],
        custom_fields=UNSET if body.custom_fields is UNSET else body.custom_fields or {},
        group_ids=UNSET if body.groups is UNSET else read_ids(call, Kind.GROUP, body.groups or []),
    )
    key = call.key(Kind.CONTACT, "contact")
    contact = await call.gateway.contacts.update(call.user_id, key, changes)
    [shown] = await _shown(call, [contact])
    return wire.Done(message="Contact updated successfully", data=shown)


async def delete_contact(call: Call) -> wire.Said:
    """Delete a contact. What was sent to it stays."""
    await call.gateway.contacts.delete(call.user_id, call.key(Kind.CONTACT, "contact"))
    return wire.Said(message="Contact deleted successfully")


async def _shown(call: Call, contacts: list[Contact]) -> list[wire.Contact]:
    groups = await call.gateway.contacts.groups_of(contacts)
    return [
        wire.Contact(
            id=call.id_of(Kind.CONTACT, contact.id, contact.created_at),
            phone_number=contact.phone_number,
            first_name=contact.first_name,
            last_name=contact.last_name,
            full_name=contact.full_name,
            email=contact.email,
            tags=contact.tags,
            status=contact.status,
            created_at=iso_utc_s(contact.created_at),
            groups=[
                wire.GroupName(id=_group_id(call, group), name=group.name)
                for group in groups.get(contact.id, [])
            ],
            custom_fields=contact.custom_fields,
            updated_at=iso_utc_s(contact.updated_at),
        )
        for contact in contacts
    ]


async def post_group(call: Call, body: wire.NewGroup) -> wire.Done[wire.Group]:
    """Make a group; contacts join it by their `groups`."""
    group = await call.gateway.groups.create(call.user_id, body.name, body.description or "")
    return wire.Done(message="Group created", data=_group(call, group, 0))


async def list_groups(call: Call, query: wire.PageQuery) -> wire.Data[wire.GroupPage]:
    """List groups, newest first."""
    paging = read_paging(query, 50, MAX_BULK_LIMIT)
    groups, total = await call.gateway.groups.list_page(
        call.user_id, offset=paging.offset, limit=paging.limit
    )
    counts = await call.gateway.groups.member_counts(groups)
    shown = [_group(call, group, counts.get(group.id, 0)) for group in groups]
    return wire.Data(data=wire.GroupPage(pagination=paging.meta(total), groups=shown))


def _group(call: Call, group: Group, contact_count: int) -> wire.Group:
    return wire.Group(
        id=_group_id(call, group),
        name=group.name,
        description=group.description,
        contact_count=contact_count,
        created_at=iso_utc_s(group.created_at),
    )


def _group_id(call: Call, group: Group) -> str:
    return call.id_of(Kind.GROUP, group.id, group.created_at)


ENDPOINTS = (
    Endpoint("POST", "/contacts", post_contact, (Scope.MANAGE_CONTACTS,)),
    Endpoint("GET", "/contacts", list_contacts, (Scope.READ_CONTACTS,)),
    Endpoint("GET", "/contacts/{id}", get_contact, (Scope.READ_CONTACTS,)),
    Endpoint("PATCH", "/contacts/{id}", patch_contact, (Scope.MANAGE_CONTACTS,)),
    Endpoint("DELETE", "/contacts/{id}", delete_contact, (Scope.MANAGE_CONTACTS,)),
    Endpoint("POST", "/groups", post_group, (Scope.MANAGE_CONTACTS,)),
    Endpoint("GET", "/groups", list_groups, (Scope.READ_CONTACTS,)),
)
