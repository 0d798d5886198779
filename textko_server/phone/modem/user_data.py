"""The user data of a PDU: which alphabet it is in, its header, and the text.

3GPP TS 23.038, 4 (data coding scheme) and TS 23.040, 9.2.3.24 (user data header). Whatever octets
came, something is said of them: a text if there is one, else which sort of data it is. Refuses to
know which PDU the data stand in.
"""

from enum import StrEnum

import msgspec

from textko_server.phone.modem.concatenation import (
    Concatenation,
    CutText,
    decode_concatenation,
    encode_concatenation,
)
from textko_server.phone.modem.national_tables import find_alphabet, find_extension
from textko_server.phone.modem.octets import Octets, PduError
from textko_server.phone.modem.septets import pack, text_of, unpack

GSM_7_SCHEME = 0x00
UCS_2_SCHEME = 0x08

# TS 23.040, 9.2.3.24.15 and 16: the text uses a national table for escapes, or for everything.
_SINGLE_SHIFT = 0x24
_LOCKING_SHIFT = 0x25


class Encoding(StrEnum):
    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"
    EIGHT_BIT = "8-bit"
    """Data for a program: a ring tone, a WAP push, a SIM's own."""
    COMPRESSED = "compressed"
    """TS 23.042, which nobody sends."""


class UserData(msgspec.Struct, frozen=True):
    encoding: Encoding
    text: str | None
    """None: these are data, not a text."""
    octets: bytes
    """As received, without the header; packed if they are septets."""
    concatenation: Concatenation | None = None
    is_exact: bool = True
    """False: written in a national table that is not known here and read with the default one, so
    letters are wrong; or its last character was cut in two."""


def encode_user_data(cut_text: CutText, part: bytes, concatenation: Concatenation | None) -> bytes:
    """One part of a text: length, header, data. TP-DCS must say the same as `cut_text`."""
    header = b""
    if concatenation is not None:
        element = encode_concatenation(concatenation)
        header = bytes((len(element),)) + element
    if not cut_text.is_gsm_7:
        return bytes((len(header) + len(part),)) + header + part
    header_septets = -(-len(header) * 8 // 7)
    packed = pack(part, fill_bits=header_septets * 7 - len(header) * 8)
    return bytes((header_septets + len(part),)) + header + packed


def decode_user_data(octets: Octets, scheme: int, *, has_header: bool) -> UserData:
    """Takes length and data. PduError when there is less than the length says."""
    length = octets.take_one("the length of the user data")
    encoding = encoding_of(scheme)
    if encoding is Encoding.GSM_7:
        data = octets.take(-(-length * 7 // 8), "the user data")
    else:
        data = octets.take(length, "the user data")
    header = b""
    if has_header:
        header_octets = data[0] + 1 if data else 1
        if header_octets > len(data):
            raise PduError("The header of the user data is longer than the data.")
        header, data = data[:header_octets], data[header_octets:]
    elements = _elements_of(header[1:])
    text, is_exact = _read(encoding, data, length, len(header), elements)
    return UserData(encoding, text, data, decode_concatenation(elements), is_exact)


def encoding_of(scheme: int) -> Encoding:
    """Reserved values are the default alphabet, as TS 23.038, 4 asks."""
    group = scheme >> 4
    if group < 0b1000:  # general data coding, with or without automatic deletion
        if scheme & 0x20:
            return Encoding.COMPRESSED
        return (Encoding.GSM_7, Encoding.EIGHT_BIT, Encoding.UCS_2, Encoding.GSM_7)[scheme >> 2 & 3]
    if group == 0b1110:  # message waiting, and a text in UCS-2 to store
        return Encoding.UCS_2
    if group == 0b1111 and scheme & 0x04:
        return Encoding.EIGHT_BIT
    return Encoding.GSM_7


def _read(
    encoding: Encoding, data: bytes, length: int, header_octets: int, elements: dict[int, bytes]
) -> tuple[str | None, bool]:
    match encoding:
        case Encoding.GSM_7:
            header_septets = -(-header_octets * 8 // 7)
            fill_bits = header_septets * 7 - header_octets * 8
            septets = unpack(data, max(0, length - header_septets), fill_bits=fill_bits)
            return _read_septets(septets, elements)
        case Encoding.UCS_2:
            whole = data[: len(data) // 2 * 2]
            return whole.decode("utf-16-be", "surrogatepass"), len(whole) == len(data)
        case _:
            return None, True


def _read_septets(septets: bytes, elements: dict[int, bytes]) -> tuple[str, bool]:
    alphabet = find_alphabet(_language_of(elements.get(_LOCKING_SHIFT)))
    extension = find_extension(_language_of(elements.get(_SINGLE_SHIFT)))
    if alphabet is None or extension is None:
        return text_of(septets), False
    return text_of(septets, alphabet, extension), True


def _language_of(element: bytes | None) -> int | None:
    """None: the default, which identifier 0 says too."""
    return element[0] or None if element else None


def _elements_of(header: bytes) -> dict[int, bytes]:
    """By identifier, the last one of each; none at all if their lengths do not add up, as
    TS 23.040, 9.2.3.24 asks.
    """
    elements = {}
    octets = Octets(header)
    try:
        while octets.rest():
            identifier = octets.take_one("an element")
            elements[identifier] = octets.take(octets.take_one("its length"), "its data")
    except PduError:
        return {}
    return elements
