"""Webhooks in TextLink's format: its bodies, when each is owed, and the secret inside."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import START_MS, FrozenClock
from tests.commands import CommandLine
from tests.gateways import ONE_SIM, World, everything_committed
from tests.servers import REGULAR_EMAIL, RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server.errors import Invalid
from textko_server.gateway import textlink_payloads
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.submissions import Submission
from textko_server.gateway.textlink_payloads import with_secret
from textko_server.gateway.webhooks import WebhookChanges
from textko_server.model import Dialect, State, Webhook

URL = "https://example.com/hook"
ALL = ["received", "sent", "failed", "tag"]
PHONE = "+251912345678"


async def subscribe(world: World, *events: str, payload_format: str = "textlink") -> Webhook:
    return await world.gateway.webhooks.create(
        world.user.id, url=URL, events=events or ALL, payload_format=payload_format
    )


async def owed(world: World) -> list[tuple[str, dict[str, Any]]]:
    """(event, body) of all deliveries, oldest first."""
    await everything_committed(world.gateway.db)
    deliveries = await world.gateway.webhook_log.list_deliveries(None)
    return [(d.event, json.loads(d.body)) for d in reversed(deliveries)]


async def sim_id_of(world: World, device_id: int) -> int:
    [sim] = await world.gateway.devices.list_sims(device_id)
    return sim.id


# --- when ---


async def test_sent_is_owed_when_a_phone_is_granted_the_job_and_not_when_it_reports(
    world: World,
) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    await world.submit(PHONE, text='Say "hi" 👋', custom_id="order 7")
    job_id = await world.take_one(device_id)

    at_claim = await owed(world)
    await world.report(device_id, job_id, State.SENT)
    await world.report(device_id, job_id, State.DELIVERED)

    body = {
        "phone_number": PHONE,
        "text": 'Say "hi" 👋',
        "portal": False,
        "timestamp": START_MS,
        "custom_id": "order 7",
        "sim_card_id": await sim_id_of(world, device_id),
    }
    assert at_claim == [("sent", body)]
    assert list(at_claim[0][1]) == list(body)
    assert await owed(world) == at_claim


async def test_failed_follows_sent_and_carries_the_ids(world: World, clock: FrozenClock) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    submitted = await world.submit(PHONE, custom_id="order 7")
    job_id = await world.take_one(device_id)
    clock.advance(2_000)
    await world.report(device_id, job_id, State.FAILED, "generic")

    (first, _), (second, body) = await owed(world)

    assert (first, second) == ("sent", "failed")
    assert list(body.items()) == [
        ("phone_number", PHONE),
        ("text", "Hello"),
        ("portal", False),
        ("timestamp", START_MS + 2_000),
        ("textlink_id", submitted.recipient_ids[0]),
        ("custom_id", "order 7"),
        ("sim_card_id", await sim_id_of(world, device_id)),
    ]


async def test_message_that_no_phone_ever_took_is_sent_and_then_failed(world: World) -> None:
    await subscribe(world)
    await world.submit(expires_at=START_MS + 1_000)
    await world.pass_time(2)

    assert [event for event, _ in await owed(world)] == ["sent", "failed"]
    deliveries = await world.gateway.webhook_log.list_deliveries(None)
    due = [d.next_attempt_at for d in reversed(deliveries)]
    assert due == [START_MS + 2_000, START_MS + 3_000]  # in this order at the receiver too
    assert all("sim_card_id" not in body for _, body in await owed(world))


async def test_message_that_goes_back_to_the_queue_is_sent_once(world: World) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    await world.submit()
    job_id = await world.take_one(device_id)
    await world.report(device_id, job_id, State.FAILED, "no_service")
    await world.pass_time(world.gateway.settings.dispatch.retry_after_s + 1)
    await world.take_one(device_id)

    assert [event for event, _ in await owed(world)] == ["sent"]


async def test_cancelled_message_is_not_told_of(world: World) -> None:
    await subscribe(world)
    submitted = await world.submit()

    await world.gateway.messages.cancel(world.principal, submitted.message_id, actor="user:a")

    assert await owed(world) == []


async def test_text_sent_by_a_person_comes_from_the_portal(world: World) -> None:
    await subscribe(world, "sent")
    device_id = await world.pair(*ONE_SIM)
    submission = Submission("Hello", [PHONE], Dialect.ADMIN)
    await world.gateway.messages.submit(world.principal, [submission])

    await world.take_one(device_id)

    [(_, body)] = await owed(world)
    assert body["portal"] is True


async def test_webhook_gets_only_the_events_it_asked_for(world: World) -> None:
    await subscribe(world, "failed")
    device_id = await world.pair(*ONE_SIM)
    await world.submit()
    job_id = await world.take_one(device_id)
    await world.report(device_id, job_id, State.FAILED)

    assert [event for event, _ in await owed(world)] == ["failed"]


async def test_received_names_the_sim_it_came_in_by(world: World) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    incoming = Incoming("1", "+251922000000", "Grüße", START_MS - 3_000, 1)

    await world.sync(device_id, incoming=[incoming])

    body = {
        "phone_number": "+251922000000",
        "text": "Grüße",
        "sim_card_id": await sim_id_of(world, device_id),
        "timestamp": START_MS - 3_000,
    }
    assert await owed(world) == [("received", body)]


# --- subscriptions ---


@pytest.mark.parametrize(
    ("payload_format", "events", "field"),
    [
        ("textlink", ["MESSAGE_SENT"], "events"),
        ("textlink", [], "events"),
        ("textko", ["sent"], "events"),
        ("slack", ["sent"], "format"),
    ],
)
async def test_events_are_those_of_the_format(
    world: World, payload_format: str, events: list[str], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await world.gateway.webhooks.create(
            world.user.id, url=URL, events=events, payload_format=payload_format
        )

    assert refused.value.field == field


async def test_changed_events_are_checked_by_the_webhooks_own_format(world: World) -> None:
    webhook = await subscribe(world, "sent")
    change = world.gateway.webhooks.update

    changed = await change(world.user.id, webhook.id, WebhookChanges(events=["failed", "sent"]))

    assert changed.events == "sent failed"
    with pytest.raises(Invalid):
        await change(world.user.id, webhook.id, WebhookChanges(events=["MESSAGE_SENT"]))


async def test_secret_may_be_any_word_in_textlinks_format_only(world: World) -> None:
    create = world.gateway.webhooks.create

    webhook = await create(
        world.user.id, url=URL, events=["sent"], payload_format="textlink", secret="abc"
    )

    assert webhook.secret == "abc"
    with pytest.raises(Invalid):
        await create(world.user.id, url=URL, events=["MESSAGE_SENT"], secret="abc")


# --- what is sent ---


async def test_body_on_the_wire_begins_with_the_secret_and_the_log_has_none(
    server: RunningServer,
) -> None:
    webhooks, user = server.gateway.webhooks, server.regular.user
    async with WebhookReceiver() as receiver:
        webhook = await webhooks.create(
            user.id, url=receiver.url(), events=ALL, payload_format="textlink", secret='a "word" ü'
        )
        delivery_id = await server.gateway.webhook_outbox.test(user.id, webhook.id)
        [received] = await receiver.wait_for(1)
    delivery, _ = await server.gateway.webhook_log.get_delivery(user.id, delivery_id)

    assert list(received.payload.items()) == [
        ("secret", 'a "word" ü'),
        ("phone_number", "+11234567890"),
        ("text", "Working!"),
        ("timestamp", START_MS),
    ]
    assert received.is_signed_with(webhook.secret)
    assert "secret" not in json.loads(delivery.body)


async def test_rotated_secret_is_in_what_was_owed_before(server: RunningServer) -> None:
    webhooks, user = server.gateway.webhooks, server.regular.user
    async with WebhookReceiver() as receiver:
        receiver.answer(500)
        webhook = await webhooks.create(
            user.id, url=receiver.url(), events=ALL, payload_format="textlink"
        )
        delivery_id = await server.gateway.webhook_outbox.test(user.id, webhook.id)
        await receiver.wait_for(1)
        rotated = await webhooks.rotate_secret(user.id, webhook.id)
        await receiver.wait_until_idle()
        await server.gateway.webhook_log.redeliver(user.id, delivery_id)
        first, second = await receiver.wait_for(2)

    assert first.payload["secret"] == webhook.secret
    assert second.payload["secret"] == rotated.secret
    assert rotated.secret != webhook.secret


async def test_server_sends_all_of_a_conversation(server: RunningServer) -> None:
    async with WebhookReceiver() as receiver:
        await server.gateway.webhooks.create(
            server.regular.user.id, url=receiver.url(), events=ALL, payload_format="textlink"
        )
        incoming = {"id": "1", "from": "+251922000000", "text": "👋", "receivedAt": START_MS}
        await server.sync(server.regular, incoming=[incoming])
        [received] = await receiver.wait_for(1)

    assert received.payload["text"] == "👋"
    assert list(received.payload)[:3] == ["secret", "phone_number", "text"]


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(texts, texts, texts | st.none(), texts)
def test_bytes_survive_being_parsed_and_written_again(
    number: str, text: str, name: str | None, secret: str
) -> None:
    body = with_secret(
        textlink_payloads.received_body(
            phone_number=number, text=text, timestamp=START_MS, sim_card_id=3, name=name, tag=name
        ),
        secret,
    )

    parsed = json.loads(body)
    assert json.dumps(parsed, ensure_ascii=False, separators=(",", ":")).encode() == body
    assert (parsed["secret"], parsed["text"]) == (secret, text)


# --- Textko's own format ---


@pytest.mark.parametrize(
    ("events", "told"),
    [
        (["MESSAGE_FAILED"], ["MESSAGE_FAILED"]),
        (["MESSAGE_FAILED", "UNKNOWN_STATE"], ["UNKNOWN_STATE"]),
        (["UNKNOWN_STATE"], ["UNKNOWN_STATE"]),
        (["MESSAGE_SENT"], []),
    ],
)
async def test_silent_phone_is_an_unknown_state_to_who_asked_for_it(
    world: World, events: list[str], told: list[str]
) -> None:
    await subscribe(world, *events, payload_format="textko")
    device_id = await world.pair(*ONE_SIM)
    await world.submit(PHONE)
    await world.take_one(device_id)
    await world.pass_time(world.gateway.settings.dispatch.claim_timeout_s + 1)

    deliveries = await owed(world)

    assert [event for event, _ in deliveries] == told
    for event, body in deliveries:
        assert body["status"] == ("unknown" if event == "UNKNOWN_STATE" else "failed")
        assert ("errorCode" in body) == (event == "MESSAGE_FAILED")


async def test_failure_that_a_phone_reports_is_no_unknown_state(world: World) -> None:
    await subscribe(world, "MESSAGE_FAILED", "UNKNOWN_STATE", payload_format="textko")
    device_id = await world.pair(*ONE_SIM)
    await world.submit(PHONE)
    job_id = await world.take_one(device_id)
    await world.report(device_id, job_id, State.FAILED, "generic")

    assert [event for event, _ in await owed(world)] == ["MESSAGE_FAILED"]


# --- the command line ---


async def test_webhook_in_textlinks_format_is_added_and_shown(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    textko = CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)
    add = ("webhook", "add", "--user", REGULAR_EMAIL, "--format", "textlink")

    plain = await textko.json(*add, URL)
    chosen = await textko.json(
        *add, URL + "2", "--events", "failed,sent", "--secret-stdin", stdin="abc\n"
    )
    wrong = await textko(*add, URL + "3", "--events", "MESSAGE_SENT")
    shown = await textko("webhook", "show", URL + "2")

    assert (plain["format"], plain["events"]) == ("textlink", ALL)
    assert (chosen["events"], chosen["secret"]) == (["sent", "failed"], "abc")
    assert wrong.code != 0
    assert "is none of received, sent, failed, tag" in wrong.err
    assert "textlink" in shown.out


async def test_device_shows_the_number_that_textlink_calls_sim_card_id(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    textko = CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)
    [sim] = await server.gateway.devices.list_sims(server.regular.device.id)

    shown = await textko.json("device", "show", server.regular.device_id)

    assert [told["id"] for told in shown["sims"]] == [sim.id]
