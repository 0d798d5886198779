"""Bringing in many contacts at once: all of them, or none, or (when asked) those that are right.

One write; what is wrong is named by its index in the list. Refuses to know files.
"""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET

from textko_server.clock import Clock
from textko_server.errors import Invalid, NotFound
from textko_server.gateway.contacts import ContactChanges, Contacts, empty_contact
from textko_server.model import Contact
from textko_server.store import contacts as store
from textko_server.store import groups as group_store
from textko_server.store.database import Database, Transaction


class KnownNumbers(StrEnum):
    """What to do with a number that is a contact already."""

    REFUSE = "refuse"
    SKIP = "skip"
    CHANGE = "change"
    """Set what is given."""


class Refused(msgspec.Struct, frozen=True):
    index: int
    field: str
    """Empty: it is about the whole contact."""
    reason: str


class Report(msgspec.Struct, frozen=True):
    """Counts are of what was done, or would have been."""

    is_stored: bool
    created_count: int
    changed_count: int
    skipped_count: int
    refused: list[Refused]


class _Line(msgspec.Struct, frozen=True):
    """One that is right by itself."""

    index: int
    fields: dict[str, Any]
    group_ids: list[int]

    @property
    def number(self) -> str:
        number: str = self.fields["phone_number"]
        return number


class ContactImports:
    def __init__(self, db: Database, clock: Clock, contacts: Contacts) -> None:
        self._db = db
        self._clock = clock
        self._contacts = contacts

    async def store(
        self,
        user_id: int,
        new: Sequence[ContactChanges],
        known_numbers: KnownNumbers,
        *,
        is_partial: bool,
    ) -> Report:
        """Groups are joined; none is left.

        Raises:
            NotFound: one of the groups.
        """
        # Ten thousand numbers take a part of a second: other requests go on.
        lines, refused = await asyncio.to_thread(self._check, new)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Report:
            plan = _plan(tx, user_id, lines, known_numbers, now_ms)
            all_refused = sorted([*refused, *plan.refused], key=lambda r: r.index)
            is_stored = is_partial or not all_refused
            if is_stored:
                plan.store(tx)
            return Report(
                is_stored, plan.created_count, len(plan.changed), plan.skipped_count, all_refused
            )

        return await self._db.write(write)

    def _check(self, new: Sequence[ContactChanges]) -> tuple[list[_Line], list[Refused]]:
        lines: list[_Line] = []
        refused: list[Refused] = []
        first_index: dict[str, int] = {}
        for index, changes in enumerate(new):
            try:
                line = _Line(index, self._fields(changes), changes.group_ids or [])
                first = first_index.setdefault(line.number, index)
                if first != index:
                    raise Invalid("phoneNumber", "is in the list more than once")
            except Invalid as error:
                refused.append(Refused(index, error.field, error.reason))
            else:
                lines.append(line)
        return lines, refused

    def _fields(self, changes: ContactChanges) -> dict[str, Any]:
        if changes.phone_number is UNSET:
            raise Invalid("phoneNumber", "is required")
        return self._contacts.checked(changes)


class _Plan:
    """What a write is going to do."""

    def __init__(self) -> None:
        self.new: list[Contact] = []
        self.saved: list[Contact] = []
        """Over a row that only remembers a SIM."""
        self.changed: list[Contact] = []
        self.skipped_count = 0
        self.refused: list[Refused] = []
        self.groups_of: dict[str, list[int]] = {}

    @property
    def created_count(self) -> int:
        return len(self.new) + len(self.saved)

    def store(self, tx: Transaction) -> None:
        keys = store.insert_many(tx, self.new)
        pairs = [(key, contact.phone_number) for key, contact in zip(keys, self.new, strict=True)]
        for contact in self.saved + self.changed:
            store.put(tx, contact)
            pairs.append((contact.id, contact.phone_number))
        group_store.join(tx, [(g, key) for key, number in pairs for g in self.groups_of[number]])


def _plan(
    tx: Transaction, user_id: int, lines: list[_Line], known_numbers: KnownNumbers, now_ms: int
) -> _Plan:
    plan = _Plan()
    wanted = {group_id for line in lines for group_id in line.group_ids}
    if group_store.existing_in(tx, user_id, sorted(wanted)) != wanted:
        raise NotFound("group")
    numbers = [line.number for line in lines]
    contacts = store.of_numbers_in(tx, user_id, numbers)
    sim_rows = store.unsaved_in(tx, user_id, numbers)
    empty = empty_contact(user_id, now_ms)
    for line in lines:
        known = contacts.get(line.number)
        plan.groups_of[line.number] = line.group_ids
        if known is None:
            key = sim_rows.get(line.number, 0)
            made = msgspec.structs.replace(empty, id=key, **line.fields)
            (plan.saved if key else plan.new).append(made)
        elif known_numbers is KnownNumbers.SKIP:
            plan.skipped_count += 1
        elif known_numbers is KnownNumbers.CHANGE:
            fields = line.fields | {"updated_at": now_ms}
            plan.changed.append(msgspec.structs.replace(known, **fields))
        else:
            plan.refused.append(Refused(line.index, "phoneNumber", "is another contact's"))
    return plan
