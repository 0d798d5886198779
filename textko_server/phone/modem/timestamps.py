"""The service centre's time stamps (3GPP TS 23.040, 9.2.3.11): local time with its distance to GMT.

Outside a PDU a time is Unix milliseconds UTC. Refuses to know which clock it came from.
"""

from datetime import UTC, datetime, timedelta, timezone

from textko_server.phone.modem.octets import Octets

TIMESTAMP_OCTETS = 7
_QUARTER_HOUR_S = 15 * 60
# The sign of the distance, in the octet before its halves are swapped.
_NEGATIVE = 0x08
# Two digits of a year: GSM is younger than 1990.
_FIRST_YEAR = 1990


def encode_timestamp(at: int, *, utc_offset_minutes: int = 0) -> bytes:
    """`at` to the second, as a clock shows it that is so far before (or behind) UTC."""
    zone = timezone(timedelta(minutes=utc_offset_minutes))
    local = datetime.fromtimestamp(at // 1000, zone)
    fields = (local.year % 100, local.month, local.day, local.hour, local.minute, local.second)
    quarters = _swapped_digits(abs(utc_offset_minutes) // 15)
    sign = _NEGATIVE if utc_offset_minutes < 0 else 0
    return bytes(_swapped_digits(field) for field in fields) + bytes((quarters | sign,))


def decode_timestamp(octets: Octets, field: str) -> int | None:
    """Takes a time stamp. None: it is none; some networks send zeros or worse."""
    *fields, zone = octets.take(TIMESTAMP_OCTETS, field)
    quarters = _number(zone & ~_NEGATIVE)
    numbers = [_number(octet) for octet in fields]
    if quarters is None or None in numbers:
        return None
    year, month, day, hour, minute, second = (number or 0 for number in numbers)
    year += 1900 if year + 1900 >= _FIRST_YEAR else 2000
    try:
        local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    ahead_s = quarters * _QUARTER_HOUR_S * (-1 if zone & _NEGATIVE else 1)
    return (int(local.timestamp()) - ahead_s) * 1000


def _swapped_digits(number: int) -> int:
    tens, ones = divmod(number, 10)
    return ones << 4 | tens


def _number(swapped: int) -> int | None:
    ones, tens = swapped >> 4, swapped & 0xF
    return tens * 10 + ones if ones < 10 and tens < 10 else None
