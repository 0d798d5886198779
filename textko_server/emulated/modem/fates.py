"""What becomes of a text that is sent, by the last digits of the number it goes to.

Refuses to know how it is carried out.
"""

from collections.abc import Mapping

import msgspec


class Fate(msgspec.Struct, frozen=True):
    """Without any of these: sent, and delivered."""

    error: int | None = None
    """What `+CMS ERROR:` says in answer to AT+CMGS."""
    is_on_air: bool = True
    """Whether the network takes it; with an error only if it took it and then lost its answer."""
    is_answered: bool = True
    """False: nothing is said of it any more."""
    statuses: tuple[int, ...] = (0x00,)
    """TP-Status of each report that comes, one after the other."""
    is_reported_first: bool = False
    """The report is there before the answer to AT+CMGS."""


DELIVERED = Fate()

# TP-Status: 0x30 is a temporary one of the network's own, after which it goes on trying.
FATES: Mapping[str, Fate] = {
    "500": Fate(error=38, is_on_air=False),  # network out of order
    "501": Fate(error=21, is_on_air=False),  # short message transfer rejected
    "502": Fate(error=28, is_on_air=False),  # unidentified subscriber
    "503": Fate(error=332, is_on_air=False),  # network timeout
    "504": Fate(error=332, statuses=()),  # the same, but the network had it
    "505": Fate(is_answered=False, statuses=()),
    "506": Fate(is_answered=False),
    "510": Fate(statuses=(0x43,)),  # not obtainable
    "511": Fate(statuses=(0x62,)),  # no response, given up
    "512": Fate(statuses=(0x30, 0x00)),
    "513": Fate(statuses=()),
    "514": Fate(statuses=(0x00, 0x00)),
    "515": Fate(statuses=(0x01,)),  # nobody confirmed it
    "516": Fate(is_reported_first=True),
    "517": Fate(statuses=(0x46,)),  # validity period expired
}


def fate_of(phone_number: str, fates: Mapping[str, Fate] = FATES) -> Fate:
    """The longest ending that fits."""
    for length in range(len(phone_number), 0, -1):
        if fate := fates.get(phone_number[-length:]):
            return fate
    return DELIVERED
