"""Which phone and SIM a message of SMSGate's API is bound to.

SMSGate binds each message to one phone, at random unless it is named. Here one that names neither
phone nor SIM goes to whichever phone of the account is ready first. Refuses to know what is sent.
"""

import secrets

import msgspec

from textko_server.clock import HOUR_MS, Clock
from textko_server.errors import Invalid
from textko_server.gateway.devices import Devices
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.model import Device, Principal, Sim

# The app that alone can read ciphertext and send data SMS.
SMSGATE_APP = "SMSGate"


class Wish(msgspec.Struct, frozen=True):
    """What an application says of the phone that is to send."""

    device_id: str | None = None
    """Public."""
    sim_number: int | None = None
    """Counts from 1."""
    active_within_h: int = 0
    """Only if some phone was heard of in so many hours; 0: whenever."""
    needs_the_app: bool = False
    """Only a phone with SMSGate's app."""


class Route(msgspec.Struct, frozen=True):
    """None: any phone of the account."""

    device_id: int | None = None
    sim_id: int | None = None


class SmsgateDevices:
    def __init__(self, clock: Clock, public_ids: PublicIds, devices: Devices) -> None:
        self._clock = clock
        self._public_ids = public_ids
        self._devices = devices
        self._with_devices: set[int] = set()
        """Accounts that have a device that is switched on, as far as they were looked at."""

    def on_event(self, event: DeviceChanged) -> None:
        """Must hear of every commit: that is what lets an ordinary message look at nothing."""
        if event.what in ("disabled", "deleted"):
            self._with_devices.discard(event.user_id)

    async def choose(self, principal: Principal, wish: Wish) -> Route:
        """Raises Invalid, naming the field: there is no such phone or SIM."""
        is_open = wish == Wish() and principal.device_ids is None
        if is_open and principal.user_id in self._with_devices:
            return Route()
        candidates = await self._candidates(principal, wish)
        if wish.sim_number is not None:
            return self._choose_sim(await self._with_sim(principal, candidates, wish.sim_number))
        if wish.device_id is None and not wish.needs_the_app:
            if is_open:
                self._with_devices.add(principal.user_id)
            return Route()
        return Route(self._best(candidates).id)

    async def _candidates(self, principal: Principal, wish: Wish) -> list[Device]:
        devices = await self._devices.list_devices(principal, principal.user_id)
        if wish.device_id is not None:
            key = self._public_ids.decode(Kind.DEVICE, wish.device_id)
            devices = [device for device in devices if device.id == key]
            if not devices:
                raise Invalid("deviceId", "names no device of this account")
        devices = [device for device in devices if device.is_enabled]
        if not devices:
            raise Invalid("deviceId", "there is no device that is switched on")
        if wish.active_within_h:
            since = self._clock.now_ms() - wish.active_within_h * HOUR_MS
            devices = [d for d in devices if (self._devices.last_seen_at(d) or 0) >= since]
            if not devices:
                hours = wish.active_within_h
                raise Invalid("deviceActiveWithin", f"no device was active within {hours} hours")
        if wish.needs_the_app:
            devices = [device for device in devices if device.app_name == SMSGATE_APP]
            if not devices:
                raise Invalid("deviceId", "only a phone with SMSGate's app can send this")
        return devices

    async def _with_sim(
        self, principal: Principal, devices: list[Device], number: int
    ) -> list[tuple[Device, Sim]]:
        sims = await self._devices.list_sims_of_account(principal.user_id)
        found = [
            (device, sim)
            for device in devices
            for sim in sims.get(device.id, [])
            if sim.slot == number and sim.is_present
        ]
        if not found:
            raise Invalid("simNumber", f"there is no SIM {number} in a device that may send this")
        return found

    def _choose_sim(self, found: list[tuple[Device, Sim]]) -> Route:
        best = self._best([device for device, _ in found])
        sim = next(sim for device, sim in found if device.id == best.id)
        return Route(best.id, sim.id)

    def _best(self, devices: list[Device]) -> Device:
        """One that is online, at random, as SMSGate spreads messages; else the last heard of."""
        online = [device for device in devices if self._devices.is_online(device)]
        if online:
            return secrets.choice(online)
        return max(devices, key=lambda device: self._devices.last_seen_at(device) or 0)
