"""Which SIM an application may ask for, and whether a phone is there to send with it now.

Refuses to know queues and pace: what is submitted is dispatched as ever.
"""

import secrets

import msgspec

from textko_server.errors import NotFound
from textko_server.gateway.devices import Devices
from textko_server.model import Device, Principal, Sim


class Sender(msgspec.Struct, frozen=True):
    sim_id: int | None
    """Send through this SIM only; None: through any."""
    is_online: bool
    """A phone that can take it is online."""


class Senders:
    def __init__(self, devices: Devices) -> None:
        self._devices = devices

    async def choose(
        self, principal: Principal, *, sim_id: int | None = None, country: str = ""
    ) -> Sender:
        """The SIM asked for; else one of that country (ISO 3166-1, two letters) whose phone is
        online, if any; else none in particular.

        Raises:
            NotFound: no such SIM in a phone that this principal may use.
        """
        devices = await self._devices.list_devices(principal, principal.user_id)
        online = [d for d in devices if d.is_enabled and self._devices.is_online(d)]
        if sim_id is None and not country:
            return Sender(None, bool(online))
        sims = await self._devices.list_sims_of_account(principal.user_id)
        if sim_id is not None:
            device_id = next((s.device_id for s in _present(devices, sims) if s.id == sim_id), None)
            if device_id is None:
                raise NotFound("SIM card")
            return Sender(sim_id, any(d.id == device_id for d in online))
        able = _present(online, sims)
        near = [s for s in able if (s.country_iso or "").lower() == country.lower()]
        if not near or len(near) == len(able):
            return Sender(None, bool(online))
        # Any of them, so that one does not get all the work.
        return Sender(secrets.choice(near).id, is_online=True)


def _present(devices: list[Device], sims: dict[int, list[Sim]]) -> list[Sim]:
    return [sim for d in devices for sim in sims.get(d.id, []) if sim.is_present]
