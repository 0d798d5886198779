"""A QR code drawn with characters: two rows of modules in a line of half blocks, or, where only
ASCII is safe, two cells a module. Refuses to know what it says.
"""

import segno
from textual.content import Content

# Dark on white whatever the theme: many readers do not take the reverse.
_STYLE = "#000000 on #ffffff"
_ASCII_DARK = "#000000 on #000000"
# ISO/IEC 18004 asks for 4 modules of quiet around; on a screen readers make do with 2, most with 1.
_BORDERS = (4, 2, 1)
_LEVELS = ("m", "l")
_BLOCKS = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def qr_code(text: str, *, is_ascii: bool = False) -> Content:
    """Whole, where one can scroll."""
    return drawn(_lines(text, _LEVELS[0], 2, is_ascii=is_ascii))


def qr_lines(text: str, width: int, height: int, *, is_ascii: bool = False) -> list[str] | None:
    """With the largest quiet zone and best correction that fit; None: there is no room."""
    for border in _BORDERS:
        for level in _LEVELS:
            lines = _lines(text, level, border, is_ascii=is_ascii)
            if len(lines) <= height and len(lines[0]) <= width:
                return lines
    return None


def drawn(lines: list[str]) -> Content:
    """In black on white."""
    parts = []
    for line in lines:
        content = Content.styled(line, _STYLE)
        for index, character in enumerate(line):
            if character == "#":
                content = content.stylize(_ASCII_DARK, index, index + 1)
        parts.append(content)
    return Content("\n").join(parts)


def _lines(text: str, level: str, border: int, *, is_ascii: bool) -> list[str]:
    code = segno.make_qr(text, error=level, boost_error=False)
    modules = [[bool(dark) for dark in row] for row in code.matrix_iter(border=border)]
    if is_ascii:
        return ["".join("##" if dark else "  " for dark in row) for row in modules]
    if len(modules) % 2:
        modules.append([False] * len(modules[0]))
    return [
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(modules[::2], modules[1::2], strict=True)
    ]
