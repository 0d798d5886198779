"""Letters of Turkish, Spanish and Portuguese that phones of those countries send in septets.

3GPP TS 23.038, annex A: a locking shift table stands in place of the default alphabet, a single
shift table in place of its extension table. The ten tables of India are not here. Refuses to know
how a message says which table it uses.
"""

from collections.abc import Mapping

from textko_server.gsm7 import DEFAULT_ALPHABET
from textko_server.phone.modem.septets import EXTENSION

# 6.2.1.2.4, National Language Identifier.
_TURKISH, _SPANISH, _PORTUGUESE = 1, 2, 3

# A.3.
_LOCKING: Mapping[int, str] = {
    _TURKISH: DEFAULT_ALPHABET.translate(str.maketrans("èìØøÆæ¡¿", "€ıĞğŞşİç")),
    _PORTUGUESE: (
        "@£$¥êéúíóç\nÔô\rÁáΔ_ªÇÀ∞^\\€Ó|\x1bÂâÊÉ !\"#º%&'()*+,-./0123456789:;<=>?"
        "ÍABCDEFGHIJKLMNOPQRSTUVWXYZÃÕÚÜ§~abcdefghijklmnopqrstuvwxyzãõ`üà"
    ),
}

# A.2: the extension table of everybody, and letters besides it.
_SINGLE: Mapping[int, Mapping[int, str]] = {
    _TURKISH: {**EXTENSION, **dict(zip(b"GIScgis", "ĞİŞçğış", strict=True))},
    _SPANISH: {**EXTENSION, **dict(zip(b"\tAIOUaiou", "çÁÍÓÚáíóú", strict=True))},
    _PORTUGUESE: {
        **EXTENSION,
        **dict(zip(b"\x05\x09\x0b\x0c\x0e\x0f\x1f", "êçÔôÁáÊ", strict=True)),
        **dict(zip(b"\x12\x13\x15\x16\x17\x18\x19", "ΦΓΩΠΨΣΘ", strict=True)),
        **dict(zip(b"AIOU[\\aiou{|\x7f", "ÀÍÓÚÃÕÂíóúãõâ", strict=True)),
    },
}


def find_alphabet(language: int | None) -> str | None:
    """The locking shift table of a language, the default alphabet of None; None: not here."""
    return DEFAULT_ALPHABET if language is None else _LOCKING.get(language)


def find_extension(language: int | None) -> Mapping[int, str] | None:
    """What septets behind an escape stand for; None: not here."""
    return EXTENSION if language is None else _SINGLE.get(language)
