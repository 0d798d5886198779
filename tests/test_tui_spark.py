"""Small pictures made of characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.tui.widgets.spark import bar, spark_rows, sparkline

_values = st.lists(st.none() | st.integers(0, 10**9), max_size=80)


def test_line_rises_with_its_values() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 9) == "▁▂▂▃▄▅▆▇█"


def test_line_of_ascii_rises_too() -> None:
    assert sparkline([0, 1, 2, 3, 4, 5, 6, 7, 8], 9, is_ascii=True) == "_::-=+*#%"


def test_what_is_not_known_is_left_blank() -> None:
    assert sparkline([None, 0, 5], 3) == " ▁█"


def test_anything_at_all_stands_above_nothing() -> None:
    assert sparkline([0, 1, 1_000_000], 3) == "▁▂█"


def test_peak_is_seen_where_minutes_share_a_cell() -> None:
    assert sparkline([0, 0, 0, 9, 0, 0], 3) == "▁█▁"


def test_higher_picture_has_the_peak_in_its_uppermost_line() -> None:
    assert spark_rows([0, 4, 8], 3, 2) == ["  █", "▁██"]


@given(_values, st.integers(1, 200), st.integers(1, 5), st.booleans())
def test_picture_is_as_wide_and_high_as_asked(
    values: list[int | None], width: int, height: int, is_ascii: bool
) -> None:
    rows = spark_rows(values, width, height, is_ascii=is_ascii)

    assert [len(row) for row in rows] == [width] * height
    assert not is_ascii or all(row.isascii() for row in rows)


@pytest.mark.parametrize(
    ("percent", "text"), [(0, "░░░░"), (1, "█░░░"), (50, "██░░"), (100, "████"), (255, "████")]
)
def test_bar_is_as_full_as_it_says(percent: int, text: str) -> None:
    assert bar(percent, 4) == text


def test_bar_of_ascii() -> None:
    assert bar(50, 4, is_ascii=True) == "##.."
