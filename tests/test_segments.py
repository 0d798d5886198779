"""Segmentation against vectors of the standard's borders, and properties any counting must have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.gateway.segments import Segmentation, segment

GSM_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = "\f^{}\\[~]|€"

VECTORS = [
    ("", "GSM-7", 0, 0),
    ("Hello! This is a test message.", "GSM-7", 1, 30),
    ("a" * 160, "GSM-7", 1, 160),
    ("a" * 161, "GSM-7", 2, 161),
    ("a" * 306, "GSM-7", 2, 306),
    ("a" * 307, "GSM-7", 3, 307),
    ("é" * 160, "GSM-7", 1, 160),
    ("Ç", "GSM-7", 1, 1),
    ("Δ", "GSM-7", 1, 1),
    ("\n\r", "GSM-7", 1, 2),
    ("\f", "GSM-7", 1, 2),
    ("€" * 80, "GSM-7", 1, 160),
    ("€" * 81, "GSM-7", 2, 162),
    ("€" * 76 + "a" + "€" * 76, "GSM-7", 2, 305),
    ("{}[]|^~\\", "GSM-7", 1, 16),
    # The euro would lie across the border: it moves to the second segment, which then overflows.
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 3, 306),
    ("a" * 153 + "€" + "a" * 151, "GSM-7", 2, 306),
    # Every segment loses its last septet to a euro that does not fit.
    ("€" * 153, "GSM-7", 3, 306),
    ("ç", "UCS-2", 1, 1),
    ("`", "UCS-2", 1, 1),
    ("\t", "UCS-2", 1, 1),
    ("\x1b", "UCS-2", 1, 1),
    ("It’s", "UCS-2", 1, 4),
    ("€я", "UCS-2", 1, 2),
    ("я" * 70, "UCS-2", 1, 70),
    ("я" * 71, "UCS-2", 2, 71),
    ("я" * 134, "UCS-2", 2, 134),
    ("я" * 135, "UCS-2", 3, 135),
    ("🎉" * 35, "UCS-2", 1, 70),
    ("🎉" * 36, "UCS-2", 2, 72),
    ("я" * 66 + "🎉" + "я" * 66, "UCS-2", 3, 134),
    ("я" * 67 + "🎉" + "я" * 65, "UCS-2", 2, 134),
]


@pytest.mark.parametrize(("text", "encoding", "segments", "units"), VECTORS)
def test_vector_is_counted_as_the_standard_says(
    text: str, encoding: str, segments: int, units: int
) -> None:
    assert segment(text) == Segmentation(encoding, segments, units)


def test_default_alphabet_holds_127_characters_of_one_unit() -> None:
    assert len(set(GSM_BASIC)) == 127
    assert all(segment(c) == Segmentation("GSM-7", 1, 1) for c in GSM_BASIC)


def test_extension_table_holds_10_characters_of_two_units() -> None:
    assert len(set(GSM_EXTENSION)) == 10
    assert all(segment(c) == Segmentation("GSM-7", 1, 2) for c in GSM_EXTENSION)


def test_every_other_character_needs_ucs_2() -> None:
    others = {chr(n) for n in range(0x3000)} - set(GSM_BASIC) - set(GSM_EXTENSION)

    assert {segment(c).encoding for c in others} == {"UCS-2"}


gsm_texts = st.text(st.sampled_from(GSM_BASIC + GSM_EXTENSION), max_size=700)
any_texts = st.text(max_size=300) | st.text("яz€🎉", max_size=300)


def cells_of(text: str) -> tuple[list[int], int, int]:
    """The units of each character, and the room in one SMS and in one of several."""
    if set(text) <= set(GSM_BASIC + GSM_EXTENSION):
        return [2 if c in GSM_EXTENSION else 1 for c in text], 160, 153
    return [2 if ord(c) > 0xFFFF else 1 for c in text], 70, 67


@given(gsm_texts | any_texts)
def test_count_equals_packing_character_by_character(text: str) -> None:
    cells, single, joined = cells_of(text)
    packed = [0]
    for cell in cells:
        if packed[-1] + cell > joined:
            packed.append(0)
        packed[-1] += cell
    expected = min(1, len(text)) if sum(cells) <= single else len(packed)

    counted = segment(text)

    assert (counted.units, counted.segments) == (sum(cells), expected)


@given(gsm_texts | any_texts)
def test_segments_hold_the_units_and_waste_at_most_one_each(text: str) -> None:
    counted = segment(text)
    single, joined = (160, 153) if counted.encoding == "GSM-7" else (70, 67)

    assert counted.units <= max(single, counted.segments * joined)
    assert counted.segments <= -(-counted.units // (joined - 1))


@given(gsm_texts, gsm_texts)
def test_appending_gsm_text_adds_its_units_and_drops_no_segment(first: str, second: str) -> None:
    before, added, both = segment(first), segment(second), segment(first + second)

    assert both.units == before.units + added.units
    assert both.segments >= max(before.segments, added.segments)


@given(st.text("я🎉", min_size=1, max_size=200), any_texts)
def test_appending_to_ucs_2_text_shrinks_nothing(first: str, second: str) -> None:
    before, both = segment(first), segment(first + second)

    assert both.encoding == "UCS-2"
    assert both.units >= before.units
    assert both.segments >= before.segments


def test_lone_surrogate_is_counted_not_refused() -> None:
    assert segment("\ud83d") == Segmentation("UCS-2", 1, 1)
