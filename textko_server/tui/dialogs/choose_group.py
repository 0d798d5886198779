"""Which group: from a menu of all of an account's."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.tui.dialogs.menu import Choice, Menu

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

_LIMIT = 200


async def all_groups(admin: AdminClient, user: str | None) -> list[wire.Group]:
    """Newest first; `user` None: all that one may see. Raises TextkoError."""
    groups: list[wire.Group] = []
    before: str | None = None
    while True:
        page = await admin.list_groups(wire.GroupQuery(user=user, before=before, limit=_LIMIT))
        groups += page.groups
        before = page.next
        if before is None:
            return groups


async def choose_group(
    app: "TextkoApp", title: str, groups: Iterable[tuple[str, str]]
) -> tuple[str, str] | None:
    """`groups`: id and name; so is the answer. None: none of them."""
    names = dict(groups)
    if not names:
        app.tell("There is no such group: c on the page of groups makes one.", "warning")
        return None
    menu = Menu(title, [Choice(group_id, name) for group_id, name in names.items()])
    chosen = await app.ask(menu)
    return None if chosen is None else (chosen, names[chosen])
