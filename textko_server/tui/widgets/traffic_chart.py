"""The last hour, minute by minute: what was submitted, sent, delivered, failed and received, and
how long the queue was.
"""

from collections.abc import Sequence

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from textko_server import admin_wire as wire
from textko_server.tui.widgets.spark import spark_rows

_LABEL_COLUMNS, _TOTAL_COLUMNS = 10, 9
_MAX_LINES_EACH = 4
_MINUTES = 60
_SERIES = (
    ("submitted", "Submitted", "$text-primary"),
    ("sent", "Sent", "$text-accent"),
    ("delivered", "Delivered", "$text-success"),
    ("failed", "Failed", "$text-error"),
    ("received", "Received", "$text-secondary"),
    ("queue_depth", "Queue", "$text-warning"),
)
LINES = 1 + len(_SERIES)
"""At least so high."""


class TrafficChart(Widget):
    def __init__(self, *, is_ascii: bool, id: str | None = None) -> None:
        super().__init__(id=id)
        self._is_ascii = is_ascii
        self._minutes: Sequence[wire.TrafficMinute] = ()

    def put(self, traffic: wire.Traffic) -> None:
        self._minutes = traffic.minutes
        self.refresh()

    def render(self) -> RenderResult:
        width, height = self.content_size
        lines_each = max(1, min((height - 1) // len(_SERIES), _MAX_LINES_EACH))
        # Between high ones stands an empty line.
        has_gaps = lines_each > 1 and (lines_each + 1) * len(_SERIES) <= height
        lines = [self._heading(width)]
        for name, label, style in _SERIES:
            if has_gaps:
                lines.append(Content(""))
            lines += self._series(name, label, style, width, lines_each)
        return Content("\n").join(lines)

    def _heading(self, width: int) -> Content:
        room = max(width - _LABEL_COLUMNS - _TOTAL_COLUMNS, 1)
        text = f"{'Last hour':<{_LABEL_COLUMNS}}{'an hour ago':<{room - 3}}now"
        return Content.styled(f"{text}{'total':>{_TOTAL_COLUMNS}}", "bold $text-muted")

    def _series(self, name: str, label: str, style: str, width: int, height: int) -> list[Content]:
        known: list[int | None] = [getattr(minute, name) for minute in self._minutes]
        # The server may not have run for an hour.
        values = [*[None] * (_MINUTES - len(known)), *known]
        room = max(width - _LABEL_COLUMNS - _TOTAL_COLUMNS, 1)
        rows = spark_rows(values, room, height, is_ascii=self._is_ascii)
        figure = _figure(name, values)
        lines = []
        for number, row in enumerate(rows, start=1):
            is_last = number == len(rows)
            lines.append(
                Content.assemble(
                    (f"{label if is_last else '':<{_LABEL_COLUMNS}}", "$text-muted"),
                    (row, style),
                    (f"{figure if is_last else '':>{_TOTAL_COLUMNS}}", f"bold {style}"),
                )
            )
        return lines


def _figure(name: str, values: Sequence[int | None]) -> str:
    """Of the hour together; of the queue as it is now."""
    known = [value for value in values if value is not None]
    if name == "queue_depth":
        return f"now {known[-1]:,}" if known else "-"
    return f"{sum(known):,}"
