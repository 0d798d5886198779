"""What needs a hand, worst first: work that waits for a phone that is away, webhooks that fail,
accounts that run dry, a full disk; and the first steps of a new installation.

Looked up when it is asked for; nothing is remembered. Refuses to know how any of it is shown.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS, Clock, month_of
from textko_server.errors import Unavailable
from textko_server.gateway.accounts import Accounts
from textko_server.gateway.api_keys import ApiKeys
from textko_server.gateway.backups import Backups
from textko_server.gateway.certificate_troubles import list_troubles
from textko_server.gateway.certificates import Certificates
from textko_server.gateway.devices import Devices
from textko_server.gateway.message_search import MessageSearch, Wanted
from textko_server.gateway.phone_alerts import is_battery_low
from textko_server.gateway.refusals import Refusals
from textko_server.gateway.webhooks import Webhooks
from textko_server.model import Device, Message, Principal, State, Webhook
from textko_server.store import attention as store
from textko_server.store.attention import ShortAccount, WaitingLane
from textko_server.store.database import Database

MAX_CONCERNS_COUNT = 100
QUEUE_OLD_MS = 15 * MINUTE_MS
SILENT_MS = DAY_MS
BACKUP_LATE_MS = HOUR_MS
ENDS_SOON_MS = 7 * DAY_MS
LOW_DISK_BYTES = 1_000_000_000
FULL_DISK_BYTES = 200_000_000
# Of those failed lately: a thousand recipients each would be too many to look at.
_MAX_FAILED_COUNT = 200
_MAX_FAILED_RECIPIENTS_COUNT = 5_000
_MAX_WEBHOOKS_COUNT = 1_000
_MAX_DELIVERIES_COUNT = 1_000

Severity = Literal["error", "warning", "info"]
_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


class Concern(msgspec.Struct, frozen=True):
    severity: Severity
    code: str
    text: str
    """In plain words, without times."""
    user_id: int | None = None
    device: Device | None = None
    webhook: Webhook | None = None
    count: int | None = None
    since: int | None = None


class Attention:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        backups: Backups,
        certificates: Certificates,
        accounts: Accounts,
        api_keys: ApiKeys,
        devices: Devices,
        webhooks: Webhooks,
        message_search: MessageSearch,
        refusals: Refusals,
        *,
        low_credits: int,
    ) -> None:
        """`low_credits`: an account below it is told of."""
        self._db = db
        self._clock = clock
        self._backups = backups
        self._certificates = certificates
        self._accounts = accounts
        self._api_keys = api_keys
        self._devices = devices
        self._webhooks = webhooks
        self._message_search = message_search
        self._refusals = refusals
        self._low_credits = low_credits

    async def list_concerns(
        self, principal: Principal, user_id: int | None = None
    ) -> list[Concern]:
        """Of one account, or (None, for admins) of all and of the server itself."""
        if not principal.is_admin:
            user_id = principal.user_id
        now_ms = self._clock.now_ms()
        devices = await self._devices.list_devices(principal, user_id)
        concerns = [
            *await self._of_queue(devices, user_id, now_ms),
            *self._of_devices(devices, now_ms),
            *self._of_hindrances(devices, user_id),
            *await self._of_accounts(user_id, now_ms),
            *await self._of_webhooks(user_id),
            *await self._of_failures(principal, user_id, now_ms),
            *(await self._of_disk() if user_id is None else ()),
            *(await self._of_backups(now_ms) if user_id is None else ()),
            *(self._of_certificate(now_ms) if user_id is None else ()),
            *await self._first_steps(principal, user_id, has_device=bool(devices)),
        ]
        # Of a phone that texts wait for, that is enough said.
        waited_for = {c.device.id for c in concerns if c.code == "device_offline" and c.device}
        concerns = [c for c in concerns if not _is_silent_one_of(c, waited_for)]
        concerns.sort(key=lambda concern: _ORDER[concern.severity])
        return concerns[:MAX_CONCERNS_COUNT]

    # --- the queue ---

    async def _of_queue(
        self, devices: list[Device], user_id: int | None, now_ms: int
    ) -> list[Concern]:
        by_key = {device.id: device for device in devices}
        of_device: dict[int, list[WaitingLane]] = {}
        of_account: dict[int, list[WaitingLane]] = {}
        for lane in await store.waiting_by_lane(self._db):
            if user_id is not None and lane.user_id != user_id:
                continue
            if lane.device_id in by_key:
                of_device.setdefault(by_key[lane.device_id].id, []).append(lane)
            else:
                of_account.setdefault(lane.user_id, []).append(lane)
        concerns = [
            self._of_device_queue(by_key[key], lanes, now_ms) for key, lanes in of_device.items()
        ]
        for owner, lanes in of_account.items():
            own = [device for device in devices if device.user_id == owner]
            concerns.append(self._of_open_queue(owner, own, lanes, now_ms))
        return [concern for concern in concerns if concern is not None]

    def _of_device_queue(
        self, device: Device, lanes: list[WaitingLane], now_ms: int
    ) -> Concern | None:
        count, oldest_at = sum(lane.count for lane in lanes), min(lane.oldest_at for lane in lanes)
        about = f"{_texts(count, 'wait')} for {device.name}"
        if not device.is_enabled:
            return Concern(
                "error", "device_disabled", f"{about}, which is switched off",
                device.user_id, device, count=count, since=oldest_at,
            )  # fmt: skip
        if not self._devices.is_online(device):
            return Concern(
                "error", "device_offline", f"{about}, which is offline", device.user_id, device,
                count=count, since=self._devices.last_seen_at(device) or device.created_at,
            )  # fmt: skip
        if oldest_at > now_ms - QUEUE_OLD_MS:
            return None
        return Concern(
            "warning", "queue_slow", f"{about}, the oldest for over 15 minutes",
            device.user_id, device, count=count, since=oldest_at,
        )  # fmt: skip

    def _of_open_queue(
        self, user_id: int, devices: list[Device], lanes: list[WaitingLane], now_ms: int
    ) -> Concern | None:
        """Of what any phone of the account may send."""
        count, oldest_at = sum(lane.count for lane in lanes), min(lane.oldest_at for lane in lanes)
        about = f"{_texts(count, 'wait')} for any phone"
        enabled = [device for device in devices if device.is_enabled]
        if not devices:
            code, why = "no_phone", "and none is paired"
        elif not enabled:
            code, why = "no_phone", "and all are switched off"
        elif not any(map(self._devices.is_online, enabled)):
            code, why = "no_phone_online", "and none is online"
            oldest_at = max(self._devices.last_seen_at(d) or d.created_at for d in enabled)
        elif oldest_at <= now_ms - QUEUE_OLD_MS:
            text = f"{about}, the oldest for over 15 minutes"
            return Concern("warning", "queue_slow", text, user_id, count=count, since=oldest_at)
        else:
            return None
        return Concern("error", code, f"{about}, {why}", user_id, count=count, since=oldest_at)

    # --- phones, webhooks, accounts ---

    def _of_devices(self, devices: list[Device], now_ms: int) -> Iterable[Concern]:
        for device in devices:
            if not device.is_enabled:
                continue
            if not self._devices.is_online(device):
                seen_at = self._devices.last_seen_at(device) or device.created_at
                if seen_at <= now_ms - SILENT_MS:
                    text = f"{device.name} has been silent for over a day"
                    yield Concern(
                        "warning", "device_silent", text, device.user_id, device, since=seen_at
                    )
            elif is_battery_low(device.battery_percent, device.is_charging):
                percent = device.battery_percent
                text = f"{device.name} has {percent} % of battery left and is not charging"
                yield Concern("warning", "battery_low", text, device.user_id, device, count=percent)

    def _of_hindrances(self, devices: list[Device], user_id: int | None) -> Iterable[Concern]:
        by_key = {device.id: device for device in devices}
        for hindrance in self._refusals.list_hindrances(user_id):
            device = by_key.get(hindrance.phone.device_id or 0)
            if device is not None:
                text = f"{device.name}: {hindrance.reason}"
                yield Concern(
                    "warning", "phone_hindered", text, device.user_id, device,
                    since=hindrance.first_at,
                )  # fmt: skip

    async def _of_webhooks(self, user_id: int | None) -> list[Concern]:
        webhooks: list[Webhook] = []
        page = await self._webhooks.list_webhooks(user_id)
        while page and len(webhooks) < _MAX_WEBHOOKS_COUNT:
            webhooks += page
            page = await self._webhooks.list_webhooks(user_id, before_id=page[-1].id)
        counts = await store.failed_deliveries(
            self._db, [webhook.id for webhook in webhooks], _MAX_DELIVERIES_COUNT
        )
        return [c for w in webhooks for c in _of_webhook(w, counts.get(w.id, 0))]

    async def _of_accounts(self, user_id: int | None, now_ms: int) -> list[Concern]:
        accounts = await store.short_accounts(
            self._db,
            user_id,
            month=month_of(now_ms),
            low_credits=max(1, self._low_credits),
            ends_before=now_ms + ENDS_SOON_MS,
            limit=MAX_CONCERNS_COUNT,
        )
        return [c for a in accounts for c in _of_account(a, now_ms, self._low_credits)]

    async def _of_failures(
        self, principal: Principal, user_id: int | None, now_ms: int
    ) -> list[Concern]:
        """By their reasons, of the newest messages that failed."""
        wanted = Wanted(user_id=user_id, states=frozenset({State.FAILED}))
        page = await self._message_search.list_page(principal, wanted, limit=_MAX_FAILED_COUNT)
        lately = [m for m in page.messages if m.updated_at >= now_ms - HOUR_MS]
        failures = await store.recent_failures(self._db, _affordable(lately), now_ms - HOUR_MS)
        return [
            Concern(
                "warning", "failures",
                f"{_texts(f.count, 'failed')} in the last hour: {f.error or f.error_code}",
                user_id, count=f.count, since=f.first_at,
            )
            for f in failures
        ]  # fmt: skip

    # --- the server ---

    async def _of_disk(self) -> list[Concern]:
        free_bytes = await self._db.free_bytes()
        if free_bytes >= LOW_DISK_BYTES:
            return []
        severity: Severity = "error" if free_bytes < FULL_DISK_BYTES else "warning"
        text = f"{free_bytes // 1_000_000} MB are left on the disk of the database"
        return [Concern(severity, "disk_low", text)]

    async def _of_backups(self, now_ms: int) -> list[Concern]:
        failure = self._backups.last_failure
        if failure is not None:
            text = f"The last backup failed: {failure.reason}"
            return [Concern("error", "backup_failed", text, since=failure.at)]
        try:
            due_at = await self._backups.next_at()
        except Unavailable as error:
            return [Concern("error", "backup_failed", f"No backup can be made: {error.message}")]
        if due_at is None or due_at + BACKUP_LATE_MS > now_ms:
            return []
        since = await self._backups.last_at()
        text = "No backup was made when one was due"
        return [Concern("warning", "backup_late", text, since=since)]

    def _of_certificate(self, now_ms: int) -> Iterable[Concern]:
        for trouble in list_troubles(self._certificates.state(), now_ms):
            severity: Severity = "error" if trouble.is_grave else "warning"
            yield Concern(severity, trouble.code, trouble.text, since=trouble.since)

    async def _first_steps(
        self, principal: Principal, user_id: int | None, *, has_device: bool
    ) -> list[Concern]:
        steps = []
        if user_id is None and not await self._accounts.has_admin():
            steps.append(("no_admin", "There is no admin yet"))
        if not has_device:
            steps.append(("no_device", "No phone is paired yet"))
        if not await self._api_keys.list_page(user_id, 0, 1):
            steps.append(("no_key", "There is no API key yet"))
        sent = await self._message_search.list_page(principal, Wanted(user_id=user_id), limit=1)
        if not sent.messages:
            steps.append(("no_message", "No text has been sent yet"))
        return [Concern("info", code, text, user_id) for code, text in steps]


def _is_silent_one_of(concern: Concern, device_ids: set[int]) -> bool:
    is_silent = concern.code == "device_silent"
    return is_silent and concern.device is not None and concern.device.id in device_ids


def _of_webhook(webhook: Webhook, failed_count: int) -> Iterable[Concern]:
    owner = webhook.user_id
    name = webhook.name or webhook.url
    if not webhook.is_enabled:
        if webhook.disabled_reason is not None:
            text = f"{name} was switched off: {webhook.disabled_reason}"
            yield Concern(
                "error", "webhook_disabled", text, owner, webhook=webhook,
                since=webhook.last_failure_at,
            )  # fmt: skip
        return
    if (webhook.last_failure_at or 0) > (webhook.last_success_at or 0):
        text = f"{name} did not take the last delivery"
        yield Concern(
            "warning", "webhook_failing", text, owner, webhook=webhook,
            since=webhook.last_success_at or webhook.created_at,
        )  # fmt: skip
    if failed_count:
        word = "delivery" if failed_count == 1 else "deliveries"
        text = f"{failed_count} {word} to {name} were given up"
        if failed_count == 1:
            text = f"1 delivery to {name} was given up"
        yield Concern(
            "warning", "deliveries_failed", text, owner, webhook=webhook, count=failed_count
        )


def _of_account(account: ShortAccount, now_ms: int, low_credits: int) -> Iterable[Concern]:
    who, key, ends_at = account.email, account.user_id, account.subscription_ends_at
    if ends_at is not None and ends_at <= now_ms:
        text = f"The subscription of {who} has ended"
        yield Concern("error", "subscription_ended", text, key, since=ends_at)
    elif ends_at is not None and ends_at <= now_ms + ENDS_SOON_MS:
        yield Concern("info", "subscription_ending", f"The subscription of {who} ends soon", key)
    if account.monthly_limit is not None and account.used >= account.monthly_limit:
        text = f"{who} has used up this month's {account.monthly_limit} messages"
        yield Concern("error", "limit_reached", text, key, count=account.used)
    if account.credits is not None and account.credits <= 0:
        yield Concern("error", "credits_out", f"{who} has no credits left", key, count=0)
    elif account.credits is not None and account.credits < low_credits:
        left = "1 credit" if account.credits == 1 else f"{account.credits} credits"
        yield Concern(
            "warning", "credits_low", f"{who} has {left} left", key, count=account.credits
        )


def _affordable(messages: list[Message]) -> list[int]:
    """Keys of so many of them as have no more recipients than can be looked at."""
    keys: list[int] = []
    room_count = _MAX_FAILED_RECIPIENTS_COUNT
    for message in messages:
        room_count -= message.recipient_count
        if room_count < 0:
            break
        keys.append(message.id)
    return keys


def _texts(count: int, verb: str) -> str:
    """`1 text waits`, `3 texts wait`; a verb of the past stays as it is."""
    if count == 1:
        return f"1 text {verb if verb.endswith('ed') else verb + 's'}"
    return f"{count} texts {verb}"
