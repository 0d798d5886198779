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


def existing_in(tx: Transaction, user_id: int, group_ids: list[int]) -> set[int]:
    """Which of these are groups of the account."""
    values = {"ids": json.dumps(group_ids), "user_id": user_id}
    return {key for (key,) in tx.all(_GROUPS.existing, values)}


# --- reading ---


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
