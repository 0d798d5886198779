"""Versions of the phone app: what phones are offered, and putting a new one there."""

from collections.abc import AsyncIterator, Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.errors import TextkoError
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.dialogs.link_box import LinkBox
from textko_server.tui.dialogs.release_forms import NewRelease, notes_form, publish_form
from textko_server.tui.external import edit_text
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.release_file import ReleaseFile
from textko_server.tui.states import state_cell
from textko_server.tui.time_columns import age, moment
from textko_server.tui.times import ago
from textko_server.tui.views.list_view import ListView

_MIB = 1 << 20


class ReleasesView(ListView[wire.Release]):
    """Versions of the phone app, the highest first. The active one is what phones are offered; its
    link stays the same.
    """

    NOUN = ("version", "versions")
    EMPTY = "no versions: c publishes an APK"
    FIELDS_HELP = "version: state: notes:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("publish", "c", "Publish", needs="nothing", for_admins=True),
        Action("link", "l", "Link and QR code", needs="one", changes=False),
        Action("notes", "E", "Notes", needs="one", for_admins=True),
        Action("notes_outside", "N", "Notes in your editor", needs="one", for_admins=True,
               is_shown=False),
        Action("activate", "u", "Activate", needs="one", confirm="Offer to phones",
               for_admins=True),
        Action("withdraw", "U", "Withdraw", confirm="Withdraw", is_destructive=True,
               for_admins=True),
    )  # fmt: skip

    def columns(self) -> Sequence[Column[wire.Release]]:
        return (
            Column("Version", lambda r: r.version, 12),
            Column("Code", lambda r: str(r.version_code), 8, 2, is_right=True),
            Column("State", _standing, 11),
            Column("Downloads", lambda r: f"{r.download_count:,}", 9, 3, is_right=True),
            Column("MiB", lambda r: f"{r.file_bytes / _MIB:.1f}", 6, 5, is_right=True),
            moment("Published", lambda r: r.published_at, self.app, 4),
            age("Age", lambda r: r.created_at, self.app, 6),
            Column("Notes", lambda r: r.notes, 10, 2, is_flexible=True),
        )

    def key_of(self, row: wire.Release) -> str:
        return str(row.version_code)

    def name_of(self, row: wire.Release) -> str:
        return f"version {row.version} ({row.version_code})"

    def is_fault(self, row: wire.Release) -> bool:
        return row.state == "withdrawn"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Release]:
        del wanted, cursor  # all of them come at once
        return FetchedPage((await self.admin.list_releases()).releases, None)

    async def details(self, row: wire.Release) -> Details:
        times, now_ms = self.app.times, self.app.clock.now_ms()
        details = Details().heading(f"{row.version} ({row.version_code})")
        details.fields(
            [
                ("State", _standing(row)),
                ("Package", row.package),
                ("File", f"{row.file_bytes:,} bytes"),
                ("SHA-256", row.sha256),
                ("Downloads", f"{row.download_count:,}"),
                ("Link", row.download_url),
                ("Published", times.full(row.published_at)),
                ("Uploaded", f"{times.full(row.created_at)} ({ago(row.created_at, now_ms)})"),
                ("Changed", times.full(row.updated_at)),
            ]
        )
        details.heading("Notes")
        return details.text(row.notes) if row.notes else details.line(Shown("none", "muted"))

    async def consequences(self, action: Action, rows: Sequence[wire.Release]) -> str:
        if action.name == "activate":
            return "It is published, and phones are offered it in place of the active one."
        if any(row.is_active for row in rows):
            return "One of them is active: phones are offered none until another is activated."
        return "It can no longer be downloaded. It can be activated again."

    # --- actions ---

    async def do_publish(self) -> None:
        if self.app.is_web:
            self.app.tell(
                "A browser cannot read your files from here: use `textko release publish FILE`, or"
                " these screens in a terminal.", "warning",
            )  # fmt: skip
            return
        chosen: NewRelease | None = None
        problem = ""
        while True:
            # After a refusal with all that was typed.
            chosen = await self.app.ask(publish_form(chosen, problem))
            if chosen is None:
                return
            try:
                await self._publish(chosen)
            except TextkoError as error:
                self.app.progress("")
                self.app.trouble(error)
                problem = error.message
            else:
                return

    async def _publish(self, new: NewRelease) -> None:
        query = wire.ReleaseQuery(version=new.version, code=new.code)
        with ReleaseFile(new.path) as file:
            chunks = self._told(file)
            release = await self.admin.upload_release(chunks, file.size_bytes, query)
        if new.notes:
            release = await self.admin.set_release_notes(release.version_code, new.notes)
        if new.is_activated:
            release = await self.admin.activate_release(release.version_code)
        state = "what phones are offered" if release.is_active else "a draft: u offers it"
        self.app.tell(f"{self.name_of(release)} is {state}.")

    async def _told(self, file: ReleaseFile) -> AsyncIterator[bytes]:
        sent_bytes = 0
        async for chunk in file.chunks():
            yield chunk
            sent_bytes += len(chunk)
            share = 100 * sent_bytes // max(file.size_bytes, 1)
            self.app.progress(f"uploading {share}% of {file.size_bytes / _MIB:.1f} MiB")

    async def do_link(self, row: wire.Release) -> None:
        if row.download_url is None:
            self.app.tell("It is not published: u activates it.", "warning")
        else:
            await self.app.ask(LinkBox(self.name_of(row), row.download_url))

    async def do_notes(self, row: wire.Release) -> None:
        if await self.app.ask(notes_form(self.app, row)) is not None:
            self.app.tell(f"Changed the notes of {self.name_of(row)}.")

    async def do_notes_outside(self, row: wire.Release) -> None:
        """By $EDITOR."""
        edited = await edit_text(self.app, row.notes)
        if edited is not None:
            await self.admin.set_release_notes(row.version_code, edited)
            self.app.tell(f"Changed the notes of {self.name_of(row)}.")

    async def do_activate(self, row: wire.Release) -> None:
        release = await self.admin.activate_release(row.version_code)
        self.app.tell(f"{self.name_of(release)} is what phones are offered.")

    async def do_withdraw(self, rows: list[wire.Release]) -> None:
        await self.for_each(
            rows, lambda row: self.admin.withdraw_release(row.version_code), "withdrawn"
        )


def _standing(release: wire.Release) -> Shown:
    if release.is_active:
        return Shown("✓ active", "good")
    # A sign for the active one alone: it is what people look for.
    return Shown("published") if release.state == "published" else state_cell(release.state)
