"""Phones: who is there, what each has to do and may do, and how new ones come in."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.device_details import device_details, window_text
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.dialogs.device_forms import (
    choose_sim,
    pace_form,
    rename_form,
    window_form,
)
from textko_server.tui.dialogs.pairing import pair_phone
from textko_server.tui.filters import Filter, Term
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.phone_cells import (
    battery_cell,
    carriers_cell,
    counted_up,
    held_cell,
    is_battery_low,
    pace_cell,
    presence_cell,
    seen_cell,
    signal_cell,
    waiting_cell,
)
from textko_server.tui.views.list_view import ListView


class DevicesView(ListView[wire.Device]):
    """The phones that send, oldest first. Waiting: texts for this phone alone; Held: what it was
    offered or has taken; Left: how many its SIMs may be given now.
    """

    NOUN = ("phone", "phones")
    EMPTY = "no phones yet: c pairs one, with a code that the app scans"
    EVENTS = frozenset({"device_changed", "recipient_changed", "message_submitted"})
    FIELDS_HELP = "name: state:offline user: sims: network:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("pair", "c", "Pair a phone", needs="nothing"),
        Action("rename", "R", "Rename", needs="one", is_shown=False),
        Action("enable", "u", "Enable", is_shown=False),
        Action("disable", "U", "Disable", confirm="Disable", is_shown=False),
        Action("pace", "l", "Limits", needs="one"),
        Action("window", "W", "Hours", needs="one", is_shown=False),
        Action("default", "D", "Make it the default", needs="one", is_shown=False),
        Action("messages", "m", "Its messages", needs="one", changes=False),
        Action("test", "T", "Send a test", needs="one"),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
    )

    def columns(self) -> Sequence[Column[wire.Device]]:
        is_ascii = self.app.preferences.ascii
        now = self.app.clock.now_ms
        return (
            Column("Name", lambda d: d.name, 14, is_flexible=True),
            Column("State", presence_cell, 9),
            Column(
                "Battery",
                lambda d: battery_cell(d, is_ascii=is_ascii),
                10,
                2,
                sort_by=lambda d: d.battery_percent,
            ),
            Column("Waiting", waiting_cell, 7, 3, is_right=True),
            Column("Held", held_cell, 4, 4, is_right=True),
            Column("Left", pace_cell, 8, 3, is_right=True),
            Column("Seen", lambda d: seen_cell(d, now()), 7, 4, is_right=True),
            Column("Signal", lambda d: signal_cell(d, is_ascii=is_ascii), 9, 6),
            Column("Network", lambda d: d.network, 8, 7),
            Column("SIMs", carriers_cell, 14, 8),
            Column("User", lambda d: d.user, 18, 5),
            Column("Model", lambda d: d.model, 14, 10),
            Column("Default", lambda d: Shown("default", "muted") if d.is_default else "", 7, 9),
        )

    def key_of(self, row: wire.Device) -> str:
        return row.id

    def name_of(self, row: wire.Device) -> str:
        return row.name

    def path_of(self, row: wire.Device) -> str:
        return f"/devices/{row.id}"

    def is_fault(self, row: wire.Device) -> bool:
        return row.is_enabled and (not row.is_online or is_battery_low(row))

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Device]:
        listed = await self.admin.list_devices(self.app.scope, load=True)
        return FetchedPage(listed.devices, None)

    async def details(self, row: wire.Device) -> Details:
        device = await self.admin.get_device(row.id)
        jobs = await self.admin.list_device_jobs(row.id)
        refusals = (await self.admin.list_refusals(self.app.scope)).refusals
        return device_details(
            device,
            row.load,
            jobs,
            [refusal for refusal in refusals if refusal.device_id == row.id],
            self.app.times,
            self.app.clock.now_ms(),
            is_ascii=self.app.preferences.ascii,
        )

    # --- actions ---

    async def do_pair(self) -> None:
        await pair_phone(self.app)

    async def do_rename(self, row: wire.Device) -> None:
        renamed = await self.app.ask(rename_form(self.app, row))
        if renamed is not None:
            self.app.tell(f"It is called {renamed.name} now.")

    async def do_enable(self, rows: list[wire.Device]) -> None:
        await self._switch_to(rows, is_enabled=True, done="enabled")

    async def do_disable(self, rows: list[wire.Device]) -> None:
        await self._switch_to(rows, is_enabled=False, done="disabled")

    async def _switch_to(self, rows: list[wire.Device], *, is_enabled: bool, done: str) -> None:
        changes = wire.DeviceChanges(is_enabled=is_enabled)
        await self.for_each(rows, lambda row: self.admin.change_device(row.id, changes), done)

    async def do_default(self, row: wire.Device) -> None:
        device = await self.admin.change_device(row.id, wire.DeviceChanges(is_default=True))
        self.app.tell(f"{device.name} is the default of {device.user} now.")

    async def do_pace(self, row: wire.Device) -> None:
        sim = await choose_sim(self.app, row)
        if sim is None:
            return
        changed = await self.app.ask(pace_form(self.app, row, sim))
        if changed is not None:
            left = changed.pace_left.now
            self.app.tell(f"SIM {changed.slot}: {'no limit' if left is None else left} left now.")

    async def do_window(self, row: wire.Device) -> None:
        sim = await choose_sim(self.app, row)
        if sim is None:
            return
        changed = await self.app.ask(window_form(self.app, row, sim))
        if changed is not None:
            self.app.tell(f"SIM {changed.slot} sends {window_text(changed.window)}.")

    async def do_messages(self, row: wire.Device) -> None:
        """By its id: names may be alike."""
        self.app.open_page("messages", str(Filter((Term("device", row.id),))))

    async def do_test(self, row: wire.Device) -> None:
        at = self.app.times.full(self.app.clock.now_ms())
        sent = await self.app.ask(
            await Compose.make(
                self.app,
                title=f"Send a test by {row.name}",
                text=f"A test of textko, {at}",
                user=row.user if self.app.is_admin else "",
                device_id=row.id,
            )
        )
        if sent is not None:
            self.app.tell_submitted(sent)

    async def do_delete(self, rows: list[wire.Device]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_device(row.id), "deleted")

    async def consequences(self, action: Action, rows: Sequence[wire.Device]) -> str:
        loads = [row.load for row in rows if row.load is not None]
        waiting, held = sum(load.waiting for load in loads), sum(load.held for load in loads)
        if action.name == "disable":
            lines = ["It gets no more texts until it is enabled."]
            if waiting:
                lines.append(f"{_texts(waiting)} that only it may send will wait.")
            return "\n".join(lines)
        if action.name == "delete":
            lines = ["To come back it has to be paired again."]
            if waiting:
                verb = "fails" if waiting == 1 else "fail"
                lines.append(f"{_texts(waiting)} that only it may send {verb}.")
            if held:
                lines.append(
                    f"It holds {counted_up(held)}: what it has taken fails, what it was only"
                    " offered goes to other phones."
                )
            return "\n".join(lines)
        return ""


def _texts(count: int) -> str:
    return "1 text" if count == 1 else f"{counted_up(count)} texts"
