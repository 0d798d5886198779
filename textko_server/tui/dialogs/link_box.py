"""Shows a link as a QR code and as text, to be scanned or copied."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from textko_server.terminal_text import safe
from textko_server.tui.guarded import Guarded
from textko_server.tui.qr_code import drawn, qr_lines

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp

# Around the code: the frame, the title, the link and the line under it.
_FRAME_ROWS, _FRAME_COLUMNS = 5, 6


class LinkBox(Guarded, ModalScreen[None]):
    DEFAULT_CSS = """
    LinkBox > Vertical {
        width: auto; height: auto; max-width: 100%; max-height: 100%; padding: 0 2;
        background: $surface; border: round $primary;
    }
    .-ascii LinkBox > Vertical { border: ascii $primary; }
    LinkBox Static { width: auto; height: auto; max-width: 100%; }
    LinkBox #link-title { text-style: bold; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "close", "Back", id="link.close"),
        Binding("y,c", "copy", "Copy the link", id="link.copy"),
    ]

    def __init__(self, title: str, url: str) -> None:
        super().__init__()
        self._title = safe(title)
        self._url = url

    @property
    def app(self) -> "TextkoApp":  # type: ignore[override]  # belongs to no other program
        return cast("TextkoApp", super().app)

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._title, id="link-title", markup=False)
            yield Static(safe(self._url), markup=False)
            yield Static("", id="link-code", markup=False)
            yield Static("y copies the link, esc closes", markup=False)

    def on_mount(self) -> None:
        self._draw()

    def on_resize(self) -> None:
        self._draw()

    def _draw(self) -> None:
        size, is_ascii = self.app.size, self.app.preferences.ascii
        columns, rows = size.width - _FRAME_COLUMNS, size.height - _FRAME_ROWS
        lines = qr_lines(self._url, columns, rows, is_ascii=is_ascii)
        text = "(a larger window has room for a QR code)" if lines is None else drawn(lines)
        self.query_one("#link-code", Static).update(text)

    def action_close(self) -> None:
        self.dismiss(None)

    @work(exclusive=True, group="copy")
    async def action_copy(self) -> None:
        await self.app.copy(self._url)
