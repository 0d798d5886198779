"""Ids and names of what an answer mentions, each looked up once.

The outside id of a thing needs its creation time, which rows that only refer to it do not have.
"""

import msgspec

from textko_server.errors import NotFound
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.principals import operator
from textko_server.gateway.public_ids import Kind


class NamedWebhook(msgspec.Struct, frozen=True):
    id: str
    name: str
    url: str


class Names:
    """For one answer or one event stream; the caller has checked what may be seen."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._users: dict[int, tuple[str, str]] = {}
        self._devices: dict[int, tuple[str, str]] = {}
        self._webhooks: dict[int, NamedWebhook] = {}
        self._api_keys: dict[int, str] = {}
        self._slots: dict[int, dict[int, int]] = {}

    async def user(self, user_id: int) -> tuple[str, str]:
        """(id, e-mail); of a deleted one empty."""
        known = self._users.get(user_id)
        if known is None:
            try:
                user = await self._gateway.accounts.get_user(user_id)
            except NotFound:
                return "", ""
            public_id = self._gateway.public_ids.encode(Kind.USER, user.id, user.created_at)
            known = self._users[user_id] = (public_id, user.email)
        return known

    async def device(self, device_id: int | None) -> tuple[str | None, str | None]:
        """(id, name); (None, None) of none and of a deleted one."""
        if device_id is None:
            return None, None
        known = self._devices.get(device_id)
        if known is None:
            try:
                device = await self._gateway.devices.get(operator(), device_id)
            except NotFound:
                return None, None
            public_id = self._gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)
            known = self._devices[device_id] = (public_id, device.name)
        return known

    async def api_key(self, api_key_id: int | None) -> str | None:
        """Its name; None of none and of a deleted one."""
        if api_key_id is None:
            return None
        if api_key_id not in self._api_keys:
            try:
                api_key = await self._gateway.api_keys.get_key(api_key_id)
            except NotFound:
                return None
            self._api_keys[api_key_id] = api_key.name
        return self._api_keys[api_key_id]

    async def webhook(self, webhook_id: int) -> str | None:
        """Its id; None of a deleted one."""
        known = await self.named_webhook(webhook_id)
        return None if known is None else known.id

    async def named_webhook(self, webhook_id: int) -> NamedWebhook | None:
        """None of a deleted one."""
        known = self._webhooks.get(webhook_id)
        if known is None:
            try:
                webhook = await self._gateway.webhooks.get(None, webhook_id)
            except NotFound:
                return None
            public_id = self._gateway.public_ids.encode(
                Kind.WEBHOOK, webhook.id, webhook.created_at
            )
            known = NamedWebhook(public_id, webhook.name, webhook.url)
            self._webhooks[webhook_id] = known
        return known

    async def slot(self, device_id: int | None, sim_id: int | None) -> int | None:
        """The slot of a SIM of a device."""
        if device_id is None or sim_id is None:
            return None
        slots = self._slots.get(device_id)
        if slots is None:
            sims = await self._gateway.devices.list_sims(device_id)
            slots = self._slots[device_id] = {sim.id: sim.slot for sim in sims}
        return slots.get(sim_id)

    async def learn_devices(self, user_id: int | None) -> None:
        """Look up all devices of an account, or (None) of all, so that those deleted later keep
        their ids."""
        for device in await self._gateway.devices.list_devices(operator(), user_id):
            public_id = self._gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)
            self._devices[device.id] = (public_id, device.name)
