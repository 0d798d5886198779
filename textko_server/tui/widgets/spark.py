"""Small pictures made of characters: how a number went over time, and how full something is.

Plain functions of numbers to text. Refuses to know what the numbers mean.
"""

from collections.abc import Sequence

_BLOCKS = " ▁▂▃▄▅▆▇█"
_ASCII = " .:-=+*#%"
# What stands for none at all, so that a quiet line is a line and not nothing.
_ZERO, _ASCII_ZERO = "▁", "_"
_UNKNOWN = " "


def sparkline(values: Sequence[int | None], width: int, *, is_ascii: bool = False) -> str:
    """One line of `width` cells for all values, the last at the right; None is left blank."""
    return spark_rows(values, width, 1, is_ascii=is_ascii)[0]


def spark_rows(
    values: Sequence[int | None], width: int, height: int, *, is_ascii: bool = False
) -> list[str]:
    """The same, `height` lines high, the uppermost first. The highest value is as high as all."""
    shown = _resampled(values, max(width, 1))
    highest = max((value for value in shown if value is not None), default=0)
    rows = [
        "".join(_cell(value, highest, floor, height, is_ascii) for value in shown)
        for floor in reversed(range(height))
    ]
    return [row.ljust(width) for row in rows]


def _resampled(values: Sequence[int | None], width: int) -> list[int | None]:
    """Each cell shows the highest of the values that fall into it, or a part of one."""
    count = len(values)
    cells: list[int | None] = []
    for cell in range(width if count else 0):
        first, end = cell * count // width, -(-(cell + 1) * count // width)
        cells.append(max((v for v in values[first:end] if v is not None), default=None))
    return cells


def _cell(value: int | None, highest: int, floor: int, height: int, is_ascii: bool) -> str:
    """What of the value lies between this line and the next."""
    if value is None:
        return _UNKNOWN
    zero = _ASCII_ZERO if is_ascii else _ZERO
    if value == 0 or highest == 0:
        return zero if floor == 0 else " "
    steps = _ASCII if is_ascii else _BLOCKS
    per_line = len(steps) - 1
    # Anything at all stands above none: from the second step on.
    total = max(round(value / highest * per_line * height), 2)
    return steps[max(0, min(total - floor * per_line, per_line))]


def bar(percent: int, width: int, *, is_ascii: bool = False) -> str:
    """`███░`"""
    full, empty = ("#", ".") if is_ascii else ("█", "░")
    count = round(max(0, min(percent, 100)) / 100 * width)
    # An empty battery and one nearly empty are not the same.
    count = max(count, 1) if percent > 0 else count
    return full * count + empty * (width - count)
