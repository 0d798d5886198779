"""Asks before something is done that cannot be undone; names what, and how many."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from textko_server.terminal_text import safe, safe_lines
from textko_server.tui.guarded import Guarded


class Confirm(Guarded, ModalScreen[bool]):
    """The answer is whether to do it; None: the box was closed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "No", id="confirm.no"),
        Binding("left,right,h,l", "app.focus_next", "Other button", show=False),
    ]

    def __init__(
        self, question: str, more: str = "", *, yes: str = "Yes", is_destructive: bool = True
    ) -> None:
        """`more`: what else goes with it. Both may hold what users wrote."""
        super().__init__()
        self._question = safe(question)
        self._more = safe_lines(more)
        self._yes = yes
        self._is_destructive = is_destructive

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -danger" if self._is_destructive else "box"):
            yield Static(self._question, classes="box-title", markup=False)
            if self._more:
                yield Static(self._more, classes="box-text", markup=False)
            with Horizontal(classes="box-buttons"):
                yield Button(
                    f"{self._yes} (y)", id="yes",
                    variant="error" if self._is_destructive else "primary",
                )  # fmt: skip
                yield Button("No (n)", id="no")

    def on_mount(self) -> None:
        self.query_one("#no" if self._is_destructive else "#yes", Button).focus()

    def action_answer(self, is_yes: bool) -> None:
        self.dismiss(is_yes)

    @on(Button.Pressed)
    def press(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
