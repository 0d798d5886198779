"""What the network says became of an SMS (TP-Status, 3GPP TS 23.040, 9.2.3.15).

Refuses to know what is done about it.
"""

from enum import StrEnum


class Outcome(StrEnum):
    DELIVERED = "delivered"
    """The recipient's phone has it."""
    UNCONFIRMED = "unconfirmed"
    """The service centre is done with it and cannot say that the phone has it. Nothing follows."""
    PENDING = "pending"
    """Not yet, the service centre goes on trying. Another report follows."""
    TEMPORARY = "temporary"
    """Not delivered, for a reason that may pass, and the service centre has given up."""
    PERMANENT = "permanent"
    """Not delivered, and would not be if it were sent again."""


_SERVICE_REJECTED = 0x63

# The reasons are the same when the service centre goes on (0x20 up) and has given up (0x60 up).
_TEMPORARY_REASONS = (
    "congestion",
    "recipient busy",
    "no response from recipient",
    "service rejected",
    "quality of service not available",
    "error in the recipient's phone",
)
_SENTENCES = {
    0x00: "received by the recipient",
    0x01: "forwarded to the recipient, who did not confirm it",
    0x02: "replaced by the service centre",
    0x40: "remote procedure error",
    0x41: "incompatible destination",
    0x42: "connection rejected by the recipient",
    0x43: "not obtainable",
    0x44: "quality of service not available",
    0x45: "no interworking available",
    0x46: "validity period expired",
    0x47: "deleted by the sender",
    0x48: "deleted by the service centre",
    0x49: "the service centre does not know it",
    **{0x20 + place: reason for place, reason in enumerate(_TEMPORARY_REASONS)},
    **{0x60 + place: reason for place, reason in enumerate(_TEMPORARY_REASONS)},
}


def outcome_of(status: int) -> Outcome:
    """Takes every octet; a reserved one is `service rejected`, as the standard asks."""
    if _is_reserved(status):
        status = _SERVICE_REJECTED
    if status == 0x00:
        return Outcome.DELIVERED
    by_range = (Outcome.UNCONFIRMED, Outcome.PENDING, Outcome.PERMANENT, Outcome.TEMPORARY)
    return by_range[status >> 5]


def describe_status(status: int) -> str:
    """A few words for a person."""
    if status in _SENTENCES:
        return _SENTENCES[status]
    if _is_reserved(status):
        return f"service rejected (reserved value {status})"
    return f"a reason of this network's own ({status})"


def _is_reserved(status: int) -> bool:
    """Each range of 32 has values of the standard, reserved ones, and 16 of the network's own."""
    return status >= 0x80 or (status not in _SENTENCES and not status & 0x10)
