"""Phones that could not connect, or got nothing when they did: the first thing one asks about a
phone that does not come.
"""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.pairing import pair_phone
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age, moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import ListView

# What is mended by pairing the phone once more.
_NEEDS_PAIRING = frozenset(
    {"pairing_unknown", "pairing_expired", "pairing_used", "no_token", "unknown_token",
     "deleted_device"}
)  # fmt: skip
_LOOK_AGAIN_S = 5.0


class RefusalsView(ListView[wire.Refusal]):
    """Phones that were turned away since the server started, the last first: why, how often, since
    when. The same thing again is counted.
    """

    NOUN = ("refusal", "refusals")
    EMPTY = "no phone was turned away since the server started"
    EVENTS = frozenset({"device_changed"})
    FIELDS_HELP = "phone: address: why: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("pair", "c", "Pair a phone", needs="nothing"),
        Action("device", "m", "The phone", needs="one", changes=False),
    )

    def columns(self) -> Sequence[Column[wire.Refusal]]:
        return (
            moment("Last", lambda r: r.last_at, self.app),
            Column("Times", lambda r: f"{r.count:,}", 5, 3, is_right=True),
            age("Since", lambda r: r.first_at, self.app, 4),
            Column("Phone", lambda r: r.device or Shown("unknown", "muted"), 17, 2),
            Column("Address", lambda r: r.address, 15, 5),
            Column("Why", lambda r: Shown(r.reason, "bad"), 24, is_flexible=True),
            Column("User", lambda r: r.user, 18, 6),
            Column("Request", lambda r: r.path, 24, 8),
            Column("Code", lambda r: r.code, 16, 9),
        )

    def on_mount(self) -> None:
        self.set_interval(_LOOK_AGAIN_S, self._look_again)

    def _look_again(self) -> None:
        """No event tells of who was not let in."""
        if self.app.is_live and self.app.link.is_up and self.app.view is self:
            self.refresh_soon()

    def key_of(self, row: wire.Refusal) -> str:
        return f"{row.code} {row.path} {row.address} {row.device_id} {row.device} {row.user_id}"

    def name_of(self, row: wire.Refusal) -> str:
        return f"the refusal of {row.device or row.address or 'a phone'}"

    def path_of(self, row: wire.Refusal) -> str:
        return "/devices/refusals"

    def is_fault(self, row: wire.Refusal) -> bool:
        return True

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Refusal]:
        return FetchedPage((await self.admin.list_refusals(self.app.scope)).refusals, None)

    async def details(self, row: wire.Refusal) -> Details:
        times, now_ms = self.app.times, self.app.clock.now_ms()
        details = Details().heading(f"{row.device or 'An unknown phone'}").text(row.reason, "bad")
        details.line("").fields(
            [
                ("Last", f"{times.full(row.last_at)} ({ago(row.last_at, now_ms)})"),
                ("First", f"{times.full(row.first_at)} ({ago(row.first_at, now_ms)})"),
                ("Times", f"{row.count:,}"),
                ("Address", row.address),
                ("Request", row.path),
                ("Account", row.user),
                ("Code", row.code),
            ]
        )
        details.heading("What helps").text(self._advice(row))
        return details

    def _advice(self, row: wire.Refusal) -> str:
        if row.code in _NEEDS_PAIRING:
            return "c makes a pairing code: enter it in the app, or scan it there."
        if row.code == "disabled_device":
            return "m goes to the phone, where u enables it."
        if row.code in ("not_found", "wrong_path"):
            return "Compare the address in the app with the one that c shows."
        if row.device_id is not None:
            return "m goes to the phone."
        return "Look at the phone's app: it was told the same."

    # --- actions ---

    async def do_pair(self) -> None:
        await pair_phone(self.app)

    async def do_device(self, row: wire.Refusal) -> None:
        if row.device_id is None:
            self.app.tell("Nobody knows which phone that was.", "warning")
            return
        self.app.open_page("devices", "", select=row.device_id)
