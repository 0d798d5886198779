"""The first page: what needs a hand and the key that helps, the last hour, queue and phones."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Static

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.commands import run_line
from textko_server.tui.concerns import concern_cell, help_for, help_text
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.dialogs.pairing import pair_phone
from textko_server.tui.pages import Page
from textko_server.tui.phone_cells import (
    battery_cell,
    pace_cell,
    presence_cell,
    signal_cell,
    waiting_cell,
)
from textko_server.tui.queue_lines import OPEN_STATES, queue_lines
from textko_server.tui.times import ago
from textko_server.tui.views.view import View
from textko_server.tui.widgets.lines import Lines
from textko_server.tui.widgets.records import Records
from textko_server.tui.widgets.traffic_chart import LINES, TrafficChart

# The minute goes on and phones fall silent without an event that says so.
_LOOK_AGAIN_S = 15.0
# Where the parts stand below each other.
_MAX_CONCERNS = 6
_MAX_WEBHOOKS = 3
_LEAST_PHONES = 2
_GAPS = 3


class OverviewView(View):
    """How it goes now, and what needs a hand: enter on a line leads to where it is put right. Tab
    goes from part to part.
    """

    EVENTS = frozenset(
        {"message_submitted", "recipient_changed", "incoming_received", "device_changed",
         "account_changed", "webhook_attempted", "scheduled_changed", "credits_low"}
    )  # fmt: skip
    AUTO_FOCUS = "#concerns"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual's own way
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("compose", "c", "Write", needs="nothing"),
        Action("pair", "P", "Pair a phone", needs="nothing"),
        Action("key", "K", "Make an API key", needs="nothing"),
        Action("user", "U", "Make a user", needs="nothing", for_admins=True),
    )

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._concerns: list[wire.Concern] = []
        self._phones: list[wire.Device] = []
        self._failing: list[wire.Webhook] = []

    # --- what it consists of ---

    def compose_body(self) -> ComposeResult:
        with VerticalScroll(id="overview", can_focus=False):
            with Vertical(id="overview-left"):
                yield Lines(
                    self._concern_columns(), _concern_key, empty="Nothing. All is well.",
                    id="concerns",
                )  # fmt: skip
                yield TrafficChart(is_ascii=self.app.preferences.ascii, id="traffic")
            with Vertical(id="overview-right"):
                yield Static("", id="queue", markup=False)
                yield Lines(
                    self._phone_columns(), lambda phone: phone.id, empty="None is paired yet.",
                    id="phones",
                )  # fmt: skip
                yield Lines(
                    self._webhook_columns(), lambda webhook: webhook.id, empty="", id="webhooks"
                )

    def _concern_columns(self) -> tuple[Column[wire.Concern], ...]:
        now = self.app.clock.now_ms
        return (
            Column("What needs a hand", concern_cell, 30, is_flexible=True),
            Column("Since", lambda c: ago(c.since, now()) or Shown("", "muted"), 6, 3,
                   is_right=True),
            Column("What helps", self._help_cell, 16, 2),
        )  # fmt: skip

    def _phone_columns(self) -> tuple[Column[wire.Device], ...]:
        is_ascii = self.app.preferences.ascii
        return (
            Column("Phone", lambda d: d.name, 14, is_flexible=True),
            Column("State", presence_cell, 9),
            Column("Battery", lambda d: battery_cell(d, is_ascii=is_ascii), 10, 2),
            Column("Signal", lambda d: signal_cell(d, is_ascii=is_ascii), 9, 4),
            Column("Left now", pace_cell, 8, 3, is_right=True),
            Column("Waiting", waiting_cell, 7, 2, is_right=True),
        )

    def _webhook_columns(self) -> tuple[Column[wire.Webhook], ...]:
        now = self.app.clock.now_ms
        return (
            Column("Webhook that fails", lambda w: Shown(f"✗ {w.name}", "bad"), 18,
                   is_flexible=True),
            Column("Since", lambda w: ago(w.failing_since, now()), 6, 2, is_right=True),
            Column("Owed", lambda w: f"{w.pending_count:,}", 5, 3, is_right=True),
            Column("Given up", lambda w: f"{w.failed_count:,}", 8, 3, is_right=True),
            Column("URL", lambda w: w.url, 20, 4, is_flexible=True),
        )  # fmt: skip

    def _help_cell(self, concern: wire.Concern) -> Shown | None:
        steps = {
            action.name: self.app.key_of(f"overview.{action.name}", action.key)
            for action in self.actions_now()
        }
        return help_text(help_for(concern, is_admin=self.app.is_admin), steps)

    # --- reading it ---

    def on_mount(self) -> None:
        self.set_interval(_LOOK_AGAIN_S, self._look_again)
        # Before we know who asks, signing in sees to it.
        if self.app.me is not None:
            self.refresh_now()

    def _look_again(self) -> None:
        if self.app.is_live and self.app.link.is_up and self.app.view is self:
            self.refresh_soon()

    async def reload(self) -> None:
        scope = self.app.scope
        self._concerns = (await self.admin.attention(scope)).concerns
        traffic = await self.admin.traffic(scope)
        self._phones = sorted(
            (await self.admin.list_devices(scope, load=True)).devices, key=_urgency
        )
        webhooks = (await self.admin.list_webhooks(user=scope)).webhooks
        self._failing = [webhook for webhook in webhooks if _is_failing(webhook)]
        status = await self.admin.status() if self.app.is_admin else None
        wanted = wire.MessageFilter(user=scope, state=",".join(OPEN_STATES))
        open_counts = (await self.admin.count_messages(wanted)).by_state
        self.query_one(TrafficChart).put(traffic)
        waiting = traffic.minutes[-1].queue_depth if traffic.minutes else None
        self.query_one("#queue", Static).update(
            queue_lines(status, waiting, open_counts, self._phones, self.app.clock.now_ms()).content
        )
        self._place()
        await self.query_one("#concerns", Lines).put(self._concerns)
        await self.query_one("#phones", Lines).put(self._phones)
        await self.query_one("#webhooks", Lines).put(self._failing)

    def on_resize(self) -> None:
        self._place()

    def _place(self) -> None:
        """Each part as high as it has use for; what is over goes to the phones, or the chart."""
        height = self.query_one("#overview").size.height
        is_wide = self.has_class("-wide")
        concerns_count = min(max(len(self._concerns), 1), height // 3 if is_wide else _MAX_CONCERNS)
        self.query_one("#concerns").styles.height = 1 + concerns_count
        webhooks = self.query_one("#webhooks")
        webhooks.display = bool(self._failing)
        webhooks.styles.height = 1 + min(len(self._failing), _MAX_WEBHOOKS)
        traffic, phones = self.query_one("#traffic"), self.query_one("#phones")
        if is_wide:
            traffic.styles.height = phones.styles.height = "1fr"
            return
        traffic.styles.height = LINES
        used = 1 + concerns_count + LINES + self.query_one("#queue").size.height + _GAPS
        room = max(height - used - 1, _LEAST_PHONES)
        phones.styles.height = 1 + min(max(len(self._phones), 1), room)

    # --- going where it is put right ---

    @on(Records.Opened)
    def open_line(self, event: Records.Opened) -> None:
        line = event.records.current
        if isinstance(line, wire.Concern):
            self._help(line)
        elif isinstance(line, wire.Device):
            self.app.open_page("devices", "", select=line.id)
        elif isinstance(line, wire.Webhook):
            self.app.open_page("webhooks", "", select=line.id)

    def _help(self, concern: wire.Concern) -> None:
        found = help_for(concern, is_admin=self.app.is_admin)
        if found is None:
            self.app.tell("Only an admin can change that.")
        elif found.step:
            run_line(self.app, found.step)
        else:
            self.app.open_page(found.page, found.filter, select=found.select)

    # --- the first steps ---

    async def do_compose(self) -> None:
        sent = await self.app.ask(await Compose.make(self.app))
        if sent is not None:
            self.app.tell_submitted(sent)

    async def do_pair(self) -> None:
        await pair_phone(self.app)

    async def do_key(self) -> None:
        self.app.open_page("api_keys", "", action="create")

    async def do_user(self) -> None:
        self.app.open_page("users", "", action="create")


def _concern_key(concern: wire.Concern) -> str:
    return " ".join(
        filter(None, (concern.code, concern.device_id, concern.webhook_id, concern.user_id))
    )


def _urgency(device: wire.Device) -> tuple[bool, bool, str]:
    """What waits in vain stands first, then who is there."""
    is_away = device.is_enabled and not device.is_online
    has_waiting = device.load is not None and device.load.waiting > 0
    return (not (is_away and has_waiting), not device.is_online, device.name.casefold())


def _is_failing(webhook: wire.Webhook) -> bool:
    was_switched_off = not webhook.is_enabled and webhook.disabled_reason is not None
    return was_switched_off or (webhook.is_enabled and webhook.failing_since is not None)
