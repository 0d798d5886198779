"""Groups of contacts, and which contacts belong to them."""

import json

from textko_server.model import Group
from textko_server.store.database import Database, Transaction
from textko_server.store.queries import load

_GROUPS = load("groups")


# --- inside a write ---


def insert(tx: Transaction, user_id: int, name: str, description: str, now_ms: int) -> int:
    """Returns its key."""
    return tx.insert(_GROUPS.insert, (user_id, name, description, now_ms))


def set_groups(tx: Transaction, contact_id: int, group_ids: list[int]) -> None:
    """The contact then belongs to these and to no other."""
    tx.execute(_GROUPS.leave_all, (contact_id,))
    tx.execute_all(_GROUPS.join_group, [(group_id, contact_id) for group_id in group_ids])


def join(tx: Transaction, pairs: list[tuple[int, int]]) -> None:
    """Pairs of (group, contact); whoever is in already stays."""
    tx.execute_all(_GROUPS.join_group, pairs)


def existing_in(tx: Transaction, user_id: int, group_ids: list[int]) -> set[int]:
    """Which of these are groups of the account."""
    values = {"ids": json.dumps(group_ids), "user_id": user_id}
    return {key for (key,) in tx.all(_GROUPS.existing, values)}


def find_in(tx: Transaction, user_id: int | None, group_id: int) -> Group | None:
    """Of the account, or (None) whosever it is."""
    row = tx.one(_GROUPS.get, {"id": group_id, "user_id": user_id})
    return Group(*row) if row else None


def put(tx: Transaction, group: Group) -> None:
    tx.execute(_GROUPS.put, (group.name, group.description, group.id))


def delete(tx: Transaction, group_id: int) -> None:
    tx.execute(_GROUPS.delete, (group_id,))


def add_members(tx: Transaction, group_id: int, contact_ids: list[int]) -> int:
    """How many were not in it."""
    values = {"group_id": group_id, "contact_ids": json.dumps(contact_ids)}
    return tx.execute(_GROUPS.enter_group, values).rowcount


def remove_members(tx: Transaction, group_id: int, contact_ids: list[int]) -> int:
    """How many were in it."""
    values = {"group_id": group_id, "contact_ids": json.dumps(contact_ids)}
    return tx.execute(_GROUPS.leave_group, values).rowcount


# --- reading ---


async def find(db: Database, user_id: int | None, group_id: int) -> Group | None:
    """Of the account, or (None) whosever it is."""
    row = await db.fetch_one(_GROUPS.get, {"id": group_id, "user_id": user_id})
    return Group(*row) if row else None


async def find_many(db: Database, user_id: int, group_ids: list[int]) -> dict[int, Group]:
    """Those that exist, by key."""
    values = {"ids": json.dumps(group_ids), "user_id": user_id}
    groups = [Group(*row) for row in await db.fetch_all(_GROUPS.get_many, values)]
    return {group.id: group for group in groups}


async def list_before(
    db: Database, user_id: int | None, *, before_id: int, limit: int
) -> list[Group]:
    """Newest first: of an account, or (None) of everybody."""
    sql = _GROUPS.before_of_all if user_id is None else _GROUPS.before_of_user
    values = {"user_id": user_id, "before_id": before_id, "limit": limit}
    return [Group(*row) for row in await db.fetch_all(sql, values)]


async def existing(db: Database, user_id: int, group_ids: list[int]) -> set[int]:
    """Which of these are groups of the account."""
    values = {"ids": json.dumps(group_ids), "user_id": user_id}
    return {key for (key,) in await db.fetch_all(_GROUPS.existing, values)}


async def list_page(db: Database, user_id: int, *, offset: int, limit: int) -> list[Group]:
    """Newest first."""
    rows = await db.fetch_all(_GROUPS.list_of_user, (user_id, limit, offset))
    return [Group(*row) for row in rows]


async def count(db: Database, user_id: int) -> int:
    row = await db.fetch_one(_GROUPS.count_of_user, (user_id,))
    return int(row[0]) if row else 0


async def member_counts(db: Database, group_ids: list[int]) -> dict[int, int]:
    """How many contacts each has; nothing for an empty one."""
    return dict(await db.fetch_all(_GROUPS.member_counts, (json.dumps(group_ids),)))


async def of_contacts(db: Database, contact_ids: list[int]) -> dict[int, list[Group]]:
    """The groups of each contact; nothing for one without."""
    groups: dict[int, list[Group]] = {}
    for contact_id, *rest in await db.fetch_all(_GROUPS.of_contacts, (json.dumps(contact_ids),)):
        groups.setdefault(contact_id, []).append(Group(*rest))
    return groups
