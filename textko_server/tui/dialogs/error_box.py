"""Tells that something of ours failed, and lets the program go on."""

import traceback
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from textko_server.terminal_text import safe_lines
from textko_server.tui.guarded import Guarded


class ErrorBox(Guarded, ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "Go on", id="error.close"),
        Binding("d", "details", "Details", id="error.details"),
    ]

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._sentence = safe_lines(str(error) or type(error).__name__)
        self._trace = safe_lines("".join(traceback.format_exception(error)))

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -danger"):
            yield Static("Something went wrong inside this program", classes="box-title")
            yield Static(self._sentence, classes="box-text", markup=False)
            with VerticalScroll(id="trace"):
                yield Static(self._trace, markup=False)
            with Horizontal(classes="box-buttons"):
                yield Button("Go on", variant="primary", id="close")
                yield Button("Details (d)", id="details")

    def on_mount(self) -> None:
        self.query_one("#trace").display = False
        self.query_one("#close", Button).focus()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_details(self) -> None:
        trace = self.query_one("#trace")
        trace.display = not trace.display

    @on(Button.Pressed, "#close")
    def close(self) -> None:
        self.dismiss(None)

    @on(Button.Pressed, "#details")
    def show_details(self) -> None:
        self.action_details()
