"""Phone numbers come out in one spelling, or are refused with a reason, and never anything else."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.errors import Invalid
from textko_server.gateway.phone_numbers import mask, normalise

regions = st.sampled_from(["", "DE", "US", "KE", "IT", "GB", "FK", "XX", "de"])
number_like = st.text(st.sampled_from("0123456789+ -.()\u00a0\u2011\u202a٣５a"), max_size=24)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        # The samples of the published APIs, most of which exist in no numbering plan.
        ("+1234567890", "+1234567890"),
        ("+11234567890", "+11234567890"),
        ("+123456789", "+123456789"),
        ("0712345678", "0712345678"),
        # Separators.
        ("+1 (202) 555-0123", "+12025550123"),
        ("+49.171.1234567", "+491711234567"),
        (" +49\u00a0171\u202f123\u201145\u201367 ", "+491711234567"),
        ("\u202a+49 171 1234567\u202c", "+491711234567"),
        # Short codes.
        ("112", "112"),
        ("80888", "80888"),
        # The international prefix of most countries.
        ("0049 171 1234567", "+491711234567"),
        ("0012345678", "+12345678"),
        ("001234567", "001234567"),
        ("00123456789012345", "+123456789012345"),
        ("123456789012345", "123456789012345"),
    ],
)
def test_number_is_normalised(text: str, number: str) -> None:
    assert normalise(text) == number


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" -() ", "is empty"),
        ("12", "must be 3 to 15 digits"),
        ("+", "must be 3 to 15 digits"),
        ("1234567890123456", "must be 3 to 15 digits"),
        ("0012345678901234567", "must be 3 to 15 digits"),
        ("1+234567", "must be 3 to 15 digits"),
        ("++1234567", "must be 3 to 15 digits"),
        ("CALL-ME", "must be 3 to 15 digits"),
        ("+1234567890\n", "must be 3 to 15 digits"),
        ("+123456\x00789", "must be 3 to 15 digits"),
        ("+１２３４５６７８９", "may only have the digits 0 to 9"),
        ("٠٧١٢٣٤٥٦٧٨", "may only have the digits 0 to 9"),
        ("0" * 65, "is longer than 64 characters"),
    ],
)
def test_what_is_no_number_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise(text)

    assert refused.value.field == "phone_number"
    assert refused.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("0171 1234567", "DE", "+491711234567"),
        ("(202) 555-0123", "US", "+12025550123"),
        ("0712345678", "KE", "+254712345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("51234", "FK", "+50051234"),
        ("+1234567890", "DE", "+1234567890"),
    ],
)
def test_national_number_becomes_international_with_a_region(
    text: str, region: str, number: str
) -> None:
    assert normalise(text, region) == number


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("80888", "DE"),
        ("112", "DE"),
        ("12345", "US"),
        ("5551234", "US"),
        ("123456789012345", "US"),
        ("0712345678", "XX"),
    ],
)
def test_digits_stay_where_the_region_knows_no_such_national_number(text: str, region: str) -> None:
    assert normalise(text, region) == text


@given(number_like | st.text(), regions)
def test_normalising_raises_only_invalid_and_is_final(text: str, region: str) -> None:
    try:
        number = normalise(text, region)
    except Invalid:
        return

    assert number.isascii()
    assert 3 <= len(number.removeprefix("+")) <= 15
    assert number.removeprefix("+").isdecimal()
    assert normalise(number) == number
    assert normalise(number, region) == number


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True), st.data())
def test_separators_change_nothing(number: str, data: st.DataObject) -> None:
    separators = [data.draw(st.sampled_from(["", "", " ", "-", ".", "\u00a0"])) for _ in number]
    spelled = "".join(c + s for c, s in zip(number, separators, strict=True))

    assert normalise(spelled) == number


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+491711234567", "+49********67"),
        ("+1234567", "+12***67"),
        ("0712345678", "********78"),
        ("80888", "***88"),
        ("112", "***"),
        ("", ""),
        ("MyBank", "****nk"),
    ],
)
def test_mask_shows_the_country_and_two_digits(number: str, masked: str) -> None:
    assert mask(number) == masked


@given(st.text())
def test_mask_keeps_the_length_and_shows_at_most_five(number: str) -> None:
    masked = mask(number)

    assert len(masked) == len(number)
    assert sum(m != "*" for m in masked) <= 5


def test_the_heavy_library_is_left_out_until_a_region_is_set() -> None:
    program = (
        "import sys; from textko_server.gateway.phone_numbers import normalise;"
        "normalise('0712 345678'); sys.exit('phonenumbers' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
