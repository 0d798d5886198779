"""Phone numbers and sender names as they stand in a PDU (3GPP TS 23.040, 9.1.2.5).

Outside a PDU an address is one string: `+` and digits is international, digits alone are a short
code or a number as the network writes it, anything else is a name. Refuses to know whose it is.
"""

from textko_server.phone.modem.octets import Octets, PduError
from textko_server.phone.modem.septets import pack, septets_of, text_of, unpack

# Type of address: bit 7 set, type of number in bits 4-6, numbering plan in bits 0-3.
_INTERNATIONAL = 0x91
_UNKNOWN = 0x81
_ALPHANUMERIC = 0xD0
_TYPE_OF_NUMBER = 0x70

# 9.1.2.3: what a semi-octet stands for; 15 fills the place behind an odd last digit.
_DIGITS = "0123456789*#abc"
_FILLER = 0xF

# 9.1.2.5: an address field holds 10 octets of value at most.
_MAX_DIGITS = 20
_MAX_NAME_SEPTETS = 11


def encode_address(address: str) -> bytes:
    """A number or a name. PduError when no PDU can carry it."""
    return encode_number(address) if _is_number(address) else _encode_name(address)


def encode_number(phone_number: str) -> bytes:
    """Length in semi-octets, type, value. PduError when no PDU can carry it."""
    if not _is_number(phone_number):
        raise PduError("This is no phone number that an SMS can be sent to.")
    digits = phone_number.removeprefix("+")
    if len(digits) > _MAX_DIGITS:
        raise PduError(f"The number has {len(digits)} digits; a PDU carries {_MAX_DIGITS}.")
    kind = _INTERNATIONAL if phone_number.startswith("+") else _UNKNOWN
    return bytes((len(digits), kind)) + _encode_digits(digits)


def decode_address(octets: Octets, field: str) -> str:
    """Takes an address; an empty string when it is of no length. PduError when it ends early."""
    semi_octet_count = octets.take_one(f"the length of {field}")
    kind = octets.take_one(f"the type of {field}")
    value = octets.take(-(-semi_octet_count // 2), field)
    if kind & _TYPE_OF_NUMBER == _ALPHANUMERIC & _TYPE_OF_NUMBER:
        return text_of(unpack(value, semi_octet_count * 4 // 7))
    digits = _decode_digits(value)[:semi_octet_count]
    is_international = kind & _TYPE_OF_NUMBER == _INTERNATIONAL & _TYPE_OF_NUMBER
    return f"+{digits}" if is_international and digits else digits


def encode_service_centre(address: str | None) -> bytes:
    """The address in front of the PDU (3GPP TS 24.011, 8.2.5.1); None: the one the SIM holds."""
    if address is None:
        return b"\0"
    length_and_type = encode_address(address)
    return bytes((len(length_and_type) - 1,)) + length_and_type[1:]


def skip_service_centre(octets: Octets) -> None:
    octets.take(octets.take_one("the length of the service centre"), "the service centre")


def _is_number(address: str) -> bool:
    digits = address.removeprefix("+")
    return bool(digits) and all(digit in _DIGITS for digit in digits)


def _encode_digits(digits: str) -> bytes:
    """Semi-octets, the first digit in the lower half of its octet."""
    values = [_DIGITS.index(digit) for digit in digits]
    if len(values) % 2:
        values.append(_FILLER)
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))


def _decode_digits(octets: bytes) -> str:
    values = [half for octet in octets for half in (octet & 0xF, octet >> 4)]
    return "".join(_DIGITS[value] for value in values if value != _FILLER)


def _encode_name(name: str) -> bytes:
    septets = septets_of(name)
    if not septets or len(septets) > _MAX_NAME_SEPTETS:
        raise PduError("Neither a phone number nor a name of 1 to 11 characters of GSM-7.")
    return bytes((-(-len(septets) * 7 // 4), _ALPHANUMERIC)) + pack(septets)
