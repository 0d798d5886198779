"""What each of many devices has to do: what waits for it alone, what it holds, and what its SIMs
may be given now. In few reads, however many there are; only SIMs with limits cost some each.

Refuses to know who may see it: the caller has checked that the devices may be seen.
"""

import msgspec

from textko_server.gateway.dispatch import device_lane, sim_lane
from textko_server.gateway.sims import Sims
from textko_server.model import Device, Sim
from textko_server.store import device_loads as store
from textko_server.store import devices as device_store
from textko_server.store.database import Database

MAX_COUNT = 10_000


class DeviceLoad(msgspec.Struct, frozen=True):
    sims: list[Sim]
    """Those that are in it, by slot."""
    waiting: int
    """For this device or a SIM of it; what any device of the account may send is not counted."""
    held: int
    """Offered to it or claimed by it, and not yet sent."""
    pace_left: int | None
    """What its SIMs may be given now, together; None: one of them has no limit."""


class DeviceLoads:
    def __init__(self, db: Database, sims: Sims) -> None:
        self._db = db
        self._sims = sims

    async def of(self, devices: list[Device]) -> dict[int, DeviceLoad]:
        """By the device's key. Counts go to MAX_COUNT."""
        keys = [device.id for device in devices]
        sims = await device_store.list_sims_of_devices(self._db, keys)
        held = await store.held_by_devices(self._db, keys, MAX_COUNT)
        lanes = [device_lane(key) for key in keys]
        lanes += [sim_lane(sim.id) for found in sims.values() for sim in found]
        waiting = await store.waiting_in_each_lane(self._db, lanes, MAX_COUNT)
        return {key: await self._load(key, sims.get(key, []), waiting, held) for key in keys}

    async def _load(
        self, key: int, sims: list[Sim], waiting: dict[str, int], held: dict[int, int]
    ) -> DeviceLoad:
        present = [sim for sim in sims if sim.is_present]
        lanes = [device_lane(key), *(sim_lane(sim.id) for sim in sims)]
        return DeviceLoad(
            sims=present,
            waiting=min(sum(waiting.get(lane, 0) for lane in lanes), MAX_COUNT),
            held=held.get(key, 0),
            pace_left=await self._pace_left(present),
        )

    async def _pace_left(self, sims: list[Sim]) -> int | None:
        left_count = 0
        for sim in sims:
            left = (await self._sims.pace_left(sim)).now
            if left is None:
                return None
            left_count += left
        return left_count if sims else None
