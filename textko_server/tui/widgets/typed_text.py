"""Lines and areas to type in, whose text others may have written: what does something to a terminal
is shown as �, and stays what it is in the value.
"""

from rich.segment import Segment
from textual.strip import Strip
from textual.widgets import Input, TextArea

from textko_server.terminal_text import safe


class TypedLine(Input):
    def render_line(self, y: int) -> Strip:
        return _safe(super().render_line(y))


class TypedText(TextArea):
    def render_line(self, y: int) -> Strip:
        return _safe(super().render_line(y))


def _safe(strip: Strip) -> Strip:
    if strip.text.isprintable():
        return strip
    segments = [Segment(safe(text), style) for text, style, _ in strip]
    # A control character has no width, and � has one.
    return Strip(segments).crop(0, strip.cell_length)
