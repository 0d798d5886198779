"""`/admin/v1/devices` and `/pairing-codes`: phones, their SIMs, when and how fast those send."""

from urllib.parse import urlsplit

import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import Invalid
from textko_server.gateway.device_loads import DeviceLoad
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.sending_windows import Window
from textko_server.http.admin.access import owner_of_new, owner_shown
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.http.dialects import cht
from textko_server.http.operator_socket import is_by_operator
from textko_server.http.public_url import public_url
from textko_server.model import Device, Sim

_LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


async def create_pairing_code(
    call: Call, query: wire.UserQuery, body: wire.NewPairingCode
) -> wire.PairingCode:
    """A code for the next phone of an account: ten minutes, once."""
    owner = await owner_of_new(call, body.user or query.user)
    pairing = await call.gateway.pairing.create_code(
        owner, body.name, has_digits_only=body.digits_only
    )
    return wire.PairingCode(
        id=pairing.id,
        code=pairing.code,
        url=f"{_url_for_phones(call)}/pair#{pairing.code}",
        termux_url=f"{_url_for_phones(call)}/t/{pairing.code}",
        expires_at=pairing.expires_at,
    )


async def create_device(
    call: Call, query: wire.UserQuery, body: wire.NewDevice
) -> wire.CreatedDevice:
    """A phone whose app cannot use a pairing code: an address to type into it, shown once.

    The app asks at that address with the login in it: the device's id, and its token.
    """
    owner = await owner_of_new(call, body.user or query.user)
    device, token = await call.gateway.pairing.add(owner, cht.new_device(body.name, body.number))
    public_id = call.gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)
    return wire.CreatedDevice(
        id=public_id, name=device.name, url=cht.url_for(_url_for_phones(call), public_id, token)
    )


async def get_pairing_code(call: Call) -> wire.PairingState:
    """Whether it was used, and by which phone."""
    found = await call.gateway.pairing.get_code(call.principal, call.request.match_info["id"])
    device_id, _ = await Names(call.gateway).device(found.device_id)
    return wire.PairingState(
        id=found.id, expires_at=found.expires_at, used_at=found.used_at, device_id=device_id
    )


def _url_for_phones(call: Call) -> str:
    """As `server.public_url` says, or as the caller reached us; from this very machine that is of
    no use to a phone, so then where we listen."""
    if not is_by_operator(call.request):
        url = public_url(call.request)
        if urlsplit(url).hostname not in _LOOPBACK_HOSTS:
            return url
    return call.about.url


async def list_devices(call: Call, query: wire.DevicesQuery) -> wire.DeviceList:
    """Oldest first."""
    owner = await owner_shown(call, query.user)
    devices = await call.gateway.devices.list_devices(call.principal, owner)
    names = Names(call.gateway)
    loads = await call.gateway.device_loads.of(devices) if query.load else {}
    return wire.DeviceList(
        devices=[await _wire_device(call, names, d, loads.get(d.id)) for d in devices]
    )


async def get_device(call: Call) -> wire.DeviceDetail:
    """With its SIMs, and what each may still send."""
    device = await call.gateway.devices.get(call.principal, call.key(Kind.DEVICE, "device"))
    return await _detail(call, device)


async def change_device(call: Call, body: wire.DeviceChanges) -> wire.DeviceDetail:
    """Rename, switch on or off, make it the account's default."""
    device = await call.gateway.devices.update(
        call.principal,
        call.key(Kind.DEVICE, "device"),
        name=body.name,
        is_enabled=body.is_enabled,
        is_default=body.is_default or False,
    )
    return await _detail(call, device)


async def delete_device(call: Call) -> None:
    """Its token stops; what it was offered goes to others, what it had taken fails."""
    await call.gateway.devices.delete(call.principal, call.key(Kind.DEVICE, "device"))


async def set_pace(call: Call, body: wire.Pace) -> wire.Sim:
    """The limits of one SIM; what is left out has none."""
    device = await call.gateway.devices.get(call.principal, call.key(Kind.DEVICE, "device"))
    slot = _slot(call.request.match_info["slot"])
    pace = Sim(
        id=0, device_id=device.id, slot=slot, number=None, carrier=None, subscription_id=None,
        country_iso=None, is_present=True, **msgspec.structs.asdict(body),
    )  # fmt: skip
    return await _wire_sim(call, await call.gateway.sims.set_pace(call.principal, device.id, pace))


async def set_window(call: Call, body: wire.WindowChange) -> wire.Sim:
    """The hours one SIM may send in; null: always.

    Texts of priority otp go at any time.
    """
    window = None
    if body.window is not None:
        window = Window(_minute(body.window.from_), _minute(body.window.to))
    key = call.key(Kind.DEVICE, "device")
    slot = _slot(call.request.match_info["slot"])
    sim = await call.gateway.sims.set_window(call.principal, key, slot, window)
    return await _wire_sim(call, sim)


def _minute(time_of_day: str) -> int:
    hour, minute = time_of_day.split(":")
    return int(hour) * 60 + int(minute)


def _time_of_day(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _slot(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        raise Invalid("slot", "must be the number of a SIM slot, from 1")
    return int(text)


async def _detail(call: Call, device: Device) -> wire.DeviceDetail:
    shown = await _wire_device(call, Names(call.gateway), device)
    presence = call.gateway.presence
    return wire.widened(
        shown,
        wire.DeviceDetail,
        app_name=device.app_name,
        app_version=device.app_version,
        address=presence.address(device.id),
        polling_since=presence.polling_since(device.id),
        sims=[await _wire_sim(call, s) for s in await call.gateway.devices.list_sims(device.id)],
    )


async def _wire_device(
    call: Call, names: Names, device: Device, load: DeviceLoad | None = None
) -> wire.Device:
    presence = call.gateway.presence
    user_id, email = await names.user(device.user_id)
    return wire.Device(
        id=call.gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        user_id=user_id,
        user=email,
        name=device.name,
        model=device.model,
        app=" ".join(filter(None, (device.app_name, device.app_version))),
        is_enabled=device.is_enabled,
        is_default=device.is_default,
        is_online=presence.is_online(device.id),
        open_polls=presence.open_polls(device.id),
        last_seen_at=presence.last_seen_at(device.id) or device.last_seen_at,
        battery_percent=device.battery_percent,
        is_charging=device.is_charging,
        network=device.network,
        signal_percent=device.signal_percent,
        tells_delivered=device.tells_delivered,
        created_at=device.created_at,
        load=None if load is None else _wire_load(load),
    )


def _wire_load(load: DeviceLoad) -> wire.DeviceLoad:
    return wire.DeviceLoad(
        waiting=load.waiting,
        held=load.held,
        pace_left=load.pace_left,
        carriers=[sim.carrier for sim in load.sims],
    )


async def _wire_sim(call: Call, sim: Sim) -> wire.Sim:
    left = await call.gateway.sims.pace_left(sim)
    pace = wire.Pace(
        min_gap_ms=sim.min_gap_ms,
        per_minute=sim.per_minute,
        per_hour=sim.per_hour,
        per_day=sim.per_day,
        recipients_per_month=sim.recipients_per_month,
    )
    return wire.Sim(
        id=sim.id,
        slot=sim.slot,
        number=sim.number,
        carrier=sim.carrier,
        country_iso=sim.country_iso,
        is_present=sim.is_present,
        pace=pace,
        window=_wire_window(sim),
        window_opens_at=left.opens_at,
        pace_left=wire.PaceLeft(
            now=left.now,
            minute=left.minute,
            hour=left.hour,
            day=left.day,
            month_recipients=left.month_recipients,
        ),
        next_slot_at=left.next_slot_at,
    )


def _wire_window(sim: Sim) -> wire.Window | None:
    if sim.window_from_minute is None or sim.window_to_minute is None:
        return None
    return wire.Window(
        from_=_time_of_day(sim.window_from_minute), to=_time_of_day(sim.window_to_minute)
    )


ENDPOINTS = (
    Endpoint("POST", "/pairing-codes", create_pairing_code, status=201),
    Endpoint("GET", "/pairing-codes/{id}", get_pairing_code),
    Endpoint("POST", "/devices", create_device, status=201),
    Endpoint("GET", "/devices", list_devices),
    Endpoint("GET", "/devices/{id}", get_device),
    Endpoint("PATCH", "/devices/{id}", change_device),
    Endpoint("DELETE", "/devices/{id}", delete_device),
    Endpoint("PUT", "/devices/{id}/sims/{slot}/pace", set_pace),
    Endpoint("PUT", "/devices/{id}/sims/{slot}/window", set_window),
)
