"""About: what runs here, where its files are, and with what one looks at it."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from textko_server.errors import TextkoError
from textko_server.tui.about_details import add_account, add_program, add_server
from textko_server.tui.actions import Action
from textko_server.tui.details import Details
from textko_server.tui.views.view import View
from textko_server.tui.widgets.detail_pane import DetailPane


class AboutView(View):
    """Versions, paths, how much the server holds and what is switched on, who you are, and your
    terminal: y copies all of it, for a report of a fault.
    """

    EVENTS = frozenset({"account_changed"})
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", id="list.back", show=False),
    ]
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("copy", "y", "Copy all", needs="nothing", changes=False),
        Action("pager", "o", "In the pager", needs="nothing", changes=False),
        Action("box", "b", "In a box to select", needs="nothing", changes=False, is_shown=False),
    )

    def compose_body(self) -> ComposeResult:
        pane = DetailPane()
        pane.add_class("-first-focus")
        yield pane

    @property
    def detail(self) -> DetailPane:
        return self.query_one(DetailPane)

    def on_mount(self) -> None:
        self.refresh_soon()

    def on_screen_resume(self) -> None:
        self.refresh_soon()

    def on_resize(self) -> None:
        self.refresh_soon()

    async def reload(self) -> None:
        details = Details()
        try:
            await self._ask_server(details)
        finally:
            # What is known without the server is there also when it is away.
            add_program(details, self.app)
            self.detail.show("about", details)

    async def _ask_server(self, details: Details) -> None:
        me = self.app.me
        if me is None:
            return
        try:
            if self.app.is_admin:
                add_server(details, await self.admin.about(), self.app.times)
            usage = None if me.user is None else await self.admin.get_usage(me.user.id)
        except TextkoError as error:
            details.heading("Server").text(error.message, "bad")
            raise
        add_account(details, me, usage)

    def action_back(self) -> None:
        self.app.go_back()

    async def do_copy(self) -> None:
        await self.app.copy(self.detail.plain)

    async def do_pager(self) -> None:
        await self.app.page_text(self.detail.plain)

    async def do_box(self) -> None:
        await self.app.show_text("About", self.detail.plain)
