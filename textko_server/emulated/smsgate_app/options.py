"""What distinguishes one phone with the app from another: version, SIMs, settings typed in, quirks.

Refuses to know what any of it leads to.
"""

import re
from datetime import timedelta, timezone
from pathlib import Path

import msgspec

# 1.67.0 added cancelling: the state of a pulled message, the event, and the webhook of it.
_KNOWS_CANCEL = (1, 67)
# 1.67.0 took the date into the hash that tells one received text from another.
_HASHES_DATE = (1, 67)


class Sim(msgspec.Struct, frozen=True):
    slot_index: int
    """From 0."""
    phone_number: str | None = None
    carrier_name: str | None = None
    iccid: str | None = None


class Mischief(msgspec.Struct, frozen=True):
    """What a bad network and a busy phone do to reports and webhooks."""

    report_delay_ms: int = 0
    """A report leaves up to this long after its snapshot was taken, so that they overtake."""
    report_repeat_rate: float = 0.0
    """Share of reports said once more, unchanged and late."""
    duplicate_webhooks: bool = False
    """Each webhook event is queued twice, the second under another envelope id (#310, #372)."""
    seed: str = "0"


class AppOptions(msgspec.Struct, frozen=True):
    url: str
    """As typed under API URL: used as it is, `/device` and the like appended."""
    private_token: str | None = None
    version: str = "1.68.0"
    name: str = "Google/shiba"
    """MANUFACTURER/PRODUCT."""
    sims: tuple[Sim, ...] = (Sim(0, "+251911000001", "Ethio", "8925101234567890123"),)
    push_token: str | None = None
    """Firebase's; None: a phone without Play Services."""
    is_insecure: bool = False
    """The separate APK that may speak http with any host."""
    ca_file: Path | None = None
    """A certificate authority that the user installed on the phone."""
    time_scale: float = 1.0
    utc_offset_minutes: int = 180
    """Dates are sent in the phone's time zone."""
    send_time_ms: int = 300
    """From the app to the network's word that it took the text; scaled as all waits are."""
    delivery_after_ms: int = 1_000
    mischief: Mischief = Mischief()

    @property
    def utc_offset(self) -> timezone:
        return timezone(timedelta(minutes=self.utc_offset_minutes))

    @property
    def agent(self) -> str:
        return f"me.capcom.smsgateway/{self.version}"

    @property
    def knows_cancel(self) -> bool:
        return self._release >= _KNOWS_CANCEL

    @property
    def hashes_date(self) -> bool:
        return self._release >= _HASHES_DATE

    @property
    def _release(self) -> tuple[int, ...]:
        return tuple(int(number) for number in re.findall(r"\d+", self.version)[:2])
