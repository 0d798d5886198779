"""The webhook loop against a real receiver: schedule, signatures, fairness, crashes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from tests.clocks import START_MS, FrozenClock
from tests.webhook_receiver import WAIT_LIMIT_S, WebhookReceiver
from tests.webhook_rows import add_user, delivery_states
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.config import StoreSettings, WebhookSettings
from textko_server.errors import Unavailable
from textko_server.gateway.events import Event, Events, WebhookAttempted
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.webhook_delivery import (
    Post,
    WebhookAnswer,
    WebhookLoop,
    WebhookUnreachable,
    next_attempt_at,
)
from textko_server.gateway.webhook_log import WebhookLog
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.gateway.webhooks import WebhookChanges, Webhooks
from textko_server.http.webhook_client import WebhookClient
from textko_server.model import IncomingMessage, Webhook
from textko_server.store.database import Database, Transaction

PUBLIC_IDS = PublicIds(b"a secret of this test installation")
NASTY_TEXT = 'He said "hi" \\ 👋🏽\n\t\x00\x1f\x7f </script> \u2028 ß'
SCHEDULE_MINUTES = [3, 5, 30, 60, 360, 1_440, 4_320, 10_080, 43_200]


class Engine:
    """The loop, its client and the services, over one database."""

    def __init__(self, db: Database, clock: FrozenClock, settings: WebhookSettings) -> None:
        self.db = db
        self.clock = clock
        self.settings = settings
        self.webhooks = Webhooks(db, clock, settings)
        self.outbox = WebhookOutbox(db, clock, PUBLIC_IDS)
        self.log = WebhookLog(db, clock, PUBLIC_IDS, self.webhooks)
        self.events = Events()
        self.attempted: list[WebhookAttempted] = []
        self._attempted = asyncio.Event()
        self._stopping = asyncio.Event()
        db.publish = self.events.publish
        self.events.listen(self._note)

    @asynccontextmanager
    async def running(self, post: Post | None = None) -> AsyncIterator["Engine"]:
        """The loop runs inside; it posts over HTTP unless told how else."""
        self._stopping = asyncio.Event()
        async with WebhookClient(self.settings, self.clock) as client:
            loop = WebhookLoop(
                self.db, self.clock, self.events, self.settings, PUBLIC_IDS, post or client.post
            )
            running = asyncio.create_task(loop.run(self._stopping))
            try:
                yield self
            finally:
                self._stopping.set()
                async with asyncio.timeout(WAIT_LIMIT_S):
                    await running

    async def wait_for_attempts(
        self, count: int, webhook: Webhook | None = None
    ) -> list[WebhookAttempted]:
        """The attempts on record so far, at `webhook` or any, once there are `count`."""

        def so_far() -> list[WebhookAttempted]:
            return [a for a in self.attempted if webhook is None or a.webhook_id == webhook.id]

        async with asyncio.timeout(WAIT_LIMIT_S):
            while len(so_far()) < count:
                self._attempted.clear()
                await self._attempted.wait()
        return so_far()

    async def receive(self, user_id: int, text: str = "hello") -> None:
        """An incoming message, as the inbox records it."""
        incoming = IncomingMessage(5, user_id, 3, 1, "+4930123", text, START_MS, START_MS)
        now_ms = self.clock.now_ms()
        await self.db.write(
            lambda tx: self.outbox.record_incoming(
                tx, now_ms=now_ms, user_id=user_id, incoming=incoming, device_created_at=START_MS
            )
        )

    async def subscribe(self, user_id: int, url: str, secret: str | None = None) -> Webhook:
        return await self.webhooks.create(
            user_id, url=url, events=["MESSAGE_RECEIVED"], secret=secret
        )

    def _note(self, event: Event) -> None:
        if isinstance(event, WebhookAttempted):
            self.attempted.append(event)
            self._attempted.set()


@pytest.fixture
def engine(db: Database, clock: FrozenClock) -> Engine:
    return Engine(db, clock, WebhookSettings(timeout_s=5.0))


@pytest.fixture
async def ada(db: Database) -> int:
    return await add_user(db, "ada@example.com")


async def add_due(db: Database, webhook: Webhook, count: int) -> None:
    def add(tx: Transaction) -> None:
        tx.executemany(
            "INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state,"
            " next_attempt_at, created_at) VALUES (?, ?, 'MESSAGE_RECEIVED', x'7b7d', 'pending',"
            " ?, ?)",
            [(webhook.id, webhook.user_id, START_MS - 1_000, START_MS)] * count,
        )

    await db.write(add)


@pytest.mark.parametrize("secret", [None, "a secret of the receiver's own, ü"])
async def test_failing_receiver_is_tried_ten_times_on_schedule_with_valid_signatures(
    engine: Engine, clock: FrozenClock, ada: int, secret: str | None
) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        receiver.answer(500, text="broken")
        webhook = await engine.subscribe(ada, receiver.url(), secret)
        await engine.receive(ada, NASTY_TEXT)
        await engine.wait_for_attempts(1)
        for number, minutes in enumerate(SCHEDULE_MINUTES, start=2):
            (pending,) = await engine.log.list_deliveries(ada)
            assert pending.next_attempt_at == clock.now_ms() + minutes * MINUTE_MS
            clock.advance(minutes * MINUTE_MS - 1)
            assert len(receiver.received) == number - 1
            clock.advance(1)
            await engine.wait_for_attempts(number)

    delivery, attempts = await engine.log.get_delivery(ada, engine.attempted[0].delivery_id)
    assert (delivery.state, delivery.attempt_count, delivery.next_attempt_at) == (
        "failed",
        10,
        None,
    )
    assert delivery.ended_at == clock.now_ms()
    assert [(a.number, a.status, a.answer) for a in attempts] == [
        (n, 500, "broken") for n in range(1, 11)
    ]
    assert len(receiver.received) == 10
    assert {w.body for w in receiver.received} == {delivery.body}
    assert all(w.is_signed_with(webhook.secret) for w in receiver.received)
    assert receiver.received[0].payload["message"] == NASTY_TEXT
    public_id = PUBLIC_IDS.encode(Kind.DELIVERY, delivery.id, delivery.created_at)
    assert {w.headers["webhook-id"] for w in receiver.received} == {public_id}
    assert receiver.received[0].payload["idempotencyKey"] == public_id
    assert [w.headers["webhook-timestamp"] for w in receiver.received] == [
        str(a.at // 1000) for a in attempts
    ]
    assert receiver.received[0].headers["user-agent"].startswith("textko/")
    assert receiver.received[0].headers["content-type"] == "application/json"
    counted = await engine.webhooks.get(ada, webhook.id)
    assert (counted.success_count, counted.failure_count) == (0, 10)
    assert counted.last_failure_at == clock.now_ms()


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
async def test_any_status_but_2xx_is_tried_again(engine: Engine, ada: int, status: int) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        receiver.answer(status)
        await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        (attempt,) = await engine.wait_for_attempts(1)
        receiver.answer(204)
        engine.clock.advance(3 * MINUTE_MS)
        await engine.wait_for_attempts(2)

    assert (attempt.state, attempt.status) == ("pending", status)
    delivery, attempts = await engine.log.get_delivery(ada, attempt.delivery_id)
    assert (delivery.state, delivery.next_attempt_at) == ("delivered", None)
    assert [a.status for a in attempts] == [status, 204]


async def test_receiver_that_cannot_be_reached_is_on_record_with_the_reason(
    engine: Engine, ada: int
) -> None:
    async with WebhookReceiver() as closed:
        url = closed.url()
    async with engine.running():
        await engine.subscribe(ada, url)
        await engine.receive(ada)
        (attempt,) = await engine.wait_for_attempts(1)

    _, (recorded,) = await engine.log.get_delivery(ada, attempt.delivery_id)
    assert recorded.status is None
    assert recorded.error is not None
    assert recorded.error.startswith("cannot connect to 127.0.0.1")


async def test_gone_disables_the_webhook_and_enabling_it_sends_what_waited(
    engine: Engine, clock: FrozenClock, ada: int
) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        receiver.answer(410)
        webhook = await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        await engine.wait_for_attempts(1)
        disabled = await engine.webhooks.get(ada, webhook.id)
        await engine.receive(ada)
        clock.advance(DAY_MS)
        receiver.answer(200)
        await engine.webhooks.update(ada, webhook.id, WebhookChanges(is_enabled=True))
        await engine.wait_for_attempts(2)

    assert not disabled.is_enabled
    assert disabled.disabled_reason == "the receiver answered 410 Gone"
    assert [a.status for a in engine.attempted] == [410, 200]
    assert len(receiver.received) == 2


@pytest.mark.parametrize(
    ("status", "retry_after_s", "expected_wait_ms"),
    [
        (429, 600, 10 * MINUTE_MS),
        (503, 600, 10 * MINUTE_MS),
        (503, 10, 3 * MINUTE_MS),
        (503, None, 3 * MINUTE_MS),
        (500, 600, 3 * MINUTE_MS),
        (429, 10**9, DAY_MS),
    ],
)
def test_busy_receiver_may_ask_for_later_but_not_for_sooner(
    status: int, retry_after_s: int | None, expected_wait_ms: int
) -> None:
    answer = WebhookAnswer(status, retry_after_s, "")

    assert next_attempt_at(1, START_MS, answer) == START_MS + expected_wait_ms


def test_schedule_has_nine_waits_and_then_ends() -> None:
    waits = [next_attempt_at(n, 0, None) for n in range(1, 11)]

    assert waits == [*(minutes * MINUTE_MS for minutes in SCHEDULE_MINUTES), None]


async def test_redelivered_one_is_sent_again_under_its_id_with_a_schedule_of_its_own(
    engine: Engine, clock: FrozenClock, ada: int
) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        (first,) = await engine.wait_for_attempts(1)
        receiver.answer(500)
        clock.advance(MINUTE_MS)
        await engine.log.redeliver(ada, first.delivery_id)
        await engine.wait_for_attempts(2)

    delivery, attempts = await engine.log.get_delivery(ada, first.delivery_id)
    assert [(a.number, a.status) for a in attempts] == [(1, 200), (2, 500)]
    assert (delivery.state, delivery.next_attempt_at) == ("pending", clock.now_ms() + 180_000)
    assert receiver.received[0].headers["webhook-id"] == receiver.received[1].headers["webhook-id"]


async def test_hanging_host_with_thousands_due_does_not_delay_another_host(
    engine: Engine, ada: int
) -> None:
    async with WebhookReceiver() as receiver:
        receiver.hang("/dead")
        dead = await engine.subscribe(ada, receiver.url("/dead"))
        alive = await engine.subscribe(ada, receiver.url("/alive", host="localhost"))
        await add_due(engine.db, dead, 5_000)
        await add_due(engine.db, alive, 40)
        async with engine.running():
            await receiver.wait_for(40, "/alive")
            await engine.wait_for_attempts(40)
            hanging_count = len(await receiver.wait_for(4, "/dead"))

        assert {a.webhook_id for a in engine.attempted[:40]} == {alive.id}
        assert hanging_count == 4
        assert await delivery_states(engine.db, alive.id) == {"delivered": 40}
        assert await delivery_states(engine.db, dead.id) == {"pending": 5_000}


async def test_saturated_host_costs_no_reading_while_it_hangs(
    engine: Engine, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_count = 0
    fetch_all = engine.db.fetch_all

    async def counted(*arguments: object) -> object:
        nonlocal read_count
        read_count += 1
        return await fetch_all(*arguments)  # type: ignore[arg-type]  # passed on as they came

    async with WebhookReceiver() as receiver:
        receiver.hang()
        await add_due(engine.db, await engine.subscribe(ada, receiver.url()), 100)
        monkeypatch.setattr(engine.db, "fetch_all", counted)
        async with engine.running():
            await receiver.wait_for(4)
            before = read_count
            await engine.db.write(lambda tx: None)
            await engine.db.fetch_one("SELECT 1")

    assert read_count - before <= 4


async def test_hosts_that_hang_never_take_more_than_half_of_all_attempts(
    db: Database, clock: FrozenClock, ada: int
) -> None:
    settings = WebhookSettings(parallel_count=4, parallel_per_host_count=2)
    engine = Engine(db, clock, settings)
    dead_hosts = {"dead1.example", "dead2.example", "dead3.example", "dead4.example"}
    known_dead: set[str | None] = set()
    hanging_hosts: list[str | None] = []

    async def post(url: str, _headers: dict[str, str], _body: bytes) -> WebhookAnswer:
        host = urlsplit(url).hostname
        if host in dead_hosts and known_dead != dead_hosts:
            known_dead.add(host)
            raise WebhookUnreachable("no answer")
        if host in dead_hosts:
            hanging_hosts.append(host)
            await asyncio.Event().wait()
        return WebhookAnswer(200, None, "")

    for host in dead_hosts:
        await add_due(db, await engine.subscribe(ada, f"https://{host}/"), 20)
    async with engine.running(post):
        await engine.wait_for_attempts(len(dead_hosts))
        alive = await engine.subscribe(ada, "https://alive.example/")
        await add_due(db, alive, 30)
        await engine.outbox.test(ada, alive.id)
        await engine.wait_for_attempts(31, alive)

    assert await delivery_states(db, alive.id) == {"delivered": 31}
    assert known_dead == dead_hosts
    assert len(hanging_hosts) == len(set(hanging_hosts)) == 2


async def test_parallel_attempts_at_one_host_are_bounded(engine: Engine, ada: int) -> None:
    async with WebhookReceiver() as receiver:
        await add_due(engine.db, await engine.subscribe(ada, receiver.url()), 60)
        async with engine.running():
            await engine.wait_for_attempts(60)

        assert receiver.most_open_count <= 4
        assert len(receiver.received) == 60


async def test_each_due_delivery_is_posted_once_while_events_keep_coming(
    engine: Engine, ada: int
) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        await engine.subscribe(ada, receiver.url())
        await asyncio.gather(*(engine.receive(ada, str(n)) for n in range(150)))
        await engine.wait_for_attempts(150)

    assert len(receiver.received) == 150
    assert {w.payload["message"] for w in receiver.received} == {str(n) for n in range(150)}
    assert len({w.headers["webhook-id"] for w in receiver.received}) == 150


async def test_endless_answer_is_a_success_and_holds_nothing_up(engine: Engine, ada: int) -> None:
    async with WebhookReceiver() as receiver, engine.running():
        receiver.answer_without_end()
        await add_due(engine.db, await engine.subscribe(ada, receiver.url()), 20)
        await engine.receive(ada)
        await engine.wait_for_attempts(21)
        await receiver.wait_until_idle()

    assert {a.state for a in engine.attempted} == {"delivered"}


async def test_attempt_cut_off_by_a_stop_is_repeated_after_the_next_start(
    engine: Engine, ada: int
) -> None:
    async with WebhookReceiver() as receiver:
        receiver.hang()
        webhook = await engine.subscribe(ada, receiver.url())
        async with engine.running():
            await engine.receive(ada)
            await receiver.wait_for(1)
        assert await delivery_states(engine.db, webhook.id) == {"pending": 1}

        receiver.answer(200)
        async with engine.running():
            await engine.wait_for_attempts(1)

        assert await delivery_states(engine.db, webhook.id) == {"delivered": 1}
        first, second = receiver.received
        assert first.body == second.body
        assert first.headers["webhook-id"] == second.headers["webhook-id"]


async def test_event_owed_before_a_crash_is_delivered_after_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    before = Database(tmp_path / "crash.db", StoreSettings())
    await before.open()
    ada = await add_user(before, "ada@example.com")
    async with WebhookReceiver() as receiver:
        engine = Engine(before, clock, WebhookSettings())
        webhook = await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        await before.close()

        after = Database(tmp_path / "crash.db", StoreSettings())
        await after.open()
        engine = Engine(after, clock, WebhookSettings())
        async with engine.running():
            await engine.wait_for_attempts(1)
        await after.close()

        assert receiver.received[0].is_signed_with(webhook.secret)


async def test_attempt_the_disk_refuses_to_record_is_not_posted_again_meanwhile(
    engine: Engine, clock: FrozenClock, ada: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused_count = 0
    refused = asyncio.Event()
    write = engine.db.write

    async def refuse_twice(function: Callable[[Transaction], object]) -> object:
        nonlocal refused_count
        refused_count += 1
        if refused_count <= 2:
            refused.set()
            raise Unavailable("the database did not take the change: disk full")
        return await write(function)

    async with WebhookReceiver() as receiver, engine.running():
        await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        monkeypatch.setattr(engine.db, "write", refuse_twice)
        async with asyncio.timeout(WAIT_LIMIT_S):
            for _ in range(2):
                await refused.wait()
                refused.clear()
                clock.advance(5_000)
        await engine.wait_for_attempts(1)

    assert len(receiver.received) == 1


async def test_webhook_deleted_during_an_attempt_leaves_nothing_behind(
    engine: Engine, ada: int
) -> None:
    release = asyncio.Event()

    async def wait(_request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    async with WebhookReceiver() as receiver, engine.running():
        receiver.behave(wait)
        webhook = await engine.subscribe(ada, receiver.url())
        await engine.receive(ada)
        await receiver.wait_for(1)
        await engine.webhooks.delete(ada, webhook.id)
        release.set()
        await receiver.wait_until_idle()

    assert engine.attempted == []
    assert await engine.log.list_deliveries(None) == []
