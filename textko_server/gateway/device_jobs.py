"""What a device was given lately: the jobs it claimed, and those it was offered."""

from textko_server.gateway.devices import Devices
from textko_server.model import Device, Principal, Recipient
from textko_server.store import messages as store
from textko_server.store.database import Database

# Above any time and key: the first page.
_NEWEST = 1 << 62


class DeviceJobs:
    def __init__(self, db: Database, devices: Devices) -> None:
        self._db = db
        self._devices = devices

    async def list_claimed(
        self,
        principal: Principal,
        device_id: int | None,
        *,
        before: tuple[int, int] | None,
        limit: int,
    ) -> tuple[Device, list[Recipient]]:
        """A page, last claim first; `before` is the claim time and key of the last one had.

        Raises:
            NotFound: no such device, or somebody else's.
        """
        device = await self._devices.get(principal, device_id)
        before_at, before_id = before or (_NEWEST, _NEWEST)
        return device, await store.list_recipients_of_device(
            self._db, device.id, before_at=before_at, before_id=before_id, limit=limit
        )

    async def list_offered(self, device: Device, limit: int) -> list[Recipient]:
        """What it has not claimed yet."""
        return await store.list_offered_to_device(self._db, device.id, limit)
