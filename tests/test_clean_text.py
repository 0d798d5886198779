"""Texts from outside never carry half a character or NUL further in."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.segments import segment

any_code_points = st.text(st.characters()) | st.text(st.sampled_from("a\0é🎉\ud83d\ude00\udfff"))


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("Grüße 🎉", "Grüße 🎉"),
        ("a\0b", "a\ufffdb"),
        ("я\0", "я\ufffd"),
        ("half \ud83d here", "half \ufffd here"),
        ("\ude00 first", "\ufffd first"),
        ("last \ud83d", "last \ufffd"),
        ("\ud83d\ud83d", "\ufffd\ufffd"),
        ("\ude00 \ud83d", "\ufffd \ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d\0", "\ufffd\ufffd"),
        (json.loads('"\\ud83d"'), "\ufffd"),
    ],
)
def test_text_is_cleaned(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@pytest.mark.parametrize("text", ["Hello", "Grüße 🎉"])
def test_clean_text_comes_back_as_the_same_object(text: str) -> None:
    assert clean_text(text) is text


@given(any_code_points)
def test_result_encodes_holds_no_nul_and_is_final(text: str) -> None:
    cleaned = clean_text(text)

    cleaned.encode("utf-8")
    assert "\0" not in cleaned
    assert clean_text(cleaned) == cleaned


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0")))
def test_whole_characters_are_left_alone(text: str) -> None:
    assert clean_text(text) == text


@given(any_code_points)
def test_cleaning_costs_no_units(text: str) -> None:
    assert segment(clean_text(text)).units <= segment(text).units
