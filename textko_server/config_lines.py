"""Which line of a TOML file a setting stands on: the parser of the standard library forgets that.

Good for files as people write them; where it is not sure it says nothing. Refuses to know which
settings there are.
"""

import re

_match_header = re.compile(r"\s*\[\[?([^\[\]]+)\]").match
_match_key = re.compile(r"""\s*((?:[\w.\- ]|"[^"]*"|'[^']*')+?)\s*=""").match
_LONG_QUOTES = re.compile(r"\"\"\"|'''")


def line_of(name: str, text: str) -> int | None:
    """Of a setting (`server.listen`) or section, counted from 1; `text` is valid TOML."""
    table = ""
    quote: str | None = None
    of_what_holds_it: int | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        was_inside = quote is not None
        for found in _LONG_QUOTES.findall(line):
            if quote is None:
                quote = found
            elif quote == found:
                quote = None
        if was_inside:
            continue
        here = None
        if header := _match_header(line):
            here = table = _plain(header[1])
        elif key := _match_key(line):
            here = f"{table}.{_plain(key[1])}".removeprefix(".")
        if here is None:
            continue
        if here == name or here.startswith(f"{name}."):
            return number
        if name.startswith(f"{here}.") and not _match_header(line):
            of_what_holds_it = number  # an inline table
    return of_what_holds_it


def _plain(key: str) -> str:
    """`"server" . listen` is server.listen."""
    return ".".join(part.strip().strip("\"'") for part in key.split("."))
