"""SMS as a modem takes and gives them in PDU mode: SUBMIT, DELIVER and STATUS-REPORT.

3GPP TS 23.040, 9.2.2; in front of each stands the service centre's address (TS 27.005, 3.1).
Whatever is decoded, PduError is all that is raised. Refuses to know AT commands.
"""

from contextlib import suppress

import msgspec

from textko_server.phone.modem.addresses import (
    decode_address,
    encode_address,
    encode_number,
    encode_service_centre,
    skip_service_centre,
)
from textko_server.phone.modem.concatenation import Concatenation, cut
from textko_server.phone.modem.delivery_status import Outcome, outcome_of
from textko_server.phone.modem.octets import Octets, PduError, octets_of
from textko_server.phone.modem.timestamps import decode_timestamp, encode_timestamp
from textko_server.phone.modem.user_data import (
    GSM_7_SCHEME,
    UCS_2_SCHEME,
    UserData,
    decode_user_data,
    encode_user_data,
)

# The first octet (9.2.2.1 to 9.2.2.3). Bits 0 and 1 are the type, and mean another one each way.
_TYPE = 0x03
_DELIVER = 0x00
_SUBMIT = 0x01
_STATUS_REPORT = 0x02
_NO_MORE_MESSAGES = 0x04  # of DELIVER and STATUS-REPORT
_VALIDITY_FORMAT = 0x18  # of SUBMIT
_REPORT_WANTED = 0x20  # of SUBMIT; in DELIVER, that the sender was promised one
_HAS_HEADER = 0x40

# 9.2.3.3: octets of the validity period by the two bits that say its format.
_VALIDITY_OCTETS = (0, 7, 1, 7)


class Pdu(msgspec.Struct, frozen=True):
    """As it goes to a modem, or comes from one."""

    hex: str
    """With the service centre's address in front."""
    tpdu_bytes: int
    """Without that address: the number in `AT+CMGS=` and `+CMGR:`."""


class Submit(msgspec.Struct, frozen=True):
    """What a phone sends."""

    reference: int
    """TP-MR; most modems put their own in its place and say it in the answer to AT+CMGS."""
    phone_number: str
    user_data: UserData
    wants_report: bool


class Deliver(msgspec.Struct, frozen=True):
    """What a phone receives."""

    sender: str
    """A number, or a name; empty if the network withholds it."""
    sent_at: int | None
    """When the service centre took it; None if it does not say soundly."""
    user_data: UserData


class StatusReport(msgspec.Struct, frozen=True):
    """What became of an SMS that was sent with `wants_report`."""

    reference: int
    """Of the SMS it is about, with this phone number; they come round after 256."""
    phone_number: str
    sent_at: int | None
    discharged_at: int | None
    """When the phone had it, or of the last try."""
    status: int
    """TP-Status; `describe_status` has the words."""

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.status)


def encode_submit(
    phone_number: str, text: str, *, reference: int, concat_reference: int, wants_report: bool
) -> list[Pdu]:
    """As many as the server counts segments; the first has `reference`, each next one more.

    Both references are octets. PduError: no text, no phone number, or more than fits.
    """
    if not text:
        raise PduError("There is no text to send.")
    flags = _SUBMIT | (_REPORT_WANTED if wants_report else 0)
    address = encode_number(phone_number)
    return [
        _pdu(
            bytes((flags | header_flag, (reference + number) % 256)),
            address,
            bytes((0, scheme)),
            user_data,
        )
        for number, (header_flag, scheme, user_data) in enumerate(_parts(text, concat_reference))
    ]


def decode_submit(hexadecimal: str) -> Submit:
    octets = Octets(octets_of(hexadecimal))
    skip_service_centre(octets)
    first = octets.take_one("the first octet")
    if first & _TYPE != _SUBMIT:
        raise PduError("This is not an SMS-SUBMIT.")
    reference = octets.take_one("the reference")
    phone_number = decode_address(octets, "the destination address")
    scheme = octets.take(2, "protocol identifier and data coding scheme")[1]
    octets.take(_VALIDITY_OCTETS[(first & _VALIDITY_FORMAT) >> 3], "the validity period")
    user_data = decode_user_data(octets, scheme, has_header=bool(first & _HAS_HEADER))
    return Submit(reference, phone_number, user_data, bool(first & _REPORT_WANTED))


def encode_deliver(
    sender: str, text: str, *, sent_at: int, concat_reference: int, utc_offset_minutes: int = 0
) -> list[Pdu]:
    """What a modem would show of an incoming text, one PDU a part."""
    address = encode_address(sender)
    timestamp = encode_timestamp(sent_at, utc_offset_minutes=utc_offset_minutes)
    return [
        _pdu(
            bytes((_DELIVER | _NO_MORE_MESSAGES | header_flag,)),
            address,
            bytes((0, scheme)),
            timestamp,
            user_data,
        )
        for header_flag, scheme, user_data in _parts(text, concat_reference)
    ]


def encode_status_report(report: StatusReport, *, utc_offset_minutes: int = 0) -> Pdu:
    """Both times must be given."""
    times = [
        encode_timestamp(at or 0, utc_offset_minutes=utc_offset_minutes)
        for at in (report.sent_at, report.discharged_at)
    ]
    return _pdu(
        bytes((_STATUS_REPORT | _NO_MORE_MESSAGES, report.reference)),
        encode_number(report.phone_number),
        *times,
        bytes((report.status,)),
    )


def decode_incoming(hexadecimal: str, tpdu_bytes: int | None = None) -> Deliver | StatusReport:
    """What `+CMGL:`, `+CMGR:`, `+CMT:` or `+CDS:` showed, with the length they gave.

    Given the length, a PDU that came without the service centre's address (some modems leave it out
    of `+CDS:`) is read all the same; so is one whose length counts that address. What follows
    behind the PDU is passed over: some modems show the whole record of the SIM.
    """
    octets = octets_of(hexadecimal)
    if tpdu_bytes == len(octets):
        with suppress(PduError):
            return _decode_tpdu(Octets(octets))
    reading = Octets(octets)
    skip_service_centre(reading)
    return _decode_tpdu(reading)


def _decode_tpdu(octets: Octets) -> Deliver | StatusReport:
    first = octets.take_one("the first octet")
    match first & _TYPE:
        case 0x00:
            return _decode_deliver(octets, first)
        case 0x02:
            return _decode_status_report(octets)
        case other:
            raise PduError(f"Type {other} is no SMS that a network sends to a phone.")


def _decode_deliver(octets: Octets, first: int) -> Deliver:
    sender = decode_address(octets, "the originating address")
    scheme = octets.take(2, "protocol identifier and data coding scheme")[1]
    sent_at = decode_timestamp(octets, "the service centre's time stamp")
    user_data = decode_user_data(octets, scheme, has_header=bool(first & _HAS_HEADER))
    return Deliver(sender, sent_at, user_data)


def _decode_status_report(octets: Octets) -> StatusReport:
    return StatusReport(
        reference=octets.take_one("the reference"),
        phone_number=decode_address(octets, "the recipient address"),
        sent_at=decode_timestamp(octets, "the service centre's time stamp"),
        discharged_at=decode_timestamp(octets, "the discharge time"),
        status=octets.take_one("the status"),
    )


def _parts(text: str, concat_reference: int) -> list[tuple[int, int, bytes]]:
    """Of each part: the header's flag, TP-DCS, and the user data."""
    cut_text = cut(text)
    scheme = GSM_7_SCHEME if cut_text.is_gsm_7 else UCS_2_SCHEME
    count = len(cut_text.parts)
    if count == 1:
        return [(0, scheme, encode_user_data(cut_text, cut_text.parts[0], None))]
    return [
        (
            _HAS_HEADER,
            scheme,
            encode_user_data(cut_text, part, Concatenation(concat_reference, count, number)),
        )
        for number, part in enumerate(cut_text.parts, start=1)
    ]


def _pdu(*fields: bytes) -> Pdu:
    tpdu = b"".join(fields)
    return Pdu((encode_service_centre(None) + tpdu).hex().upper(), len(tpdu))
