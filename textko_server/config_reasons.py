"""What is wrong with a value in a file of settings, as the end of a sentence a user reads.

What was typed is shown short and printable. Refuses to know which settings there are.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

_MAX_SHOWN_CHARACTERS = 60
_TYPE_REASONS: dict[Any, str] = {
    bool: "must be true or false",
    int: "must be a whole number",
    float: "must be a number",
    str: "must be a text",
    Path: "must be the path of a folder",
    tuple[str, ...]: "must be a list of texts",
}


def type_reason(wanted: Any) -> str:
    """`must be a whole number`, for a value of another type than `wanted`."""
    if wanted in _TYPE_REASONS:
        return _TYPE_REASONS[wanted]
    return f"must be one of {', '.join(get_args(wanted))}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that `name` is most likely a slip of."""
    return get_close_matches(shown(name), list(known), n=1, cutoff=0.0)[0]


def shown_value(value: Any) -> str:
    try:
        return shown(str(value).lower() if isinstance(value, bool) else repr(value))
    except (ValueError, RecursionError):  # over 4,300 digits, or lists in lists without end
        return "what stands there"


def shown(text: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text[:_MAX_SHOWN_CHARACTERS])
    return printable if len(text) <= _MAX_SHOWN_CHARACTERS else f"{printable}…"
