"""Tells webhooks of phones that stay away, that are back, and whose battery runs low.

A phone counts as away after `webhooks.phone_offline_after_s` of silence, so that one that changes
its network is told of to nobody. Which phones were told of as away is stored together with what is
owed for it: a restart neither repeats nor forgets it. Refuses to know what webhooks are sent.
"""

import logging
from collections.abc import Iterable

import msgspec

from textko_server.clock import HOUR_MS, Clock
from textko_server.errors import Unavailable
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.model import Device
from textko_server.store import devices as device_store
from textko_server.store import secrets as secret_store
from textko_server.store.database import Database, Transaction

log = logging.getLogger(__name__)

LOW_BATTERY_PERCENT = 20
# One write's share, so that a network that fails ten thousand phones does not hold up others.
_BATCH_COUNT = 500


class Batteries(msgspec.Struct, frozen=True):
    lowest_percent: int | None
    """None: nobody said."""
    low_count: int


class PhoneAlerts:
    def __init__(
        self, db: Database, clock: Clock, outbox: WebhookOutbox, *, offline_after_s: int
    ) -> None:
        """`offline_after_s`: 0 tells of no phone's absence."""
        self._db = db
        self._clock = clock
        self._outbox = outbox
        self._after_ms = offline_after_s * 1000
        self._away: dict[int, int] = {}
        """Phones that are offline and were not told of: when they are to be."""
        self._told: set[int] = set()
        """Those that were told of as away."""
        self._back: set[int] = set()
        """Of them those that came back, which is still to be told."""

    @property
    def away_count(self) -> int:
        """Phones that were told of as away and are not back."""
        return len(self._told - self._back)

    async def batteries(self) -> Batteries:
        """Of phones heard of within the last hour: what older ones said is no longer so."""
        since = self._clock.now_ms() - HOUR_MS
        found = await device_store.batteries(self._db, low_percent=LOW_BATTERY_PERCENT, since=since)
        return Batteries(*found)

    async def start(self, paired: Iterable[int]) -> None:
        """`paired`: every phone there is; none could come while the server was down."""
        known = set(paired)
        self._told = known & set(await secret_store.read_phones_away(self._db))
        told_at = self._clock.now_ms() + self._after_ms
        self._away = dict.fromkeys(known - self._told, told_at)

    def on_event(self, event: DeviceChanged) -> None:
        """Listens to the bus."""
        device_id = event.device_id
        if event.what == "online":
            self._away.pop(device_id, None)
            if device_id in self._told:
                self._back.add(device_id)
        elif event.what == "offline":
            if device_id in self._back:
                self._back.discard(device_id)
            else:
                self._away[device_id] = event.seen_at + self._after_ms
        elif event.what == "paired" and event.pairing_id:
            self._away.setdefault(device_id, event.at + self._after_ms)
        elif event.what == "deleted":
            self._away.pop(device_id, None)
            self._told.discard(device_id)
            self._back.discard(device_id)

    async def tell(self) -> None:
        """Owe what is due by now to whoever asked for it. Called every few seconds."""
        if not self._after_ms:
            return
        now_ms = self._clock.now_ms()
        away = [device_id for device_id, at in self._away.items() if at <= now_ms][:_BATCH_COUNT]
        back = list(self._back)[:_BATCH_COUNT]
        if not away and not back:
            return
        # Before the write: what happens meanwhile is to follow from it.
        self._take(away, back)
        try:
            await self._db.write(lambda tx: self._owe(tx, away, back, now_ms))
        except Unavailable as error:
            log.warning("phone_alerts_not_written", extra={"reason": error.message})
            self._put_back(away, back, now_ms)

    def _take(self, away: list[int], back: list[int]) -> None:
        self._told.difference_update(back)
        self._back.difference_update(back)
        self._told.update(away)
        for device_id in away:
            del self._away[device_id]

    def _put_back(self, away: list[int], back: list[int], now_ms: int) -> None:
        """Nothing was written: what was taken is as it was, or what has become of it since."""
        for device_id in away:
            if device_id in self._told:
                self._told.discard(device_id)
                if device_id in self._back:
                    self._back.discard(device_id)
                else:
                    self._away[device_id] = now_ms
        for device_id in back:
            self._told.add(device_id)
            if self._away.pop(device_id, None) is None:
                self._back.add(device_id)

    def _owe(self, tx: Transaction, away: list[int], back: list[int], now_ms: int) -> None:
        phones_away = secret_store.phones_away(tx)
        for device_id in away:
            device = device_store.find_in(tx, device_id)
            if device is not None:
                last_seen_at = device.last_seen_at or device.created_at
                phones_away[device_id] = last_seen_at
                event = WebhookEvent.PHONE_OFFLINE
                self._outbox.record_phone(tx, event, device, last_seen_at, now_ms=now_ms)
        for device_id in back:
            seen_at = phones_away.pop(device_id, None)
            device = device_store.find_in(tx, device_id)
            if device is not None and seen_at is not None:
                event = WebhookEvent.PHONE_ONLINE
                self._outbox.record_phone(tx, event, device, seen_at, now_ms=now_ms)
        secret_store.set_phones_away(tx, phones_away)

    def record_status(
        self,
        tx: Transaction,
        before: Device,
        *,
        battery_percent: int | None,
        is_charging: bool | None,
        now_ms: int,
    ) -> None:
        """Owe a battery that has just become low. None: unchanged.

        `before`: the phone as it was before it told this.
        """
        percent = before.battery_percent if battery_percent is None else battery_percent
        charging = before.is_charging if is_charging is None else is_charging
        was_low = is_battery_low(before.battery_percent, before.is_charging)
        if was_low or not is_battery_low(percent, charging):
            return
        now = device_store.find_in(tx, before.id)
        if now is not None:
            event = WebhookEvent.PHONE_BATTERY_LOW
            self._outbox.record_phone(tx, event, now, now_ms, now_ms=now_ms)


def is_battery_low(percent: int | None, is_charging: bool | None) -> bool:
    """Of a phone that says it is not charging; one that says nothing is no reason to run."""
    return percent is not None and percent <= LOW_BATTERY_PERCENT and is_charging is False
