"""Our PDUs beside those of libgammu, which nobody here wrote: same octets out, same text in.

Where the two differ, the test that shows it says why. Loaded from the wheel of python-gammu.
"""

from datetime import UTC, datetime
from typing import Any

import gammu  # type: ignore[import-untyped]  # a C extension without stubs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.test_modem_pdu import GSM_7, SENT_AT, any_texts, gsm_texts, numbers, octet
from textko_server.phone.modem.pdu import (
    Deliver,
    StatusReport,
    decode_incoming,
    encode_deliver,
    encode_status_report,
    encode_submit,
)

NUMBER = "+35799123456"
SERVICE_CENTRE = "+35799000000"

# The characters of its own text in UCS-2 that libgammu cannot hold: NUL ends a text, and some old
# Nokia's use of U+0001 for a tilde is applied to every phone.
NOT_GAMMUS = set("\x00\x01~")
# It reads the septets of a name as if they were ASCII.
PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZ .-"

plain_names = st.text(st.sampled_from(PLAIN), min_size=1, max_size=11)
ucs_2_texts = any_texts.filter(lambda text: not is_gsm_7(text) and not NOT_GAMMUS & set(text))

TEXTS = [
    "Hello, world",
    "1234567",
    "12345678",
    "Καλημέρα",
    "Grüße {von} [hier] ~ | \\ ^ €",
    "a" * 160,
    "a" * 161,
    "a" * 152 + "€" + "b" * 10,
    "€" * 153,
    "я" * 70,
    "я" * 71,
    "я" * 66 + "🎉" + "я" * 66,
    "🎉" * 100,
]


def is_gsm_7(text: str) -> bool:
    return set(text) <= set(GSM_7)


def gammus_submits(text: str) -> list[bytes]:
    """As libgammu sends it, without the service centre and without the validity period."""
    kind = "ConcatenatedTextLong"
    info = {
        "Class": -1,
        "Unicode": not is_gsm_7(text),
        "Entries": [{"ID": kind, "Buffer": text}],
    }
    submits = []
    for part in gammu.EncodeSMS(info):
        part |= {"SMSC": {"Number": SERVICE_CENTRE}, "Number": NUMBER, "MessageReference": 0}
        whole = gammu.EncodePDU(part)
        tpdu = whole[1 + whole[0] :]
        # It always writes one: one octet behind TP-MR, address, TP-PID and TP-DCS.
        assert tpdu[0] & 0x18 == 0x10
        submits.append(bytes((tpdu[0] & ~0x18,)) + tpdu[1:12] + tpdu[13:])
    return submits


def our_submits(text: str, concat_reference: int) -> list[bytes]:
    pdus = encode_submit(
        NUMBER, text, reference=0, concat_reference=concat_reference, wants_report=False
    )
    # It counts no references up: the modem does.
    return [bytes((pdu[1], 0)) + pdu[3:] for pdu in (bytes.fromhex(one.hex) for one in pdus)]


def read_by_gammu(pdu_hex: str) -> dict[str, Any]:
    read: dict[str, Any] = gammu.DecodePDU(bytes.fromhex(pdu_hex), True)
    return read


def text_of(read: dict[str, Any]) -> str:
    # Its buffer is as long as there were septets, which are more than characters.
    text: str = read["Text"]
    return text.partition("\0")[0]


def assert_same_octets(text: str) -> None:
    theirs = gammus_submits(text)
    # It takes a reference of its own: the octet before the number of parts.
    concat_reference = theirs[0][16] if len(theirs) > 1 else 0
    assert our_submits(text, concat_reference) == theirs


@pytest.mark.parametrize("text", TEXTS)
def test_submits_are_gammus_octet_for_octet(text: str) -> None:
    assert_same_octets(text)


@given(gsm_texts)
def test_any_text_in_gsm_7_is_gammus_octet_for_octet(text: str) -> None:
    assert_same_octets(text)


@given(ucs_2_texts)
def test_any_text_in_ucs_2_is_gammus_octet_for_octet(text: str) -> None:
    assert_same_octets(text)


@given(gsm_texts | ucs_2_texts)
def test_gammu_reads_our_submits(text: str) -> None:
    pdus = encode_submit(NUMBER, text, reference=3, concat_reference=77, wants_report=True)
    read = [read_by_gammu(pdu.hex) for pdu in pdus]

    assert "".join(map(text_of, read)) == text
    assert {part["Number"] for part in read} == {NUMBER}
    if len(pdus) > 1:
        assert [
            (part["UDH"]["ID8bit"], part["UDH"]["AllParts"], part["UDH"]["PartNumber"])
            for part in read
        ] == [(77, len(pdus), number + 1) for number in range(len(pdus))]


@given(
    numbers | plain_names,
    gsm_texts | ucs_2_texts,
    st.integers(-48, 48).map(lambda quarters: quarters * 15),
)
def test_gammu_reads_the_emulators_incoming_texts(
    sender: str, text: str, utc_offset_minutes: int
) -> None:
    read = [
        read_by_gammu(pdu.hex)
        for pdu in encode_deliver(
            sender,
            text,
            sent_at=SENT_AT,
            concat_reference=9,
            utc_offset_minutes=utc_offset_minutes,
        )
    ]

    assert "".join(map(text_of, read)) == text
    assert {(part["Number"], part["Type"], part["DateTime"]) for part in read} == {
        (sender, "Deliver", datetime.fromtimestamp(SENT_AT // 1000, UTC))
    }


@given(octet, octet)
def test_gammu_reads_the_emulators_reports(reference: int, status: int) -> None:
    report = StatusReport(reference, NUMBER, SENT_AT, SENT_AT + 5_000, status)
    read = read_by_gammu(encode_status_report(report).hex)

    assert read["Type"] == "Status_Report"
    assert (read["MessageReference"], read["DeliveryStatus"]) == (reference, status)
    assert read["Number"] == NUMBER
    assert read["SMSCDateTime"] == datetime.fromtimestamp(SENT_AT // 1000 + 5, UTC)


@given(gsm_texts | ucs_2_texts)
def test_gammus_incoming_texts_are_read(text: str) -> None:
    info = {
        "Class": -1,
        "Unicode": not is_gsm_7(text),
        "Entries": [{"ID": "ConcatenatedTextLong16bit", "Buffer": text}],
    }
    parts = []
    for part in gammu.EncodeSMS(info):
        part |= {"SMSC": {"Number": SERVICE_CENTRE}, "Number": NUMBER, "Type": "Deliver"}
        deliver = decode_incoming(gammu.EncodePDU(part, "Deliver").hex())
        assert isinstance(deliver, Deliver)
        parts.append(deliver)

    assert "".join(part.user_data.text or "" for part in parts) == text
    assert {part.sender for part in parts} == {NUMBER}
