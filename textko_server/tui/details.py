"""What a detail pane shows, as lines of label and value, in sections; and the same as plain text to
copy. Whatever users wrote is text here and never markup.
"""

from collections.abc import Sequence

from textual.content import Content

from textko_server.terminal_text import safe, safe_lines
from textko_server.tui.columns import Shown, Tone

_STYLES: dict[Tone, str] = {
    "plain": "",
    "muted": "$text-muted",
    "good": "$text-success",
    "warning": "$text-warning",
    "bad": "$text-error",
    "accent": "$text-accent",
}
Value = str | int | Shown | None


class Details:
    """Built line by line."""

    def __init__(self, *, begins_at_end: bool = False) -> None:
        """`begins_at_end`: what stands last is to be seen first."""
        self.begins_at_end = begins_at_end
        self._parts: list[Content] = []
        self._plain: list[str] = []

    def heading(self, text: str) -> "Details":
        if self._parts:
            self._add(Content(""), "")
        text = safe(text)
        self._add(Content.styled(text, "bold $text-primary"), text)
        return self

    def field(self, label: str, value: Value, *, width: int = 12) -> "Details":
        """None is left out."""
        if value is None:
            return self
        shown = value if isinstance(value, Shown) else Shown(str(value))
        text = safe(shown.text)
        name = f"{label:<{width}} "
        self._add(
            Content.assemble((name, "$text-muted"), (text, _STYLES[shown.tone])), f"{name}{text}"
        )
        return self

    def fields(self, pairs: Sequence[tuple[str, Value]]) -> "Details":
        width = max((len(label) for label, value in pairs if value is not None), default=0)
        for label, value in pairs:
            self.field(label, value, width=width)
        return self

    def text(self, text: str, tone: Tone = "plain") -> "Details":
        """Several lines, as they were written."""
        for line in safe_lines(text).split("\n"):
            self._add(Content.styled(line, _STYLES[tone]), line)
        return self

    def line(self, *pieces: str | Shown) -> "Details":
        """One line of pieces, each with its tone."""
        shown = [p if isinstance(p, Shown) else Shown(p) for p in pieces]
        texts = [safe(piece.text) for piece in shown]
        styled = [(text, _STYLES[piece.tone]) for text, piece in zip(texts, shown, strict=True)]
        self._add(Content.assemble(*styled), "".join(texts))
        return self

    @property
    def content(self) -> Content:
        return Content("\n").join(self._parts)

    @property
    def plain(self) -> str:
        return "\n".join(self._plain)

    def _add(self, content: Content, plain: str) -> None:
        self._parts.append(content)
        self._plain.append(plain)
