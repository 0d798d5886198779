"""How many SMS a text is billed as: encoding, segments, units.

3GPP TS 23.038, 6.2.1 (GSM 7 bit default alphabet and its extension table) and 6.2.3 (UCS-2);
TS 23.040, 9.2.3.24.1 for the room a concatenation header takes. Refuses to know prices, limits and
national language shift tables: not every phone and network has those.
"""

import re

import msgspec

from textko_server.gsm7 import DEFAULT_ALPHABET, ESCAPE, EXTENSION_TABLE

GSM_7 = "GSM-7"
UCS_2 = "UCS-2"

# A single SMS carries 140 bytes; the header that joins several takes 6 (7 septets) of each.
_GSM_7_SINGLE = 160
_GSM_7_JOINED = 153
_UCS_2_SINGLE = 70
_UCS_2_JOINED = 67

# All of the table but the escape, which is no character.
_DEFAULT_ALPHABET = DEFAULT_ALPHABET.replace(ESCAPE, "")
_EXTENSION_TABLE = "".join(EXTENSION_TABLE)

_is_default = re.compile(f"[{re.escape(_DEFAULT_ALPHABET)}]*").fullmatch
_is_gsm_7 = re.compile(f"[{re.escape(_DEFAULT_ALPHABET + _EXTENSION_TABLE)}]*").fullmatch
_find_extensions = re.compile(f"[{re.escape(_EXTENSION_TABLE)}]").findall


class Segmentation(msgspec.Struct, frozen=True):
    encoding: str
    """GSM-7 or UCS-2."""
    segments: int
    """SMS on the air, and credits for each recipient; 0 for an empty text."""
    units: int
    """Septets for GSM-7, UTF-16 code units for UCS-2."""


def segment(text: str) -> Segmentation:
    """Count as a phone does when it sends `text`: one encoding for all of it, GSM-7 if it fits.

    A character of two units never lies across the border of two segments, so there can be more
    segments than units divided by room. Takes any text and never raises.
    """
    if _is_default(text):
        units = len(text)
        if units <= _GSM_7_SINGLE:
            return Segmentation(GSM_7, 1 if units else 0, units)
        return Segmentation(GSM_7, -(-units // _GSM_7_JOINED), units)
    if _is_gsm_7(text):
        return _segment_extended(text)
    return _segment_ucs_2(text)


def _segment_extended(text: str) -> Segmentation:
    if len(text) < _GSM_7_SINGLE:
        units = len(text) + len(_find_extensions(text))
        if units <= _GSM_7_SINGLE:
            return Segmentation(GSM_7, 1, units)
    septets = text
    for character in _EXTENSION_TABLE:
        septets = septets.replace(character, ESCAPE + character)
    units = len(septets)
    segments, end = 0, 0
    while end < units:
        segments += 1
        end += _GSM_7_JOINED
        if end < units and septets[end - 1] == ESCAPE:
            end -= 1  # the pair opens the next segment
    return Segmentation(GSM_7, segments, units)


def _segment_ucs_2(text: str) -> Segmentation:
    encoded = text.encode("utf-16-be", "surrogatepass")
    units = len(encoded) // 2
    if units <= _UCS_2_SINGLE:
        return Segmentation(UCS_2, 1, units)
    segments, end = 0, 0
    while end < units:
        segments += 1
        end += _UCS_2_JOINED
        if end < units and 0xD8 <= encoded[2 * (end - 1)] <= 0xDB:
            end -= 1  # the first half of a pair, whose second half would open the next segment
    return Segmentation(UCS_2, segments, units)
