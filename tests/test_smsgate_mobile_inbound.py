"""Texts that a phone with SMSGate's app received: posted to us by its own webhooks."""

import hmac
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.clocks import FrozenClock
from tests.servers import RunningServer
from tests.smsgate_phones import BASE, SIMS, AppPhone, app_phone
from textko_server.clock import DAY_MS
from textko_server.gateway.principals import of_user, operator
from textko_server.gateway.smsgate_settings import (
    GatewaySection,
    Messages,
    SmsgateSettings,
    WebhookSection,
)
from textko_server.model import IncomingMessage

AT = "2026-01-15T13:00:01.500+03:00"
AT_MS = 1_768_471_201_500


def received(**payload: Any) -> dict[str, Any]:
    """As the app posts it."""
    return {
        "id": "Ey6ECgOkVVFjz3CL48B8C",
        "webhookId": "textko-sms-received",
        "event": "sms:received",
        "deviceId": "x",
        "payload": {
            "messageId": "1a2b3c4d",
            "sender": "+251922000001",
            "recipient": None,
            "simNumber": 1,
            "phoneNumber": "+251922000001",
            "message": "Hello back",
            "receivedAt": AT,
        }
        | payload,
    }


async def inbox(server: RunningServer) -> list[IncomingMessage]:
    page = await server.gateway.inbox.list_page(of_user(server.regular.user))
    return page.messages


def noted(server: RunningServer) -> list[str]:
    refusals = server.gateway.refusals.list_refusals(server.regular.user.id)
    return [r.code for r in refusals if r.code != "webhooks_need_https"]


# --- what the phone is told ---


@pytest.mark.parametrize(
    ("version", "events"),
    [
        ("1.68.0", ["sms:received", "system:ping", "mms:downloaded"]),
        ("1.55.1", ["sms:received", "system:ping"]),
        ("unknown", ["sms:received"]),
    ],
)
async def test_webhooks_are_those_that_the_app_knows_and_lead_here(
    server: RunningServer, version: str, events: list[str]
) -> None:
    phone = await app_phone(server, version)

    answer = await phone.ask("GET", "/webhooks")

    assert [hook["event"] for hook in answer.json] == events
    assert {frozenset(hook) for hook in answer.json} == {frozenset({"id", "url", "event"})}
    for hook in answer.json:
        assert hook["url"].startswith(f"{server.url}{BASE}/received/")
        assert len(hook["id"]) <= 36


async def test_each_phone_has_an_address_and_a_key_of_its_own(server: RunningServer) -> None:
    phone, other = await app_phone(server), await app_phone(server)

    hooks = [(await p.ask("GET", "/webhooks")).json[0]["url"] for p in (phone, other)]
    keys = [
        (await p.ask("GET", "/settings")).json["webhooks"]["signing_key"] for p in (phone, other)
    ]

    assert len(set(hooks)) == len(set(keys)) == 2
    assert len(keys[0]) == 32


async def test_address_that_is_not_https_is_noted(server: RunningServer) -> None:
    phone = await app_phone(server)

    await phone.ask("GET", "/webhooks")

    [refusal] = server.gateway.refusals.list_refusals(server.regular.user.id)
    assert refusal.code == "webhooks_need_https"
    assert "https" in refusal.reason
    assert server.gateway.refusals.list_hindrances(None) == [refusal]


async def test_address_that_works_all_the_same_hinders_nobody(server: RunningServer) -> None:
    phone = await app_phone(server)

    await phone.post(received())

    assert server.gateway.refusals.list_hindrances(None) == []


async def test_settings_are_what_the_account_wants_over_what_we_need(
    server: RunningServer,
) -> None:
    phone = await app_phone(server)
    wanted = SmsgateSettings(
        gateway=GatewaySection(notification_channel="AUTO"),
        messages=Messages(limit_period="PerDay", limit_value=5, processing_order="LIFO"),
    )
    await server.gateway.smsgate_settings.replace(server.regular.user.id, wanted)

    settings = (await phone.ask("GET", "/settings")).json

    del settings["webhooks"]["signing_key"]
    assert settings == {
        "gateway": {"notification_channel": "SSE_ONLY"},
        "messages": {"limit_period": "PerDay", "limit_value": 5, "processing_order": "FIFO"},
        "webhooks": {},
    }


async def test_signing_key_of_the_account_is_kept_and_counts(server: RunningServer) -> None:
    phone = await app_phone(server)
    wanted = SmsgateSettings(webhooks=WebhookSection(signing_key="our own key"))
    await server.gateway.smsgate_settings.replace(server.regular.user.id, wanted)
    settings = (await phone.ask("GET", "/settings")).json
    assert settings["webhooks"]["signing_key"] == "our own key"

    assert (await phone.post(received(), key="our own key")).status == 200


# --- what it brings ---


async def test_text_is_stored_as_one_of_that_phone(server: RunningServer) -> None:
    phone = await app_phone(server, simCards=SIMS)

    answer = await phone.post(received())

    assert (answer.status, answer.json) == (200, {})
    [message] = await inbox(server)
    assert (message.sender, message.text) == ("+251922000001", "Hello back")
    assert (message.device_id, message.sim_slot) == (phone.device_id, 1)
    assert message.received_at == AT_MS


async def test_same_text_told_twice_is_stored_once(server: RunningServer) -> None:
    phone = await app_phone(server)

    await phone.post(received())
    await phone.post(received() | {"id": "another-event"})

    assert len(await inbox(server)) == 1


@pytest.mark.parametrize(
    "other",
    [{"messageId": "5"}, {"sender": "+251922000002"}, {"receivedAt": "2026-01-15T10:00:02.000Z"}],
)
async def test_equal_text_at_another_time_is_another(
    server: RunningServer, other: dict[str, str]
) -> None:
    phone = await app_phone(server)

    await phone.post(received())
    await phone.post(received(**other))

    assert len(await inbox(server)) == 2


async def test_same_text_at_two_phones_is_two(server: RunningServer) -> None:
    phone, other = await app_phone(server), await app_phone(server)

    await phone.post(received())
    await other.post(received())

    assert {m.device_id for m in await inbox(server)} == {phone.device_id, other.device_id}


async def test_old_app_names_the_sender_otherwise(server: RunningServer) -> None:
    phone = await app_phone(server, "1.20.0")

    await phone.post(received(sender=None))

    [message] = await inbox(server)
    assert message.sender == "+251922000001"


async def test_stop_opts_its_sender_out(server: RunningServer) -> None:
    phone = await app_phone(server)

    await phone.post(received(message="STOP"))

    opted_out = server.gateway.opt_outs
    assert await server.gateway.db.write(
        lambda tx: opted_out.has(tx, server.regular.user.id, "+251922000001")
    )


async def test_mms_is_stored_as_the_text_it_has(server: RunningServer) -> None:
    phone = await app_phone(server)
    event = received(
        message=None,
        subject="Holiday",
        body="Look!",
        attachments=[
            {"partId": 1, "contentType": "application/smil"},
            {"partId": 2, "contentType": "image/jpeg", "size": 5, "data": "aGVsbG8="},
        ],
    )

    await phone.post(event | {"event": "mms:downloaded"})

    [message] = await inbox(server)
    assert message.text == "Holiday\nLook!\n[MMS: 1 attachment on the phone]"


async def test_ping_tells_of_the_battery(server: RunningServer) -> None:
    phone = await app_phone(server)
    health = {
        "status": "warn",
        "checks": {
            "battery:level": {"status": "warn", "observedValue": 17, "observedUnit": "percent"},
            "battery:charging": {"status": "pass", "observedValue": 0, "observedUnit": "flags"},
        },
    }

    answer = await phone.post({"event": "system:ping", "payload": {"health": health}})

    assert answer.status == 200
    device = await server.gateway.devices.get(operator(), phone.device_id)
    assert (device.battery_percent, device.is_charging) == (17, False)


async def test_event_of_another_kind_is_taken_and_forgotten(server: RunningServer) -> None:
    phone = await app_phone(server)
    hook = (await phone.ask("GET", "/webhooks")).json[0]["url"]
    key = (await phone.ask("GET", "/settings")).json["webhooks"]["signing_key"]

    answer = await post_signed(server, hook, {"event": "app:started", "payload": {}}, key)

    assert answer == 200
    assert await inbox(server) == []


# --- what is not let in ---


async def post_signed(
    server: RunningServer, url: str, event: Any, key: str, at_ms: int | None = None
) -> int:
    body = msgspec.json.encode(event)
    timestamp = str((server.clock.now_ms() if at_ms is None else at_ms) // 1000)
    signature = hmac.new(key.encode(), body + timestamp.encode(), sha256).hexdigest()
    headers = {"X-Timestamp": timestamp, "X-Signature": signature}
    return (await server.request("POST", urlsplit(url).path, body, headers=headers)).status


async def address_of(phone: AppPhone) -> str:
    url: str = (await phone.ask("GET", "/webhooks")).json[0]["url"]
    return urlsplit(url).path


async def test_text_signed_with_another_key_is_401_and_noted(server: RunningServer) -> None:
    phone = await app_phone(server)

    assert (await phone.post(received(), key="key of the phone")).status == 401

    assert await inbox(server) == []
    assert noted(server) == ["webhook_signature"]


async def test_text_without_a_signature_is_401_and_noted(server: RunningServer) -> None:
    phone = await app_phone(server)

    answer = await server.request("POST", await address_of(phone), received())

    assert answer.status == 401
    assert noted(server) == ["webhook_unsigned"]


@pytest.mark.parametrize("days", [-4, 4])
async def test_text_signed_days_ago_or_ahead_is_401_and_noted(
    server: RunningServer, days: int
) -> None:
    phone = await app_phone(server)

    answer = await phone.post(received(), at_ms=server.clock.now_ms() + days * DAY_MS)

    assert answer.status == 401
    assert noted(server) == ["webhook_clock"]


async def test_text_the_phone_brings_after_two_days_is_taken(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone = await app_phone(server)
    clock.advance(2 * DAY_MS)

    assert (await phone.post(received(), at_ms=clock.now_ms() - 2 * DAY_MS)).status == 200


@pytest.mark.parametrize("change", ["device", "digest"])
async def test_address_that_is_not_its_own_is_401(server: RunningServer, change: str) -> None:
    phone, other = await app_phone(server), await app_phone(server)
    address, others = await address_of(phone), await address_of(other)
    wrong = address[:-32] + others[-32:] if change == "device" else address[:-1] + "g"
    if change == "digest":
        wrong = address[:-1] + ("0" if address[-1] != "0" else "1")

    answer = await server.request("POST", wrong, received())

    assert answer.status == 401
    codes = [r.code for r in server.gateway.refusals.list_refusals(None)]
    assert "webhook_address" in codes
    assert all(address[-32:] not in r.path for r in server.gateway.refusals.list_refusals(None))


async def test_phone_that_was_deleted_brings_nothing(server: RunningServer) -> None:
    phone = await app_phone(server)
    address = await address_of(phone)
    await server.gateway.devices.delete(operator(), phone.device_id)

    assert (await server.request("POST", address, received())).status == 401


@pytest.mark.parametrize("body", [{"payload": {}}, [], {"event": "sms:received", "payload": 5}])
async def test_signed_body_of_another_form_is_400(server: RunningServer, body: Any) -> None:
    phone = await app_phone(server)
    key = (await phone.ask("GET", "/settings")).json["webhooks"]["signing_key"]

    assert await post_signed(server, await address_of(phone), body, key) == 400
