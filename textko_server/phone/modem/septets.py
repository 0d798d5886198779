"""Septets: a text in the GSM 7 bit default alphabet, packed into octets and back.

3GPP TS 23.038: 6.1.2.1 (packing), 6.2.1 (alphabet). Refuses to know where in a PDU they stand.
"""

from collections.abc import Mapping

from textko_server.gsm7 import DEFAULT_ALPHABET, ESCAPE, EXTENSION_TABLE

ESCAPE_SEPTET = DEFAULT_ALPHABET.index(ESCAPE)

_SEPTETS_OF = {
    **{character: bytes((septet,)) for septet, character in enumerate(DEFAULT_ALPHABET)},
    **{character: bytes((ESCAPE_SEPTET, septet)) for character, septet in EXTENSION_TABLE.items()},
}
del _SEPTETS_OF[ESCAPE]
EXTENSION: Mapping[int, str] = {septet: letter for letter, septet in EXTENSION_TABLE.items()}
"""What a septet behind the escape stands for."""


def septets_of(text: str) -> bytes | None:
    """One septet an octet, two for a character of the extension table.

    None: a character is in neither table.
    """
    try:
        return b"".join([_SEPTETS_OF[character] for character in text])
    except KeyError:
        return None


def text_of(
    septets: bytes,
    alphabet: str = DEFAULT_ALPHABET,
    extension: Mapping[int, str] = EXTENSION,
) -> str:
    """What septets, one an octet, say in these tables.

    An escape that leads nowhere is read as 6.2.1.1 asks: of a septet not in the extension table the
    character of the alphabet, of a second escape a space. A lost half of a pair is a space.
    """
    characters = []
    following = iter(septets)
    for septet in following:
        if septet != ESCAPE_SEPTET:
            characters.append(alphabet[septet])
            continue
        second = next(following, ESCAPE_SEPTET)
        if second == ESCAPE_SEPTET:
            characters.append(" ")
        else:
            characters.append(extension.get(second) or alphabet[second])
    return "".join(characters)


def pack(septets: bytes, *, fill_bits: int = 0) -> bytes:
    """Septets, one an octet, side by side; `fill_bits` zeros first, behind a header."""
    bits = 0
    for place, septet in enumerate(septets):
        bits |= septet << (7 * place)
    bit_count = fill_bits + 7 * len(septets)
    return (bits << fill_bits).to_bytes(-(-bit_count // 8), "little")


def unpack(octets: bytes, count: int, *, fill_bits: int = 0) -> bytes:
    """`count` septets, one an octet. The octets must hold so many."""
    bits = int.from_bytes(octets, "little") >> fill_bits
    return bytes((bits >> (7 * place)) & 0x7F for place in range(count))
