"""How webhooks stand, deliveries over all of them, what was sent, and sending many again."""

import json
from collections.abc import AsyncIterator

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.gateways import until
from tests.servers import REGULAR_EMAIL, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.clock import MINUTE_MS
from textko_server.gateway import webhook_log
from textko_server.gateway.webhook_delivery import RETRY_MINUTES

ABSENT = "0123456789abcdef01234567"


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.key) as client:
        yield client


@pytest.fixture
async def admin(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.admin.jwt) as client:
        yield client


async def subscribe(
    client: AdminClient, receiver: WebhookReceiver, path: str = "/", **more: object
) -> wire.WebhookWithSecret:
    fields: dict[str, object] = {"events": ["MESSAGE_RECEIVED"], "name": path} | more
    return await client.create_webhook(wire.NewWebhook(url=receiver.url(path), **fields))  # type: ignore[arg-type]  # of whatever the test gives


async def test_and_wait(client: AdminClient, webhook_id: str) -> wire.DeliveryDetail:
    """A sample event, once its first attempt is on record."""
    return await attempted(client, (await client.test_webhook(webhook_id)).delivery_id, 1)


test_and_wait.__test__ = False  # type: ignore[attr-defined]  # its name is what it does


async def attempted(client: AdminClient, delivery_id: str, count: int) -> wire.DeliveryDetail:
    seen: list[wire.DeliveryDetail] = []

    async def look() -> bool:
        seen.append(await client.get_delivery(delivery_id))
        return seen[-1].attempt_count >= count

    for _ in range(1_000):
        if await look():
            return seen[-1]
    raise AssertionError(seen[-1])


# --- how a webhook stands ---


async def test_webhook_tells_what_waits_and_since_when_it_fails(
    regular: AdminClient, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    webhook = await subscribe(regular, receiver)
    await test_and_wait(regular, webhook.id)
    clock.advance(1_000)
    receiver.answer(500)
    failing_since = clock.now_ms()
    first = await test_and_wait(regular, webhook.id)
    clock.advance(RETRY_MINUTES[0] * MINUTE_MS)
    await attempted(regular, first.id, 2)
    await test_and_wait(regular, webhook.id)

    shown = await regular.get_webhook(webhook.id)
    assert shown.failing_since == failing_since
    assert (shown.pending_count, shown.failed_count) == (2, 0)
    assert shown.next_attempt_at == clock.now_ms() + RETRY_MINUTES[0] * MINUTE_MS
    assert (await regular.list_webhooks()).webhooks == [shown]


async def test_success_ends_the_failing(
    regular: AdminClient, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    webhook = await subscribe(regular, receiver)
    receiver.answer(500)
    await test_and_wait(regular, webhook.id)
    clock.advance(1_000)
    receiver.answer(200)
    await test_and_wait(regular, webhook.id)

    assert (await regular.get_webhook(webhook.id)).failing_since is None


async def test_given_up_deliveries_are_counted(
    regular: AdminClient, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    webhook = await subscribe(regular, receiver)
    receiver.answer(500)
    delivery = await test_and_wait(regular, webhook.id)
    for number, minutes in enumerate(RETRY_MINUTES, start=2):
        clock.advance(minutes * MINUTE_MS)
        await attempted(regular, delivery.id, number)

    shown = await regular.get_webhook(webhook.id)
    assert (shown.pending_count, shown.failed_count, shown.next_attempt_at) == (0, 1, None)
    assert shown.failing_since == delivery.attempts[0].at


async def test_enabling_sends_what_waited(
    regular: AdminClient, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    webhook = await subscribe(regular, receiver)
    receiver.answer(500)
    delivery = await test_and_wait(regular, webhook.id)
    disabled = await regular.change_webhook(webhook.id, wire.WebhookChanges(is_enabled=False))
    clock.advance(RETRY_MINUTES[0] * MINUTE_MS)
    receiver.answer(200)

    enabled = await regular.change_webhook(webhook.id, wire.WebhookChanges(is_enabled=True))
    assert disabled.pending_count == enabled.pending_count == 1
    assert (await attempted(regular, delivery.id, 2)).state == "delivered"


# --- over all webhooks ---


async def test_deliveries_of_all_webhooks_are_found_by_webhook_state_and_event(
    regular: AdminClient, receiver: WebhookReceiver
) -> None:
    good = await subscribe(regular, receiver, "/good")
    bad = await subscribe(regular, receiver, "/bad", format="textlink", events=["received"])
    receiver.answer(500, path="/bad", text="no")
    one = await test_and_wait(regular, good.id)
    two = await test_and_wait(regular, bad.id)

    async def ids(**filters: object) -> list[str]:
        page = await regular.list_all_deliveries(wire.AllDeliveriesQuery(**filters))  # type: ignore[arg-type]  # of whatever the test gives
        return [delivery.id for delivery in page.deliveries]

    assert await ids() == [two.id, one.id]
    assert await ids(webhook=good.id) == [one.id]
    assert await ids(state="pending") == [two.id]
    assert await ids(state="delivered") == [one.id]
    assert await ids(event="received") == [two.id]
    assert await ids(event="received", state="delivered") == []
    assert await ids(before=two.id) == [one.id]
    [shown] = (await regular.list_all_deliveries(wire.AllDeliveriesQuery(limit=1))).deliveries
    assert (shown.webhook_name, shown.webhook_url) == ("/bad", receiver.url("/bad"))
    assert shown.last_attempt is not None
    assert (shown.last_attempt.status, shown.last_attempt.answer) == (500, "no")


async def test_deliveries_of_others_are_the_operators_to_see(
    regular: AdminClient, admin: AdminClient, receiver: WebhookReceiver
) -> None:
    mine = await subscribe(regular, receiver)
    theirs = await subscribe(admin, receiver)
    one = await test_and_wait(regular, mine.id)
    two = await test_and_wait(admin, theirs.id)

    seen = (await regular.list_all_deliveries()).deliveries
    everybody = (await admin.list_all_deliveries()).deliveries
    of_regular = await admin.list_all_deliveries(wire.AllDeliveriesQuery(user=REGULAR_EMAIL))
    assert [d.id for d in seen] == [one.id]
    assert [(d.id, d.user) for d in everybody][1] == (one.id, REGULAR_EMAIL)
    assert [d.id for d in of_regular.deliveries] == [one.id]
    with pytest.raises(AdminError, match="no such webhook"):
        await regular.list_all_deliveries(wire.AllDeliveriesQuery(webhook=theirs.id))
    outcome = await regular.redeliver_each([two.id])
    assert [(r.id, r.code) for r in outcome.refused] == [(two.id, "not_found")]


async def test_page_that_looks_no_further_says_where_to_go_on(
    regular: AdminClient, receiver: WebhookReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook_log, "MAX_EXAMINED", 2)
    rare = await subscribe(regular, receiver, "/rare", format="textlink", events=["received"])
    frequent = await subscribe(regular, receiver, "/frequent")
    wanted = await test_and_wait(regular, rare.id)
    for _ in range(3):
        await test_and_wait(regular, frequent.id)

    pages: list[list[str]] = []
    before: str | None = None
    while before is not None or not pages:
        query = wire.AllDeliveriesQuery(event="received", before=before)
        page = await regular.list_all_deliveries(query)
        pages.append([delivery.id for delivery in page.deliveries])
        before = page.next
    assert pages == [[], [wanted.id], []]


async def test_event_that_is_none_is_refused(regular: AdminClient) -> None:
    with pytest.raises(AdminError, match="event: must be one of"):
        await regular.list_all_deliveries(wire.AllDeliveriesQuery(event="SENT"))


# --- what was sent ---


async def test_request_is_shown_as_the_receiver_got_it(
    regular: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(regular, receiver)
    delivery = await test_and_wait(regular, webhook.id)

    [got] = receiver.received
    request = delivery.request
    assert request is not None
    assert (request.method, request.url, request.may_differ) == ("POST", receiver.url(), False)
    assert request.body.encode() == got.body
    for name, value in request.headers.items():
        assert got.headers[name.lower()] == value
    assert got.is_signed_with(webhook.secret)


async def test_secret_in_a_body_is_masked(regular: AdminClient, receiver: WebhookReceiver) -> None:
    webhook = await subscribe(regular, receiver, format="textlink", events=["received"])
    delivery = await test_and_wait(regular, webhook.id)

    request = delivery.request
    assert request is not None
    assert webhook.secret not in request.body
    shown = json.loads(request.body)
    assert shown["secret"] == "********"
    assert receiver.received[0].payload == shown | {"secret": webhook.secret}
    assert request.headers["X-Signature"] == receiver.received[0].headers["x-signature"]


async def test_change_after_the_attempt_is_told(
    regular: AdminClient, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    webhook = await subscribe(regular, receiver)
    delivery = await test_and_wait(regular, webhook.id)
    clock.advance(1_000)
    await regular.rotate_webhook_secret(webhook.id)

    request = (await regular.get_delivery(delivery.id)).request
    assert request is not None
    assert request.may_differ


async def test_nothing_sent_yet_is_no_request(
    regular: AdminClient, receiver: WebhookReceiver
) -> None:
    receiver.hang()
    webhook = await subscribe(regular, receiver)
    started = await regular.test_webhook(webhook.id)

    delivery = await regular.get_delivery(started.delivery_id)
    assert (delivery.request, delivery.last_attempt, delivery.attempts) == (None, None, [])


# --- sending again ---


async def test_many_are_sent_again_and_those_that_cannot_be_are_named(
    regular: AdminClient, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(regular, receiver, "/on")
    switched_off = await subscribe(regular, receiver, "/off")
    one = await test_and_wait(regular, webhook.id)
    two = await test_and_wait(regular, webhook.id)
    off = await test_and_wait(regular, switched_off.id)
    await regular.change_webhook(switched_off.id, wire.WebhookChanges(is_enabled=False))

    outcome = await regular.redeliver_each([one.id, off.id, two.id, ABSENT, "nonsense", one.id])
    assert outcome.count == 2
    assert {refused.id: refused.code for refused in outcome.refused} == {
        off.id: "wrong_state", ABSENT: "not_found", "nonsense": "not_found",
    }  # fmt: skip
    assert len(await receiver.wait_for(4, "/on")) == 4


# --- from the command line ---


async def test_commands_read_the_log_of_all_webhooks_and_send_again(
    server: RunningServer,
    regular: AdminClient,
    receiver: WebhookReceiver,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    textko = CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)
    webhook = await subscribe(regular, receiver, "/shop")
    one = await test_and_wait(regular, webhook.id)
    two = await test_and_wait(regular, webhook.id)

    listed = await textko("webhook", "deliveries", "--event", "MESSAGE_RECEIVED")
    shown = await textko("webhook", "attempts", one.id)
    again = await textko("webhook", "redeliver", one.id, two.id, ABSENT)
    await until(lambda: len(receiver.received) == 4)
    receiver.answer(500, path="/shop")
    await test_and_wait(regular, webhook.id)
    disabled = await textko("webhook", "disable", webhook.id)
    enabled = await textko("webhook", "enable", webhook.id)

    assert listed.out.splitlines()[1].split()[3:6] == ["/shop", "MESSAGE_RECEIVED", "delivered"]
    assert f"POST {receiver.url('/shop')}\n" in shown.out
    assert "webhook-signature: v1," in shown.out
    assert (again.code, again.out) == (1, "2 deliveries are sent again\n")
    assert f"{ABSENT}: no such webhook delivery" in again.err
    assert disabled.out.endswith("is disabled; deliveries that wait: 1\n")
    assert "deliveries that are sent now, or when their time comes: 1\n" in enabled.out
