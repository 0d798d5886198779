"""Contacts: whom an account writes to, by name and in groups."""

from collections.abc import Sequence
from typing import Any, ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.model import ContactStatus
from textko_server.tui.account_choice import only_account
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown, Tone
from textko_server.tui.details import Details
from textko_server.tui.dialogs.choose_group import all_groups, choose_group
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.dialogs.contact_form import contact_form, new_contact_form
from textko_server.tui.dialogs.contact_import import import_contacts
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_TONES: dict[ContactStatus, Tone] = {
    ContactStatus.ACTIVE: "good",
    ContactStatus.INACTIVE: "muted",
    ContactStatus.UNSUBSCRIBED: "warning",
    ContactStatus.BLOCKED: "bad",
}
_GET_NOTHING = frozenset({ContactStatus.UNSUBSCRIBED, ContactStatus.BLOCKED})


class ContactsView(ListView[wire.Contact]):
    """The address book, newest first. Fields of a filter: search (part of a name, number or
    e-mail), group (its name), status, user. f: only those to whom nothing is sent.
    """

    NOUN = ("contact", "contacts")
    EMPTY = "no contacts: c makes one, I brings in a CSV file"
    SERVER_FIELDS = frozenset({"search", "group", "status", "user"})
    FIELDS_HELP = "search: group: status: user: tags: email:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("write", "m", "Write"),
        Action("edit", "E", "Edit", needs="one"),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
        Action("group", "a", "Group"),
        Action("ungroup", "A", "Out of a group", is_shown=False),
        Action("import", "I", "Import", needs="nothing", is_shown=False),
    )

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self._group: tuple[str, str] | None = None
        """Id and name of the one that is shown."""

    def columns(self) -> Sequence[Column[wire.Contact]]:
        return (
            Column("Number", lambda c: c.phone_number, 16),
            Column("Name", lambda c: c.full_name, 14, 2, is_flexible=True),
            Column("Status", lambda c: Shown(c.status, _TONES[c.status]), 12, 3),
            Column("Groups", lambda c: ", ".join(g.name for g in c.groups), 14, 4,
                   is_flexible=True),
            Column("Email", lambda c: c.email, 20, 7),
            Column("Tags", lambda c: ", ".join(c.tags), 12, 8),
            Column("User", lambda c: c.user, 18, 5),
            age("Age", lambda c: c.created_at, self.app, 9),
        )  # fmt: skip

    def key_of(self, row: wire.Contact) -> str:
        return row.id

    def name_of(self, row: wire.Contact) -> str:
        return f"the contact {row.full_name or row.phone_number}"

    def is_fault(self, row: wire.Contact) -> bool:
        return row.status in _GET_NOTHING

    def path_of(self, row: wire.Contact) -> str:
        return f"/contacts/{row.id}"

    @property
    def trail(self) -> str:
        return "" if self._group is None else self._group[1]

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Contact]:
        query = wire.ContactQuery(
            user=wanted.value("user") or self.app.scope,
            # What is compared here anyway narrows what has to come.
            search=wanted.value("search") or wanted.value("number") or wanted.value("email"),
            group=await self._group_id(wanted.value("group")),
            status=_status(wanted.value("status")),
            before=cursor,
            limit=PAGE_SIZE,
        )
        page = await self.admin.list_contacts(query)
        return FetchedPage(page.contacts, page.next)

    async def _group_id(self, value: str | None) -> str | None:
        """By its id, its name or the beginning of that."""
        if value is None:
            self._group = None
        elif self._group is None or value != self._group[0]:
            self._group = await self._find_group(value)
        return None if self._group is None else self._group[0]

    async def _find_group(self, value: str) -> tuple[str, str]:
        groups = await all_groups(self.admin, self.app.scope)
        found = [g for g in groups if value in (g.id, g.name.lower())]
        found = found or [g for g in groups if g.name.lower().startswith(value)]
        if len(found) != 1:
            raise Invalid("group", f"{len(found) or 'no'} groups have a name like {value}")
        return found[0].id, found[0].name

    async def details(self, row: wire.Contact) -> Details:
        times = self.app.times
        details = Details().heading(row.full_name or row.phone_number)
        details.fields(
            [
                ("Number", row.phone_number),
                ("Status", Shown(row.status, _TONES[row.status])),
                ("E-mail", row.email or None),
                ("Groups", ", ".join(group.name for group in row.groups) or None),
                ("Tags", ", ".join(row.tags) or None),
                ("Account", row.user),
                ("Saved", times.full(row.created_at)),
                ("Changed", times.full(row.updated_at)),
            ]
        )
        if row.custom_fields:
            details.heading("Other fields")
            details.fields([(name, str(value)) for name, value in row.custom_fields.items()])
        return details

    # --- actions ---

    async def do_create(self) -> None:
        contact = await self.app.ask(await new_contact_form(self.app))
        if contact is not None:
            self.app.tell(f"Saved {contact.full_name or contact.phone_number}.")

    async def do_edit(self, row: wire.Contact) -> None:
        contact = await self.app.ask(await contact_form(self.app, row))
        if contact is not None:
            self.app.tell(f"Changed {contact.full_name or contact.phone_number}.")

    async def do_delete(self, rows: list[wire.Contact]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_contact(row.id), "deleted")

    async def consequences(self, action: Action, rows: Sequence[wire.Contact]) -> str:
        return "What was sent to them and came from them stays."

    async def do_write(self, rows: list[wire.Contact]) -> None:
        to = [row.phone_number for row in rows]
        sent = await self.app.ask(await Compose.make(self.app, to=to, user=only_account(rows)))
        if sent is not None:
            self.finish_bulk()
            self.app.tell_submitted(sent)

    async def do_group(self, rows: list[wire.Contact]) -> None:
        groups = await all_groups(self.admin, only_account(rows))
        title = f"Put {self.name_rows(rows)} into"
        chosen = await choose_group(self.app, title, [(g.id, g.name) for g in groups])
        if chosen is not None:
            members = wire.GroupMembers(contacts=[row.id for row in rows])
            changed = await self.admin.add_group_members(chosen[0], members)
            self.finish_bulk()
            self.app.tell(f"{changed.count} joined {chosen[1]}.")

    async def do_ungroup(self, rows: list[wire.Contact]) -> None:
        """Of those that one of them is in."""
        groups = {group.id: group.name for row in rows for group in row.groups}
        title = f"Take {self.name_rows(rows)} out of"
        chosen = await choose_group(self.app, title, groups.items())
        if chosen is not None:
            members = [row.id for row in rows if chosen[0] in {g.id for g in row.groups}]
            changed = await self.admin.remove_group_members(
                chosen[0], wire.GroupMembers(contacts=members)
            )
            self.finish_bulk()
            self.app.tell(f"{changed.count} left {chosen[1]}.")

    async def do_import(self) -> None:
        await import_contacts(self.app)


def _status(value: str | None) -> ContactStatus | None:
    """The beginning of it will do."""
    if value is None:
        return None
    found = [status for status in ContactStatus if status.value.startswith(value)]
    if len(found) != 1:
        raise Invalid("status", f"is one of {', '.join(ContactStatus)}, not {value}")
    return found[0]
