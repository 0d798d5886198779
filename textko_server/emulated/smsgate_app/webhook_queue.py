"""The webhooks that the phone sends by itself, past the server: who wants what, and what is owed.

By reading of `WebHooksService`, `WebhookQueueProcessorWorker` and `PayloadSingingPlugin`. The
server's list replaces the phone's whole; one event name that this version does not know breaks all
of it. What is owed is a row on the disk, posted one after another, twenty to a round; anything but
2xx is tried again after 5 s, 10 s, 20 s … as often as the settings say. A post that the app was
killed in waits for five minutes and for the next time that the queue is worked on. Refuses to know
where events come from.
"""

import hmac
from enum import Enum
from hashlib import sha256
from typing import Any

import aiohttp
import msgspec

from textko_server.emulated.smsgate_app import gson
from textko_server.emulated.smsgate_app.account import Account
from textko_server.emulated.smsgate_app.api import Api
from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.faults import AppFault, JsonFault
from textko_server.emulated.smsgate_app.network import Network
from textko_server.emulated.smsgate_app.options import AppOptions
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.preferences import Preferences, nano_id
from textko_server.emulated.smsgate_app.steps import Step, Steps
from textko_server.emulated.smsgate_app.work import Outcome, Work, Worker, WorkManager

LIST_WORKER = "WebhooksUpdateWorker"
QUEUE_WORKER = "WebhookQueueProcessorWorker"
_DAY_MS = 24 * 60 * 60 * 1_000
_LIMITS = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=5)
_ROUND_COUNT = 20
_BACKOFF_MS = 5_000
_STUCK_AFTER_MS = 5 * 60 * 1_000
_KEPT_MS = 7 * _DAY_MS


class WebhookEvent(Enum):
    SMS_RECEIVED = "sms:received"
    SMS_SENT = "sms:sent"
    SMS_DELIVERED = "sms:delivered"
    SMS_FAILED = "sms:failed"
    SYSTEM_PING = "system:ping"
    SMS_DATA_RECEIVED = "sms:data-received"
    MMS_RECEIVED = "mms:received"
    MMS_DOWNLOADED = "mms:downloaded"
    APP_STARTED = "app:started"
    SMS_CANCELLED = "sms:cancelled"
    """From 1.67 on."""


class Webhook(msgspec.Struct, frozen=True):
    id: str
    url: str
    event: WebhookEvent


class Status(Enum):
    PENDING = "pending"
    PROCESSING = "processing"
    FAILED = "failed"
    COMPLETED = "completed"
    GIVEN_UP = "permanently_failed"


class Owed(msgspec.Struct, frozen=True):
    url: str
    body: bytes
    created_at: int
    next_at: int
    status: Status = Status.PENDING
    retries_count: int = 0


class WebhookQueue:
    def __init__(
        self,
        api: Api,
        network: Network,
        account: Account,
        preferences: Preferences,
        webhooks: Table[list[Webhook]],
        queue: Table[Owed],
        works: WorkManager,
        time: PhoneTime,
        options: AppOptions,
        steps: Steps,
    ) -> None:
        self._api = api
        self._network = network
        self._account = account
        self._preferences = preferences
        self._webhooks = webhooks
        self._queue = queue
        self._works = works
        self._time = time
        self._agent = options.agent
        self._knows_cancel = options.knows_cancel
        self._copies_count = 2 if options.mischief.duplicate_webhooks else 1
        self._steps = steps
        works.define(LIST_WORKER, Worker(self._sync, period_ms=_DAY_MS))
        works.define(
            QUEUE_WORKER,
            Worker(
                self._work_off,
                needs_network=preferences.needs_internet_for_webhooks,
                first_backoff_ms=_BACKOFF_MS,
                is_linear=True,
            ),
        )

    @property
    def webhooks(self) -> list[Webhook]:
        return self._webhooks.rows.get("cloud", [])

    @property
    def owed_count(self) -> int:
        """Not posted yet, and not given up."""
        done = (Status.COMPLETED, Status.GIVEN_UP)
        return sum(owed.status not in done for owed in self._queue.rows.values())

    def start(self) -> None:
        self._works.enqueue_unique(QUEUE_WORKER, keep=True)

    def refresh(self) -> None:
        """Ask for the list now, and every day from now on."""
        self._works.enqueue_unique(LIST_WORKER)

    def emit(self, event: WebhookEvent, payload: dict[str, Any]) -> None:
        """Owe the event to every webhook that wants it."""
        device = self._account.registration
        if device is None:
            return
        for webhook in self.webhooks:
            for _ in range(self._copies_count if webhook.event is event else 0):
                envelope = {
                    "id": nano_id(),
                    "webhookId": webhook.id,
                    "event": event.value,
                    "deviceId": device.id,
                    "payload": payload,
                }
                now_ms = self._time.now_ms()
                owed = Owed(webhook.url, gson.dump(envelope), now_ms, now_ms)
                self._queue.put(nano_id(), owed)
                self._steps(Step.QUEUED, event.value)
                self._works.enqueue_unique(QUEUE_WORKER, keep=True)

    async def _sync(self, _work: Work) -> Outcome:
        device = self._account.registration
        try:
            rows = [] if device is None else await self._api.webhooks(device)
            self._webhooks.put("cloud", [self._webhook(row) for row in rows])
        except AppFault as fault:
            self._steps(Step.FAULT, f"webhooks: {fault}")
            return Outcome.RETRY
        return Outcome.SUCCESS

    def _webhook(self, row: Any) -> Webhook:
        event = gson.word(row, "event", WebhookEvent)
        if event is None or (event is WebhookEvent.SMS_CANCELLED and not self._knows_cancel):
            raise JsonFault("event: null where a value is needed")
        return Webhook(gson.required_text(row, "id"), gson.required_text(row, "url"), event)

    async def _work_off(self, _work: Work) -> Outcome:
        while True:
            if not await self._round():
                await self._time.sleep(_BACKOFF_MS)
            open_states = (Status.PENDING, Status.FAILED)
            if all(owed.status not in open_states for owed in self._queue.rows.values()):
                break
        oldest_ms = self._time.now_ms() - self._time.span_ms(_KEPT_MS)
        for key, owed in list(self._queue.rows.items()):
            is_over = owed.status in (Status.COMPLETED, Status.GIVEN_UP)
            if is_over and owed.created_at < oldest_ms:
                self._queue.drop(key)
        return Outcome.SUCCESS

    async def _round(self) -> int:
        """How many were posted."""
        now_ms = self._time.now_ms()
        stuck_before = now_ms - self._time.span_ms(_STUCK_AFTER_MS)
        for key, owed in list(self._queue.rows.items()):
            if owed.status is Status.PROCESSING and owed.next_at < stuck_before:
                self._note(key, owed, Status.PENDING)
        due = sorted(
            (owed.next_at, key)
            for key, owed in self._queue.rows.items()
            if owed.status in (Status.PENDING, Status.FAILED) and owed.next_at <= now_ms
        )
        return sum([await self._post(key) for _, key in due[:_ROUND_COUNT]])

    async def _post(self, key: str) -> bool:
        owed = self._queue.rows[key]
        owed = self._note(key, owed, Status.PROCESSING)
        timestamp = str(self._time.now_ms() // 1_000)
        signing_key = self._preferences.signing_key.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": self._agent,
            "X-Timestamp": timestamp,
            "X-Signature": hmac.new(
                signing_key, owed.body + timestamp.encode(), sha256
            ).hexdigest(),
        }
        self._steps(Step.POSTING, owed.url)
        try:
            answer = await self._network.ask("POST", owed.url, headers, owed.body, _LIMITS)
        except AppFault as fault:
            self._steps(Step.FAULT, f"webhook: {fault}")
        else:
            if answer.is_success:
                self._steps(Step.POSTED, owed.url)
                self._note(key, owed, Status.COMPLETED)
                return True
            self._steps(Step.FAULT, f"webhook: answered {answer.status}")
        self._try_again(key, owed)
        return False

    def _try_again(self, key: str, owed: Owed) -> None:
        if owed.retries_count >= self._preferences.webhook_retries_count:
            self._note(key, owed, Status.GIVEN_UP)
            return
        wait_ms = _BACKOFF_MS * 2**owed.retries_count
        later = msgspec.structs.replace(
            owed, retries_count=owed.retries_count + 1, next_at=self._time.after_ms(wait_ms)
        )
        self._note(key, later, Status.FAILED)

    def _note(self, key: str, owed: Owed, status: Status) -> Owed:
        noted = msgspec.structs.replace(owed, status=status)
        self._queue.put(key, noted)
        return noted
