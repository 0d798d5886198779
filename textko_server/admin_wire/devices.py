"""Pairing, phones, their SIMs, pace and sending windows, and who could not connect."""

from typing import Annotated, Literal

import msgspec

from textko_server.admin_wire.shapes import Answer, Limit, NaturalNumber, Request
from textko_server.model import State

TimeOfDay = Annotated[
    str, msgspec.Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5, examples=["09:00"])
]
"""`09:00`; `$` alone lets a newline follow."""


DeviceName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class NewPairingCode(Request, frozen=True, kw_only=True):
    user: str | None = None
    name: str | None = None
    """What the phone will be called; None: as it calls itself."""
    digits_only: bool = False
    """For an app that takes no other characters, such as SMSGate."""


class PairingCode(Answer, frozen=True, kw_only=True):
    id: str
    """What the event of the phone that used it names: `pairing_id`. No secret."""
    code: str
    url: str
    """Holds server and code; shown as a QR code."""
    termux_url: str
    """The program for a phone with Termux, with server and code in it: `curl URL | python -`."""
    expires_at: int


class NewDevice(Request, frozen=True, kw_only=True):
    """For an app that cannot use a pairing code: an address with a login in it is typed into it."""

    app: Literal["cht"]
    """cht: CHT Gateway."""
    user: str | None = None
    name: DeviceName
    """What the phone will be called."""
    number: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    """Of the SIM that the app sends through, which it does not tell itself."""


class CreatedDevice(Answer, frozen=True, kw_only=True):
    id: str
    name: str
    url: str
    """What is typed into the app; its password is the device's token. Shown this once."""


class PairingState(Answer, frozen=True, kw_only=True):
    """What became of a pairing code."""

    id: str
    expires_at: int
    used_at: int | None
    device_id: str | None
    """The phone that used it; null also once that was deleted."""


class Pace(Request, frozen=True, kw_only=True):
    """How fast a SIM may send; null: no limit of its own."""

    min_gap_ms: NaturalNumber | None = None
    per_minute: NaturalNumber | None = None
    per_hour: NaturalNumber | None = None
    per_day: NaturalNumber | None = None
    recipients_per_month: NaturalNumber | None = None
    """Distinct phone numbers a calendar month."""


class Window(Request, frozen=True, kw_only=True):
    """The hours a SIM may send in, of the server's time zone (`dispatch.time_zone`).

    May run over midnight; the same time twice is always. Texts of priority otp go at any time.
    """

    from_: TimeOfDay = msgspec.field(name="from")
    to: TimeOfDay


class WindowChange(Request, frozen=True, kw_only=True):
    window: Window | None
    """null: always."""


class PaceLeft(Answer, frozen=True, kw_only=True):
    """How many texts a SIM may still be given; null: no limit."""

    now: int | None
    """The least of all limits; 0 while its window is closed, when only otp may go."""
    minute: int | None
    hour: int | None
    day: int | None
    month_recipients: int | None
    """Numbers it has not yet written to this month; known ones it may write to beyond that."""


class Sim(Answer, frozen=True, kw_only=True):
    id: int
    """What TextLink's API calls `sim_card_id`."""
    slot: int
    number: str | None
    carrier: str | None
    country_iso: str | None
    is_present: bool
    pace: Pace
    window: Window | None
    """null: always."""
    window_opens_at: int | None
    """Set while the window is closed."""
    pace_left: PaceLeft
    next_slot_at: int | None
    """When it may be given the next text, if not now."""


class DeviceLoad(Answer, frozen=True, kw_only=True):
    """What a device has to do now."""

    waiting: int
    """For it alone, without what any phone of the account may send. 10,000 stands for more."""
    held: int
    """Offered to it or claimed by it, and not yet sent. 10,000 stands for more."""
    pace_left: int | None
    """What its SIMs may be given now, together; null: one of them has no limit."""
    carriers: list[str | None]
    """Of the SIMs in it, by slot."""


class DevicesQuery(Request, frozen=True, kw_only=True):
    user: str | None = None
    """E-mail or id of the account that is meant. Only an admin may name another than their own."""
    load: bool | None = None
    """With what each has to do."""


class Device(Answer, frozen=True, kw_only=True):
    id: str
    user_id: str
    user: str
    name: str
    model: str
    app: str
    is_enabled: bool
    is_default: bool
    is_online: bool
    open_polls: int
    last_seen_at: int | None
    battery_percent: int | None
    is_charging: bool | None
    network: str | None
    signal_percent: int | None
    tells_delivered: bool
    """False: it never learns of delivery; `sent` is the last it reports."""
    created_at: int
    load: DeviceLoad | None = None
    """In a list, when it was asked for."""


class DeviceDetail(Device, frozen=True, kw_only=True):
    app_name: str
    app_version: str
    address: str | None
    """Where its last request came from; null: none since the server started. So the next one."""
    polling_since: int | None
    """Since when a poll of it is open."""
    sims: list[Sim]


class DeviceList(Answer, frozen=True, kw_only=True):
    devices: list[Device]


class DeviceChanges(Request, frozen=True, kw_only=True):
    name: str | None = None
    is_enabled: bool | None = None
    is_default: Literal[True] | None = None
    """There is always one default: make another one the default instead."""


class DeviceJobsQuery(Request, frozen=True, kw_only=True):
    before: str | None = None
    """`next` of the page before."""
    limit: Limit = 20


class DeviceJob(Answer, frozen=True, kw_only=True):
    """A recipient that a device was given."""

    recipient_id: str
    message_id: str
    phone_number: str
    state: State
    at: int | None
    """When it came to that state; null while it waits."""
    claimed_at: int | None
    sim_slot: int | None
    segments: int
    error_code: str | None
    error: str | None


class DeviceJobPage(Answer, frozen=True, kw_only=True):
    offered: list[DeviceJob]
    """What it was offered and has not claimed yet; on the first page only."""
    jobs: list[DeviceJob]
    """What it claimed, last claim first."""
    next: str | None


class Refusal(Answer, frozen=True, kw_only=True):
    """A phone that was turned away, or given nothing, and how often alike."""

    first_at: int
    last_at: int
    count: int
    address: str | None
    path: str
    """Method and path; what might be a token or a code is left out."""
    code: str
    """A stable word: `unknown_token`, `pairing_expired`, …"""
    reason: str
    """In plain words."""
    device_id: str | None
    """As far as it is known whose phone it is. So the rest."""
    device: str | None
    user_id: str | None
    user: str | None


class RefusalList(Answer, frozen=True, kw_only=True):
    refusals: list[Refusal]
    """Newest first; since the server started."""
