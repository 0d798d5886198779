"""What `:` opens: a page by its name or alias, perhaps with a filter, or an action of this page."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Input, Static

from textko_server.tui.guarded import Guarded
from textko_server.tui.pages import Page
from textko_server.tui.views.view import View


class CommandLine(Guarded, ModalScreen[str]):
    """The answer is the line."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "Close", show=False)]

    def __init__(self, view: View, pages: tuple[Page, ...]) -> None:
        super().__init__()
        self._names = [
            *(page.name for page in pages),
            *(alias for page in pages for alias in page.aliases),
            *(action.name for action in view.actions_now()),
            "quit",
        ]
        self._view = view

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Input(
                placeholder="a page, a page and a filter, or an action", compact=True,
                suggester=SuggestFromList(self._names, case_sensitive=False),
            )  # fmt: skip
            yield Static(
                "messages state:failed   devices   "
                + "   ".join(action.name for action in self._view.actions_now()[:5]),
                classes="form-help", markup=False,
            )  # fmt: skip

    @on(Input.Submitted)
    def submit(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

    def action_close(self) -> None:
        self.dismiss(None)
