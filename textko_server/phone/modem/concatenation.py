"""A text that needs several SMS: where it is cut, and the header that lets a phone join it again.

3GPP TS 23.040, 9.2.3.24.1 (8 bit reference) and 9.2.3.24.8 (16 bit). A text is cut as
the server counts its segments: one alphabet for all of it, no character cut in two. Refuses to
know how parts travel, and which of them have arrived.
"""

import msgspec

from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.septets import ESCAPE_SEPTET, septets_of

# An SMS carries 140 octets; the header takes 6 of them, which are 7 septets.
_GSM_7_SINGLE, _GSM_7_JOINED = 160, 153
_UCS_2_SINGLE, _UCS_2_JOINED = 140, 134
_MAX_PARTS = 255

EIGHT_BIT_REFERENCE = 0x00
SIXTEEN_BIT_REFERENCE = 0x08


class Concatenation(msgspec.Struct, frozen=True):
    """Which part of which text a PDU holds."""

    reference: int
    """The same in all parts of one text by one sender, until the sender's counter comes round."""
    part_count: int
    part_number: int
    """From 1."""
    is_sixteen_bit: bool = False
    """References of 8 and of 16 bits are counted apart."""


class CutText(msgspec.Struct, frozen=True):
    """What goes into each of the PDUs of one text."""

    is_gsm_7: bool
    parts: tuple[bytes, ...]
    """Septets one an octet, or UTF-16, big end first."""


def cut(text: str) -> CutText:
    """One part if it fits. An empty text is one empty part. PduError: more than 255 parts."""
    septets = septets_of(text)
    if septets is not None:
        return CutText(True, _checked(_cut_septets(septets)))
    return CutText(False, _checked(_cut_ucs_2(text.encode("utf-16-be", "surrogatepass"))))


def encode_concatenation(concatenation: Concatenation) -> bytes:
    """The information element, without the length of the header it stands in."""
    if concatenation.is_sixteen_bit:
        identifier, reference_octets = SIXTEEN_BIT_REFERENCE, 2
    else:
        identifier, reference_octets = EIGHT_BIT_REFERENCE, 1
    value = concatenation.reference.to_bytes(reference_octets, "big")
    value += bytes((concatenation.part_count, concatenation.part_number))
    return bytes((identifier, len(value))) + value


def decode_concatenation(elements: dict[int, bytes]) -> Concatenation | None:
    """What the header's elements, by identifier, say; None: it is no part, or not a sound one."""
    for identifier, reference_octets in ((SIXTEEN_BIT_REFERENCE, 2), (EIGHT_BIT_REFERENCE, 1)):
        value = elements.get(identifier, b"")
        if len(value) != reference_octets + 2:
            continue
        reference = int.from_bytes(value[:reference_octets], "big")
        part_count, part_number = value[reference_octets:]
        if 1 <= part_number <= part_count:  # else ignored, as 9.2.3.24.1 asks
            return Concatenation(reference, part_count, part_number, reference_octets == 2)
    return None


def _cut_septets(septets: bytes) -> tuple[bytes, ...]:
    if len(septets) <= _GSM_7_SINGLE:
        return (septets,)
    parts, begin = [], 0
    while begin < len(septets):
        end = begin + _GSM_7_JOINED
        if end < len(septets) and septets[end - 1] == ESCAPE_SEPTET:
            end -= 1  # the pair opens the next part
        parts.append(septets[begin:end])
        begin = end
    return tuple(parts)


def _cut_ucs_2(octets: bytes) -> tuple[bytes, ...]:
    if len(octets) <= _UCS_2_SINGLE:
        return (octets,)
    parts, begin = [], 0
    while begin < len(octets):
        end = begin + _UCS_2_JOINED
        if end < len(octets) and 0xD8 <= octets[end - 2] <= 0xDB:
            end -= 2  # the first half of a pair, whose second half would open the next part
        parts.append(octets[begin:end])
        begin = end
    return tuple(parts)


def _checked(parts: tuple[bytes, ...]) -> tuple[bytes, ...]:
    if len(parts) > _MAX_PARTS:
        raise PduError(f"The text needs {len(parts)} SMS; {_MAX_PARTS} can be joined.")
    return parts
