"""`/gateway/devices`: an account's phones.

A device registered here has no token of the device protocol and so takes no jobs: pair phones with
the app. Upstream's fields kept: name, brand and model (as one), enabled, app version, SIMs (slot,
carrier, subscription id, country); heartbeat: battery, charging, network. The rest is accepted and
ignored: `fcmToken`, `serial`, `buildId`, `os`, memory, storage and the like.
"""

from typing import Annotated

import msgspec
from aiohttp import web

from textko_server.clock import iso_utc_ms
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import json_response, read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import any_caller, login, with_all_scopes
from textko_server.http.dialects.textko.auth import public_user_id
from textko_server.http.dialects.textko.parameters import path_device
from textko_server.http.dialects.textko.shape import data_response
from textko_server.model import Device, Sim
from textko_server.store.devices import NewSim

ShortText = Annotated[str, msgspec.Meta(max_length=64)]


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    """Unknown fields are ignored."""


class SimBody(_Body, frozen=True):
    sim_slot_index: Annotated[int, msgspec.Meta(ge=0, le=7)]
    """Counts from 0, as Android does."""
    subscription_id: Annotated[int, msgspec.Meta(ge=-(1 << 31), lt=1 << 31)] | None = None
    carrier_name: ShortText | None = None
    display_name: ShortText | None = None
    country_iso: ShortText | None = None

    def to_sim(self) -> NewSim:
        carrier = self.carrier_name or self.display_name
        return NewSim(
            self.sim_slot_index + 1, None, carrier, self.subscription_id, self.country_iso
        )


class SimsBody(_Body, frozen=True):
    sims: list[SimBody] = []


class DeviceBody(_Body, frozen=True):
    name: str | None = None
    brand: ShortText | None = None
    model: ShortText | None = None
    app_version_name: ShortText | None = None
    enabled: bool | None = None
    sim_info: SimsBody | None = None


class DeviceChangesBody(_Body, frozen=True):
    name: str | None = None
    enabled: bool | None = None


class HeartbeatBody(_Body, frozen=True):
    battery_percentage: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    is_charging: bool | None = None
    network_type: Annotated[str, msgspec.Meta(pattern="^(wifi|cellular|none)$")] | None = None


def routes() -> list[web.RouteDef]:
    base = "/api/v1/gateway/devices"
    device = base + "/{device_id}"
    return [
        web.get(base, list_devices),
        web.post(base, post_device),
        web.get(device, get_device),
        web.patch(device, patch_device),
        web.delete(device, delete_device),
        web.post(device + "/set-default", post_set_default),
        web.post(device + "/heartbeat", post_heartbeat),
    ]


async def list_devices(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices`, oldest first."""
    principal = await any_caller(request)
    gateway = request.app[GATEWAY]
    devices = await gateway.devices.list_devices(principal)
    sims = await gateway.devices.list_sims_of_account(principal.user_id)
    user_id = await public_user_id(gateway, principal)
    return data_response([_wire_device(gateway, user_id, d, sims.get(d.id, [])) for d in devices])


async def post_device(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices`, 201. The account's first device is its default."""
    principal = await login(request)
    body = await read_json(request, DeviceBody)
    model = " ".join(part for part in (body.brand, body.model) if part)
    new = NewDevice(
        name=body.name or model or "Android device",
        model=model,
        app_name="textbee",
        app_version=body.app_version_name or "",
        sims=[sim.to_sim() for sim in body.sim_info.sims] if body.sim_info else [],
    )
    is_enabled = body.enabled is not False
    gateway = request.app[GATEWAY]
    device = await gateway.devices.register(principal.user_id, new, is_enabled=is_enabled)
    return await _answer(request, device, status=201)


async def get_device(request: web.Request) -> web.Response:
    """`GET /api/v1/gateway/devices/:id`."""
    principal = await any_caller(request)
    return await _answer(request, await path_device(request, principal))


async def patch_device(request: web.Request) -> web.Response:
    """`PATCH /api/v1/gateway/devices/:id`: `name`, `enabled`; what is left out stays."""
    principal = await login(request)
    device = await path_device(request, principal)
    body = await read_json(request, DeviceChangesBody)
    changed = await request.app[GATEWAY].devices.update(
        principal, device.id, name=body.name, is_enabled=body.enabled
    )
    return await _answer(request, changed)


async def delete_device(request: web.Request) -> web.Response:
    """`DELETE /api/v1/gateway/devices/:id`: its messages stay, what waits only for it fails."""
    principal = await login(request)
    device = await path_device(request, principal)
    await request.app[GATEWAY].devices.delete(principal, device.id)
    return data_response(wire.Success(success=True))


async def post_set_default(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices/:id/set-default`, 200; the others lose the flag."""
    principal = await with_all_scopes(request)
    device = await path_device(request, principal)
    changed = await request.app[GATEWAY].devices.update(principal, device.id, is_default=True)
    return await _answer(request, changed)


async def post_heartbeat(request: web.Request) -> web.Response:
    """`POST /api/v1/gateway/devices/:id/heartbeat`, 200, without `data` around the answer."""
    principal = await with_all_scopes(request)
    device = await path_device(request, principal)
    body = await read_json(request, HeartbeatBody)
    gateway = request.app[GATEWAY]
    changed = await gateway.devices.record_status(
        principal,
        device.id,
        battery_percent=body.battery_percentage,
        is_charging=body.is_charging,
        network=body.network_type,
    )
    return json_response(
        wire.Heartbeat(
            success=True,
            fcm_token_updated=False,
            last_heartbeat=iso_utc_ms(changed.last_seen_at or gateway.clock.now_ms()),
            name=changed.name,
        )
    )


async def _answer(request: web.Request, device: Device, *, status: int = 200) -> web.Response:
    gateway = request.app[GATEWAY]
    sims = await gateway.devices.list_sims(device.id)
    user = await gateway.accounts.get_user(device.user_id)
    user_id = gateway.public_ids.encode(Kind.USER, user.id, user.created_at)
    return data_response(_wire_device(gateway, user_id, device, sims), status=status)


def wire_brief(gateway: Gateway, device: Device) -> wire.DeviceBrief:
    """A device as it stands inside an SMS."""
    brand, _, model = device.model.partition(" ")
    return wire.DeviceBrief(
        id=gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        enabled=device.is_enabled,
        brand=brand if model else "",
        model=model or brand,
    )


def _wire_device(gateway: Gateway, user_id: str, device: Device, sims: list[Sim]) -> wire.Device:
    brief = wire_brief(gateway, device)
    last_seen_at = gateway.devices.last_seen_at(device)
    return wire.Device(
        id=brief.id,
        enabled=brief.enabled,
        brand=brief.brand,
        model=brief.model,
        user=user_id,
        name=device.name,
        is_default=device.is_default,
        app_version_name=device.app_version or None,
        last_heartbeat=None if last_seen_at is None else iso_utc_ms(last_seen_at),
        is_online=gateway.devices.is_online(device),
        battery_info=_wire_battery(device),
        network_info=None if device.network is None else wire.Network(type=device.network),
        sim_info=wire.Sims(sims=[_wire_sim(sim) for sim in sims if sim.is_present]),
        created_at=iso_utc_ms(device.created_at),
        updated_at=iso_utc_ms(device.updated_at),
    )


def _wire_battery(device: Device) -> wire.Battery | None:
    if device.battery_percent is None:
        return None
    return wire.Battery(percentage=device.battery_percent, is_charging=device.is_charging)


def _wire_sim(sim: Sim) -> wire.Sim:
    return wire.Sim(
        subscription_id=sim.subscription_id,
        sim_slot_index=sim.slot - 1,
        carrier_name=sim.carrier,
        country_iso=sim.country_iso,
        phone_number=sim.number,
    )
