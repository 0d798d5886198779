"""Opt-outs: numbers that want no texts."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.tui.account_choice import account_fields, chosen_account
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column
from textko_server.tui.details import Details
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age, moment
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_SOURCES = {"text": "it sent STOP", "operator": "entered by hand"}


class OptOutsView(ListView[wire.OptOut]):
    """Numbers that an account writes to no more, newest first: they sent STOP, or were entered."""

    NOUN = ("opt-out", "opt-outs")
    EMPTY = "nobody has opted out: who sends STOP comes here, and c adds a number"
    # A text that came in may have been a STOP.
    EVENTS = frozenset({"incoming_received"})
    SERVER_FIELDS = frozenset({"user"})
    FIELDS_HELP = "number: source: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("add", "c", "Add", needs="nothing"),
        Action("remove", "d", "Remove", confirm="Remove", is_destructive=True),
    )

    def columns(self) -> Sequence[Column[wire.OptOut]]:
        return (
            Column("Number", lambda o: o.phone_number, 16),
            Column("Source", _source, 16, 2, is_flexible=True),
            moment("Since", lambda o: o.created_at, self.app, 3),
            Column("User", lambda o: o.user, 20, 4),
            age("Age", lambda o: o.created_at, self.app, 5),
        )

    def key_of(self, row: wire.OptOut) -> str:
        return row.id

    def name_of(self, row: wire.OptOut) -> str:
        return f"the opt-out of {row.phone_number}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.OptOut]:
        user = wanted.value("user") or self.app.scope
        query = wire.OptOutQuery(user=user, before=cursor, limit=PAGE_SIZE)
        page = await self.admin.list_opt_outs(query)
        return FetchedPage(page.opt_outs, page.next)

    async def details(self, row: wire.OptOut) -> Details:
        return (
            Details()
            .heading(row.phone_number)
            .fields(
                [
                    ("Source", _source(row)),
                    ("Since", self.app.times.full(row.created_at)),
                    ("Account", row.user),
                ]
            )
            .line("")
            .text("What the account submits for it fails as opted_out, and costs nothing.", "muted")
        )

    # --- actions ---

    async def do_add(self) -> None:
        async def submit(values: Values) -> wire.OptOut:
            user = chosen_account(self.app, values)
            return await self.admin.add_opt_out(values["phoneNumber"], user)

        number = Field("phoneNumber", "Number", is_required=True,
                       help="Best with + and country code.")  # fmt: skip
        fields = [*await account_fields(self.app), number]
        added = await self.app.ask(Form("Write to a number no more", fields, submit, button="Add"))
        if added is not None:
            self.app.tell(f"{added.phone_number} is written to no more.")

    async def do_remove(self, rows: list[wire.OptOut]) -> None:
        await self.for_each(
            rows, lambda row: self.admin.remove_opt_out(row.phone_number, row.user_id), "removed"
        )

    async def consequences(self, action: Action, rows: Sequence[wire.OptOut]) -> str:
        asked = sum(row.source == "text" for row in rows)
        return f"{asked} asked for it themselves, by text." if asked else ""


def _source(opt_out: wire.OptOut) -> str:
    return _SOURCES.get(opt_out.source, opt_out.source)
