"""Beside or below a list: everything about the row under the cursor."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from textko_server.tui.details import Details
from textko_server.tui.guarded import Guarded


class DetailPane(Guarded, VerticalScroll, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("up,k", "scroll_up", "Up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="detail")
        self.plain = ""
        """What it shows, as text to copy."""
        self._key = ""

    def compose(self) -> ComposeResult:
        yield Static("", id="detail-text", markup=False)

    def show(self, key: str, details: Details) -> None:
        """`key`: of the row; the scroll stays while it is the same, or goes along at the end."""
        was_at_end = self.scroll_offset.y >= self.max_scroll_y
        self.plain = details.plain
        self.query_one("#detail-text", Static).update(details.content)
        if details.begins_at_end and (key != self._key or was_at_end):
            self.scroll_end(animate=False)
        elif key != self._key:
            self.scroll_home(animate=False)
        self._key = key

    def clear(self) -> None:
        self.plain, self._key = "", ""
        self.query_one("#detail-text", Static).update("")
