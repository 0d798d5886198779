"""Webhooks of SMSGate's kind: this server posts what there the phone posts."""

import hmac
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import Answer, RunningServer, running_server
from tests.smsgate_clients import BASE, basic, receive_over_the_air, send_over_the_air
from tests.webhook_receiver import ReceivedWebhook, WebhookReceiver
from textko_server.clock import MINUTE_MS, iso_utc_ms
from textko_server.config import WebhookSettings
from textko_server.gateway.devices import NewDevice

PHONE = "+251912345678"
HELLO = {"id": "order-17", "textMessage": {"text": "Hello"}, "phoneNumbers": [PHONE]}
NOW = iso_utc_ms(START_MS)


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    async with WebhookReceiver() as receiver:
        yield receiver


async def ask(server: RunningServer, method: str, path: str, body: Any = None) -> Answer:
    return await server.request(method, BASE + path, body, headers=basic(server.regular))


async def subscribe(server: RunningServer, url: str, event: str, **fields: Any) -> Any:
    answer = await ask(server, "POST", "/webhooks", {"url": url, "event": event} | fields)
    assert answer.status == 201, answer
    return answer.json


async def told(receiver: WebhookReceiver) -> ReceivedWebhook:
    [delivery] = await receiver.wait_for(1)
    return delivery


async def test_received_text_is_told_in_smsgates_envelope(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(server, receiver.url(), "sms:received")

    await receive_over_the_air(server, "Hi 👋")

    body = (await told(receiver)).payload
    [message] = (await ask(server, "GET", "/inbox")).json
    assert body.pop("id")
    assert body == {
        "webhookId": webhook["id"],
        "event": "sms:received",
        "deviceId": server.regular.device_id,
        "payload": {
            "messageId": message["id"],
            "message": "Hi 👋",
            "sender": "+251922000000",
            "recipient": "+251911000001",
            "phoneNumber": "+251922000000",
            "simNumber": 1,
            "receivedAt": NOW,
        },
    }


@pytest.mark.parametrize(
    ("event", "states", "more"),
    [
        ("sms:sent", ["sent"], {"partsCount": 1, "sentAt": NOW}),
        ("sms:delivered", ["sent", "delivered"], {"deliveredAt": NOW}),
    ],
)
async def test_what_became_of_a_text_is_told(
    server: RunningServer,
    receiver: WebhookReceiver,
    event: str,
    states: list[str],
    more: dict[str, Any],
) -> None:
    await subscribe(server, receiver.url(), event, id="mine")
    await ask(server, "POST", "/messages", HELLO | {"simNumber": 1})

    await send_over_the_air(server, *states)

    body = (await told(receiver)).payload
    assert body.pop("id")
    assert body == {
        "webhookId": "mine",
        "event": event,
        "deviceId": server.regular.device_id,
        "payload": {
            "messageId": "order-17",
            "sender": "+251911000001",
            "recipient": PHONE,
            "phoneNumber": PHONE,
            "simNumber": 1,
        }
        | more,
    }


async def test_expired_text_is_told_as_failed_with_the_reason(
    server: RunningServer, receiver: WebhookReceiver, clock: FrozenClock
) -> None:
    await subscribe(server, receiver.url(), "sms:failed")
    await ask(server, "POST", "/messages", HELLO | {"ttl": 60})
    clock.advance(MINUTE_MS)
    await server.gateway.sweep.sweep_once()

    body = (await told(receiver)).payload

    assert (body["event"], body["deviceId"]) == ("sms:failed", "")
    assert body["payload"]["failedAt"] == iso_utc_ms(START_MS + MINUTE_MS)
    assert body["payload"]["reason"]


async def test_cancelled_text_is_told(server: RunningServer, receiver: WebhookReceiver) -> None:
    await subscribe(server, receiver.url(), "sms:cancelled")
    await ask(server, "POST", "/messages", HELLO)

    await ask(server, "DELETE", "/messages/order-17")

    body = (await told(receiver)).payload
    assert body["payload"]["cancelledAt"] == NOW
    assert "reason" not in body["payload"]


async def test_text_of_another_api_has_our_own_id(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    await subscribe(server, receiver.url(), "sms:sent")
    sent = await server.request(
        "POST", "/api/v1/gateway/send-sms", {"recipients": [PHONE], "message": "Hello"},
        headers=server.regular.key_headers,
    )  # fmt: skip
    await send_over_the_air(server, "sent")

    body = (await told(receiver)).payload

    assert body["payload"]["messageId"] == sent.json["data"]["smsBatchId"]


def signature(key: str, delivery: ReceivedWebhook) -> str:
    """As the vendor's document says: the body with the timestamp behind it."""
    signed = delivery.body + delivery.headers["x-timestamp"].encode()
    return hmac.new(key.encode(), signed, sha256).hexdigest()


async def test_delivery_is_signed_with_the_accounts_key(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    await ask(server, "PATCH", "/settings", {"webhooks": {"signing_key": "a key"}})
    await subscribe(server, receiver.url(), "sms:received")
    await receive_over_the_air(server, "Hi")

    delivery = await told(receiver)

    assert delivery.headers["x-timestamp"] == str(START_MS // 1000)
    assert delivery.headers["x-signature"] == signature("a key", delivery)


async def test_new_signing_key_counts_for_webhooks_that_are_there(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    await subscribe(server, receiver.url(), "sms:received")
    await ask(server, "PUT", "/settings", {"webhooks": {"signing_key": "a key"}})
    await receive_over_the_air(server, "Hi")

    delivery = await told(receiver)

    assert delivery.headers["x-signature"] == signature("a key", delivery)


async def test_without_a_signing_key_each_webhook_has_a_secret_of_its_own(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    made = await subscribe(server, receiver.url(), "sms:received")
    await receive_over_the_air(server, "Hi")
    shown = await server.request(
        "GET", f"/admin/v1/webhooks/{made['id']}", headers=server.regular.jwt_headers
    )
    [(secret,)] = await server.gateway.db.fetch_all("SELECT secret FROM webhooks")

    delivery = await told(receiver)

    assert shown.json["format"] == "smsgate"
    assert delivery.headers["x-signature"] == signature(secret, delivery)


async def test_webhook_of_a_device_is_told_of_that_device_only(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    code = await server.gateway.pairing.create_code(server.regular.user.id)
    await server.gateway.pairing.pair(code.code, NewDevice("other"))
    devices = (await ask(server, "GET", "/devices")).json
    other_id = next(d["id"] for d in devices if d["name"] == "other")
    for event in ("sms:received", "sms:sent"):
        await subscribe(server, receiver.url("/other"), event, deviceId=other_id)
        await subscribe(server, receiver.url("/own"), event, deviceId=server.regular.device_id)

    await ask(server, "POST", "/messages", HELLO)
    await send_over_the_air(server, "sent")
    await receive_over_the_air(server, "Hi")

    deliveries = await receiver.wait_for(2)
    assert {d.path for d in deliveries} == {"/own"}
    rows = await server.gateway.db.fetch_all("SELECT count(*) FROM webhook_deliveries")
    assert rows == [(2,)]


async def test_silent_event_is_taken(server: RunningServer, receiver: WebhookReceiver) -> None:
    await subscribe(server, receiver.url(), "mms:downloaded")

    await receive_over_the_air(server, "Hi")

    assert await server.gateway.db.fetch_all("SELECT 1 FROM webhook_deliveries") == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"event": "sms:read"}, "event"),
        ({"url": "ftp://example.org"}, "url"),
        ({"deviceId": "0" * 24}, "deviceId"),
        ({"id": "x" * 37}, "id"),
    ],
)
async def test_wrong_webhook_is_refused(
    server: RunningServer, fields: dict[str, str], field: str
) -> None:
    body = {"url": "https://shop.example.org", "event": "sms:received"} | fields

    answer = await ask(server, "POST", "/webhooks", body)

    assert answer.status == 400
    assert answer.json["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("given_id", ["mine", None])
async def test_webhook_that_is_posted_again_by_its_id_is_changed(
    server: RunningServer, given_id: str | None
) -> None:
    made = await subscribe(server, "https://a.example.org", "sms:sent", id=given_id)

    changed = await subscribe(server, "https://b.example.org", "sms:failed", id=made["id"])

    assert changed == {
        "id": made["id"], "url": "https://b.example.org", "event": "sms:failed",
    }  # fmt: skip
    assert (await ask(server, "GET", "/webhooks")).json == [changed]


async def test_nobody_removes_webhooks_of_others_or_of_other_kinds(
    server: RunningServer,
) -> None:
    await subscribe(server, "https://a.example.org", "sms:sent", id="mine")
    body = {"url": "https://c.example.org", "events": ["MESSAGE_SENT"]}
    textko = await server.request(
        "POST", "/admin/v1/webhooks", body, headers=server.regular.jwt_headers
    )

    theirs = await server.request("DELETE", f"{BASE}/webhooks/mine", headers=basic(server.admin))
    other_kind = await ask(server, "DELETE", f"/webhooks/{textko.json['id']}")
    own = await ask(server, "DELETE", "/webhooks/mine")
    again = await ask(server, "DELETE", "/webhooks/mine")

    assert (theirs.status, other_kind.status, own.status, again.status) == (404, 404, 204, 404)
    assert (await ask(server, "GET", "/webhooks")).json == []


async def test_account_has_no_more_webhooks_than_the_setting(tmp_path: Path) -> None:
    async with running_server(tmp_path, webhooks=WebhookSettings(max_per_account=1)) as server:
        await subscribe(server, "https://a.example.org", "sms:sent", id="mine")
        changed = await subscribe(server, "https://b.example.org", "sms:sent", id="mine")
        body = {"url": "https://c.example.org", "event": "sms:sent"}
        refused = await ask(server, "POST", "/webhooks", body)

    assert changed["url"] == "https://b.example.org"
    assert refused.status == 409


async def test_webhook_of_several_events_is_listed_once_for_each(server: RunningServer) -> None:
    body = {
        "url": "https://a.example.org", "format": "smsgate", "secret": "a word",
        "events": ["sms:received", "sms:sent"],
    }  # fmt: skip
    made = await server.request(
        "POST", "/admin/v1/webhooks", body, headers=server.regular.jwt_headers
    )

    listed = (await ask(server, "GET", "/webhooks")).json

    assert [(one["id"], one["event"]) for one in listed] == [
        (made.json["id"], "sms:received"),
        (made.json["id"], "sms:sent"),
    ]


async def test_test_of_a_webhook_is_a_received_text(
    server: RunningServer, receiver: WebhookReceiver
) -> None:
    webhook = await subscribe(server, receiver.url(), "sms:failed")

    await server.request(
        "POST", f"/admin/v1/webhooks/{webhook['id']}/test", {},
        headers=server.regular.jwt_headers,
    )  # fmt: skip

    body = (await told(receiver)).payload
    assert (body["webhookId"], body["event"]) == (webhook["id"], "sms:received")
    assert "test" in body["payload"]["message"]


# --- pings ---


async def tell_battery(server: RunningServer, percent: int, *, is_charging: bool = False) -> None:
    """The phone tells of its battery, and what is owed for it is written."""
    status = {"battery": percent, "charging": is_charging}
    await server.sync(server.regular, status=status, capacity=0)
    await server.gateway.smsgate_pings.tell()


async def ping_count(server: RunningServer) -> int:
    [(count,)] = await server.gateway.db.fetch_all(
        "SELECT count(*) FROM webhook_deliveries WHERE event = 'system:ping'"
    )
    return int(count)


async def test_ping_tells_of_the_battery(server: RunningServer, receiver: WebhookReceiver) -> None:
    await ask(server, "PATCH", "/settings", {"ping": {"interval_seconds": 60}})
    await subscribe(server, receiver.url(), "system:ping")

    await tell_battery(server, 15)

    body = (await told(receiver)).payload
    assert body["deviceId"] == server.regular.device_id
    health = body["payload"]["health"]
    assert health["status"] == "warn"
    assert health["checks"]["battery:level"]["observedValue"] == 15
    assert health["checks"]["battery:charging"]["observedValue"] == 0


async def test_pings_come_no_oftener_than_the_setting(
    server: RunningServer, clock: FrozenClock
) -> None:
    await ask(server, "PATCH", "/settings", {"ping": {"interval_seconds": 60}})
    await subscribe(server, "https://a.example.org", "system:ping")

    counts = []
    for seconds in (0, 59, 1, 59, 1):
        clock.advance(seconds * 1000)
        await tell_battery(server, 80)
        counts.append(await ping_count(server))

    assert counts == [1, 1, 2, 2, 3]


async def test_without_the_setting_there_are_no_pings(server: RunningServer) -> None:
    await subscribe(server, "https://a.example.org", "system:ping")

    await tell_battery(server, 80)

    assert await ping_count(server) == 0


async def test_phone_that_tells_nothing_of_its_battery_pings_not(server: RunningServer) -> None:
    await ask(server, "PATCH", "/settings", {"ping": {"interval_seconds": 60}})
    await subscribe(server, "https://a.example.org", "system:ping")

    await server.sync(server.regular, status={"network": "wifi"}, capacity=0)
    await server.gateway.smsgate_pings.tell()

    assert await ping_count(server) == 0
