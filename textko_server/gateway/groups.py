"""Groups: contacts of an account that are written to together.

Refuses to know how a text to a group is sent; audience.py does.
"""

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.errors import NotFound
from textko_server.gateway.contacts import checked_description, checked_title
from textko_server.gateway.phone_numbers import normalise
from textko_server.model import Group
from textko_server.store import contacts as contact_store
from textko_server.store import groups as store
from textko_server.store.database import Database, Transaction

NEWEST = 1 << 62


class Groups:
    """Where an account may be None, that means: whosever it is."""

    def __init__(self, db: Database, clock: Clock, default_region: str) -> None:
        self._db = db
        self._clock = clock
        self._default_region = default_region

    async def create(self, user_id: int, name: str, description: str) -> Group:
        """Raises Invalid."""
        name, description = checked_title(name), checked_description(description)
        now_ms = self._clock.now_ms()
        key = await self._db.write(lambda tx: store.insert(tx, user_id, name, description, now_ms))
        return Group(key, user_id, name, description, now_ms)

    async def update(
        self,
        user_id: int | None,
        group_id: int,
        *,
        name: str | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
    ) -> Group:
        """Change what is given. Raises NotFound, Invalid."""
        fields: dict[str, str] = {}
        if name is not UNSET:
            fields["name"] = checked_title(name)
        if description is not UNSET:
            fields["description"] = checked_description(description)

        def write(tx: Transaction) -> Group:
            changed = msgspec.structs.replace(_get_in(tx, user_id, group_id), **fields)
            store.put(tx, changed)
            return changed

        return await self._db.write(write)

    async def delete(self, user_id: int | None, group_id: int) -> None:
        """Its contacts stay. Raises NotFound."""

        def write(tx: Transaction) -> None:
            _get_in(tx, user_id, group_id)
            store.delete(tx, group_id)

        await self._db.write(write)

    async def get(self, user_id: int | None, group_id: int) -> Group:
        """Raises NotFound: absent, or another account's."""
        group = await store.find(self._db, user_id, group_id)
        if group is None:
            raise NotFound("group")
        return group

    async def list_page(self, user_id: int, *, offset: int, limit: int) -> tuple[list[Group], int]:
        """A page, newest first, and how many there are."""
        groups = await store.list_page(self._db, user_id, offset=offset, limit=limit)
        return groups, await store.count(self._db, user_id)

    async def list_before(
        self, user_id: int | None, *, before_id: int | None, limit: int
    ) -> list[Group]:
        """Newest first."""
        newest = NEWEST if before_id is None else before_id
        return await store.list_before(self._db, user_id, before_id=newest, limit=limit)

    async def member_counts(self, groups: list[Group]) -> dict[int, int]:
        """How many contacts each has, by its key; nothing for an empty one."""
        return await store.member_counts(self._db, [group.id for group in groups])

    # --- members ---

    async def add_members(
        self, user_id: int | None, group_id: int, contact_ids: list[int], numbers: list[str]
    ) -> int:
        """Contacts by key or phone number; returns how many were not in it.

        Raises:
            Invalid: what should be a number is none.
            NotFound: the group, or one of the contacts; then none is added.
        """
        normal = self._normalised(numbers)

        def write(tx: Transaction) -> int:
            group = _get_in(tx, user_id, group_id)
            return store.add_members(tx, group.id, _keys(tx, group, contact_ids, normal))

        return await self._db.write(write)

    async def remove_members(
        self, user_id: int | None, group_id: int, contact_ids: list[int], numbers: list[str]
    ) -> int:
        """As `add_members`; returns how many were in it."""
        normal = self._normalised(numbers)

        def write(tx: Transaction) -> int:
            group = _get_in(tx, user_id, group_id)
            return store.remove_members(tx, group.id, _keys(tx, group, contact_ids, normal))

        return await self._db.write(write)

    def _normalised(self, numbers: list[str]) -> list[str]:
        return [normalise(number, self._default_region) for number in numbers]


def _get_in(tx: Transaction, user_id: int | None, group_id: int) -> Group:
    group = store.find_in(tx, user_id, group_id)
    if group is None:
        raise NotFound("group")
    return group


def _keys(tx: Transaction, group: Group, contact_ids: list[int], numbers: list[str]) -> list[int]:
    """Of contacts of the group's account. Raises NotFound, naming a number."""
    known = contact_store.existing_in(tx, group.user_id, contact_ids)
    if known != set(contact_ids):
        raise NotFound("contact")
    of_numbers = contact_store.of_numbers_in(tx, group.user_id, numbers)
    for number in numbers:
        if number not in of_numbers:
            raise NotFound(f"contact: {number}")
    return [*contact_ids, *(of_numbers[number].id for number in numbers)]
