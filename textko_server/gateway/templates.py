"""Templates, and how a text with `{{variables}}` is rendered.

What a variable stands for is put in as it is: braces in a value mean nothing. Refuses to know whom
a text goes to; audience.py has the values of each contact.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.errors import Invalid, NotFound
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.contacts import checked_description, checked_title
from textko_server.model import Template
from textko_server.store import templates as store
from textko_server.store.database import Database, Transaction

# Together they bound what a rendering takes: a text is full of variables, and each value is long.
MAX_TEXT_CHARACTERS = 10_000
MAX_VARIABLES = 200
MAX_VALUES = 200
MAX_VALUE_CHARACTERS = 2_000
NEWEST = 1 << 62

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}\}")


class Rendering(msgspec.Struct, frozen=True):
    text: str
    missing: list[str]
    """Variables without a value, in order of appearance; they stand in the text as they were."""


def variables_of(text: str) -> list[str]:
    """Names of the variables, each once, in order of appearance."""
    return list(dict.fromkeys(_VARIABLE.findall(text)))


def render(text: str, values: Mapping[str, str]) -> Rendering:
    missing: dict[str, None] = {}

    def value_of(match: re.Match[str]) -> str:
        value = values.get(match[1])
        if value is None:
            missing[match[1]] = None
            return match[0]
        return value

    rendered = _VARIABLE.sub(value_of, text)
    return Rendering(rendered, list(missing))


def checked_values(variables: Mapping[str, Any]) -> dict[str, str]:
    """Strings, numbers and truth values as text; null is no value.

    Raises:
        Invalid: another kind of value, too many, or too long.
    """
    if len(variables) > MAX_VALUES:
        raise Invalid("variables", f"at most {MAX_VALUES}")
    values: dict[str, str] = {}
    for name, value in variables.items():
        if value is None:
            continue
        if not isinstance(value, str | int | float):
            field = f"variables.{clean_text(name)[:50]}"
            raise Invalid(field, "must be a string, a number, true or false")
        text = clean_text(as_text(value))
        if len(text) > MAX_VALUE_CHARACTERS:
            field = f"variables.{clean_text(name)[:50]}"
            raise Invalid(field, f"may have at most {MAX_VALUE_CHARACTERS} characters")
        values[clean_text(name)] = text
    return values


def as_text(value: str | float | bool) -> str:
    """As JSON writes it, without the quotes of a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def checked_text(text: str) -> str:
    """A text that may be rendered. Raises Invalid."""
    text = clean_text(text)
    if not text or text.isspace():
        raise Invalid("message", "must not be blank")
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Invalid("message", f"may have at most {MAX_TEXT_CHARACTERS} characters")
    if text.count("{{") > MAX_VARIABLES:
        raise Invalid("message", f"may have at most {MAX_VARIABLES} variables")
    return text


class Templates:
    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def create(self, user_id: int, name: str, text: str, description: str) -> Template:
        """Raises Invalid."""
        name, text = checked_title(name), checked_text(text)
        description = checked_description(description)
        now_ms = self._clock.now_ms()
        key = await self._db.write(
            lambda tx: store.insert(tx, user_id, name, text, description, now_ms)
        )
        return Template(key, user_id, name, text, description, now_ms)

    async def update(
        self,
        user_id: int | None,
        template_id: int,
        *,
        name: str | UnsetType = UNSET,
        text: str | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
    ) -> Template:
        """Change what is given; `user_id` None: whosever it is. Raises NotFound, Invalid."""
        fields: dict[str, str] = {}
        if name is not UNSET:
            fields["name"] = checked_title(name)
        if text is not UNSET:
            fields["text"] = checked_text(text)
        if description is not UNSET:
            fields["description"] = checked_description(description)

        def write(tx: Transaction) -> Template:
            before = store.find_in(tx, user_id, template_id)
            if before is None:
                raise NotFound("template")
            changed = msgspec.structs.replace(before, **fields)
            store.put(tx, changed)
            return changed

        return await self._db.write(write)

    async def delete(self, user_id: int | None, template_id: int) -> None:
        """`user_id` None: whosever it is. Raises NotFound."""

        def write(tx: Transaction) -> None:
            if store.find_in(tx, user_id, template_id) is None:
                raise NotFound("template")
            store.delete(tx, template_id)

        await self._db.write(write)

    async def get(self, user_id: int | None, template_id: int | None) -> Template:
        """`user_id` None: whosever it is. Raises NotFound: absent, or another account's."""
        template = None
        if template_id is not None:
            template = await store.find(self._db, user_id, template_id)
        if template is None:
            raise NotFound("template")
        return template

    async def list_before(
        self, user_id: int | None, *, before_id: int | None, limit: int
    ) -> list[Template]:
        """Newest first: of an account, or (None) of everybody."""
        newest = NEWEST if before_id is None else before_id
        return await store.list_before(self._db, user_id, before_id=newest, limit=limit)

    async def list_page(
        self, user_id: int, *, offset: int, limit: int
    ) -> tuple[list[Template], int]:
        """A page, newest first, and how many there are."""
        templates = await store.list_page(self._db, user_id, offset=offset, limit=limit)
        return templates, await store.count(self._db, user_id)
