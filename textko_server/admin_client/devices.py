"""Pairing, phones, and who could not connect."""

from textko_server import admin_wire as wire
from textko_server.admin_client.connection import Connection, of_user, path_of


class Devices(Connection):
    async def create_pairing_code(self, body: wire.NewPairingCode) -> wire.PairingCode:
        return await self.call("POST", "/pairing-codes", wire.PairingCode, body)

    async def get_pairing_code(self, pairing_id: str) -> wire.PairingState:
        return await self.call("GET", path_of("pairing-codes", pairing_id), wire.PairingState)

    async def create_device(self, body: wire.NewDevice) -> wire.CreatedDevice:
        """For an app that cannot use a pairing code."""
        return await self.call("POST", "/devices", wire.CreatedDevice, body)

    async def list_devices(self, user: str | None = None, *, load: bool = False) -> wire.DeviceList:
        """`load`: with what each has to do, which takes the server a little longer."""
        query = wire.DevicesQuery(user=user, load=load or None)
        return await self.call("GET", "/devices", wire.DeviceList, query=query)

    async def get_device(self, device_id: str) -> wire.DeviceDetail:
        return await self.call("GET", path_of("devices", device_id), wire.DeviceDetail)

    async def change_device(self, device_id: str, body: wire.DeviceChanges) -> wire.DeviceDetail:
        return await self.call("PATCH", path_of("devices", device_id), wire.DeviceDetail, body)

    async def set_pace(self, device_id: str, slot: int, pace: wire.Pace) -> wire.Sim:
        """Replaces all limits of that SIM."""
        path = path_of("devices", device_id, "sims", str(slot), "pace")
        return await self.call("PUT", path, wire.Sim, pace)

    async def set_window(self, device_id: str, slot: int, window: wire.Window | None) -> wire.Sim:
        """None: it may send always."""
        path = path_of("devices", device_id, "sims", str(slot), "window")
        return await self.call("PUT", path, wire.Sim, wire.WindowChange(window=window))

    async def list_device_jobs(
        self, device_id: str, *, before: str | None = None, limit: int = 20
    ) -> wire.DeviceJobPage:
        query = wire.DeviceJobsQuery(before=before, limit=limit)
        path = path_of("devices", device_id, "jobs")
        return await self.call("GET", path, wire.DeviceJobPage, query=query)

    async def list_refusals(self, user: str | None = None) -> wire.RefusalList:
        """Phones that could not connect."""
        path = path_of("devices", "refusals")
        return await self.call("GET", path, wire.RefusalList, query=of_user(user))

    async def delete_device(self, device_id: str) -> None:
        await self.request("DELETE", path_of("devices", device_id))
