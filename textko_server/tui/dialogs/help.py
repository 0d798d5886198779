"""The keys that work where one is, with those that the reader has given other keys."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from textko_server.tui.guarded import Guarded
from textko_server.tui.views.view import View


class Help(Guarded, ModalScreen[None]):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q", "close", "Close", id="help.close"),
        Binding("down,j", "scroll(1)", "Down", show=False),
        Binding("up,k", "scroll(-1)", "Up", show=False),
        Binding("pagedown,space", "scroll(10)", "Down", show=False),
        Binding("pageup", "scroll(-10)", "Up", show=False),
    ]

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view

    def compose(self) -> ComposeResult:
        with Vertical(classes="box -large"):
            yield Static(f"{self._view.page.title}: keys", classes="box-title", markup=False)
            with VerticalScroll():
                yield Static(self._text(), markup=False)

    def _text(self) -> Content:
        here: list[tuple[str, str]] = []
        lists: list[tuple[str, str]] = []
        everywhere: list[tuple[str, str]] = []
        seen = set()
        for _, binding, enabled, _ in self._view.active_bindings.values():
            name = binding.id or ""
            if not binding.description or name in seen or not enabled:
                continue
            seen.add(name)
            line = (self.app.get_key_display(binding), binding.description)
            if binding.action.startswith("do("):
                here.append(line)
            elif name.startswith(("app.", "go.")):
                everywhere.append(line)
            else:
                lists.append(line)
        about = " ".join((type(self._view).__doc__ or "").split())
        parts = [Content(about + "\n\n")] if about else []
        for title, lines in (("On this page", here), ("In the list", lists),
                             ("Everywhere", everywhere)):  # fmt: skip
            parts.append(Content.styled(f"{title}\n", "bold $text-primary"))
            parts += [
                Content.assemble((f"  {key:<12}", "$text-accent"), f"{text}\n")
                for key, text in lines
            ]
            parts.append(Content("\n"))
        parts.append(
            Content(
                "A filter is words and fields, all of which must hold: state:failed user:ann\n"
                '!text:"good morning". `!` turns a term round. Escape goes back.\n'
            )
        )
        return Content("").join(parts)

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_close(self) -> None:
        self.dismiss(None)
