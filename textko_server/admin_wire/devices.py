"""Pairing, phones, their SIMs and pace."""

from typing import Literal

from textko_server.admin_wire.shapes import Answer, NaturalNumber, Request


class NewPairingCode(Request, frozen=True, kw_only=True):
    user: str | None = None
    name: str | None = None
    """What the phone will be called; None: as it calls itself."""


class PairingCode(Answer, frozen=True, kw_only=True):
    code: str
    url: str
    """Holds server and code; shown as a QR code."""
    expires_at: int


class Pace(Request, frozen=True, kw_only=True):
    """How fast a SIM may send; null: no limit of its own."""

    min_gap_ms: NaturalNumber | None = None
    per_minute: NaturalNumber | None = None
    per_hour: NaturalNumber | None = None
    per_day: NaturalNumber | None = None
    recipients_per_month: NaturalNumber | None = None
    """Distinct phone numbers a calendar month."""


class Sim(Answer, frozen=True, kw_only=True):
    id: int
    """What TextLink's API calls `sim_card_id`."""
    slot: int
    number: str | None
    carrier: str | None
    country_iso: str | None
    is_present: bool
    pace: Pace


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
    created_at: int


class DeviceDetail(Device, frozen=True, kw_only=True):
    sims: list[Sim]


class DeviceList(Answer, frozen=True, kw_only=True):
    devices: list[Device]


class DeviceChanges(Request, frozen=True, kw_only=True):
    name: str | None = None
    is_enabled: bool | None = None
    is_default: Literal[True] | None = None
    """There is always one default: make another one the default instead."""
