"""Text that users wrote, made fit for a terminal: nothing in it moves the cursor, hides or turns
text around, and its width is known.

Refuses to know who shows it.
"""

import unicodedata
from datetime import datetime

# Joiners in names and emoji of many scripts; harmless.
_KEPT = frozenset("\u200c\u200d")
_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MAX_CELL_WIDTH = 48
# How terminals draw what these join or colour differs, and so does its width: a row keeps its
# columns only without them. U+1F3FB to U+1F3FF are skin tones.
_DRAWN_DIFFERENTLY = {
    ord("\u200d"): None, 0xFE0E: None, 0xFE0F: None, 0x20E3: None,
    **dict.fromkeys(range(0x1F3FB, 0x1F400)),
}  # fmt: skip


def safe(text: str) -> str:
    """`text` on one line, without characters that do something to a terminal."""
    return "".join(map(_safe_character, text))


def safe_cell(text: str) -> str:
    """`safe`, and every character of a width that all terminals agree on."""
    return (
        text if text.isascii() and text.isprintable() else safe(text).translate(_DRAWN_DIFFERENTLY)
    )


def safe_lines(text: str) -> str:
    """The same, keeping line breaks."""
    return "\n".join(safe(line) for line in text.splitlines())


def shortened(text: str, width: int = _MAX_CELL_WIDTH) -> str:
    """At most so many cells, with … where it was cut."""
    if display_width(text) <= width:
        return text
    kept, used = "", 0
    for character in text:
        used += _width(character)
        if used > width - 1:
            break
        kept += character
    return kept + "…"


def shown_time(at_ms: int | None) -> str | None:
    """In this machine's time zone."""
    if at_ms is None:
        return None
    moment = datetime.fromtimestamp(at_ms / 1000).astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def display_width(text: str) -> int:
    """Terminal cells: two for wide characters, none for combining ones."""
    return sum(map(_width, text))


def _safe_character(character: str) -> str:
    if character in "\n\r":
        return "⏎"
    if character == "\t":
        return " "
    if character in _KEPT or unicodedata.category(character) not in _UNSAFE_CATEGORIES:
        return character
    return "\N{REPLACEMENT CHARACTER}"


def _width(character: str) -> int:
    if unicodedata.combining(character) or character in _KEPT:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
