"""The account's phones, whatever app they run."""

from textko_server.clock import iso_utc_ms
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Call
from textko_server.model import Device, Sim


async def list_devices(call: Call) -> list[wire.DeviceTold]:
    """List devices, oldest first."""
    devices = await call.gateway.devices.list_devices(call.principal, call.user_id)
    sims = await call.gateway.devices.list_sims_of_account(call.user_id)
    return [_told(call, device, sims.get(device.id, [])) for device in devices]


async def delete_device(call: Call) -> None:
    """Remove a device.

    What it was only offered goes to others; what it took, or only it may send, fails.
    """
    await call.gateway.devices.delete(call.principal, call.key(Kind.DEVICE, "device"))


def _told(call: Call, device: Device, sims: list[Sim]) -> wire.DeviceTold:
    seen_at = call.gateway.devices.last_seen_at(device) or device.created_at
    return wire.DeviceTold(
        id=call.gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at),
        name=device.name,
        created_at=iso_utc_ms(device.created_at),
        updated_at=iso_utc_ms(device.updated_at),
        last_seen=iso_utc_ms(seen_at),
        sim_cards=[
            wire.SimCardTold(
                slot_index=sim.slot - 1,
                sim_number=sim.slot,
                phone_number=sim.number,
                carrier_name=sim.carrier,
            )
            for sim in sims
            if sim.is_present
        ],
    )
