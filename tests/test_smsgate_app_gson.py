"""The emulated app of SMSGate: JSON and dates as Gson has them."""

from datetime import UTC, timedelta, timezone
from enum import Enum

import pytest

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.faults import JsonFault

NOON_MS = 1_768_478_400_000  # 2026-01-15T12:00:00Z


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-01-15T12:00:00.000Z", NOON_MS),
        ("2026-01-15T19:00:00.357+07:00", NOON_MS + 357),
        # ISO 8601 is what is left when the pattern does not fit.
        ("2026-01-15T12:00:00Z", NOON_MS),
        ("2026-01-15T12:00Z", NOON_MS),
        ("2026-01-15T19:00:00+0700", NOON_MS),
        ("2026-01-15T19:00:00.5+07", NOON_MS + 500),
        # The pattern fits, and counts what follows the point as milliseconds.
        ("2026-01-15T12:00:00.5Z", NOON_MS + 5),
        ("2026-01-15T12:00:00.123456Z", NOON_MS + 123_456),
    ],
)
def test_date_is_read_as_gson_reads_it(text: str, at_ms: int) -> None:
    assert gson.moment_ms({"at": text}, "at") == at_ms


@pytest.mark.parametrize("text", ["yesterday", "2026-01-15T12:00:00", "1768478400", 5])
def test_what_is_no_date_raises(text: object) -> None:
    with pytest.raises(JsonFault):
        gson.moment_ms({"at": text}, "at")


def test_date_is_written_in_the_phones_time() -> None:
    bangkok = timezone(timedelta(hours=7))

    assert gson.date_text(NOON_MS + 357, bangkok) == "2026-01-15T19:00:00.357+07:00"
    assert gson.date_text(NOON_MS, UTC) == "2026-01-15T12:00:00.000Z"


def test_nulls_are_left_out_of_what_is_sent() -> None:
    assert gson.dump([{"a": None, "b": [{"c": None, "d": 0}]}]) == b'[{"b":[{"d":0}]}]'


def test_numbers_and_booleans_may_be_quoted() -> None:
    row = {"n": "2", "whole": 2.0, "yes": "true"}

    assert gson.integer(row, "n") == gson.integer(row, "whole") == 2
    assert gson.boolean(row, "yes") is True


def test_word_that_nobody_knows_is_null() -> None:
    class Color(Enum):
        RED = "red"

    assert gson.word({"color": "blue"}, "color", Color) is None


@pytest.mark.parametrize("row", [{}, {"id": None}])
def test_what_kotlin_needs_must_be_there(row: dict[str, object]) -> None:
    with pytest.raises(JsonFault):
        gson.required_text(row, "id")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{"])
def test_what_is_no_json_raises(body: bytes) -> None:
    with pytest.raises(JsonFault):
        gson.parse(body)
