"""Makes a text from outside storable and sendable: every text passes here before anything else.

JSON may carry half a surrogate pair (`"\\ud83d"`) or NUL; neither can be written as UTF-8, kept by
every client of SQLite, or put on the air. Refuses to know alphabets and lengths (segments.py).
"""

import re

REPLACEMENT = "\ufffd"

_find_surrogate = re.compile(r"[\ud800-\udfff]").search


def clean_text(text: str) -> str:
    """`text` with each lone surrogate and each NUL replaced by U+FFFD; two halves become one.

    What is clean already comes back as the same object. Never raises.
    """
    if not text.isascii() and _find_surrogate(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text.replace("\0", REPLACEMENT) if "\0" in text else text
