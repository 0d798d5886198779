"""Metrics: the numbers that `/metrics` gives to collectors, and how they went while one looked."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

from textual.timer import Timer

from textko_server import admin_wire as wire
from textko_server.tui.actions import Action
from textko_server.tui.columns import Column, Shown
from textko_server.tui.details import Details
from textko_server.tui.filters import Filter
from textko_server.tui.paged_rows import FetchedPage
from textko_server.tui.times import span
from textko_server.tui.views.list_view import ListView
from textko_server.tui.widgets.spark import sparkline

# Of each metric: ten minutes at two seconds between looks.
_MAX_LOOKS = 300
# Pictures are drawn from whole numbers, and times are fractions of a second.
_PER_UNIT = 1_000


class MetricsView(ListView[wire.Metric]):
    """What the server counts since its start, read again at every refresh (< and > change how
    often). The details show how the number went while this page was open: of a counter, how much
    was added at each look. b shows the buckets of histograms too.
    """

    NOUN = ("metric", "metrics")
    EMPTY = "nothing was counted yet that fits"
    FIELDS_HELP = "name: labels: kind:"
    ACTIONS: ClassVar[tuple[Action, ...]] = (
        Action("buckets", "b", "Buckets", needs="nothing", changes=False),
    )

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self._has_buckets = False
        self._looks: dict[str, deque[tuple[int, float]]] = {}
        """By metric: when, and the value."""
        self._next_look: Timer | None = None

    def columns(self) -> Sequence[Column[wire.Metric]]:
        return (
            Column("Name", lambda m: m.name, 43),
            Column("Labels", _labels, 17, 2, is_flexible=True),
            Column("Value", lambda m: _number(m.value), 12, is_right=True),
            Column("Kind", lambda m: Shown(m.kind, "muted"), 9, 5),
            Column("Help", lambda m: Shown(m.help, "muted"), 30, 6),
        )

    def key_of(self, row: wire.Metric) -> str:
        return f"{row.name} {_labels(row)}"

    def name_of(self, row: wire.Metric) -> str:
        return row.name

    def path_of(self, row: wire.Metric) -> str:
        return "/metrics"

    async def fetch(self, wanted: Filter, cursor: str | None) -> FetchedPage[wire.Metric]:
        metrics = (await self.admin.list_metrics()).metrics
        if not self._has_buckets:
            metrics = [metric for metric in metrics if not metric.name.endswith("_bucket")]
        at = self.app.clock.now_ms()
        for metric in metrics:
            looks = self._looks.setdefault(self.key_of(metric), deque(maxlen=_MAX_LOOKS))
            looks.append((at, metric.value))
        return FetchedPage(metrics, None)

    async def details(self, row: wire.Metric) -> Details:
        details = Details().heading(row.name)
        if row.help:
            details.text(row.help)
        details.line("").fields(
            [("Value", _number(row.value)), ("Kind", row.kind), *row.labels.items()]
        )
        looks = list(self._looks.get(self.key_of(row), ()))
        values = [value for _, value in looks]
        if row.kind != "gauge":
            values = [max(new - old, 0.0) for old, new in pairwise(values)]
        if values:
            self._picture(details, values, looks[-1][0] - looks[0][0], row.kind == "gauge")
        return details

    def _picture(
        self, details: Details, values: list[float], length_ms: int, is_gauge: bool
    ) -> None:
        width = max(min(self.panes.detail.size.width - 4, 2 * _MAX_LOOKS), 10)
        what = "The value" if is_gauge else "Added at each look"
        details.heading(f"{what}, over the last {span(length_ms)}")
        drawn = sparkline(
            [round(value * _PER_UNIT) for value in values],
            min(width, len(values)),
            is_ascii=self.app.preferences.ascii,
        )
        details.line(Shown(drawn, "accent"))
        details.fields([("Least", _number(min(values))), ("Most", _number(max(values)))])

    # --- looking again and again ---

    def redraw(self) -> None:
        super().redraw()
        self._look_or_rest()

    def on_screen_suspend(self) -> None:
        self._look_or_rest()

    def _look_or_rest(self) -> None:
        """Look again after the interval while somebody sees it and wants it live."""
        app = self.app
        is_wanted = self.is_running and app.view is self and app.is_live and app.link.is_up
        if is_wanted and self._next_look is None:
            self._next_look = self.set_timer(app.pace.refresh_s, self._look)
        elif not is_wanted and self._next_look is not None:
            self._next_look.stop()
            self._next_look = None

    def _look(self) -> None:
        self._next_look = None
        self.refresh_now()
        self._look_or_rest()

    async def do_buckets(self) -> None:
        self._has_buckets = not self._has_buckets
        self._begin()


def _labels(metric: wire.Metric) -> str:
    return " ".join(f"{name}={value}" for name, value in metric.labels.items())


def _number(value: float) -> str:
    """Whole numbers whole, others to six digits."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.6g}"
