"""Templates: texts that are written once and filled in each time."""

from collections.abc import Sequence
from typing import ClassVar

from textko_server import admin_wire as wire
from textko_server.gateway.segments import segment
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.counted import counted
from textko_server.tui.details import Details
from textko_server.tui.dialogs.compose import Compose
from textko_server.tui.dialogs.template_form import new_template_form, template_form, values_form
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.time_columns import age
from textko_server.tui.views.list_view import PAGE_SIZE, ListView


class TemplatesView(ListView[wire.Template]):
    """Texts with {{variables}}, newest first. What is sent or scheduled from one is a text of its
    own: later changes do not reach it.
    """

    NOUN = ("template", "templates")
    EMPTY = "no templates: c writes one, with {{variables}} to fill in"
    SERVER_FIELDS = frozenset({"user"})
    FIELDS_HELP = "name: text: variables: user:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("create", "c", "New", needs="nothing"),
        Action("write", "m", "Write", needs="one"),
        Action("preview", "P", "Preview", needs="one", changes=False),
        Action("edit", "E", "Edit", needs="one"),
        Action("delete", "d", "Delete", confirm="Delete", is_destructive=True),
    )

    def columns(self) -> Sequence[Column[wire.Template]]:
        return (
            Column("Name", lambda t: t.name, 16),
            Column("Variables", lambda t: ", ".join(t.variables), 14, 3),
            Column("Seg", lambda t: str(segment(t.text).segments), 3, 5, is_right=True),
            Column("User", lambda t: t.user, 18, 4),
            age("Age", lambda t: t.created_at, self.app, 6),
            Column("Text", lambda t: t.text, 24, 2, is_flexible=True),
        )

    def key_of(self, row: wire.Template) -> str:
        return row.id

    def name_of(self, row: wire.Template) -> str:
        return f"the template {row.name}"

    def path_of(self, row: wire.Template) -> str:
        return f"/templates/{row.id}"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Template]:
        user = wanted.value("user") or self.app.scope
        query = wire.TemplateQuery(user=user, before=cursor, limit=PAGE_SIZE)
        page = await self.admin.list_templates(query)
        return FetchedPage(page.templates, page.next)

    async def details(self, row: wire.Template) -> Details:
        details = Details().heading(row.name)
        if row.description:
            details.text(row.description, "muted")
        details.text(row.text).line("")
        return details.fields(
            [
                ("Variables", ", ".join(row.variables) or Shown("none", "muted")),
                ("Length", f"{counted(row.text)} before they are filled in"),
                ("Account", row.user),
                ("Made", self.app.times.full(row.created_at)),
            ]
        )

    # --- actions ---

    async def do_create(self) -> None:
        template = await self.app.ask(await new_template_form(self.app))
        if template is not None:
            self.app.tell(f"Made the template {template.name}.")

    async def do_edit(self, row: wire.Template) -> None:
        template = await self.app.ask(template_form(self.app, row))
        if template is not None:
            self.app.tell(f"Changed the template {template.name}.")

    async def do_delete(self, rows: list[wire.Template]) -> None:
        await self.for_each(rows, lambda row: self.admin.delete_template(row.id), "deleted")

    async def consequences(self, action: Action, rows: Sequence[wire.Template]) -> str:
        return "What was sent or scheduled from it stays."

    async def do_preview(self, row: wire.Template) -> None:
        rendered = await self._rendered(row, button="Preview", is_required=False)
        if rendered is not None:
            plural = "s" * (rendered.segments != 1)
            title = f"{row.name}: {rendered.segments} segment{plural} ({rendered.encoding})"
            if rendered.missing:
                title += f", without a value: {', '.join(rendered.missing)}"
            await self.app.show_text(title, rendered.text)

    async def do_write(self, row: wire.Template) -> None:
        rendered = await self._rendered(row, button="Go on", is_required=True)
        if rendered is None:
            return
        compose = await Compose.make(self.app, text=rendered.text, user=row.user)
        sent = await self.app.ask(compose)
        if sent is not None:
            self.app.tell_submitted(sent)

    async def _rendered(
        self, row: wire.Template, *, button: str, is_required: bool
    ) -> wire.RenderedText | None:
        """With values that are asked for, if it has variables. None: the form was closed."""
        if not row.variables:
            return await self.admin.render_template(row.id, wire.RenderValues())
        return await self.app.ask(
            values_form(self.app, row, button=button, is_required=is_required)
        )
