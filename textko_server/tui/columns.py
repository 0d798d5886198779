"""The columns of a list, and which of them fit.

A column with a higher `priority` number is dropped earlier. Refuses to know what rows are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from rich.cells import cell_len, set_cell_size

from textko_server.terminal_text import safe_cell

Row = TypeVar("Row")
Tone = Literal["plain", "muted", "good", "warning", "bad", "accent"]
GAP = 2


class Shown(NamedTuple):
    """A cell with a tone, which a theme turns into a colour."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    name: str
    """Its heading and, in lower case, its field in a filter."""
    cell: Callable[[Row], str | Shown | None]
    """None: there is none, shown as a dash."""
    width: int
    """Least number of terminal cells."""
    priority: int = 1
    is_flexible: bool = False
    """Takes what the others leave."""
    is_right: bool = False
    """Numbers stand at the right edge."""
    sort_by: Callable[[Row], int | None] | None = None
    """What it sorts by; None: by its text, numbers by size and before words."""

    @property
    def field(self) -> str:
        return self.name.lower().replace(" ", "-")

    def sort_key(self, row: Row) -> tuple[int, float, str]:
        """What there is none of comes last."""
        if self.sort_by is not None:
            value = self.sort_by(row)
            return (1, 0.0, "") if value is None else (0, value, "")
        text = self.text(row)
        try:
            return (0, float(text.replace(",", "").removesuffix("%")), "")
        except ValueError:
            return (1, 0.0, text.casefold())

    def text(self, row: Row) -> str:
        return self.shown(row).text

    def shown(self, row: Row) -> Shown:
        cell = self.cell(row)
        if cell is None or cell == "":
            return Shown("-", "muted")
        return cell if isinstance(cell, Shown) else Shown(cell)


def fit(columns: Sequence[Column[Row]], width: int) -> list[tuple[Column[Row], int]]:
    """The columns that have room in `width` cells, each with its own width, in their order."""
    kept = list(columns)
    while len(kept) > 1 and _least_width(kept) > width:
        # Of equal priority, the one further to the right goes first.
        kept.remove(max(reversed(kept), key=lambda column: column.priority))
    spare = max(width - _least_width(kept), 0)
    flexible_count = sum(column.is_flexible for column in kept)
    fitted = []
    for column in kept:
        extra = 0
        if column.is_flexible:
            extra = spare // flexible_count
            spare -= extra
            flexible_count -= 1
        fitted.append((column, column.width + extra))
    if len(kept) == 1:
        fitted = [(kept[0], min(fitted[0][1], max(width, 1)))]
    return fitted


def _least_width(columns: Sequence[Column[Row]]) -> int:
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def padded(text: str, width: int, *, is_right: bool = False) -> str:
    """Exactly `width` terminal cells, as Textual counts them, whatever is in `text`."""
    text = safe_cell(text)
    space = width - cell_len(text)
    if space < 0:
        return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
    return " " * space + text if is_right else text + " " * space
