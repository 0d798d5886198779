"""Phone numbers: one spelling for each, and what of it a log may show.

Lenient on purpose: what could be a number anywhere passes, short codes and made-up samples
included, since the network knows better than any table which numbers exist. ITU-T E.164 for the
international form. Refuses to know contacts, devices and who may be written to.
"""

import re

from textko_server.errors import Invalid

_FIELD = "phone_number"
# E.164, 6.1: at most 15 digits. Three: the shortest short codes.
_is_number = re.compile(r"\+?[0-9]{3,15}").fullmatch
_is_international = re.compile(r"\+[0-9]{3,15}").fullmatch
# A "00" that an international number follows, not a local number that happens to begin so.
_has_international_prefix = re.compile(r"00[0-9]{8,}").fullmatch

# Room for 15 digits with a separator and a direction mark around each.
_MAX_CHARACTERS = 64
_SHORT_CODE_MAX_DIGITS = 6

# What people and address books put between digits: blanks (no-break, thin, narrow no-break),
# hyphens (no-break, figure dash, en dash), dots, parentheses, the direction marks of copied text.
_SEPARATORS = dict.fromkeys(
    map(ord, " \t\u00a0\u2009\u202f-\u2010\u2011\u2012\u2013.()\u200e\u200f\u202a\u202c")
)


def normalise(text: str, default_region: str = "") -> str:
    """The number as it is stored and handed to phones: `+` and digits, or digits as they stand.

    Separators go, `00` becomes `+`. A national number becomes E.164 only with `default_region`
    (ISO 3166-1, two letters) and only when it has a possible length there; otherwise its digits
    stay, and so do short codes. Normalising twice changes nothing.

    Raises:
        Invalid: it cannot be a phone number; the field is `phone_number`.
    """
    if _is_international(text):
        return text
    number = _strip(text)
    if _has_international_prefix(number):
        number = f"+{number[2:]}"
    if not _is_number(number):
        raise Invalid(_FIELD, _reason(number))
    if default_region and not number.startswith("+"):
        return _from_national(number, default_region)
    return number


def is_number(text: str) -> bool:
    """Whether it is a number as it is stored; ciphertext, which SMSGate's API may send, is none."""
    return _is_number(text) is not None


def _strip(text: str) -> str:
    if len(text) > _MAX_CHARACTERS:
        raise Invalid(_FIELD, f"is longer than {_MAX_CHARACTERS} characters")
    return text.translate(_SEPARATORS)


def _reason(number: str) -> str:
    if not number:
        return "is empty"
    if any(c.isdigit() and not c.isascii() for c in number):
        return "may only have the digits 0 to 9"
    return "must be 3 to 15 digits, with a leading + for an international number"


def _from_national(digits: str, region: str) -> str:
    import phonenumbers  # 20 ms and its tables: only where a region is set

    try:
        parsed = phonenumbers.parse(digits, region)
    except phonenumbers.NumberParseException:
        return digits
    # A code of the networks ("80888") can look like a local number where numbers vary in length.
    if len(digits) <= _SHORT_CODE_MAX_DIGITS and phonenumbers.is_possible_short_number_for_region(
        parsed, region
    ):
        return digits
    # Not "local only": such a number lacks its area code, and E.164 would make another one of it.
    possibility = phonenumbers.is_possible_number_with_reason(parsed)
    if possibility != phonenumbers.ValidationResult.IS_POSSIBLE:
        return digits
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return number if _is_international(number) else digits


def mask(number: str) -> str:
    """For logs: `+491711234567` is shown as `+49********67`, a short one only by its end."""
    start = 3 if number.startswith("+") and len(number) > 7 else 0
    end = 2 if len(number) > 4 else 0
    hidden_count = len(number) - start - end
    return number[:start] + "*" * hidden_count + number[start + hidden_count :]
