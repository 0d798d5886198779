"""Two ways to watch: a live table on a terminal, a plain transcript elsewhere."""

import sys
from collections import deque
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from textko_server import __version__
from textko_server.demo.board import STATES, Board

_COLOURS = {
    "queued": "yellow",
    "offered": "cyan",
    "claimed": "blue",
    "sent": "magenta",
    "delivered": "green",
}
_LINE_COUNT = 8
# Narrower than this, the columns that explain least are left out.
_WIDE = 104


class View(Protocol):
    def line(self, text: str) -> None: ...
    def __enter__(self) -> "View": ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Transcript:
    """A line a change, for pipes, logs and tests."""

    def line(self, text: str) -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def __enter__(self) -> "Transcript":
        return self

    def __exit__(self, *_: object) -> None:
        return


class LiveView:
    """A table of the texts and when each reached which state, and the last lines of the log."""

    def __init__(self) -> None:
        self.board: Board | None = None
        self._lines: deque[str] = deque(maxlen=_LINE_COUNT)
        self._console = Console()
        self._live = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=10, screen=False
        )

    def line(self, text: str) -> None:
        self._lines.append(text)

    def __enter__(self) -> "LiveView":
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def _render(self) -> Group:
        is_wide = self._console.width >= _WIDE
        headings = ("#", "through", "to", "phone") if is_wide else ("#", "to")
        states = STATES if is_wide else tuple(s for s in STATES if s != "offered")
        table = Table(title=f"textko {__version__}", title_justify="left", expand=False)
        for heading in headings:
            table.add_column(heading, no_wrap=True)
        for state in states:
            table.add_column(state, justify="right", no_wrap=True)
        table.add_column("webhooks", no_wrap=True)
        for row in self.board.rows.values() if self.board else ():
            about = {
                "#": str(row.number), "through": row.dialect, "to": row.phone_number,
                "phone": row.phone,
            }  # fmt: skip
            times = [
                Text(f"{row.states[s]:.2f} s" if s in row.states else "", style=_COLOURS[s])
                for s in states
            ]
            verified = Text("✓" * len(row.webhooks), style="green")
            table.add_row(*(about[h] for h in headings), *times, verified)
        lines = (Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in self._lines)
        return Group(table, *lines)
