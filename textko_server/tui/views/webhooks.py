"""Webhooks: which programs hear of what happens, how each stands, and what can be done about it."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.menu import Menu
from textko_server.tui.dialogs.text_box import TextBox
from textko_server.tui.dialogs.webhook_form import FORMATS, new_webhook_form, webhook_form
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import PAGE_SIZE, ListView
from textko_server.tui.webhook_details import counted_deliveries, standing_of, webhook_details

_LAST_SHOWN = 8


class WebhooksView(ListView[wire.Webhook]):
    """The URLs that are told of events, newest first. f: only those that fail, were disabled for
    failing, or have given deliveries up.
    """

    NOUN = ("webhook", "webhooks")
    EMPTY = "no webhooks: c subscribes a URL to events"
    EVENTS = frozenset({"webhook_attempted"})
    FIELDS_HELP = "name: url: state: user: events:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("deliveries", "l", "Deliveries", needs="one", changes=False),
        Action("test", "T", "Test", needs="one"),
        Action("edit", "E", "Edit", needs="one"),
        Action("redeliver", "a", "Send failed again", confirm="Send again what was given up of"),
        Action("enable", "u", "Enable", is_shown=False),
        Action("disable", "U", "Disable", confirm="Disable", is_shown=False),
        Action("rotate", "K", "New secret", needs="one", confirm="Give a new secret to",
               is_destructive=True, is_shown=False),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
    )  # fmt: skip

    def columns(self) -> Sequence[Column[wire.Webhook]]:
        now = self.app.clock.now_ms
        return (
            Column("Name", lambda w: w.name, 12, 2, is_flexible=True),
            Column("URL", lambda w: w.url, 18, is_flexible=True),
            Column("State", standing_of, 10),
            Column("Waiting", lambda w: counted_deliveries(w.pending_count), 7, 3, is_right=True),
            Column("Given up", _given_up, 8, 3, is_right=True),
            age("Failing", lambda w: w.failing_since, self.app, 4, width=8),
            Column("Next", lambda w: _next(w, now()), 9, 5, is_right=True),
            Column("Told", lambda w: f"{w.success_count:,}", 7, 8, is_right=True),
            age("Last", lambda w: _last_at(w), self.app, 7),
            Column("User", lambda w: w.user, 18, 6),
            Column("Events", lambda w: ", ".join(w.events), 16, 9),
        )

    def key_of(self, row: wire.Webhook) -> str:
        return row.id

    def name_of(self, row: wire.Webhook) -> str:
        return f"the webhook {row.name or row.url}"

    def is_fault(self, row: wire.Webhook) -> bool:
        is_failing = row.is_enabled and row.failing_since is not None
        return is_failing or bool(row.disabled_reason) or row.failed_count > 0

    def path_of(self, row: wire.Webhook) -> str:
        return f"/webhooks/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Webhook]:
        del wanted  # few enough to be compared here
        page = await self.admin.list_webhooks(
            user=self.app.scope, before=cursor, limit=PAGE_SIZE
        )  # fmt: skip
        return FetchedPage(page.webhooks, page.next)

    async def details(self, row: wire.Webhook) -> Details:
        last = await self.admin.list_deliveries(row.id, wire.DeliveryQuery(limit=_LAST_SHOWN))
        return webhook_details(row, last.deliveries, self.app.times, self.app.clock.now_ms())

    async def consequences(self, action: Action, rows: Sequence[wire.Webhook]) -> str:
        waiting = sum(row.pending_count for row in rows)
        given_up = sum(row.failed_count for row in rows)
        if action.name == "delete":
            return f"The log of deliveries goes too, and {waiting:,} that wait are never sent."
        if action.name == "disable":
            return f"Nothing new is owed then; {waiting:,} deliveries wait until it is enabled."
        if action.name == "rotate":
            return "What still waits is signed with the new one: its receiver has to know it now."
        if action.name == "redeliver":
            return f"{given_up:,} deliveries are sent again, with the same ids and bodies."
        return ""

    # --- actions ---

    async def do_create(self) -> None:
        chosen = await self.app.ask(Menu("Whose bodies does it get?", FORMATS))
        if chosen is None:
            return
        created = await self.app.ask(await new_webhook_form(self.app, chosen))
        if created is not None:
            await self._show_secret(created)

    async def do_edit(self, row: wire.Webhook) -> None:
        changed = await self.app.ask(webhook_form(self.app, row))
        if changed is not None:
            self.app.tell(f"Changed {changed.name or changed.url}.")

    async def do_enable(self, rows: list[wire.Webhook]) -> None:
        await self._switch(rows, "enabled", is_enabled=True)

    async def do_disable(self, rows: list[wire.Webhook]) -> None:
        await self._switch(rows, "disabled", is_enabled=False)

    async def _switch(self, rows: list[wire.Webhook], done: str, *, is_enabled: bool) -> None:
        changes = wire.WebhookChanges(is_enabled=is_enabled)
        await self.for_each(rows, lambda row: self.admin.change_webhook(row.id, changes), done)

    async def do_rotate(self, row: wire.Webhook) -> None:
        await self._show_secret(await self.admin.rotate_webhook_secret(row.id))

    async def _show_secret(self, webhook: wire.WebhookWithSecret) -> None:
        title = f"The signing secret of {webhook.name or webhook.url}"
        await self.app.ask(
            TextBox(title, webhook.secret, secret=True, shown_once=True,
                    file_name="webhook-secret.txt")
        )  # fmt: skip

    async def do_test(self, row: wire.Webhook) -> None:
        """A sample event; where one sees what became of it."""
        started = await self.admin.test_webhook(row.id)
        self.app.open_page("deliveries", f"webhook:{row.id}", select=started.delivery_id)

    async def do_deliveries(self, row: wire.Webhook) -> None:
        self.app.open_page("deliveries", f"webhook:{row.id}")

    async def do_redeliver(self, rows: list[wire.Webhook]) -> None:
        await self.for_each(
            rows, lambda row: self.admin.redeliver_failed(row.id), "told again of all it missed"
        )

    async def do_delete(self, rows: list[wire.Webhook]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_webhook(row.id), "deleted")


def _given_up(webhook: wire.Webhook) -> Shown:
    text = counted_deliveries(webhook.failed_count)
    return Shown(text, "bad" if webhook.failed_count else "plain")


def _next(webhook: wire.Webhook, now_ms: int) -> str | Shown | None:
    if webhook.next_attempt_at is None:
        return None
    if not webhook.is_enabled:
        return Shown("waits", "muted")
    is_due = webhook.next_attempt_at <= now_ms
    return "due" if is_due else ago(webhook.next_attempt_at, now_ms)


def _last_at(webhook: wire.Webhook) -> int | None:
    times = [at for at in (webhook.last_success_at, webhook.last_failure_at) if at is not None]
    return max(times, default=None)
