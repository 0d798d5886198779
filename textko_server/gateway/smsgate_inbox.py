"""What phones received, as SMSGate's API asks for it: by offset; and the wish that a phone looks
through its own inbox again.

SMSGate's server keeps no inbox, and only passes that wish on. Refuses to know how it reaches a
phone.
"""

import msgspec

from textko_server.errors import Invalid
from textko_server.gateway.devices import Devices
from textko_server.gateway.events import Events, InboxExportWished
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_devices import SMSGATE_APP
from textko_server.model import Device, IncomingMessage, Principal
from textko_server.store import incoming as incoming_store
from textko_server.store import smsgate_inbox as store
from textko_server.store.database import Database


class Wanted(msgspec.Struct, frozen=True):
    device_id: str | None = None
    """Public; None: any."""
    since: int | None = None
    """Unix ms; stored at this time or later."""
    before: int | None = None
    """Unix ms; stored earlier than this."""


class Export(msgspec.Struct, frozen=True):
    """Which part of their inboxes phones are to tell again."""

    since: int
    until: int
    message_types: tuple[str, ...] = ()
    """Empty: as the phone sees fit."""
    triggers_webhooks: bool = True
    webhook_delivery: str | None = None


class SmsgateInbox:
    def __init__(
        self, db: Database, events: Events, public_ids: PublicIds, devices: Devices
    ) -> None:
        self._db = db
        self._events = events
        self._public_ids = public_ids
        self._devices = devices

    async def list_page(
        self, principal: Principal, wanted: Wanted, *, offset: int, limit: int
    ) -> tuple[list[IncomingMessage], int]:
        """A page, newest first, and how many there are, counted up to 20,000."""
        span = store.Wanted(principal.user_id)
        if wanted.device_id is not None:
            devices = await self._named(principal, wanted.device_id)
            if not devices:
                return [], 0
            span = msgspec.structs.replace(span, device_id=devices[0].id)
        if wanted.since is not None:
            first = await incoming_store.first_key_since(self._db, wanted.since)
            span = msgspec.structs.replace(span, from_id=first)
        if wanted.before is not None:
            end = await incoming_store.first_key_since(self._db, wanted.before)
            span = msgspec.structs.replace(span, before_id=end)
        page = await store.list_page(self._db, span, offset=offset, limit=limit)
        return page, await store.count(self._db, span)

    async def wish_export(self, principal: Principal, device_id: str | None, export: Export) -> int:
        """Have phones with SMSGate's app told; returns how many there are.

        A phone that has no connection open now is not told later.

        Raises:
            Invalid: the time span ends before it begins, or there is no such device.
        """
        if export.until < export.since:
            raise Invalid("until", "must not be before since")
        devices = await self._named(principal, device_id)
        if device_id is not None and not devices:
            raise Invalid("deviceId", "names no device of this account")
        told = [device for device in devices if device.app_name == SMSGATE_APP]
        self._events.publish(
            [
                InboxExportWished(
                    device.user_id,
                    device.id,
                    export.since,
                    export.until,
                    export.message_types,
                    export.triggers_webhooks,
                    export.webhook_delivery,
                )
                for device in told
            ]
        )
        return len(told)

    async def _named(self, principal: Principal, device_id: str | None) -> list[Device]:
        devices = await self._devices.list_devices(principal, principal.user_id)
        if device_id is None:
            return devices
        key = self._public_ids.decode(Kind.DEVICE, device_id)
        return [device for device in devices if device.id == key]
