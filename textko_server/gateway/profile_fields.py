"""What passes as an e-mail address of a login, and as a name that people read.

Refuses to know whether mail arrives there: none is ever sent.
"""

import re

from textko_server.errors import Invalid

# https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address: what browsers accept, and
# with it `admin@localhost`, which an installation without a domain may well use.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")
# RFC 5321, 4.5.3.1: the longest path is 256 with its brackets.
_MAX_EMAIL_CHARACTERS = 254
_MAX_NAME_CHARACTERS = 100


def checked_email(email: str) -> str:
    """The address without the white space around it.

    Raises:
        Invalid: it does not look like one.
    """
    stripped = email.strip()
    if len(stripped) > _MAX_EMAIL_CHARACTERS or not _EMAIL.fullmatch(stripped):
        raise Invalid("email", "is not an e-mail address")
    return stripped


def checked_name(name: str) -> str:
    """The name without the white space around it; may be empty.

    Raises:
        Invalid: longer than 100 characters, or with characters that do not print: names are shown
            in terminals.
    """
    stripped = name.strip()
    if len(stripped) > _MAX_NAME_CHARACTERS:
        raise Invalid("name", f"may have at most {_MAX_NAME_CHARACTERS} characters")
    if not stripped.isprintable():
        raise Invalid("name", "may only have characters that print")
    return stripped
