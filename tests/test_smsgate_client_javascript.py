"""SMSGate's own client for JavaScript, 3.0.0 of npm, every method of it, in Node.js."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import npm
from tests.servers import PASSWORD, RunningServer
from tests.smsgate_clients import JavaScriptClient, javascript_client, send_over_the_air
from textko_server.clock import HOUR_MS, iso_utc_ms
from textko_server.gateway.events import InboxExportWished

PHONE = "+251912345678"
HOOK = "https://shop.example.org/sms"
TRIED = {
    "send", "getState", "getWebhooks", "registerWebhook", "deleteWebhook", "getDevices",
    "deleteDevice", "getHealth", "exportInbox", "getLogs", "getSettings", "updateSettings",
    "patchSettings",
}  # fmt: skip


@pytest.fixture
async def client(server: RunningServer, tmp_path: Path) -> AsyncIterator[JavaScriptClient]:
    email = server.regular.user.email
    async with javascript_client(tmp_path, server.url, email, PASSWORD) as client:
        yield client


async def test_every_method_of_the_client_is_tried_here() -> None:
    package = await npm.installed("android-sms-gateway", "3.0.0")
    source = (package / "node_modules/android-sms-gateway/dist/index.js").read_text()

    assert set(re.findall(r"^  async (\w+)\(", source, re.MULTILINE)) == TRIED


async def test_client_sends_and_follows_a_text(
    server: RunningServer, client: JavaScriptClient
) -> None:
    message = {"message": "Hello 👋", "phoneNumbers": [PHONE], "id": None, "ttl": 3600}

    sent = await client("send", message, {"skipPhoneValidation": True})
    await send_over_the_air(server, "sent")
    state = await client("getState", sent["id"])

    assert sent["state"] == "Pending"
    assert state["state"] == "Sent"
    assert state["recipients"] == [{"phoneNumber": PHONE, "state": "Sent"}]


async def test_client_has_webhooks(client: JavaScriptClient) -> None:
    wanted = {"id": "mine", "event": "sms:received", "url": HOOK}
    made = await client("registerWebhook", wanted)

    listed = await client("getWebhooks")
    await client("deleteWebhook", "mine")

    assert listed == [made] == [wanted]
    assert await client("getWebhooks") == []


async def test_client_lists_and_removes_devices(
    server: RunningServer, client: JavaScriptClient
) -> None:
    [device] = await client("getDevices")

    await client("deleteDevice", device["id"])

    assert (device["id"], device["name"]) == (server.regular.device_id, "Phone of regular")
    assert await client("getDevices") == []


async def test_client_sees_a_healthy_server(client: JavaScriptClient) -> None:
    health = await client("getHealth")

    assert health["status"] == "pass"
    assert {check["status"] for check in health["checks"].values()} == {"pass"}


async def test_client_writes_settings_in_its_own_spelling(client: JavaScriptClient) -> None:
    await client("updateSettings", {"messages": {"limitPeriod": "PerHour", "limitValue": 30}})
    await client("patchSettings", {"ping": {"intervalSeconds": 60}})

    assert await client("getSettings") == {
        "messages": {"limit_period": "PerHour", "limit_value": 30},
        "ping": {"interval_seconds": 60},
    }


async def test_client_reads_the_log(server: RunningServer, client: JavaScriptClient) -> None:
    sent = await client("send", {"message": "Hello", "phoneNumbers": [PHONE]})
    start = {"$date": iso_utc_ms(server.clock.now_ms())}
    end = {"$date": iso_utc_ms(server.clock.now_ms() + 1)}

    [line] = await client("getLogs", start, end)

    assert line["context"]["messageId"] == sent["id"]
    assert line["priority"] == "INFO"


async def test_client_asks_a_phone_for_its_inbox(
    server: RunningServer, client: JavaScriptClient
) -> None:
    await server.gateway.db.write(lambda tx: tx.execute("UPDATE devices SET app_name = 'SMSGate'"))
    wishes: list[InboxExportWished] = []
    server.gateway.events.listen(wishes.append, InboxExportWished)
    now_ms = server.clock.now_ms()
    span = {
        "deviceId": server.regular.device_id,
        "since": {"$date": iso_utc_ms(now_ms - HOUR_MS)},
        "until": {"$date": iso_utc_ms(now_ms)},
    }

    await client("exportInbox", span)

    assert [(wish.since, wish.until) for wish in wishes] == [(now_ms - HOUR_MS, now_ms)]


async def test_client_throws_what_is_refused(client: JavaScriptClient) -> None:
    with pytest.raises(AssertionError, match=r"400 .*phoneNumbers"):
        await client("send", {"message": "Hello", "phoneNumbers": ["nobody"]})
