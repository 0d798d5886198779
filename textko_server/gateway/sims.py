"""SIMs as the operator sets them: pace and sending windows, and how much of them is left.

What holds them to it is dispatch, by pace.py and sending_windows.py.
"""

from collections.abc import Callable

import msgspec

from textko_server.clock import Clock, time_zone
from textko_server.config import DispatchSettings
from textko_server.errors import Invalid, NotFound
from textko_server.gateway import pace
from textko_server.gateway.devices import Devices
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.sending_windows import DAY_MINUTES, Window
from textko_server.model import Principal, Sim
from textko_server.store import devices as store
from textko_server.store.database import Database, Transaction

_LIMITS = ("min_gap_ms", "per_minute", "per_hour", "per_day", "recipients_per_month")


class Sims:
    def __init__(
        self, db: Database, clock: Clock, settings: DispatchSettings, devices: Devices
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._zone = time_zone(settings.time_zone)
        self._devices = devices

    async def pace_left(self, sim: Sim) -> pace.Left:
        """What it may still be given. The caller has checked that its device may be seen."""
        now_ms = self._clock.now_ms()
        return await pace.read_left(self._db, sim, self._settings, self._zone, now_ms)

    async def set_pace(self, principal: Principal, device_id: int | None, pace: Sim) -> Sim:
        """Store the limits of one SIM of a device; `pace.slot` says which.

        Raises:
            Invalid: a limit below 1.
            NotFound: no such device or slot.
        """
        changes = {field: getattr(pace, field) for field in _LIMITS}
        for field, value in changes.items():
            if value is not None and value < 1:
                raise Invalid(field, "must be at least 1, or null for no limit")
        return await self._change(principal, device_id, pace.slot, changes, store.set_pace)

    async def set_window(
        self, principal: Principal, device_id: int | None, slot: int, window: Window | None
    ) -> Sim:
        """Store the hours one SIM of a device may send in; None, or from a time to itself: always.

        Raises:
            Invalid: a minute that no day has.
            NotFound: no such device or slot.
        """
        if window is not None and window.from_minute == window.to_minute:
            window = None
        for minute in msgspec.structs.astuple(window) if window else ():
            if not 0 <= minute < DAY_MINUTES:
                raise Invalid("window", f"must be minutes from 0 to {DAY_MINUTES - 1}")
        changes = {
            "window_from_minute": window.from_minute if window else None,
            "window_to_minute": window.to_minute if window else None,
        }
        return await self._change(principal, device_id, slot, changes, store.set_window)

    async def _change(
        self,
        principal: Principal,
        device_id: int | None,
        slot: int,
        changes: dict[str, int | None],
        put: Callable[[Transaction, Sim], None],
    ) -> Sim:
        device = await self._devices.get(principal, device_id)
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Sim:
            sim = next((s for s in store.sims_in(tx, device.id) if s.slot == slot), None)
            if sim is None:
                raise NotFound("SIM")
            changed = msgspec.structs.replace(sim, **changes)
            put(tx, changed)
            tx.after_commit(DeviceChanged(device.user_id, device.id, "settings", now_ms))
            return changed

        return await self._db.write(write)
