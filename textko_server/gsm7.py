"""The GSM 7 bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1).

Refuses to know how septets are packed, counted or billed.
"""

ESCAPE = "\x1b"
"""Stands in the alphabet where the septet does that leads to the extension table."""

# 3GPP TS 23.038, 6.2.1: the place of a character is its septet.
DEFAULT_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

# 3GPP TS 23.038, 6.2.1.1: each is sent as the escape and this septet.
EXTENSION_TABLE = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
