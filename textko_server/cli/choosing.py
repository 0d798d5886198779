"""Things named on the command line: by id, or by a name that only one of them has."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textko_server.cli.exit_codes import UsageError

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ApiKey, Group

_ID = re.compile(r"[0-9a-f]{24}")


def choose(noun: str, text: str, candidates: Iterable[tuple[str, str]]) -> str:
    """The id of the only candidate (id, name) so named. Raises UsageError."""
    found = [key for key, name in candidates if name.casefold() == text.casefold()]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{len(found)} {noun}s are called {text!r}: name one by its id")
    raise UsageError(f"no {noun} is called {text!r}: `textko {noun} list` shows them")


async def device_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    if _ID.fullmatch(text):
        return text
    devices = (await admin.list_devices(user)).devices
    return choose("device", text, ((d.id, d.name) for d in devices))


async def key_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    """By id, name, or the prefix that lists show."""
    if _ID.fullmatch(text):
        return text
    keys = await all_keys(admin, user, "all")
    by_prefix = [k.id for k in keys if k.prefix == text]
    if len(by_prefix) == 1:
        return by_prefix[0]
    return choose("key", text, ((k.id, k.name) for k in keys))


async def all_keys(admin: "AdminClient", user: str | None, status: str) -> "list[ApiKey]":
    import msgspec

    from textko_server.admin_wire import ApiKeyQuery

    keys: list[ApiKey] = []
    after = None
    while True:
        query = {"user": user, "status": status, "after": after, "limit": 200}
        page = await admin.list_api_keys(msgspec.convert(query, ApiKeyQuery))
        keys += page.api_keys
        if page.next is None:
            return keys
        after = page.next


async def webhook_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    """By id, name or URL."""
    if _ID.fullmatch(text):
        return text
    webhooks = (await admin.list_webhooks(user=user)).webhooks
    named = [(w.id, w.name) for w in webhooks]
    return choose("webhook", text, [*named, *((w.id, w.url) for w in webhooks)])


async def contact_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    """By id or phone number."""
    from textko_server.admin_wire import ContactQuery

    if _ID.fullmatch(text):
        return text
    wanted = text.lstrip("+")
    page = await admin.list_contacts(ContactQuery(user=user, search=wanted, limit=200))
    numbers = ((c.id, c.phone_number.lstrip("+")) for c in page.contacts)
    return choose("contact", wanted, numbers)


async def group_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    """By id or name."""
    if _ID.fullmatch(text):
        return text
    return choose("group", text, ((g.id, g.name) for g in await all_groups(admin, user)))


async def all_groups(admin: "AdminClient", user: str | None) -> "list[Group]":
    from textko_server.admin_wire import GroupQuery

    groups: list[Group] = []
    before = None
    while True:
        page = await admin.list_groups(GroupQuery(user=user, before=before, limit=200))
        groups += page.groups
        if page.next is None:
            return groups
        before = page.next


async def template_id(admin: "AdminClient", text: str, user: str | None = None) -> str:
    """By id or name."""
    from textko_server.admin_wire import TemplateQuery

    if _ID.fullmatch(text):
        return text
    named: list[tuple[str, str]] = []
    before = None
    while True:
        page = await admin.list_templates(TemplateQuery(user=user, before=before, limit=200))
        named += [(t.id, t.name) for t in page.templates]
        if page.next is None:
            return choose("template", text, named)
        before = page.next
