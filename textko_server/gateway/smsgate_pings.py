"""SMSGate's `system:ping`: tells webhooks how phones' batteries are, as often as the account's
`ping.interval_seconds` says.

There the app pings by itself; here a ping follows what a phone tells of its battery, whatever app
it has. Without that setting there is none, as with SMSGate. What was told when is kept in memory: a
restart tells once more. Refuses to know what a ping says.
"""

import logging

from textko_server.clock import Clock
from textko_server.errors import Unavailable
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.phone_alerts import is_battery_low
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.smsgate_settings import SettingsOfAccounts
from textko_server.gateway.webhook_formats import Format
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.store import devices as device_store
from textko_server.store import webhooks as webhook_store
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)


class SmsgatePings:
    def __init__(
        self, db: Database, clock: Clock, outbox: WebhookOutbox, settings: SettingsOfAccounts
    ) -> None:
        self._db = db
        self._clock = clock
        self._outbox = outbox
        self._settings = settings
        self._heard: dict[int, int] = {}
        """Phones that told of themselves since the last look: their accounts, by phone."""
        self._told_at: dict[int, int] = {}
        """Of phones with pings, so that it is no larger than they are many."""

    def on_event(self, event: DeviceChanged) -> None:
        """Listens to the bus."""
        if event.what == "status":
            self._heard[event.device_id] = event.user_id
        elif event.what == "deleted":
            self._heard.pop(event.device_id, None)
            self._told_at.pop(event.device_id, None)

    async def tell(self) -> None:
        """Owe what is due by now to whoever asked for it. Called every few seconds."""
        if not self._heard:
            return
        heard, self._heard = self._heard, {}
        try:
            due = await self._due(heard)
            if due:
                now_ms = self._clock.now_ms()
                await self._db.write(lambda tx: self._owe(tx, due, now_ms))
                self._told_at |= dict.fromkeys(due, now_ms)
        except Unavailable as error:
            log.warning("pings_not_written", extra={"reason": error.message})

    async def _due(self, heard: dict[int, int]) -> list[int]:
        asking = await webhook_store.list_users_told(self._db, Format.SMSGATE, SmsgateEvent.PING)
        now_ms = self._clock.now_ms()
        due = []
        for user_id in asking & set(heard.values()):
            interval_s = await self._settings.ping_interval_s(user_id)
            if interval_s is None:
                continue
            for device_id in (key for key, owner in heard.items() if owner == user_id):
                told_at = self._told_at.get(device_id)
                if told_at is None or now_ms - told_at >= interval_s * 1000:
                    due.append(device_id)
        return due

    def _owe(self, tx: Transaction, device_ids: list[int], now_ms: int) -> None:
        for device_id in device_ids:
            device = device_store.find_in(tx, device_id)
            if device is not None and device.battery_percent is not None:
                is_low = is_battery_low(device.battery_percent, device.is_charging)
                self._outbox.record_ping(tx, device, is_low=is_low, now_ms=now_ms)
