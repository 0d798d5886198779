"""PDUs against vectors of the standards, and what must hold of any text and any octets."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from textko_server.gateway.segments import segment
from textko_server.phone.modem.concatenation import Concatenation
from textko_server.phone.modem.delivery_status import Outcome, describe_status, outcome_of
from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.pdu import (
    Deliver,
    StatusReport,
    Submit,
    decode_incoming,
    decode_submit,
    encode_deliver,
    encode_status_report,
    encode_submit,
)
from textko_server.phone.modem.septets import pack
from textko_server.phone.modem.user_data import Encoding

GSM_7 = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
SENT_AT = 1_763_800_000_000

gsm_texts = st.text(st.sampled_from(GSM_7), min_size=1, max_size=700)
any_texts = st.text(min_size=1, max_size=300) | st.text("яz€🎉", min_size=1, max_size=300)
numbers = st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True)
names = st.text(st.sampled_from(GSM_7[:-10]), min_size=1, max_size=11).filter(
    lambda name: not set(name) <= set("0123456789*#abc+")
)
octet = st.integers(0, 255)


def submits(text: str, phone_number: str = "+35799123456") -> list[Submit]:
    """`text` there and back."""
    pdus = encode_submit(phone_number, text, reference=0, concat_reference=7, wants_report=True)
    return [decode_submit(pdu.hex) for pdu in pdus]


def texts_of(parts: list[Submit]) -> list[str]:
    return [part.user_data.text or "" for part in parts]


def deliver_of(hexadecimal: str) -> Deliver:
    deliver = decode_incoming(hexadecimal)
    assert isinstance(deliver, Deliver)
    return deliver


def deliver_with(scheme: int, data: str, length: int, *, has_header: bool = False) -> Deliver:
    """A DELIVER from 12345 with user data of which `length` is said."""
    first = "40" if has_header else "00"
    return deliver_of(f"00{first}05812143F500{scheme:02X}52112241130000{length:02X}{data}")


def deliver_in(tables: str, septets: bytes) -> Deliver:
    """In the national tables that these elements of the header name."""
    header_octets = 1 + len(tables) // 2
    header_septets = -(-header_octets * 8 // 7)
    packed = pack(septets, fill_bits=header_septets * 7 - header_octets * 8)
    data = f"{header_octets - 1:02X}{tables}{packed.hex()}"
    return deliver_with(0, data, header_septets + len(septets), has_header=True)


def test_submit_is_the_octets_of_the_standard() -> None:
    (pdu,) = encode_submit(
        "+35799123456", "hellohello", reference=5, concat_reference=0, wants_report=True
    )

    # The packed septets of "hellohello" are the best known example of TS 23.038, 6.1.2.1.1.
    assert pdu.hex == "00" + "2105" + "0B91" + "5397193254F6" + "0000" + "0A" + "E8329BFD4697D9EC37"
    assert pdu.tpdu_bytes == 22


def test_text_beyond_the_alphabet_is_sent_in_ucs_2() -> None:
    (pdu,) = encode_submit("112", "Я🎉", reference=0, concat_reference=0, wants_report=False)

    assert pdu.hex == "00" + "0100" + "0381" + "11F2" + "0008" + "06" + "042FD83CDF89"


def test_parts_carry_the_header_and_start_on_a_septet() -> None:
    first, second = encode_submit(
        "112", "a" * 152 + "€bbbbbbb", reference=255, concat_reference=0x19, wants_report=False
    )

    assert first.hex.startswith("0041FF038111F20000" + f"{7 + 152:02X}" + "050003190201" + "C2E170")
    assert second.hex == "004100038111F20000" + "10" + "050003190202" + "3665B1582C168BC5"
    assert decode_submit(second.hex).user_data.text == "€bbbbbbb"


@pytest.mark.parametrize(
    ("address", "octets"),
    [
        ("+35799123456", "0B915397193254F6"),
        ("+4917612345678", "0D91947116325476F8"),
        ("+491761234567", "0C91947116325476"),
        ("12345", "05812143F5"),
        ("*100#", "05811A00FB"),
    ],
)
def test_number_is_written_in_semi_octets(address: str, octets: str) -> None:
    (pdu,) = encode_submit(address, "x", reference=0, concat_reference=0, wants_report=False)

    assert pdu.hex[6 : 6 + len(octets)] == octets


def test_sender_may_be_a_name() -> None:
    pdu = "00040BD0D4329EBE7E030000521122411300000141"

    assert deliver_of(pdu).sender == "Textko"


def test_sender_may_be_a_national_number() -> None:
    assert deliver_of("00040AA110325476980000521122411300000141").sender == "0123456789"


def test_withheld_sender_is_an_empty_string() -> None:
    assert deliver_of("0004008100005211224113000001" + "41").sender == ""


@pytest.mark.parametrize(
    ("timestamp", "written"),
    [
        ("52112241130000", "2025-11-22T14:31:00+00:00"),
        ("52112241130080", "2025-11-22T14:31:00+02:00"),
        ("5211224113000A", "2025-11-22T14:31:00-05:00"),
        ("52112241130098", "2025-11-22T14:31:00-02:15"),
        ("99211332959500", "1999-12-31T23:59:59+00:00"),
    ],
)
def test_time_stamp_is_local_time_with_quarter_hours_to_gmt(timestamp: str, written: str) -> None:
    sent_at = deliver_of(f"000405812143F50000{timestamp}0141").sent_at

    assert sent_at == datetime.fromisoformat(written).timestamp() * 1000


@pytest.mark.parametrize("timestamp", ["00000000000000", "52222222222200", "FFFFFFFFFFFFFF"])
def test_time_stamp_that_is_none_costs_no_text(timestamp: str) -> None:
    deliver = deliver_of(f"000405812143F50000{timestamp}0141")

    assert (deliver.sent_at, deliver.user_data.text) == (None, "A")


def test_sixteen_bit_reference_is_read() -> None:
    deliver = deliver_with(8, "060804BEEF0302" + "042F", 9, has_header=True)

    assert deliver.user_data.concatenation == Concatenation(0xBEEF, 3, 2, is_sixteen_bit=True)
    assert deliver.user_data.text == "Я"


def test_elements_nobody_asked_for_are_passed_over() -> None:
    deliver = deliver_with(8, "0A" + "2301AA" + "0003070201" + "7F00" + "042F", 13, has_header=True)

    assert deliver.user_data.concatenation == Concatenation(7, 2, 1)
    assert deliver.user_data.text == "Я"


@pytest.mark.parametrize("element", ["0003070200", "0003070203", "0003070001", "00020701", "0009"])
def test_unsound_part_numbers_are_ignored(element: str) -> None:
    header = f"{len(element) // 2:02X}{element}"
    deliver = deliver_with(8, header + "042F", len(header) // 2 + 2, has_header=True)

    assert (deliver.user_data.concatenation, deliver.user_data.text) == (None, "Я")


@pytest.mark.parametrize(
    ("tables", "septets", "text"),
    [
        ("240101", b"\x1bG\x1bI\x1bS\x1bc\x1bg\x1bi\x1bs\x1be", "ĞİŞçğış€"),
        ("250101", b"\x04\x07\x0b\x0c\x1c\x1d\x40\x60I\x1be", "€ıĞğŞşİçI€"),
        ("240102", b"\x1ba\x1bi\x1bo\x1bu\x1b\t\x7d", "áíóúçñ"),
        ("240103250103", b"\x04\x09\x12\x1b{\x1b|\x1b\x05{|", "êçªãõêãõ"),
        ("240100250100", b"\x04\x1be", "è€"),
    ],
)
def test_text_in_a_national_table_is_read_by_it(tables: str, septets: bytes, text: str) -> None:
    user_data = deliver_in(tables, septets).user_data

    assert (user_data.text, user_data.is_exact) == (text, True)


@pytest.mark.parametrize("tables", ["240106", "250106", "250102", "2401FF"])
def test_text_in_an_unknown_table_is_read_by_the_default_one_and_says_so(tables: str) -> None:
    user_data = deliver_in(tables, b"A\x1be").user_data

    assert (user_data.text, user_data.is_exact) == ("A€", False)


@pytest.mark.parametrize(
    ("scheme", "encoding"),
    [
        (0x00, Encoding.GSM_7),
        (0x04, Encoding.EIGHT_BIT),
        (0x08, Encoding.UCS_2),
        (0x0C, Encoding.GSM_7),
        (0x11, Encoding.GSM_7),
        (0x19, Encoding.UCS_2),
        (0x20, Encoding.COMPRESSED),
        (0x48, Encoding.UCS_2),
        (0x80, Encoding.GSM_7),
        (0xC8, Encoding.GSM_7),
        (0xD8, Encoding.GSM_7),
        (0xE8, Encoding.UCS_2),
        (0xF0, Encoding.GSM_7),
        (0xF5, Encoding.EIGHT_BIT),
    ],
)
def test_data_coding_scheme_says_the_alphabet(scheme: int, encoding: Encoding) -> None:
    assert deliver_with(scheme, "0041", 2).user_data.encoding is encoding


@pytest.mark.parametrize("scheme", [0x04, 0xF5, 0x20])
def test_data_for_a_program_is_no_text(scheme: int) -> None:
    user_data = deliver_with(scheme, "DEADBEEF", 4).user_data

    assert (user_data.text, user_data.octets) == (None, bytes.fromhex("DEADBEEF"))


def test_half_a_character_at_the_end_is_left_out_and_said() -> None:
    user_data = deliver_with(8, "042F04", 3).user_data

    assert (user_data.text, user_data.is_exact) == ("Я", False)


@pytest.mark.parametrize(
    ("septets", "text"), [("1B", " "), ("9B32", "€"), ("9B0D", " "), ("9B20", "A")]
)
def test_escape_that_leads_nowhere_is_read_as_the_standard_asks(septets: str, text: str) -> None:
    assert deliver_with(0, septets, 2 if len(septets) == 4 else 1).user_data.text == text


def test_report_says_which_text_and_what_became_of_it() -> None:
    address, sent, discharged = "0B915397193254F6", "52112241130000", "52112241135000"
    report = decode_incoming(f"0006AB{address}{sent}{discharged}00")

    sent_at = int(datetime(2025, 11, 22, 14, 31, tzinfo=UTC).timestamp()) * 1000
    assert report == StatusReport(0xAB, "+35799123456", sent_at, sent_at + 5_000, 0)


def test_report_without_the_service_centre_is_known_by_its_length() -> None:
    report = StatusReport(9, "+35799123456", SENT_AT, SENT_AT, 0)
    pdu = encode_status_report(report)

    assert decode_incoming(pdu.hex[2:], pdu.tpdu_bytes) == report
    assert decode_incoming(pdu.hex, pdu.tpdu_bytes) == report


def test_length_that_counts_the_service_centre_is_put_up_with() -> None:
    (pdu,) = encode_deliver("12345", "A", sent_at=SENT_AT, concat_reference=0)
    with_centre = f"07919471060040F0{pdu.hex[2:]}"

    assert decode_incoming(with_centre, len(with_centre) // 2) == decode_incoming(pdu.hex)


def test_record_of_a_sim_filled_with_ff_is_read() -> None:
    (pdu,) = encode_deliver("12345", "A", sent_at=SENT_AT, concat_reference=0)

    assert decode_incoming(pdu.hex + "FF" * 100, pdu.tpdu_bytes) == decode_incoming(pdu.hex)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ((0x00,), Outcome.DELIVERED),
        ((0x01, 0x02, *range(0x10, 0x20)), Outcome.UNCONFIRMED),
        ((*range(0x20, 0x26), *range(0x30, 0x40)), Outcome.PENDING),
        ((*range(0x40, 0x4A), *range(0x50, 0x60)), Outcome.PERMANENT),
        ((*range(0x60, 0x66), *range(0x70, 0x80)), Outcome.TEMPORARY),
        # Reserved: "service rejected".
        ((*range(0x03, 0x10), *range(0x26, 0x30), *range(0x4A, 0x50)), Outcome.TEMPORARY),
        ((*range(0x66, 0x70), *range(0x80, 0x100)), Outcome.TEMPORARY),
    ],
)
def test_every_status_has_an_outcome(statuses: tuple[int, ...], outcome: Outcome) -> None:
    assert {outcome_of(status) for status in statuses} == {outcome}
    assert all(describe_status(status) for status in statuses)


@pytest.mark.parametrize(
    ("hexadecimal", "says"),
    [
        ("", "length of the service centre"),
        ("0", "pairs of hexadecimal digits"),
        ("zz", "pairs of hexadecimal digits"),
        ("07911234", "the service centre"),
        ("00", "the first octet"),
        ("0001", "Type 1"),
        ("000405812143F50000521122411300", "time stamp"),
        ("000405812143F500005211224113000005C8", "user data"),
        ("004005812143F50000521122411300000109", "header of the user data"),
        ("0006AB0B915397193254F65211224113000052112241135000", "status"),
    ],
)
def test_what_is_wrong_with_a_pdu_is_said(hexadecimal: str, says: str) -> None:
    with pytest.raises(PduError, match=says):
        decode_incoming(hexadecimal)


@pytest.mark.parametrize(
    ("phone_number", "text", "says"),
    [
        ("+35799123456", "", "no text"),
        ("+123456789012345678901", "x", "21 digits"),
        ("", "x", "no phone number"),
        ("+", "x", "no phone number"),
        ("Textko", "x", "no phone number"),
        ("+35799123456", "x" * (255 * 153 + 1), "256 SMS"),
    ],
)
def test_what_fits_in_no_pdu_is_refused(phone_number: str, text: str, says: str) -> None:
    with pytest.raises(PduError, match=says):
        encode_submit(phone_number, text, reference=0, concat_reference=0, wants_report=False)


@pytest.mark.parametrize("name", ["", "twelve chars", "Приве́т"])
def test_name_that_fits_in_no_pdu_is_refused(name: str) -> None:
    with pytest.raises(PduError, match="Neither a phone number nor a name"):
        encode_deliver(name, "x", sent_at=SENT_AT, concat_reference=0)


@given(gsm_texts | any_texts)
@example("€" * 153)
@example("я" * 66 + "🎉" + "я" * 66)
def test_text_is_cut_into_as_many_sms_as_it_is_billed_for(text: str) -> None:
    assert len(submits(text)) == segment(text).segments


@given(gsm_texts | any_texts)
def test_text_survives_being_sent(text: str) -> None:
    # A character cut in two would come out as two others, for each part is read by itself.
    parts = submits(text)

    assert "".join(texts_of(parts)) == text
    assert all(part.user_data.is_exact for part in parts)
    if len(parts) > 1:
        assert [part.user_data.concatenation for part in parts] == [
            Concatenation(7, len(parts), number + 1) for number in range(len(parts))
        ]


@given(numbers)
def test_phone_number_survives_being_sent(phone_number: str) -> None:
    assert submits("x", phone_number)[0].phone_number == phone_number


@given(gsm_texts | any_texts)
def test_no_sms_is_longer_than_a_network_takes(text: str) -> None:
    pdus = encode_submit("+1", text, reference=0, concat_reference=0, wants_report=False)

    # Flags, reference, an address of three octets, two schemes, the length: then 140 of data.
    assert all(pdu.tpdu_bytes <= 8 + 140 for pdu in pdus)
    assert all(pdu.tpdu_bytes == len(pdu.hex) // 2 - 1 for pdu in pdus)


@given(
    numbers | names,
    gsm_texts | any_texts,
    st.integers(700_000_000, 2_000_000_000).map(lambda at_s: at_s * 1000),
    st.integers(-48, 56).map(lambda quarters: quarters * 15),
    octet,
)
def test_incoming_text_survives(
    sender: str, text: str, sent_at: int, utc_offset_minutes: int, concat_reference: int
) -> None:
    pdus = encode_deliver(
        sender,
        text,
        sent_at=sent_at,
        concat_reference=concat_reference,
        utc_offset_minutes=utc_offset_minutes,
    )
    parts = [deliver_of(pdu.hex) for pdu in pdus]

    assert {(part.sender, part.sent_at) for part in parts} == {(sender, sent_at)}
    assert "".join(part.user_data.text or "" for part in parts) == text


@given(numbers, octet, octet, st.integers(-48, 56).map(lambda quarters: quarters * 15))
def test_report_survives(
    phone_number: str, reference: int, status: int, utc_offset_minutes: int
) -> None:
    report = StatusReport(reference, phone_number, SENT_AT, SENT_AT + 5_000, status)
    pdu = encode_status_report(report, utc_offset_minutes=utc_offset_minutes)

    assert decode_incoming(pdu.hex, pdu.tpdu_bytes) == report


@given(st.binary(max_size=200), st.none() | octet)
def test_octets_of_any_kind_are_read_or_refused(octets: bytes, tpdu_bytes: int | None) -> None:
    for decode in (decode_submit, lambda pdu: decode_incoming(pdu, tpdu_bytes)):
        with suppress(PduError):
            decode(octets.hex())


@given(
    st.sampled_from(["0004", "0044", "0006", "0002", "0001", "0041", "0051", "0059"]),
    octet,
    st.sampled_from([0x81, 0x91, 0xA1, 0xD0]),
    st.binary(min_size=10, max_size=180),
)
def test_octets_that_look_like_a_pdu_are_read_or_refused(
    first: str, length: int, kind: int, octets: bytes
) -> None:
    pdu = f"{first}{length % 24:02X}{kind:02X}{octets.hex()}"
    for decode in (decode_submit, decode_incoming):
        with suppress(PduError):
            decode(pdu)


@given(st.text(max_size=100))
def test_lines_that_are_no_pdu_are_refused(line: str) -> None:
    with suppress(PduError):
        decode_incoming(line)
