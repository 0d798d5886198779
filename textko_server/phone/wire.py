"""What goes over the wire of the device protocol, version 1, as the phone sees it.

Follows docs/device-protocol.md name for name (camelCase there, snake_case here). Unknown fields are
ignored and absent ones have defaults, so that an older phone understands a newer server. Refuses to
know how any of it is carried.
"""

from enum import StrEnum

import msgspec

# docs/device-protocol.md, 2: the most of each that one request may say.
MAX_CAPACITY = 100
MAX_CLAIMS = 100
MAX_REPORTS = 500
MAX_INCOMING = 100


class ReportState(StrEnum):
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Wire(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Base of everything on the wire. Times are Unix milliseconds UTC."""


class SimCard(Wire, frozen=True):
    slot: int
    """Counts from 1."""
    number: str | None = None
    carrier: str | None = None
    subscription_id: int | None = None
    country_iso: str | None = None


class AppVersion(Wire, frozen=True):
    name: str
    version: str


class DeviceSettings(Wire, frozen=True):
    enabled: bool = True
    sync_interval_s: int = 50
    """What to use as `wait`."""
    lease_s: int = 60
    claim_timeout_s: int = 1_800


class PairRequest(Wire, frozen=True):
    code: str
    name: str
    model: str | None = None
    app: AppVersion | None = None
    sims: tuple[SimCard, ...] = ()


class Pairing(Wire, frozen=True):
    device_id: str
    token: str
    poll_url: str
    settings: DeviceSettings = DeviceSettings()


class Report(Wire, frozen=True):
    """What became of a granted job."""

    job_id: str
    state: ReportState
    at: int
    parts_sent: int | None = None
    error_code: str | None = None
    error: str | None = None


class IncomingText(Wire, frozen=True):
    id: str
    """The phone's own; the same id is the same text."""
    sender: str = msgspec.field(name="from")
    text: str
    received_at: int
    sim_slot: int


class PhoneStatus(Wire, frozen=True):
    """What is None is not said: a modem has no battery."""

    battery: int | None = None
    charging: bool | None = None
    network: str | None = None
    signal: int | None = None


class SyncRequest(Wire, frozen=True):
    capacity: int | None = None
    """How many offers it can take now; absent means 10."""
    claims: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    incoming: tuple[IncomingText, ...] = ()
    status: PhoneStatus | None = None
    sims: tuple[SimCard, ...] | None = None


class Offer(Wire, frozen=True):
    """A lease on a job. Nothing may be sent before its claim is granted."""

    job_id: str
    phone_number: str
    text: str
    sim_slot: int | None = None
    """None: the phone's default."""
    segments: int = 1
    priority: int = 5
    expires_at: int | None = None
    delivery_report: bool = False


class Verdict(Wire, frozen=True):
    """A claim refused, or something said that is of no use to the server; `reason` is a word."""

    job_id: str
    reason: str = ""


class Accepted(Wire, frozen=True):
    """Committed on the server: the phone may forget them."""

    reports: tuple[str, ...] = ()
    incoming: tuple[str, ...] = ()


class SyncAnswer(Wire, frozen=True):
    granted: tuple[str, ...] = ()
    refused: tuple[Verdict, ...] = ()
    offers: tuple[Offer, ...] = ()
    cancels: tuple[str, ...] = ()
    accepted: Accepted = Accepted()
    ignored: tuple[Verdict, ...] = ()
    settings: DeviceSettings = DeviceSettings()
    server_time: int = 0


class Problem(Wire, frozen=True):
    """RFC 9457."""

    title: str = ""
    detail: str = ""
    code: str = ""
