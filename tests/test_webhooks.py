"""Subscriptions, the events owed to them in the transaction of the change, and the delivery log."""

import base64
import json
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.webhook_rows import add_device, add_user, delivery_states, execute
from textko_server.clock import MINUTE_MS
from textko_server.config import WebhookSettings
from textko_server.errors import Conflict, Invalid, NotFound, WrongState
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.webhook_log import WebhookLog
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.gateway.webhooks import WebhookChanges, Webhooks
from textko_server.model import Dialect, IncomingMessage, Job, Recipient, State
from textko_server.store.database import Database, Transaction

PUBLIC_IDS = PublicIds(b"a secret of this test installation")
URL = "https://example.com/hook"
RECEIVED = ["MESSAGE_RECEIVED"]


@pytest.fixture
def webhooks(db: Database, clock: FrozenClock) -> Webhooks:
    return Webhooks(db, clock, WebhookSettings(max_per_account=3))


@pytest.fixture
def outbox(db: Database, clock: FrozenClock) -> WebhookOutbox:
    return WebhookOutbox(db, clock, PUBLIC_IDS)


@pytest.fixture
def log(db: Database, clock: FrozenClock, webhooks: Webhooks) -> WebhookLog:
    return WebhookLog(db, clock, PUBLIC_IDS, webhooks)


@pytest.fixture
async def ada(db: Database) -> int:
    return await add_user(db, "ada@example.com")


@pytest.fixture
async def bob(db: Database) -> int:
    return await add_user(db, "bob@example.com")


def failed_job(user_id: int, **changes: Any) -> Job:
    """As a phone left it that claimed it; `changes` of its recipient."""
    fields: dict[str, Any] = dict.fromkeys(Recipient.__struct_fields__)
    fields |= {
        "id": 9,
        "message_id": 7,
        "user_id": user_id,
        "phone_number": "+4915112345678",
        "state": State.FAILED,
        "device_id": 3,
        "lease_count": 1,
        "error_code": "no_service",
        "error": "no service",
        "created_at": START_MS - 5_000,
    }
    recipient = Recipient(**fields | changes)
    return Job(recipient, "Code 123 🙂", Dialect.TEXTKO, START_MS - 5_000, 1, None)


def fail(outbox: WebhookOutbox, tx: Transaction, user_id: int, *, now_ms: int = START_MS) -> None:
    job = failed_job(user_id)
    outbox.record_change(tx, job, at=START_MS - 1_000, now_ms=now_ms)


async def test_webhook_gets_a_secret_that_both_signatures_can_use(
    webhooks: Webhooks, ada: int
) -> None:
    webhook = await webhooks.create(
        ada, url=URL, events=["MESSAGE_SENT", "MESSAGE_RECEIVED", "MESSAGE_SENT"], name="shop"
    )

    assert webhook.secret.startswith("whsec_")
    assert len(base64.b64decode(webhook.secret.removeprefix("whsec_"))) == 32
    assert webhook.events == "MESSAGE_RECEIVED MESSAGE_SENT"
    assert (webhook.name, webhook.url, webhook.is_enabled) == ("shop", URL, True)
    assert webhook == await webhooks.get(ada, webhook.id)


@pytest.mark.parametrize(
    ("field", "url", "events", "name", "secret"),
    [
        ("url", "ftp://example.com", RECEIVED, "", None),
        ("events", URL, [], "", None),
        ("events", URL, ["MESSAGE_READ"], "", None),
        ("name", URL, RECEIVED, "n" * 65, None),
        ("secret", URL, RECEIVED, "", "too short"),
        ("secret", URL, RECEIVED, "", "s" * 256),
        ("secret", URL, RECEIVED, "", "whsec_this is not base64"),
        ("secret", URL, RECEIVED, "", "a secret\nwith a line break"),
    ],
)
async def test_subscription_that_cannot_work_is_refused_naming_the_field(
    webhooks: Webhooks,
    ada: int,
    field: str,
    url: str,
    events: list[str],
    name: str,
    secret: str | None,
) -> None:
    with pytest.raises(Invalid) as refused:
        await webhooks.create(ada, url=url, events=events, name=name, secret=secret)

    assert refused.value.field == field


async def test_account_has_no_more_webhooks_than_the_setting(
    webhooks: Webhooks, ada: int, bob: int
) -> None:
    for _ in range(3):
        await webhooks.create(ada, url=URL, events=RECEIVED)

    with pytest.raises(Conflict, match="at most 3"):
        await webhooks.create(ada, url=URL, events=RECEIVED)
    assert (await webhooks.create(bob, url=URL, events=RECEIVED)).user_id == bob


async def test_webhook_of_another_account_answers_like_an_absent_one(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, bob: int
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    delivery_id = await outbox.test(ada, webhook.id)

    for attempt in (
        lambda: webhooks.get(bob, webhook.id),
        lambda: webhooks.update(bob, webhook.id, WebhookChanges(name="mine")),
        lambda: webhooks.rotate_secret(bob, webhook.id),
        lambda: webhooks.delete(bob, webhook.id),
        lambda: outbox.test(bob, webhook.id),
        lambda: log.list_deliveries(bob, webhook_id=webhook.id),
        lambda: log.get_delivery(bob, delivery_id),
        lambda: log.redeliver(bob, delivery_id),
        lambda: log.redeliver_failed(bob, webhook.id),
    ):
        with pytest.raises(NotFound):
            await attempt()
    assert await webhooks.list_webhooks(bob) == []
    assert await log.list_deliveries(bob) == []
    assert await webhooks.get(ada, webhook.id) == webhook


async def test_operator_sees_the_webhooks_of_all_accounts_newest_first(
    webhooks: Webhooks, ada: int, bob: int
) -> None:
    first = await webhooks.create(ada, url=URL, events=RECEIVED)
    second = await webhooks.create(bob, url=URL, events=RECEIVED)

    assert [w.id for w in await webhooks.list_webhooks(None)] == [second.id, first.id]
    assert [w.id for w in await webhooks.list_webhooks(None, before_id=second.id)] == [first.id]
    assert (await webhooks.get(None, first.id)).user_id == ada


async def test_update_changes_only_what_is_given(
    webhooks: Webhooks, ada: int, clock: FrozenClock
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED, name="shop")
    clock.advance(1_000)

    changed = await webhooks.update(ada, webhook.id, WebhookChanges(events=["MESSAGE_FAILED"]))

    assert changed == await webhooks.get(ada, webhook.id)
    assert (changed.name, changed.url, changed.secret) == ("shop", URL, webhook.secret)
    assert (changed.events, changed.updated_at) == ("MESSAGE_FAILED", START_MS + 1_000)


async def test_rotated_secret_replaces_the_old_one(webhooks: Webhooks, ada: int) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)

    rotated = await webhooks.rotate_secret(ada, webhook.id)

    assert rotated.secret.startswith("whsec_")
    assert rotated.secret != webhook.secret


async def test_enabling_forgets_why_it_was_disabled_and_wakes_the_loop(
    webhooks: Webhooks, ada: int, db: Database
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    await webhooks.update(ada, webhook.id, WebhookChanges(is_enabled=False))
    await execute(db, "UPDATE webhooks SET disabled_reason = 'gone'")
    published: list[object] = []
    db.publish = published.extend

    enabled = await webhooks.update(ada, webhook.id, WebhookChanges(is_enabled=True))

    assert enabled.disabled_reason is None
    assert published == [WebhookDue(user_id=ada, at=START_MS)]


async def test_event_is_owed_once_to_each_webhook_that_asked_for_it(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, bob: int, db: Database
) -> None:
    asked = await webhooks.create(ada, url=URL, events=["MESSAGE_FAILED", "MESSAGE_SENT"])
    asked_too = await webhooks.create(ada, url=URL, events=["MESSAGE_FAILED"])
    disabled = await webhooks.create(ada, url=URL, events=["MESSAGE_FAILED"])
    await webhooks.update(ada, disabled.id, WebhookChanges(is_enabled=False))
    await webhooks.create(bob, url=URL, events=["MESSAGE_FAILED"])
    await webhooks.create(bob, url=URL, events=RECEIVED)
    await add_device(db, 3, ada, START_MS - 9_000)
    published: list[object] = []
    db.publish = published.extend

    await db.write(lambda tx: fail(outbox, tx, ada))

    deliveries = await log.list_deliveries(None)
    assert [d.webhook_id for d in deliveries] == [asked_too.id, asked.id]
    assert published == [WebhookDue(user_id=ada, at=START_MS)]
    body = json.loads(deliveries[1].body)
    assert body == {
        "webhookEvent": "MESSAGE_FAILED",
        "smsId": PUBLIC_IDS.encode(Kind.RECIPIENT, 9, START_MS - 5_000),
        "status": "failed",
        "recipient": "+4915112345678",
        "failedAt": "2026-01-15T09:59:59.000Z",
        "errorCode": "no_service",
        "errorMessage": "no service",
        "message": "Code 123 🙂",
        "deviceId": PUBLIC_IDS.encode(Kind.DEVICE, 3, START_MS - 9_000),
        "smsBatchId": PUBLIC_IDS.encode(Kind.MESSAGE, 7, START_MS - 5_000),
        "webhookSubscriptionId": PUBLIC_IDS.encode(Kind.WEBHOOK, asked.id, START_MS),
        "idempotencyKey": PUBLIC_IDS.encode(Kind.DELIVERY, deliveries[1].id, START_MS),
    }
    assert (deliveries[0].state, deliveries[0].next_attempt_at) == ("pending", START_MS)


async def test_body_names_its_delivery_when_a_write_spans_a_second(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    await webhooks.create(ada, url=URL, events=["MESSAGE_FAILED"])

    def fail_twice(tx: Transaction) -> None:
        fail(outbox, tx, ada, now_ms=START_MS + 999)
        fail(outbox, tx, ada, now_ms=START_MS + 1_000)

    await db.write(fail_twice)

    for delivery in await log.list_deliveries(None):
        public_id = PUBLIC_IDS.encode(Kind.DELIVERY, delivery.id, delivery.created_at)
        assert json.loads(delivery.body)["idempotencyKey"] == public_id


async def test_event_of_a_change_that_fails_is_not_owed(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    await webhooks.create(ada, url=URL, events=["MESSAGE_FAILED"])

    def change_and_fail(tx: Transaction) -> None:
        fail(outbox, tx, ada)
        raise WrongState("the change was not possible after all")

    with pytest.raises(WrongState):
        await db.write(change_and_fail)
    assert await log.list_deliveries(ada) == []


async def test_nobody_asking_costs_no_row_and_no_event(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    await webhooks.create(ada, url=URL, events=RECEIVED)
    published: list[object] = []
    db.publish = published.extend

    await db.write(lambda tx: fail(outbox, tx, ada))

    assert await log.list_deliveries(ada) == []
    assert published == []


async def test_incoming_message_is_owed(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    await webhooks.create(ada, url=URL, events=RECEIVED)
    incoming = IncomingMessage(
        id=5,
        user_id=ada,
        device_id=3,
        sim_slot=1,
        sender="+49301234567",
        text="Grüße",
        received_at=START_MS - 2_000,
        created_at=START_MS,
    )

    await db.write(
        lambda tx: outbox.record_incoming(
            tx, now_ms=START_MS, user_id=ada, incoming=incoming, device_created_at=START_MS
        )
    )

    (delivery,) = await log.list_deliveries(ada)
    body = json.loads(delivery.body)
    assert delivery.event == "MESSAGE_RECEIVED"
    assert body["smsId"] == PUBLIC_IDS.encode(Kind.INCOMING, 5, START_MS)
    assert (body["sender"], body["message"]) == ("+49301234567", "Grüße")
    assert body["receivedAt"] == "2026-01-15T09:59:58.000Z"
    assert "test" not in body


async def test_test_event_is_marked_as_one(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=["MESSAGE_SENT"])

    delivery, attempts = await log.get_delivery(ada, await outbox.test(ada, webhook.id))

    assert json.loads(delivery.body)["test"] is True
    assert (delivery.event, delivery.state, attempts) == ("MESSAGE_RECEIVED", "pending", [])


async def test_disabled_webhook_refuses_tests_and_redeliveries(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    delivery_id = await outbox.test(ada, webhook.id)
    await webhooks.update(ada, webhook.id, WebhookChanges(is_enabled=False))

    for attempt in (
        lambda: outbox.test(ada, webhook.id),
        lambda: log.redeliver(ada, delivery_id),
        lambda: log.redeliver_failed(ada, webhook.id),
    ):
        with pytest.raises(WrongState):
            await attempt()


async def test_deliveries_are_paged_newest_first_and_filtered_by_state(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    ids = [await outbox.test(ada, webhook.id) for _ in range(6)]
    for delivery_id, state in zip(ids, ["delivered", "failed", "pending"] * 2, strict=True):
        due = START_MS if state == "pending" else None
        await execute(
            db,
            "UPDATE webhook_deliveries SET state = ?, next_attempt_at = ? WHERE id = ?",
            (state, due, delivery_id),
        )

    async def listed(
        user_id: int | None,
        webhook_id: int | None = None,
        state: str | None = None,
        before_id: int | None = None,
        limit: int = 10,
    ) -> list[int]:
        deliveries = await log.list_deliveries(
            user_id, webhook_id=webhook_id, state=state, before_id=before_id, limit=limit
        )
        return [ids.index(d.id) for d in deliveries]

    for scope in [(None, None), (ada, None), (ada, webhook.id), (None, webhook.id)]:
        assert await listed(*scope) == [5, 4, 3, 2, 1, 0]
        assert await listed(*scope, limit=2) == [5, 4]
        assert await listed(*scope, before_id=ids[4], limit=2) == [3, 2]
        assert await listed(*scope, state="delivered") == [3, 0]
        assert await listed(*scope, state="failed") == [4, 1]
        assert await listed(*scope, state="pending") == [5, 2]
        assert await listed(*scope, state="failed", before_id=ids[4]) == [1]
    with pytest.raises(Invalid):
        await log.list_deliveries(ada, state="lost")


async def test_redelivery_keeps_the_id_the_body_and_the_history(
    webhooks: Webhooks,
    outbox: WebhookOutbox,
    log: WebhookLog,
    ada: int,
    db: Database,
    clock: FrozenClock,
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    delivery_id = await outbox.test(ada, webhook.id)
    before, _ = await log.get_delivery(ada, delivery_id)
    await execute(
        db,
        "UPDATE webhook_deliveries SET state = 'delivered', next_attempt_at = NULL,"
        " attempt_count = 4, ended_at = 1",
    )
    clock.advance(MINUTE_MS)

    await log.redeliver(ada, delivery_id)

    after, _ = await log.get_delivery(ada, delivery_id)
    assert after.body == before.body
    assert (after.state, after.attempt_count) == ("pending", 4)
    assert (after.next_attempt_at, after.ended_at) == (START_MS + MINUTE_MS, None)


async def test_all_failed_deliveries_of_a_webhook_are_sent_again(
    webhooks: Webhooks, log: WebhookLog, ada: int, db: Database
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    other = await webhooks.create(ada, url=URL, events=RECEIVED)

    def add_failed(tx: Transaction) -> None:
        for webhook_id, count in ((webhook.id, 1_201), (other.id, 3)):
            tx.executemany(
                "INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state,"
                " created_at) VALUES (?, ?, 'MESSAGE_RECEIVED', x'7b7d', 'failed', 0)",
                [(webhook_id, ada)] * count,
            )

    await db.write(add_failed)

    assert await log.redeliver_failed(ada, webhook.id) == 1_201
    assert await delivery_states(db, webhook.id) == {"pending": 1_201}
    assert await delivery_states(db, other.id) == {"failed": 3}


async def test_deleted_webhook_takes_its_deliveries_with_it(
    webhooks: Webhooks, outbox: WebhookOutbox, log: WebhookLog, ada: int, db: Database
) -> None:
    webhook = await webhooks.create(ada, url=URL, events=RECEIVED)
    other = await webhooks.create(ada, url=URL, events=RECEIVED)
    delivery_id = await outbox.test(ada, webhook.id)
    kept_id = await outbox.test(ada, other.id)

    await webhooks.delete(ada, webhook.id)

    with pytest.raises(NotFound):
        await webhooks.get(ada, webhook.id)
    with pytest.raises(NotFound):
        await log.get_delivery(ada, delivery_id)
    assert [d.id for d in await log.list_deliveries(ada)] == [kept_id]
