"""Octets read one field after the other, and what is said when they end too early.

Refuses to know what any of the fields means.
"""


class PduError(ValueError):
    """These octets are not the PDU they should be, or this cannot be put into one; says why."""


class Octets:
    """A reading place in the octets of a PDU."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._place = 0

    def take(self, count: int, field: str) -> bytes:
        """The next octets. PduError, which names the field, when there are not so many."""
        taken = self._octets[self._place : self._place + count]
        if len(taken) < count:
            raise PduError(
                f"The PDU ends within {field}: {count} octets needed, {len(taken)} there."
            )
        self._place += count
        return taken

    def take_one(self, field: str) -> int:
        return self.take(1, field)[0]

    def rest(self) -> bytes:
        """All that follows, not taken."""
        return self._octets[self._place :]


def octets_of(hexadecimal: str) -> bytes:
    """The octets of a line a modem wrote. PduError if it is not hexadecimal digits in pairs."""
    try:
        return bytes.fromhex(hexadecimal)
    except ValueError as fault:
        raise PduError("The PDU is not written in pairs of hexadecimal digits.") from fault
