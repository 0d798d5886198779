"""Users: who may log in, as what, with which limits, and what each of them holds."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.model import Role
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.confirm import Confirm
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.dialogs.user_forms import (
    limits_form,
    new_user_form,
    password_form,
    user_form,
)
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age
from textko_server.tui.typed_limits import shown_count
from textko_server.tui.user_details import held_things, is_over, user_details
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_LEDGER_LINES = 8


class UsersView(ListView[wire.User]):
    """Who may log in, oldest first. Fields of a filter: user (how the e-mail or the name begins),
    role. f: only those who can send no more.
    """

    NOUN = ("user", "users")
    EMPTY = "no users: c makes one"
    EVENTS = frozenset({"account_changed", "credits_low"})
    SERVER_FIELDS = frozenset({"user", "role"})
    FIELDS_HELP = "user:ann role:admin"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing", for_admins=True),
        Action("messages", "m", "Messages", needs="one", changes=False),
        Action("edit", "E", "Edit", needs="one", for_admins=True),
        Action("limits", "L", "Limits", needs="one", for_admins=True),
        Action("password", "K", "New password", needs="one", for_admins=True),
        Action("role", "A", "Admin or not", needs="one", for_admins=True, is_shown=False),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True, for_admins=True),
    )

    def columns(self) -> Sequence[Column[wire.User]]:
        now = self.app.clock.now_ms
        times = self.app.times
        return (
            Column("E-mail", lambda u: u.email, 20, is_flexible=True),
            Column("Name", lambda u: u.name, 12, 4, is_flexible=True),
            Column("Role", lambda u: _role(u.role), 7, 2),
            Column("Credits", lambda u: _count(u.credits), 9, 2, is_right=True),
            Column("A month", lambda u: _count(u.monthly_limit), 9, 3, is_right=True),
            Column("Ends", lambda u: _end(u, times.brief(u.subscription_ends_at, now()), now()),
                   12, 5),
            age("Since", lambda u: u.created_at, self.app, 6),
        )  # fmt: skip

    def key_of(self, row: wire.User) -> str:
        return row.id

    def name_of(self, row: wire.User) -> str:
        return row.email

    def is_fault(self, row: wire.User) -> bool:
        has_none = row.credits == 0 or row.monthly_limit == 0
        return has_none or is_over(row.subscription_ends_at, self.app.clock.now_ms())

    def path_of(self, row: wire.User) -> str:
        return f"/users/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.User]:
        query = wire.UserPageQuery(
            search=wanted.value("user"),
            role=_wanted_role(wanted.value("role")),
            after=cursor,
            limit=PAGE_SIZE,
        )
        page = await self.admin.list_users(query)
        return FetchedPage(page.users, page.next)

    async def details(self, row: wire.User) -> Details:
        usage = await self.admin.get_usage(row.id)
        held = await self.admin.get_holdings(row.id)
        ledger = await self.admin.list_ledger(row.id, wire.LedgerQuery(limit=_LEDGER_LINES))
        return user_details(
            row, usage, held, ledger.lines, self.app.times, self.app.clock.now_ms()
        )  # fmt: skip

    async def consequences(self, action: Action, rows: Sequence[wire.User]) -> str:
        held = [await self.admin.get_holdings(row.id) for row in rows]
        things = held_things(held)
        if not things:
            return "They hold nothing."
        return "With everything they have:\n" + "\n".join(f"  {thing}" for thing in things)

    # --- actions ---

    async def do_create(self) -> None:
        made = await self.app.ask(new_user_form(self.app))
        if made is None:
            return
        user, password = made
        self.app.tell(f"Made {user.email} ({user.role}).")
        if password:
            await self._show_password(user, password)

    async def do_edit(self, row: wire.User) -> None:
        changed = await self.app.ask(user_form(self.app, row))
        if changed is not None:
            self.app.tell(f"Changed {changed.email}.")

    async def do_limits(self, row: wire.User) -> None:
        changed = await self.app.ask(limits_form(self.app, row))
        if changed is not None:
            self.app.tell(f"{changed.email} has {shown_count(changed.credits)} credits now.")

    async def do_password(self, row: wire.User) -> None:
        made = await self.app.ask(password_form(self.app, row))
        if made is None:
            return
        user, password = made
        self.app.tell(f"{user.email} has a new password; their logins have ended.")
        if password:
            await self._show_password(user, password)

    async def _show_password(self, user: wire.User, password: str) -> None:
        await self.app.ask(
            TextBox(f"The password of {user.email}", password, secret=True, shown_once=True,
                    file_name="password.txt")
        )  # fmt: skip

    async def do_role(self, row: wire.User) -> None:
        is_admin = row.role == Role.ADMIN
        role = Role.REGULAR if is_admin else Role.ADMIN
        question = f"Make {row.email} {'a regular user' if is_admin else 'an admin'}?"
        may = "see their own things only" if is_admin else "see and change everything, of everybody"
        more = f"Then they {may}. Their logins end."
        if await self.app.ask(Confirm(question, more, yes=role, is_destructive=True)) is True:
            changed = await self.admin.set_role(row.id, role)
            self.app.tell(f"{changed.email} is {changed.role} now.")

    async def do_messages(self, row: wire.User) -> None:
        self.app.open_page("messages", f"user:{row.email}")

    async def do_delete(self, rows: list[wire.User]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_user(row.id), "deleted")


def _role(role: Role) -> Shown:
    return Shown(role, "accent" if role == Role.ADMIN else "plain")


def _count(count: int | None) -> Shown:
    if count is None:
        return Shown("∞", "muted")
    return Shown(f"{count:,}", "bad" if count == 0 else "plain")


def _end(user: wire.User, text: str | None, now_ms: int) -> Shown | None:
    if text is None:
        return None
    return Shown(text, "bad" if is_over(user.subscription_ends_at, now_ms) else "plain")


def _wanted_role(value: str | None) -> Role | None:
    """The beginning of it will do."""
    if value is None:
        return None
    for role in Role:
        if role.lower().startswith(value):
            return role
    raise Invalid("role", f"is one of {', '.join(Role)}, not {value}")
