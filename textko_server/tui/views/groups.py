"""Groups of contacts: made, named, and written to as one."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column
from textko_server.tui.details import Details
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.dialogs.schedule_form import schedule_form, scheduled_sentence
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

# Enough to see who they are; the page of contacts has them all.
_SHOWN_MEMBERS = 20


class GroupsView(ListView[wire.Group]):
    """Contacts that are written to together, newest first. A contact may be in several groups."""

    NOUN = ("group", "groups")
    EMPTY = "no groups: c makes one, then put contacts into it (a on their page)"
    SERVER_FIELDS = frozenset({"user"})
    FIELDS_HELP = "name: description: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("members", "l", "Members", needs="one", changes=False),
        Action("write", "m", "Write to all", needs="one"),
        Action("add", "a", "Add members", needs="one", is_shown=False),
        Action("edit", "E", "Edit", needs="one"),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
    )

    def columns(self) -> Sequence[Column[wire.Group]]:
        return (
            Column("Name", lambda g: g.name, 16, is_flexible=True),
            Column("Members", lambda g: f"{g.contact_count:,}", 8, 2, is_right=True),
            Column("Description", lambda g: g.description, 20, 4, is_flexible=True),
            Column("User", lambda g: g.user, 18, 3),
            age("Age", lambda g: g.created_at, self.app, 5),
        )

    def key_of(self, row: wire.Group) -> str:
        return row.id

    def name_of(self, row: wire.Group) -> str:
        return f"the group {row.name}"

    def path_of(self, row: wire.Group) -> str:
        return f"/groups/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Group]:
        user = wanted.value("user") or self.app.scope
        query = wire.GroupQuery(user=user, before=cursor, limit=PAGE_SIZE)
        page = await self.admin.list_groups(query)
        return FetchedPage(page.groups, page.next)

    async def details(self, row: wire.Group) -> Details:
        query = wire.ContactQuery(user=row.user_id, group=row.id, limit=_SHOWN_MEMBERS)
        members = (await self.admin.list_contacts(query)).contacts
        details = Details().heading(row.name)
        if row.description:
            details.text(row.description).line("")
        details.fields(
            [
                ("Members", f"{row.contact_count:,}"),
                ("Account", row.user),
                ("Made", self.app.times.full(row.created_at)),
            ]
        )
        if members:
            details.heading("Newest members" if row.contact_count > len(members) else "Members")
        for member in members:
            details.line(f"{member.phone_number:<16} {member.full_name}")
        return details

    # --- actions ---

    async def do_create(self) -> None:
        async def submit(values: Values) -> wire.Group:
            body = wire.NewGroup(name=values["name"], description=values["description"])
            return await self.admin.create_group(body, chosen_account(self.app, values))

        fields = [*await account_fields(self.app), *_fields()]
        group = await self.app.ask(Form("New group", fields, submit))
        if group is not None:
            self.app.tell(f"Made the group {group.name}.")

    async def do_edit(self, row: wire.Group) -> None:
        async def submit(values: Values) -> wire.Group:
            body = wire.GroupChanges(name=values["name"], description=values["description"])
            return await self.admin.change_group(row.id, body)

        fields = _fields(row.name, row.description)
        group = await self.app.ask(Form(f"Group {row.name}", fields, submit))
        if group is not None:
            self.app.tell(f"Changed the group {group.name}.")

    async def do_delete(self, rows: list[wire.Group]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_group(row.id), "deleted")

    async def consequences(self, action: Action, rows: Sequence[wire.Group]) -> str:
        count = sum(row.contact_count for row in rows)
        return (
            f"Its {count:,} contacts stay. " * bool(count)
            + "What is scheduled for it finds nobody to write to."
        )

    async def do_members(self, row: wire.Group) -> None:
        self.app.open_page("contacts", f"group:{row.id}")

    async def do_add(self, row: wire.Group) -> None:
        async def submit(values: Values) -> wire.GroupMembersChanged:
            numbers = [n.strip() for n in values["contacts"].split(",") if n.strip()]
            return await self.admin.add_group_members(row.id, wire.GroupMembers(contacts=numbers))

        field = Field("contacts", "Numbers", is_required=True,
                      help="Of contacts there are, separated by commas.")  # fmt: skip
        changed = await self.app.ask(Form(f"Add to {row.name}", [field], submit, button="Add"))
        if changed is not None:
            self.app.tell(f"{changed.count} joined {row.name}.")

    async def do_write(self, row: wire.Group) -> None:
        scheduled = await self.app.ask(await schedule_form(self.app, group=row))
        if scheduled is not None:
            self.app.tell(scheduled_sentence(scheduled, self.app.times))


def _fields(name: str = "", description: str = "") -> list[Field]:
    return [
        Field("name", "Name", value=name, is_required=True),
        Field("description", "Description", value=description),
    ]
