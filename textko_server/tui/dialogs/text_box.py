"""Shows a text to select, copy or keep: the way that is left when no clipboard works.

While it is open the mouse is the terminal's own, and nothing stands left or right of the text, so
that what is selected there is the text. What is copied and written is the source, not what is
drawn. Secrets are masked until a key reveals them. Refuses to know what the text is.
"""

import io
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static, TextArea

from textko_server.terminal_text import safe, safe_lines
from textko_server.tui.clipboard import Copied, copy
from textko_server.tui.dialogs.confirm import Confirm
from textko_server.tui.dialogs.form import Field, Form, Values
from textko_server.tui.guarded import Guarded
from textko_server.tui.mouse import is_mouse_taken, release_mouse, take_mouse
from textko_server.tui.whole_file import AlreadyThere, typed_path, whole_file
from textko_server.tui.widgets.key_bar import KeyBar

_MASK = "•" * 16


class TextBox(Guarded, ModalScreen[None]):
    DEFAULT_CSS = """
    TextBox { align: center middle; }
    TextBox > #text-box-title { width: 1fr; padding: 0 1; text-style: bold; }
    TextBox > #text-box-note { width: 1fr; padding: 0 1; color: $text-warning; }
    TextBox > _Source { width: 1fr; height: 1fr; border: none; padding: 0; }
    TextBox > #text-box-said { dock: bottom; width: 1fr; padding: 0 1; margin-bottom: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "Back", id="text.close"),
        Binding("y,c", "copy", "Copy", id="text.copy"),
        Binding("w", "write", "Write to a file", id="text.write"),
        Binding("u", "reveal", "Reveal", id="text.reveal"),
        Binding("s", "wrap", "Wrap lines", id="text.wrap"),
        Binding("m", "mouse", "Mouse", id="text.mouse"),
        Binding("n", "other", "Another form", id="text.other"),
    ]

    def __init__(
        self,
        title: str,
        text: str,
        *,
        secret: bool = False,
        shown_once: bool = False,
        file_name: str = "textko.txt",
        other: str = "",
    ) -> None:
        """`secret`: masked until revealed. `shown_once`: it says so. `file_name`: proposed.
        `other`: the same in another form, such as a command with it.
        """
        super().__init__()
        self._title = safe(title)
        self._text = text
        self._other = other
        self._is_secret = secret
        self._is_masked = secret
        self._is_shown_once = shown_once
        self._file_name = file_name
        self._had_mouse = False

    def compose(self) -> ComposeResult:
        yield Static(self._title, id="text-box-title", markup=False)
        if self._is_shown_once:
            yield Static("Shown this once: copy it or write it to a file now.", id="text-box-note")
        yield _Source(self._shown, read_only=True, show_cursor=True, compact=True)
        yield Static("", id="text-box-said", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self._had_mouse = is_mouse_taken(self.app)
        release_mouse(self.app)
        self._say("The mouse selects as in any terminal; m gives it back to the screens.")
        self._source.focus()

    def on_unmount(self) -> None:
        if self._had_mouse:
            take_mouse(self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "other":
            return bool(self._other)
        return self._is_secret if action == "reveal" else True

    def action_close(self) -> None:
        self._is_masked = self._is_secret
        self._source.load_text(self._shown)
        self.dismiss(None)

    def action_reveal(self) -> None:
        self._is_masked = not self._is_masked
        self._source.load_text(self._shown)

    def action_other(self) -> None:
        self._text, self._other = self._other, self._text
        self._source.load_text(self._shown)

    def action_wrap(self) -> None:
        self._source.soft_wrap = not self._source.soft_wrap

    def action_mouse(self) -> None:
        if is_mouse_taken(self.app):
            release_mouse(self.app)
            self._say("The mouse selects as in any terminal.")
        else:
            take_mouse(self.app)
            self._say("The mouse works the screens.")

    async def action_copy(self) -> None:
        """What is selected with the keys, else all."""
        copied: Copied = await copy(self._selected() or self._text, self.app)
        self._say(copied.sentence)

    def action_write(self) -> None:
        if self.app.is_web:
            # The disk is the server's; the file is for who sits at the browser.
            self.app.deliver_text(io.StringIO(self._text), save_filename=self._file_name)
            self._say(f"Sent to the browser as {self._file_name}.")
            return
        path = Field("path", "File", value=self._file_name, is_required=True)
        form: Form[Path] = Form("Write to a file", [path], self._write, button="Write")
        self.app.push_screen(form, self._say_written)

    async def _write(self, values: Values) -> Path:
        path = typed_path(values["path"])
        try:
            _put(path, self._text, may_replace=False)
        except AlreadyThere as error:
            question = Confirm(f"Replace {path}?", error.message, yes="Replace")
            if not await self.app.push_screen_wait(question):
                raise
            _put(path, self._text, may_replace=True)
        return path

    def _say_written(self, path: Path | None) -> None:
        if path is not None:
            self._say(f"Written to {path.absolute()}, which only you may read.")

    @property
    def _source(self) -> "_Source":
        return self.query_one(_Source)

    @property
    def _shown(self) -> str:
        return _MASK if self._is_masked else safe_lines(self._text)

    def _selected(self) -> str:
        """Of the source: what is shown has a character for each of its, and the same lines."""
        if self._is_masked:
            return ""
        (first, start), (last, end) = sorted(self._source.selection)
        lines = self._text.splitlines()[first : last + 1]
        if not lines:
            return ""
        lines[-1] = lines[-1][:end]
        lines[0] = lines[0][start:]
        return "\n".join(lines)

    def _say(self, sentence: str) -> None:
        self.query_one("#text-box-said", Static).update(safe(sentence))


class _Source(TextArea):
    BINDINGS: ClassVar[list[BindingType]] = [
        # Its own copy would go by the one way that Textual knows.
        Binding("ctrl+c,super+c", "screen.copy", show=False),
    ]


def _put(path: Path, text: str, *, may_replace: bool) -> None:
    with whole_file(path, may_replace=may_replace) as write:
        write(text.encode(errors="replace"))
