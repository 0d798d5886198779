"""The webhook loop: takes what is due, posts it, records the attempt and when the next is due.

A delivery stays due until its attempt is on record, so a crash repeats an attempt and never loses
one. What is in flight, how many at each host, and which hosts are slow is all it remembers; the
queue is the database, read in small pieces, and only for hosts that have room. Refuses to know
HTTP: `post` is given to it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable

import msgspec

from textko_server.clock import DAY_MS, MINUTE_MS, Clock
from textko_server.config import WebhookSettings
from textko_server.gateway.events import Event, Events, WebhookAttempted, WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.webhook_requests import sent_body, sent_headers
from textko_server.gateway.webhook_targets import host_of
from textko_server.model import WebhookAttempt, WebhookDelivery
from textko_server.store import webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction
from textko_server.store.webhook_deliveries import WaitingWebhook

log = logging.getLogger(__name__)

# After the n-th failed attempt the next is due so many minutes later; after the tenth none is.
RETRY_MINUTES = (3, 5, 30, 60, 360, 1_440, 4_320, 10_080, 43_200)
# A Retry-After beyond this is not believed.
MAX_RETRY_AFTER_MS = DAY_MS
# A host that does not answer, or answers no faster than this, gets one attempt at a time.
_SLOW_MS = 3_000
_TROUBLE_PAUSE_MS = 5_000
_STOP_GRACE_S = 1.0


class WebhookAnswer(msgspec.Struct, frozen=True):
    """What a receiver said."""

    status: int
    retry_after_s: int | None
    """Its Retry-After, if it sent one that can be understood."""
    answer_excerpt: str
    """The first 1,000 bytes of the body."""


class WebhookUnreachable(Exception):
    """No answer: refused, cut off, not resolved, too slow, or an address nothing is posted to."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Post = Callable[[str, dict[str, str], bytes], Awaitable[WebhookAnswer]]
"""URL, headers, body. Raises WebhookUnreachable. Must end by itself within the timeout."""


class WebhookLoop:
    """`run` once. At most `parallel_count` attempts at a time, `parallel_per_host_count` a host."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        events: Events,
        settings: WebhookSettings,
        public_ids: PublicIds,
        post: Post,
    ) -> None:
        self._db = db
        self._clock = clock
        self._events = events
        self._settings = settings
        self._public_ids = public_ids
        self._post = post
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._attempts: set[asyncio.Task[None]] = set()
        self._host_in_flight: dict[int, str] = {}
        self._recorded: set[int] = set()
        """Deliveries recorded since this round began to read: what it reads of them is old."""
        self._slow_hosts: set[str] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Deliver until `stopping` is set, then give open attempts a second to end.

        One that is cut off stays due and is repeated after the next start.
        """
        self._stopping = stopping
        stop_listening = self._events.listen(self._on_event, WebhookDue)
        stop_watch = asyncio.create_task(self._wake_when_stopping())
        try:
            while not stopping.is_set():
                self._wake.clear()
                soonest_at = await self._start_due_or_pause()
                await self._clock.sleep_until(soonest_at, self._wake)
        finally:
            stop_listening()
            stop_watch.cancel()
            await self._end_attempts()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, WebhookDue):
            self._wake.set()

    async def _wake_when_stopping(self) -> None:
        await self._stopping.wait()
        self._wake.set()

    async def _end_attempts(self) -> None:
        if self._attempts:
            await asyncio.wait(self._attempts, timeout=_STOP_GRACE_S)
        for attempt in self._attempts:
            attempt.cancel()
        await asyncio.gather(*self._attempts, return_exceptions=True)

    # --- choosing ---

    async def _start_due_or_pause(self) -> int:
        try:
            return await self._start_due()
        except Exception:
            log.exception("webhook_round_failed")
            return self._clock.now_ms() + _TROUBLE_PAUSE_MS

    async def _start_due(self) -> int:
        """Start what is due and has room; return when to look again unless woken.

        What is due and has no room needs no time: the attempt that ends and makes room wakes us.
        """
        now_ms = self._clock.now_ms()
        soonest_at = now_ms + DAY_MS
        self._recorded.clear()
        if len(self._host_in_flight) >= self._settings.parallel_count:
            return soonest_at
        waiting = await webhook_deliveries.list_waiting(self._db)
        self._slow_hosts.intersection_update([host_of(w.url) for w in waiting])
        for webhook in waiting:
            if webhook.soonest_at > now_ms:
                return min(soonest_at, webhook.soonest_at)
            await self._start_due_of(webhook, now_ms)
        return soonest_at

    async def _start_due_of(self, webhook: WaitingWebhook, now_ms: int) -> None:
        host = host_of(webhook.url)
        room_count = self._room_count(host)
        if room_count == 0:
            return
        # What is in flight at this host is still due in the database and may come first.
        limit = room_count + self._settings.parallel_per_host_count
        due = await webhook_deliveries.list_due(
            self._db, webhook.webhook_id, now_ms=now_ms, limit=limit
        )
        for delivery in due:
            if delivery.id in self._host_in_flight or delivery.id in self._recorded:
                continue
            if self._room_count(host) == 0:
                return
            self._host_in_flight[delivery.id] = host
            attempt = asyncio.create_task(self._attempt(webhook, delivery))
            self._attempts.add(attempt)
            attempt.add_done_callback(self._attempts.discard)

    def _room_count(self, host: str) -> int:
        """How many more attempts may start at this host.

        Slow hosts get one each, and half of all attempts between them: however many receivers
        hang, the others have the other half.
        """
        all_count = self._settings.parallel_count
        in_flight = Counter(self._host_in_flight.values())
        room_count = all_count - in_flight.total()
        if host in self._slow_hosts:
            slow_count = sum(n for h, n in in_flight.items() if h in self._slow_hosts)
            room_count = min(room_count, max(1, all_count // 2) - slow_count, 1 - in_flight[host])
        else:
            per_host_count = self._settings.parallel_per_host_count
            room_count = min(room_count, per_host_count - in_flight[host])
        return max(0, room_count)

    # --- one attempt ---

    async def _attempt(self, webhook: WaitingWebhook, delivery: WebhookDelivery) -> None:
        host = self._host_in_flight[delivery.id]
        started_at = self._clock.now_ms()
        answer, error = None, None
        try:
            body = sent_body(webhook.format, delivery.body, webhook.secret)
            public_id = self._public_ids.encode(Kind.DELIVERY, delivery.id, delivery.created_at)
            headers = sent_headers(
                webhook.format, webhook.secret, delivery_id=public_id, at=started_at, body=body
            )
            try:
                answer = await self._post(webhook.url, headers, body)
            except WebhookUnreachable as unreachable:
                error = unreachable.reason
            except Exception:
                # A receiver must not be able to stop the loop by what it makes our client raise.
                log.exception("webhook_attempt_broke", extra={"delivery_id": delivery.id})
                error = "internal error, see the server's log"
            duration_ms = max(0, self._clock.now_ms() - started_at)
            if answer is None or duration_ms >= _SLOW_MS:
                self._slow_hosts.add(host)
            else:
                self._slow_hosts.discard(host)
            await self._record(delivery, started_at, duration_ms, answer, error)
        finally:
            self._recorded.add(delivery.id)
            del self._host_in_flight[delivery.id]
            self._wake.set()

    async def _record(
        self,
        delivery: WebhookDelivery,
        at: int,
        duration_ms: int,
        answer: WebhookAnswer | None,
        error: str | None,
    ) -> None:
        """Put the attempt on record, trying until the database takes it or the server stops.

        Letting go before that would post the same delivery again at once, and again.
        """

        def write(tx: Transaction) -> None:
            _record_attempt(tx, delivery, at, duration_ms, answer, error)

        while True:
            try:
                await self._db.write(write)
            except Exception:
                log.exception("webhook_attempt_not_recorded", extra={"delivery_id": delivery.id})
            else:
                return
            if self._stopping.is_set():
                return
            pause_ends_at = self._clock.now_ms() + _TROUBLE_PAUSE_MS
            await self._clock.sleep_until(pause_ends_at, self._stopping)


def _record_attempt(
    tx: Transaction,
    delivery: WebhookDelivery,
    at: int,
    duration_ms: int,
    answer: WebhookAnswer | None,
    error: str | None,
) -> None:
    counts = webhook_deliveries.find_attempt_counts(tx, delivery.id)
    if counts is None:
        return  # deleted meanwhile
    number = counts[0] + 1
    ended_at = at + duration_ms
    is_success = answer is not None and 200 <= answer.status < 300
    if is_success:
        state, next_at = "delivered", None
    else:
        next_at = next_attempt_at(number - counts[1], ended_at, answer)
        state = "failed" if next_at is None else "pending"
    status = None if answer is None else answer.status
    webhook_deliveries.record_attempt(
        tx,
        delivery.id,
        WebhookAttempt(
            number=number,
            at=at,
            duration_ms=duration_ms,
            status=status,
            error=error,
            answer=None if answer is None else answer.answer_excerpt,
        ),
        state=state,
        next_attempt_at=next_at,
        ended_at=ended_at if next_at is None else None,
    )
    webhooks.count_attempt(tx, delivery.webhook_id, is_success=is_success, at=at)
    if status == 410:
        reason = "the receiver answered 410 Gone"
        webhooks.disable(tx, delivery.webhook_id, reason=reason, now_ms=ended_at)
    tx.after_commit(
        WebhookAttempted(
            user_id=delivery.user_id,
            webhook_id=delivery.webhook_id,
            delivery_id=delivery.id,
            created_at=delivery.created_at,
            number=number,
            state=state,
            status=status,
            at=at,
        )
    )


def next_attempt_at(failed_count: int, failed_at: int, answer: WebhookAnswer | None) -> int | None:
    """When to try again after the `failed_count`-th failure of a run; None: give up.

    A busy receiver (429, 503) may ask for later than the schedule, never for sooner.
    """
    if failed_count > len(RETRY_MINUTES):
        return None
    wait_ms = RETRY_MINUTES[failed_count - 1] * MINUTE_MS
    if answer is not None and answer.status in (429, 503) and answer.retry_after_s is not None:
        wait_ms = max(wait_ms, min(answer.retry_after_s * 1000, MAX_RETRY_AFTER_MS))
    return failed_at + wait_ms
