"""Columns that show a point in time: as a date and clock, or as how long ago. They sort by the time
itself, not by how it is written.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from textko_server.tui.columns import Column, Row
from textko_server.tui.times import ago

if TYPE_CHECKING:
    from textko_server.tui.app import TextkoApp


def moment(
    name: str, at: Callable[[Row], int | None], app: "TextkoApp", priority: int = 1
) -> Column[Row]:
    """`at`: Unix ms of a row."""
    return Column(
        name, lambda row: app.times.brief(at(row), app.clock.now_ms()), 12, priority, sort_by=at
    )


def age(
    name: str,
    at: Callable[[Row], int | None],
    app: "TextkoApp",
    priority: int = 1,
    *,
    width: int = 7,
) -> Column[Row]:
    """The youngest is the least. `at`: Unix ms of a row."""

    def least_is_youngest(row: Row) -> int | None:
        at_ms = at(row)
        return None if at_ms is None else -at_ms

    return Column(
        name,
        lambda row: ago(at(row), app.clock.now_ms()),
        width,
        priority,
        is_right=True,
        sort_by=least_is_youngest,
    )
