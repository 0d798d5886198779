"""`/admin/v1/groups`: contacts that are written to together."""

from textko_server import admin_wire as wire
from textko_server.gateway.public_ids import Kind
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Group


async def list_groups(call: Call, query: wire.GroupQuery) -> wire.GroupPage:
    """A page, newest first."""
    groups = await call.gateway.groups.list_before(
        await owner_shown(call, query.user),
        before_id=call.read_cursor(Kind.GROUP, query.before),
        limit=query.limit,
    )
    shown = await _shown(call, groups)
    is_last = len(shown) < query.limit
    return wire.GroupPage(groups=shown, next=None if is_last else shown[-1].id)


async def create_group(call: Call, query: wire.UserQuery, body: wire.NewGroup) -> wire.Group:
    """Make a group."""
    owner = await owner_of_new(call, query.user)
    group = await call.gateway.groups.create(owner, body.name, body.description)
    return await _shown_one(call, group)


async def get_group(call: Call) -> wire.Group:
    """One group."""
    return await _shown_one(call, await call.gateway.groups.get(visible_owner(call), _key(call)))


async def change_group(call: Call, body: wire.GroupChanges) -> wire.Group:
    """Change what is given."""
    group = await call.gateway.groups.update(
        visible_owner(call), _key(call), name=body.name, description=body.description
    )
    return await _shown_one(call, group)


async def delete_group(call: Call) -> None:
    """Delete it; its contacts stay."""
    await call.gateway.groups.delete(visible_owner(call), _key(call))


async def add_group_members(call: Call, body: wire.GroupMembers) -> wire.GroupMembersChanged:
    """Put contacts into it: all that are named, or none."""
    contact_ids, numbers = _named(call, body)
    count = await call.gateway.groups.add_members(
        visible_owner(call), _key(call), contact_ids, numbers
    )
    return wire.GroupMembersChanged(count=count)


async def remove_group_members(call: Call, body: wire.GroupMembers) -> wire.GroupMembersChanged:
    """Take contacts out of it: all that are named, or none."""
    contact_ids, numbers = _named(call, body)
    count = await call.gateway.groups.remove_members(
        visible_owner(call), _key(call), contact_ids, numbers
    )
    return wire.GroupMembersChanged(count=count)


def _key(call: Call) -> int:
    return call.key(Kind.GROUP, "group")


def _named(call: Call, body: wire.GroupMembers) -> tuple[list[int], list[str]]:
    """(keys of contacts, phone numbers); no number is long enough to be an id."""
    keys: list[int] = []
    numbers: list[str] = []
    for name in body.contacts:
        key = call.gateway.public_ids.decode(Kind.CONTACT, name)
        if key is None:
            numbers.append(name)
        else:
            keys.append(key)
    return keys, numbers


async def _shown_one(call: Call, group: Group) -> wire.Group:
    [shown] = await _shown(call, [group])
    return shown


async def _shown(call: Call, groups: list[Group]) -> list[wire.Group]:
    counts = await call.gateway.groups.member_counts(groups)
    names = Names(call.gateway)
    shown = []
    for group in groups:
        user_id, email = await names.user(group.user_id)
        shown.append(
            wire.Group(
                id=call.gateway.public_ids.encode(Kind.GROUP, group.id, group.created_at),
                user_id=user_id,
                user=email,
                name=group.name,
                description=group.description,
                contact_count=counts.get(group.id, 0),
                created_at=group.created_at,
            )
        )
    return shown


ENDPOINTS = (
    Endpoint("GET", "/groups", list_groups),
    Endpoint("POST", "/groups", create_group, status=201),
    Endpoint("GET", "/groups/{id}", get_group),
    Endpoint("PATCH", "/groups/{id}", change_group),
    Endpoint("DELETE", "/groups/{id}", delete_group),
    Endpoint("POST", "/groups/{id}/add", add_group_members),
    Endpoint("POST", "/groups/{id}/remove", remove_group_members),
)
