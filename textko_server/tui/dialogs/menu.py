"""Asks to choose one of a few things, by its key or from the list."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from textko_server.terminal_text import safe
from textko_server.tui.guarded import Guarded


@dataclass(frozen=True, slots=True)
class Choice:
    name: str
    label: str
    key: str = ""
    """A single character."""


class Menu(Guarded, ModalScreen[str]):
    """The answer is the name of what was chosen; None: nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close", id="menu.close"),
        Binding("j", "down", "Down", show=False),
        Binding("k", "up", "Up", show=False),
    ]

    def __init__(self, title: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._title = safe(title)
        self._choices = choices

    def compose(self) -> ComposeResult:
        with Vertical(classes="box"):
            yield Static(self._title, classes="box-title", markup=False)
            yield OptionList(
                *(
                    Option(
                        Content.assemble(
                            (f"{choice.key:<3}", "bold $text-accent"), safe(choice.label)
                        ),
                        id=choice.name,
                    )
                    for choice in self._choices
                ),
                compact=True,
            )

    def on_key(self, event: events.Key) -> None:
        for choice in self._choices:
            if choice.key and event.character == choice.key:
                event.stop()
                self.dismiss(choice.name)
                return

    @on(OptionList.OptionSelected)
    def choose(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option_id)

    def action_close(self) -> None:
        self.dismiss(None)

    def action_down(self) -> None:
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        self.query_one(OptionList).action_cursor_up()
