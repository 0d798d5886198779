"""JSON as the app's Gson reads and writes it.

By reading of the app's `GsonBuilder.configure` and of Gson 2.9: unknown fields are passed over; a
field that is missing or null is None until Kotlin needs it; numbers and booleans may be quoted; a
word that is no constant of an enum is None, not an error. Dates are tried with the pattern
`yyyy-MM-dd'T'HH:mm:ss.SSSXXX` first, in which the digits after the point *count milliseconds*,
however many there are: six of them move the moment by minutes. Then ISO 8601 is tried. Refuses to
know what the fields mean.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum
from typing import Any, TypeVar

import msgspec

from textko_server.emulated.smsgate_app.faults import JsonFault

Word = TypeVar("Word", bound=Enum)

# SimpleDateFormat reads from the front and leaves what follows; XXX wants the colon.
_PATTERN = re.compile(r"(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)\.(\d+)(Z|[+-]\d\d:\d\d)")
# Gson's ISO8601Utils; of the fraction it reads three digits and passes over the rest.
_ISO = re.compile(
    r"(\d{4})-?(\d\d)-?(\d\d)"
    r"(?:T(\d\d):?(\d\d)(?::?(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d(?::?\d\d)?))?"
)


def parse(body: bytes) -> Any:
    """Raises: JsonFault."""
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise JsonFault(f"not JSON: {error}") from error


def fields(value: Any) -> dict[str, Any]:
    """Raises: JsonFault for anything but an object."""
    if not isinstance(value, dict):
        raise JsonFault(f"expected an object, found {type(value).__name__}")
    return value


def elements(value: Any) -> list[Any]:
    """Raises: JsonFault for anything but an array."""
    if not isinstance(value, list):
        raise JsonFault(f"expected an array, found {type(value).__name__}")
    return value


def text(value: Any, name: str) -> str | None:
    """Raises: JsonFault when it is an object or an array."""
    found = fields(value).get(name)
    if isinstance(found, dict | list):
        raise JsonFault(f"{name}: expected a string")
    is_number = isinstance(found, int) and not isinstance(found, bool)
    return str(found) if is_number else kotlin_text(found)


def required_text(value: Any, name: str) -> str:
    """What Kotlin holds as never null. Raises: JsonFault."""
    found = text(value, name)
    if found is None:
        raise JsonFault(f"{name}: null where a value is needed")
    return found


def integer(value: Any, name: str) -> int | None:
    """Raises: JsonFault when it is no whole number."""
    found = fields(value).get(name)
    if found is None:
        return None
    try:
        number = float(found) if isinstance(found, str) else found
        if isinstance(number, bool) or int(number) != number:
            raise ValueError(found)
        return int(number)
    except (TypeError, ValueError) as error:
        raise JsonFault(f"{name}: expected a whole number") from error


def boolean(value: Any, name: str) -> bool | None:
    """Raises: JsonFault when it is neither a boolean nor a string."""
    found = fields(value).get(name)
    if found is None or isinstance(found, bool):
        return found
    if isinstance(found, str):
        return found.lower() == "true"
    raise JsonFault(f"{name}: expected a boolean")


def word(value: Any, name: str, words: type[Word]) -> Word | None:
    """A constant of an enum; None also when there is no such constant."""
    found = fields(value).get(name)
    return next((known for known in words if known.value == found), None)


def moment_ms(value: Any, name: str, offset: timezone = UTC) -> int | None:
    """A date as Unix ms. `offset` is the phone's, for a date without time.

    Raises: JsonFault when neither pattern fits.
    """
    found = fields(value).get(name)
    if found is None:
        return None
    moment = _moment(found, offset) if isinstance(found, str) else None
    if moment is None:
        raise JsonFault(f"{name}: not a date the app reads: {found}")
    return moment


def date_text(at_ms: int, offset: timezone) -> str:
    """As the app writes it: `2024-05-13T16:49:17.357+07:00`, and `Z` in UTC."""
    moment = datetime.fromtimestamp(at_ms // 1000, offset)
    zone = moment.isoformat()[19:] if offset.utcoffset(None) else "Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}{zone}"


def dump(value: Any) -> bytes:
    """Nulls of objects are left out."""
    return msgspec.json.encode(_without_nulls(value))


def kotlin_text(value: Any) -> str | None:
    """`toString()` of what Gson made of a value that nobody told it the type of."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(float(value))
    return None if value is None else str(value)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def _moment(found: str, offset: timezone) -> int | None:
    try:
        if match := _PATTERN.match(found):
            *numbers, milliseconds, zone = match.groups()
            return _unix_ms([int(n) for n in numbers], int(milliseconds), _offset(zone))
        if match := _ISO.fullmatch(found):
            year, month, day, hour, minute, second, fraction, zone = match.groups()
            if hour is None:
                midnight = date(int(year), int(month), int(day))
                return _unix_ms([midnight.year, midnight.month, midnight.day, 0, 0, 0], 0, offset)
            numbers = [year, month, day, hour, minute, second or "0"]
            thousandths = int((fraction or "0")[:3].ljust(3, "0"))
            return _unix_ms([int(n) for n in numbers], thousandths, _offset(zone))
    except (ValueError, OverflowError):
        pass
    return None


def _unix_ms(numbers: list[int], milliseconds: int, offset: timezone) -> int:
    year, month, day, hour, minute, second = numbers
    start = datetime(year, month, day, tzinfo=offset)
    moment = start + timedelta(hours=hour, minutes=minute, seconds=second)
    return round(moment.timestamp()) * 1000 + milliseconds


def _offset(zone: str) -> timezone:
    if zone == "Z":
        return UTC
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return timezone(timedelta(minutes=minutes if zone[0] == "+" else -minutes))
