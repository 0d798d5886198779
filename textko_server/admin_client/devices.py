"""Pairing and phones."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Devices(Connection):
    async def create_pairing_code(self, body: wire.NewPairingCode) -> wire.PairingCode:
        return await self.call("POST", "/pairing-codes", wire.PairingCode, body)

    async def list_devices(self, user: str | None = None) -> wire.DeviceList:
        return await self.call("GET", "/devices", wire.DeviceList, query=of_user(user))

    async def get_device(self, device_id: str) -> wire.DeviceDetail:
        return await self.call("GET", path_of("devices", device_id), wire.DeviceDetail)

    async def change_device(self, device_id: str, body: wire.DeviceChanges) -> wire.DeviceDetail:
        return await self.call("PATCH", path_of("devices", device_id), wire.DeviceDetail, body)

    async def set_pace(self, device_id: str, slot: int, pace: wire.Pace) -> wire.Sim:
        """Replaces all limits of that SIM."""
        path = path_of("devices", device_id, "sims", str(slot), "pace")
        return await self.call("PUT", path, wire.Sim, pace)

    async def delete_device(self, device_id: str) -> None:
        await self.request("DELETE", path_of("devices", device_id))
