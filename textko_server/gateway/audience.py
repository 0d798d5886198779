"""Whom a text goes to when phone numbers, contacts and groups are named, and what each gets.

One batch for all that are named one by one and one for each group, in the order of first mention;
a number gets one text, by whichever name came first. Nothing is stored here.
"""

import asyncio
import re
from collections.abc import Mapping

import msgspec

from textko_server.config import MessageSettings
from textko_server.errors import Invalid
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.segments import Segmentation
from textko_server.gateway.submissions import Submission, check_text
from textko_server.gateway.templates import as_text, checked_text, render
from textko_server.model import Contact, ContactStatus, Dialect
from textko_server.store import contacts as contact_store
from textko_server.store import groups as group_store
from textko_server.store.database import Database

PUBLIC_ID_CHARACTERS = 24
_UNWANTED = frozenset({ContactStatus.UNSUBSCRIBED, ContactStatus.BLOCKED})
_SEPARATORS = re.compile(r"[\s\-.()]")
# A public id has at least 24 characters and a number at most 15 digits: no string is both.
_is_number = re.compile(r"\+?[0-9]{7,15}").fullmatch
_has_letter = re.compile(r"[^\W\d_]").search
# Enough for people to find what is wrong.
_SHOWN_COUNT = 20
_SHOWN_CHARACTERS = 40


class Draft(msgspec.Struct, frozen=True):
    """A text and whom it shall go to, before anybody is looked up."""

    text: str
    recipients: list[str]
    """Phone numbers, and public ids of contacts and groups, in any order."""
    values: Mapping[str, str] | None = None
    """Of the text's variables; None: braces in the text are just text."""
    sender_id: str | None = None


class Refused(msgspec.Struct, frozen=True):
    recipient: str
    """As it was named; a member of a group by its number."""
    reason: str
    """not_found, unsubscribed or blocked."""


class NobodyToWriteTo(Invalid):
    """None of the recipients can be sent to; says why of each."""

    def __init__(self, invalid_phones: list[str], refused: list[Refused]) -> None:
        unwanted = [f"{r.recipient[:_SHOWN_CHARACTERS]} ({r.reason})" for r in refused]
        named = [*(phone[:_SHOWN_CHARACTERS] for phone in invalid_phones), *unwanted]
        why = f": {', '.join(named[:_SHOWN_COUNT])}" if named else ""
        super().__init__("recipients", f"none of them can be sent to{why}")
        self.invalid_phones = invalid_phones
        self.refused = refused


class Batch(msgspec.Struct, frozen=True):
    """What becomes one message."""

    submission: Submission
    longest: Segmentation
    credits: int
    is_group: bool


class Prepared(msgspec.Struct, frozen=True):
    """At least one batch."""

    batches: list[Batch]
    invalid_phones: list[str]
    refused: list[Refused]

    @property
    def submissions(self) -> list[Submission]:
        return [batch.submission for batch in self.batches]

    @property
    def recipient_count(self) -> int:
        return sum(len(batch.submission.phone_numbers) for batch in self.batches)

    @property
    def credits(self) -> int:
        return sum(batch.credits for batch in self.batches)

    @property
    def longest(self) -> Segmentation:
        sizes = [batch.longest for batch in self.batches]
        return max(sizes, key=lambda size: (size.segments, size.units))


class _Somebody(msgspec.Struct, frozen=True):
    phone_number: str
    contact: Contact | None


class Audience:
    def __init__(
        self,
        db: Database,
        public_ids: PublicIds,
        settings: MessageSettings,
    ) -> None:
        self._db = db
        self._public_ids = public_ids
        self._settings = settings

    async def prepare(self, user_id: int, draft: Draft) -> Prepared:
        """Look everybody up and render every text.

        Raises:
            NobodyToWriteTo: no recipient is left.
            Invalid: the text cannot be sent, a variable has no value, or there are too many.
        """
        text = checked_text(draft.text)
        if not draft.recipients:
            raise Invalid("recipients", "must name at least one")
        if len(draft.recipients) > self._settings.max_recipients:
            raise self._too_many()
        people = await self._look_up(user_id, draft.recipients)
        batches = people.batches
        if sum(len(batch) for _, batch in batches) > self._settings.max_recipients:
            raise self._too_many()
        if not batches:
            raise NobodyToWriteTo(people.invalid_phones, people.refused)
        # A thousand renderings take a part of a second: other requests go on.
        rendered = await asyncio.to_thread(self._batches, draft, text, batches)
        return Prepared(rendered, people.invalid_phones, people.refused)

    async def names_of(self, user_id: int, recipients: list[str]) -> list[str]:
        """For people: numbers as they are, contacts and groups by name; ids of what is gone."""
        decode = self._public_ids.decode
        keys = [name for name in recipients if len(name) == PUBLIC_ID_CHARACTERS]
        contact_keys = {name: decode(Kind.CONTACT, name) or 0 for name in keys}
        group_keys = {name: decode(Kind.GROUP, name) or 0 for name in keys}
        if not keys:
            return recipients
        contacts = await contact_store.find_many(self._db, user_id, list(contact_keys.values()))
        groups = await group_store.find_many(self._db, user_id, list(group_keys.values()))
        names: list[str] = []
        for name in recipients:
            contact = contacts.get(contact_keys.get(name, 0))
            group = groups.get(group_keys.get(name, 0))
            if contact is not None:
                names.append(contact.full_name or contact.phone_number)
            else:
                names.append(name if group is None else group.name)
        return names

    def is_phone(self, recipient: str) -> bool:
        """Whether it has the form of a phone number."""
        return _is_number(_SEPARATORS.sub("", recipient)) is not None

    def _too_many(self) -> Invalid:
        return Invalid("recipients", f"at most {self._settings.max_recipients} at a time")

    # --- who ---

    async def _look_up(self, user_id: int, recipients: list[str]) -> "_People":
        people = _People()
        numbers: dict[str, str] = {}
        contact_keys: dict[str, int] = {}
        group_keys: dict[str, int] = {}
        for name in dict.fromkeys(recipients):
            if self.is_phone(name):
                numbers[name] = normalise(_SEPARATORS.sub("", name), self._settings.default_region)
                continue
            if len(name) != PUBLIC_ID_CHARACTERS:
                continue
            if (contact_key := self._public_ids.decode(Kind.CONTACT, name)) is not None:
                contact_keys[name] = contact_key
            if (group_key := self._public_ids.decode(Kind.GROUP, name)) is not None:
                group_keys[name] = group_key
        contacts = await contact_store.find_many(self._db, user_id, list(contact_keys.values()))
        of_numbers = await contact_store.of_numbers(self._db, user_id, list(numbers.values()))
        groups = await group_store.existing(self._db, user_id, list(group_keys.values()))
        members = await contact_store.of_groups(
            self._db, user_id, list(groups), limit=self._settings.max_recipients + 1
        )
        if sum(map(len, members.values())) > self._settings.max_recipients:
            raise self._too_many()
        for name in dict.fromkeys(recipients):
            if name in numbers:
                number = numbers[name]
                people.add(None, name, _Somebody(number, of_numbers.get(number)))
            elif contact_keys.get(name) in contacts:
                contact = contacts[contact_keys[name]]
                people.add(None, name, _Somebody(contact.phone_number, contact))
            elif (group_id := group_keys.get(name)) in groups:
                for contact in members.get(group_id or 0, []):
                    somebody = _Somebody(contact.phone_number, contact)
                    people.add(group_id, contact.phone_number, somebody)
            elif _has_letter(name):
                people.refused.append(Refused(name, "not_found"))
            else:
                people.invalid_phones.append(name)
        return people

    # --- what ---

    def _batches(
        self, draft: Draft, text: str, people: list[tuple[bool, list[_Somebody]]]
    ) -> list[Batch]:
        return [self._batch(draft, text, is_group, batch) for is_group, batch in people]

    def _batch(self, draft: Draft, text: str, is_group: bool, people: list[_Somebody]) -> Batch:
        numbers = [somebody.phone_number for somebody in people]
        shown, texts = text, None
        if draft.values is not None:
            rendering = render(text, draft.values)
            shown = rendering.text
            if rendering.missing:
                texts = [self._text_for(somebody, text, draft.values) for somebody in people]
        if texts is None:
            longest = check_text(shown, self._settings)
            cost = longest.segments * len(numbers)
        else:
            sizes = [check_text(own, self._settings) for own in texts]
            longest = max(sizes, key=lambda size: (size.segments, size.units))
            cost = sum(size.segments for size in sizes)
        submission = Submission(
            shown, numbers, Dialect.TEXIFY, texts=texts, sender_id=draft.sender_id
        )
        return Batch(submission, longest, cost, is_group)

    def _text_for(self, somebody: _Somebody, text: str, values: Mapping[str, str]) -> str:
        """Values of the request win over those of the contact."""
        rendering = render(text, {**_values_of(somebody), **values})
        if rendering.missing:
            names = ", ".join(rendering.missing)
            raise Invalid("variables", f"{names}: no value for {somebody.phone_number}")
        # At once, so that long ones do not gather.
        check_text(rendering.text, self._settings)
        return rendering.text


class _People:
    """Who is written to, gathered in the order of mention."""

    def __init__(self) -> None:
        self.invalid_phones: list[str] = []
        self.refused: list[Refused] = []
        self._batches: dict[int | None, list[_Somebody]] = {}
        self._seen: set[str] = set()

    @property
    def batches(self) -> list[tuple[bool, list[_Somebody]]]:
        """Whether it is a group, and its people."""
        return [(group_id is not None, people) for group_id, people in self._batches.items()]

    def add(self, group_id: int | None, name: str, somebody: _Somebody) -> None:
        if somebody.phone_number in self._seen:
            return
        self._seen.add(somebody.phone_number)
        if somebody.contact is not None and somebody.contact.status in _UNWANTED:
            self.refused.append(Refused(name, somebody.contact.status))
        else:
            self._batches.setdefault(group_id, []).append(somebody)


def _values_of(somebody: _Somebody) -> dict[str, str]:
    """What is known of a recipient, by variable; what is empty is not known."""
    values = {"phoneNumber": somebody.phone_number}
    contact = somebody.contact
    if contact is None:
        return values
    known = {
        "firstName": contact.first_name,
        "lastName": contact.last_name,
        "fullName": contact.full_name,
        "email": contact.email,
    }
    values |= {name: value for name, value in known.items() if value}
    for name, value in contact.custom_fields.items():
        if value is not None and value != "":
            values[f"customFields.{name}"] = as_text(value)
    return values
