"""API keys: what applications show instead of a login, what each may do, and whether it is used."""

from collections.abc import Sequence
from typing import ClassVar, get_args

from textko_server import admin_wire as wire
from textko_server.admin_wire.api_keys import KeyStatus
from textko_server.errors import Invalid
from textko_server.tui.actions import Action
from textko_server.tui.api_key_details import (
    Devices,
    api_key_details,
    ends_soon,
    example_line,
    scopes_in_short,
    status_of,
)
from textko_server.tui.columns import Column
from textko_server.tui.details import Details
from textko_server.tui.dialogs.api_key_form import (
    api_key_form,
    imported_api_key_form,
    new_api_key_form,
)
from textko_server.tui.dialogs.menu import Choice, Menu
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age, moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import PAGE_SIZE, ListView

_STATUSES: tuple[KeyStatus, ...] = get_args(KeyStatus)


class ApiKeysView(ListView[wire.ApiKey]):
    """The keys of applications, oldest first. A key itself is shown once, when it is made. Fields
    of a filter: status, and every column. f: only those that ended or end within a week.
    """

    NOUN = ("API key", "API keys")
    EMPTY = "no API keys: c makes one, and i lets one made elsewhere work here"
    EVENTS = frozenset({"account_changed"})
    SERVER_FIELDS = frozenset({"status"})
    FIELDS_HELP = "status:active name: user: begins: scopes:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("edit", "E", "Edit", needs="one"),
        Action("revoke", "U", "Revoke", confirm="Revoke", is_destructive=True),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
        Action("import", "i", "Import", needs="nothing", is_shown=False),
        Action("status", "n", "Only one status", needs="nothing", changes=False, is_shown=False),
    )

    def columns(self) -> Sequence[Column[wire.ApiKey]]:
        now = self.app.clock.now_ms
        return (
            Column("Name", lambda k: k.name, 14, is_flexible=True),
            Column("Begins", lambda k: k.prefix, 12, 3),
            Column("Status", lambda k: status_of(k, now()), 11),
            Column("Scopes", lambda k: scopes_in_short(k.scopes), 12, 4, is_flexible=True),
            age("Last used", lambda k: k.last_used_at, self.app, 2, width=9),
            moment("Expires", lambda k: k.expires_at, self.app, 5),
            Column("Devices", _device_count, 7, 8, is_right=True),
            Column("User", lambda k: k.user, 18, 6),
            age("Age", lambda k: k.created_at, self.app, 7),
        )

    def key_of(self, row: wire.ApiKey) -> str:
        return row.id

    def name_of(self, row: wire.ApiKey) -> str:
        return f"the API key {row.name}"

    def is_fault(self, row: wire.ApiKey) -> bool:
        return row.revoked_at is None and ends_soon(row, self.app.clock.now_ms())

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.ApiKey]:
        query = wire.ApiKeyQuery(
            user=self.app.scope,
            status=_status(wanted.value("status")),
            after=cursor,
            limit=PAGE_SIZE,
        )
        page = await self.admin.list_api_keys(query)
        return FetchedPage(page.api_keys, page.next)

    async def details(self, row: wire.ApiKey) -> Details:
        devices: Devices = {}
        if row.device_ids:
            listed = await self.admin.list_devices(row.user_id)
            devices = {device.id: device.name for device in listed.devices}
        line = example_line(await self._url(), f"{row.prefix}…")
        return api_key_details(row, devices, line, self.app.times, self.app.clock.now_ms())

    async def _url(self) -> str:
        """Where applications reach the server, as far as we know."""
        place = self.admin.place
        if place.startswith("http"):
            return place
        return (await self.admin.status()).url if self.app.is_admin else "https://YOUR_SERVER"

    async def consequences(self, action: Action, rows: Sequence[wire.ApiKey]) -> str:
        last_at = max((row.last_used_at for row in rows if row.last_used_at), default=None)
        used = ago(last_at, self.app.clock.now_ms())
        is_used = f"Last used {used} ago." if used else "Never used."
        stays = "stay listed" if action.name == "revoke" else "are forgotten"
        return f"Applications that use it are refused at once; keys {stays}.\n{is_used}"

    # --- actions ---

    async def do_create(self) -> None:
        created = await self.app.ask(await new_api_key_form(self.app))
        if created is None:
            return
        await self.app.ask(
            TextBox(f"The API key {created.name}", created.key, secret=True, shown_once=True,
                    file_name="api-key.txt", other=example_line(await self._url(), created.key))
        )  # fmt: skip

    async def do_import(self) -> None:
        imported = await self.app.ask(await imported_api_key_form(self.app))
        if imported is not None:
            self.app.tell(f"{imported.name} ({imported.prefix}…) works for {imported.user}.")

    async def do_edit(self, row: wire.ApiKey) -> None:
        changed = await self.app.ask(await api_key_form(self.app, row))
        if changed is not None:
            self.app.tell(f"Changed {changed.name}.")

    async def do_revoke(self, rows: list[wire.ApiKey]) -> None:
        await self.for_each(rows, lambda row: self.admin.revoke_api_key(row.id), "revoked")

    async def do_delete(self, rows: list[wire.ApiKey]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_api_key(row.id), "deleted")

    async def do_status(self) -> None:
        chosen = await self.app.ask(
            Menu("Only API keys that are", [Choice(s, s, s[0]) for s in _STATUSES])
        )
        if chosen is not None:
            await self.show_filter(str(self.filter.with_term("status", chosen)))


def _device_count(api_key: wire.ApiKey) -> str:
    return "all" if api_key.device_ids is None else str(len(api_key.device_ids))


def _status(value: str | None) -> KeyStatus:
    """The beginning of it will do."""
    for status in _STATUSES:
        if value is not None and status.startswith(value):
            return status
    if value is not None:
        raise Invalid("status", f"is one of {', '.join(_STATUSES)}, not {value}")
    return "all"
