"""The line with the filter: always visible, told of every change once typing pauses."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer

from textko_server.tui.filters import Filter
from textko_server.tui.guarded import Guarded
from textko_server.tui.widgets.typed_text import TypedLine

# Typing on should not ask the server for every letter.
_PAUSE_S = 0.2


class FilterBar(Guarded, TypedLine):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,down", "leave", "To the list", id="filter.leave"),
    ]

    @dataclass
    class Narrowed(Message):
        filter: Filter

    @dataclass
    class Left(Message):
        """The list should have the focus again."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder, compact=True, id="filter", select_on_focus=False)
        self._timer: Timer | None = None
        self._told = Filter()

    def watch_value(self, value: str) -> None:
        del value
        if self._timer is not None:
            self._timer.stop()
        if self.is_mounted:
            self._timer = self.set_timer(_PAUSE_S, self.tell)

    def put(self, text: str) -> None:
        """Show this filter, which the page already knows."""
        self._told = Filter.parse(text)
        self.value = text

    def tell(self) -> None:
        asked = Filter.parse(self.value)
        if asked != self._told:
            self._told = asked
            self.post_message(self.Narrowed(asked))

    async def action_submit(self) -> None:
        self.tell()
        self.post_message(self.Left())

    def action_leave(self) -> None:
        self.tell()
        self.post_message(self.Left())
