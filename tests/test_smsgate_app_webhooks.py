"""The emulated app of SMSGate: texts that come in, and the webhooks it sends by itself."""

import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.gateways import until
from tests.smsgate_apps import count, phone, said
from tests.smsgate_official import PRIVATE_TOKEN, OfficialServer
from tests.webhook_receiver import ReceivedWebhook, WebhookReceiver
from textko_server.clock import Clock, iso_utc_ms
from textko_server.emulated.smsgate_app import Mischief, SmsgateApp
from textko_server.emulated.smsgate_app.inbox import IncomingText
from textko_server.emulated.smsgate_app.steps import Step

OWN: dict[str, Any] = {"private_token": PRIVATE_TOKEN}
SENDER = "+251922000001"


@asynccontextmanager
async def listening(
    official: OfficialServer,
    folder: Path,
    receiver: WebhookReceiver,
    *events: str,
    clock: Clock | None = None,
    **options: Any,
) -> AsyncIterator[SmsgateApp]:
    """A phone that tells `receiver` of these events."""
    official.webhooks = [
        {"id": f"w{n}", "url": receiver.url(), "event": event} for n, event in enumerate(events)
    ]
    async with phone(folder, official.url, clock, **OWN, **options) as app:
        await until(lambda: official.streams_count)
        app.push("WebhooksUpdated")
        await until(lambda: len(app.webhooks) == len(events))
        yield app


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as opened:
        yield opened


async def test_text_that_comes_in_is_posted_and_signed(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    clock = FrozenClock(START_MS + 357)
    async with listening(official, tmp_path, receiver, "sms:received", clock=clock) as app:
        app.receive(SENDER, "Hi")
        # The queue was looked at when it was empty, and rests for a while.
        clock.advance(100)
        [webhook] = await receiver.wait_for(1)

        key = app.preferences.signing_key
    assert len(key) == 8
    assert webhook.headers["user-agent"] == "me.capcom.smsgateway/1.68.0"
    assert webhook.headers["x-timestamp"] == str(START_MS // 1_000)
    signed = webhook.body + webhook.headers["x-timestamp"].encode()
    expected = hmac.new(key.encode(), signed, sha256).hexdigest()
    assert webhook.headers["x-signature"] == expected
    envelope = webhook.payload
    assert len(envelope.pop("id")) == 21
    message_id = envelope["payload"].pop("messageId")
    assert 0 <= int(message_id, 16) < 2**32
    assert envelope == {
        "webhookId": "w0",
        "event": "sms:received",
        "deviceId": "device-1",
        "payload": {
            "sender": SENDER,
            "recipient": "+251911000001",
            "simNumber": 1,
            "phoneNumber": SENDER,
            "message": "Hi",
            "receivedAt": "2026-01-15T13:00:00.000+03:00",
        },
    }


def test_id_of_an_incoming_text_is_javas_hash_of_it() -> None:
    text = IncomingText("a", "b", 1_000, 0)

    # ((97 * 31 + 1000) * 31 + 1) * 31 + 98, and without the date.
    assert text.hash(with_date=True) == 3_850_856
    assert text.hash(with_date=False) == 93_346


async def test_unknown_event_name_breaks_the_whole_list(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    async with listening(official, tmp_path, receiver, "sms:received") as app:
        asked_count = len(official.of("GET /webhooks"))
        official.webhooks = [
            {"id": "new", "url": receiver.url(), "event": "sms:sent"},
            {"id": "newer", "url": receiver.url(), "event": "sms:batch:received"},
        ]
        app.push("WebhooksUpdated")
        await until(lambda: len(official.of("GET /webhooks")) >= asked_count + 3)

        assert [one.id for one in app.webhooks] == ["w0"]


async def test_1_66_does_not_know_cancelled_messages(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    official.webhooks = [{"id": "w", "url": receiver.url(), "event": "sms:cancelled"}]
    async with phone(tmp_path, official.url, **OWN, version="1.66.0") as app:
        await until(lambda: official.streams_count)
        app.push("WebhooksUpdated")
        await until(lambda: len(official.of("GET /webhooks")) >= 3)

        assert app.webhooks == []


async def test_refused_webhook_comes_again_the_same_and_holds_up_no_other(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    receiver.answer(500)
    async with listening(official, tmp_path, receiver, "sms:received") as app:
        app.receive(SENDER, "one")
        await receiver.wait_for(3)
        receiver.answer(204)
        await until(lambda: not app.owed_webhooks_count)

    assert len({one.body for one in receiver.received}) == 1


async def test_webhook_is_given_up_after_the_retries_of_the_settings(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    official.settings = {"webhooks": {"retry_count": 2, "signing_key": "secret"}}
    receiver.answer(302, headers={"Location": "/elsewhere"})
    async with listening(official, tmp_path, receiver, "sms:received") as app:
        app.push("SettingsUpdated")
        await until(lambda: app.preferences.webhook_retries_count == 2)
        app.receive(SENDER, "one")
        await until(lambda: not app.owed_webhooks_count)

        assert app.preferences.signing_key == "secret"
    assert [one.path for one in receiver.received] == ["/", "/", "/"]


async def test_webhooks_go_one_after_another(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    async with listening(official, tmp_path, receiver, "sms:received") as app:
        for number in range(25):
            app.receive(SENDER, f"text {number}")
        await receiver.wait_for(25)

    assert receiver.most_open_count == 1
    assert len({_payload(one)["message"] for one in receiver.received}) == 25


async def test_duplicate_has_another_envelope_and_the_same_message(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    mischief = Mischief(duplicate_webhooks=True)
    async with listening(official, tmp_path, receiver, "sms:received", mischief=mischief) as app:
        app.receive(SENDER, "Hi")
        one, other = await receiver.wait_for(2)

    assert _payload(one) == _payload(other)
    assert one.payload["id"] != other.payload["id"]


@pytest.mark.parametrize(("version", "heard_count"), [("1.66.0", 1), ("1.68.0", 2)])
async def test_equal_text_a_second_later_counts_as_new_from_1_67_on(
    official: OfficialServer,
    receiver: WebhookReceiver,
    tmp_path: Path,
    version: str,
    heard_count: int,
) -> None:
    clock = FrozenClock()
    options: dict[str, Any] = {"clock": clock, "version": version}
    async with listening(official, tmp_path, receiver, "sms:received", **options) as app:
        app.receive(SENDER, "BALANCE")
        app.receive(SENDER, "BALANCE")
        clock.advance(1_000)
        app.receive(SENDER, "BALANCE")

        assert count(app, Step.QUEUED) == heard_count


async def test_export_brings_out_what_the_app_did_not_see(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    clock = FrozenClock()
    async with listening(official, tmp_path, receiver, "sms:received", clock=clock) as app:
        app.receive(SENDER, "seen")
        clock.advance(100)
        await until(lambda: not app.owed_webhooks_count)
        await app.stop()
        app.receive(SENDER, "missed")
        clock.advance(60_000)
        app.receive(SENDER, "too late")
        await app.start()
        await until(lambda: official.streams_count)
        wanted = {
            "since": iso_utc_ms(START_MS - 1_000),
            "until": iso_utc_ms(START_MS + 1_000),
            "messageTypes": "SMS,MMS",
            "triggerWebhooks": "true",
        }
        await official.tell("MessagesExportRequested", wanted)
        await until(lambda: app.owed_webhooks_count == 1)
        clock.advance(100)
        await until(lambda: len(receiver.received) == 2)

    assert [_payload(one)["message"] for one in receiver.received] == ["seen", "missed"]


async def test_export_without_data_takes_the_app_down(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.streams_count)
        await official.tell("MessagesExportRequested")
        await until(lambda: count(app, Step.CRASH))

        assert said(app, Step.CRASH)[0].startswith("MessagesExportRequested: ")


async def test_what_becomes_of_messages_is_told_to_each_recipient(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    official.enqueue("m1", phoneNumbers=["+12025550111", "+12025550112"])
    events = ("sms:sent", "sms:delivered", "sms:failed", "system:ping", "app:started")
    async with listening(official, tmp_path, receiver, *events) as app:
        official.enqueue("m2", simNumber=3)
        app.push("MessageEnqueued")
        await until(lambda: {"sms:delivered", "sms:failed"} <= _events(receiver))

    failed = next(one for one in receiver.received if one.payload["event"] == "sms:failed")
    assert _payload(failed)["reason"] == "Can't send message: SIM 3 not found"


async def test_start_is_told(
    official: OfficialServer, receiver: WebhookReceiver, tmp_path: Path
) -> None:
    async with listening(official, tmp_path, receiver, "app:started") as app:
        await app.stop()
        await app.start()
        [webhook] = await receiver.wait_for(1)

    [card] = _payload(webhook)["simCards"]
    assert card["phoneNumber"] == "+251911000001"


def _payload(webhook: ReceivedWebhook) -> dict[str, Any]:
    payload: dict[str, Any] = webhook.payload["payload"]
    return payload


def _events(receiver: WebhookReceiver) -> set[str]:
    return {one.payload["event"] for one in receiver.received}
