"""The two lines above every page: the pages and their keys; where one is, and how fresh it is."""

from typing import TYPE_CHECKING, cast

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from textko_server.terminal_text import display_width, safe_cell, shortened
from textko_server.tui.guarded import Guarded
from textko_server.tui.pages import GROUP_TITLES, group

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp
    from textko_server.tui.views.view import View

_Piece = tuple[str, str, str]
"""Text, component class, and the page it opens."""


class TopBar(Guarded, Widget):
    COMPONENT_CLASSES = {  # noqa: RUF012 - Textual's own way
        "bar--key", "bar--page", "bar--current", "bar--good", "bar--warning", "bar--bad",
        "bar--muted",
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._targets: list[tuple[int, int, int, str]] = []
        """Line, from, to, page."""

    @property
    def app(self) -> "TextkoApp":  # type: ignore[override]  # belongs to no other program
        return cast("TextkoApp", super().app)

    @property
    def view(self) -> "View":
        return self.screen  # type: ignore[return-value]  # only pages have one

    def render_line(self, y: int) -> Strip:
        self._targets = [target for target in self._targets if target[0] != y]
        if y == 0:
            return self._strip(0, self._pages(), [])
        return self._strip(1, self._place(), self._state())

    def _pages(self) -> list[_Piece]:
        pages = self.app.pages
        titles = {page.number: GROUP_TITLES[page.number] for page in pages}
        room = self.size.width - 1
        gap = " " if sum(len(title) + 3 for title in titles.values()) <= room else ""
        pieces: list[_Piece] = [(" ", "", "")]
        for number, title in titles.items():
            first = next(page for page in pages if page.number == number)
            style = "bar--current" if number == self.view.page.number else "bar--page"
            pieces.append((f"{number % 10}{gap}", "bar--key", first.name))
            pieces.append((title, style, first.name))
            pieces.append((" ", "", ""))
        return pieces

    def _place(self) -> list[_Piece]:
        page = self.view.page
        pieces: list[_Piece] = [(" ", "", "")]
        before = self.app.history.came_from
        if before:
            pieces += [(f"{before} › ", "bar--muted", "")]
        for other in group(page, self.app.pages):
            style = "bar--current" if other is page else "bar--page"
            pieces += [(other.title, style, other.name), (" ", "", "")]
        if self.view.trail:
            pieces.append((f"› {safe_cell(self.view.trail)} ", "bar--muted", ""))
        return pieces

    def _state(self) -> list[_Piece]:
        app, view = self.app, self.view
        pieces: list[_Piece] = []
        if app.progress_text:
            pieces.append((f"{app.progress_text}  ", "bar--warning", ""))
        if view.counts:
            pieces.append((f"{view.counts}  ", "bar--page", ""))
        if app.options.is_read_only:
            pieces.append(("read-only  ", "bar--warning", ""))
        updated = app.times.clock(view.updated_at) if view.updated_at is not None else ""
        if not app.link.is_up:
            text = "connecting" if app.link.trouble == "" else "lost, trying again"
            pieces.append((f"✕ {text} ", "bar--bad", ""))
        elif app.is_paused:
            pieces.append((f"‖ paused {updated} ", "bar--warning", ""))
        else:
            pieces.append((f"● live {updated} ", "bar--good", ""))
        return pieces

    def _strip(self, y: int, left: list[_Piece], right: list[_Piece]) -> Strip:
        width = self.size.width
        right_width = sum(display_width(text) for text, _, _ in right)
        segments: list[Segment] = []
        x = 0
        for text, style, page_name in left:
            room = width - right_width - x
            if room <= 0:
                break
            text = shortened(text, room)
            segments.append(Segment(text, self._style(style)))
            if page_name:
                self._targets.append((y, x, x + display_width(text), page_name))
            x += display_width(text)
        segments.append(Segment(" " * max(width - right_width - x, 0), self.rich_style))
        segments += [Segment(text, self._style(style)) for text, style, _ in right]
        return Strip(segments).crop(0, width)

    def _style(self, name: str) -> Style:
        return self.rich_style + self.get_component_rich_style(name) if name else self.rich_style

    def on_click(self, event: events.Click) -> None:
        for y, left, right, page_name in self._targets:
            if y == event.y and left <= event.x < right:
                self.app.open_page(page_name)
                return
