"""Webhooks are told of phones that stay away, come back, or run out of battery."""

import json
from pathlib import Path
from typing import Any

from tests.clocks import START_MS, FrozenClock
from tests.gateways import ONE_SIM, World, everything_committed, world
from tests.servers import RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server.clock import HOUR_MS, MINUTE_MS, iso_utc_ms
from textko_server.gateway.sync import Status
from textko_server.model import Webhook

URL = "https://example.com/hook"
ALL = ["PHONE_OFFLINE", "PHONE_ONLINE", "PHONE_BATTERY_LOW"]
AWAY_MS = 300_000


async def subscribe(world: World, *events: str) -> Webhook:
    return await world.gateway.webhooks.create(world.user.id, url=URL, events=events or ALL)


async def owed(world: World) -> list[dict[str, Any]]:
    """Bodies of all deliveries, oldest first."""
    await everything_committed(world.gateway.db)
    deliveries = await world.gateway.webhook_log.list_deliveries(None)
    return [json.loads(delivery.body) for delivery in reversed(deliveries)]


async def events_owed(world: World) -> list[str]:
    return [body["webhookEvent"] for body in await owed(world)]


async def pass_time(world: World, ms: int) -> None:
    """As the server lets it pass: looking for silent phones every few seconds."""
    gateway = world.gateway
    for _ in range(0, ms, 10_000):
        world.clock.advance(10_000)
        gateway.presence.drop_silent()
        await gateway.phone_alerts.tell()
        await gateway._save_times()


async def status(world: World, device_id: int, percent: int, *, charging: bool) -> None:
    told = Status(battery_percent=percent, is_charging=charging)
    await world.sync(device_id, status=told)


# --- away and back ---


async def test_phone_that_stays_away_is_told_of_once_and_again_when_it_is_back(
    world: World,
) -> None:
    webhook = await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    await status(world, device_id, 62, charging=True)

    await pass_time(world, AWAY_MS - 10_000)
    before = await owed(world)
    await pass_time(world, HOUR_MS)
    [offline] = await owed(world)
    await world.sync(device_id)
    back_at = world.clock.now_ms()
    await world.gateway.phone_alerts.tell()
    online = (await owed(world))[1:]

    assert before == []
    ids = (offline["deviceId"], offline["webhookSubscriptionId"], offline["idempotencyKey"])
    assert [len(some_id) for some_id in ids] == [24, 24, 24]
    assert webhook.events == " ".join(ALL)
    assert list(offline) == [
        "webhookEvent", "deviceId", "deviceName", "occurredAt", "lastSeenAt", "batteryPercent",
        "isCharging", "webhookSubscriptionId", "idempotencyKey",
    ]  # fmt: skip
    assert offline["webhookEvent"] == "PHONE_OFFLINE"
    assert offline["deviceName"] == "phone"
    assert offline["occurredAt"] == iso_utc_ms(START_MS + AWAY_MS)
    assert offline["lastSeenAt"] == iso_utc_ms(START_MS)
    assert (offline["batteryPercent"], offline["isCharging"]) == (62, True)
    assert [body["webhookEvent"] for body in online] == ["PHONE_ONLINE"]
    assert online[0]["occurredAt"] == iso_utc_ms(back_at)
    assert online[0]["lastSeenAt"] == offline["lastSeenAt"]


async def test_phone_that_is_back_in_time_is_told_of_to_nobody(world: World) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    for _ in range(5):
        await world.sync(device_id)
        await pass_time(world, AWAY_MS - MINUTE_MS)
        assert not world.gateway.presence.is_online(device_id)
    await world.sync(device_id)
    await world.gateway.phone_alerts.tell()

    assert await owed(world) == []


async def test_phone_that_was_paired_and_never_came_is_told_of(world: World) -> None:
    await subscribe(world)
    await world.pair(*ONE_SIM)

    await pass_time(world, AWAY_MS)

    assert await events_owed(world) == ["PHONE_OFFLINE"]


async def test_only_who_asked_is_told(world: World) -> None:
    await subscribe(world, "PHONE_ONLINE")
    device_id = await world.pair(*ONE_SIM)
    await pass_time(world, AWAY_MS)
    await world.sync(device_id)
    await world.gateway.phone_alerts.tell()

    assert await events_owed(world) == ["PHONE_ONLINE"]


async def test_deleted_phone_is_not_told_of(world: World) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    await pass_time(world, AWAY_MS)
    await world.gateway.devices.delete(world.principal, device_id)
    await world.pair(*ONE_SIM)
    second = await world.pair(*ONE_SIM)
    await world.gateway.devices.delete(world.principal, second)

    assert world.gateway.phone_alerts.away_count == 0
    await pass_time(world, HOUR_MS)
    assert await events_owed(world) == ["PHONE_OFFLINE"] * 2
    assert world.gateway.phone_alerts.away_count == 1


async def test_restart_neither_repeats_nor_forgets(tmp_path: Path, clock: FrozenClock) -> None:
    async with world(tmp_path, clock) as before:
        await subscribe(before)
        away, nearly = await before.pair(*ONE_SIM), await before.pair(*ONE_SIM)
        await before.sync(away)
        await pass_time(before, 2 * MINUTE_MS)
        await before.sync(nearly)
        await pass_time(before, AWAY_MS - MINUTE_MS)
        assert await events_owed(before) == ["PHONE_OFFLINE"]
    clock.advance(HOUR_MS)

    async with world(tmp_path, clock) as after:
        await pass_time(after, AWAY_MS - MINUTE_MS)
        while_they_may_come = await events_owed(after)
        await pass_time(after, HOUR_MS)
        later = await events_owed(after)
    async with world(tmp_path, clock) as third:
        await third.sync(away)
        await third.sync(nearly)
        await third.gateway.phone_alerts.tell()
        at_last = await owed(third)

    assert while_they_may_come == ["PHONE_OFFLINE"]
    assert later == ["PHONE_OFFLINE", "PHONE_OFFLINE"]
    assert [body["webhookEvent"] for body in at_last[2:]] == ["PHONE_ONLINE", "PHONE_ONLINE"]
    assert at_last[2]["lastSeenAt"] == iso_utc_ms(START_MS)


async def test_database_that_refuses_puts_it_off(world: World) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    await pass_time(world, AWAY_MS - 10_000)
    gateway = world.gateway
    await gateway.db.write(lambda tx: tx.execute("ALTER TABLE secrets RENAME TO gone"))

    await pass_time(world, 30_000)
    refused_count = gateway.phone_alerts.away_count
    await gateway.db.write(lambda tx: tx.execute("ALTER TABLE gone RENAME TO secrets"))
    await pass_time(world, 10_000)

    assert refused_count == 0
    assert await events_owed(world) == ["PHONE_OFFLINE"]
    await world.sync(device_id)
    await world.gateway.phone_alerts.tell()
    assert await events_owed(world) == ["PHONE_OFFLINE", "PHONE_ONLINE"]


# --- battery ---


async def test_battery_is_told_of_when_it_becomes_low_and_not_while_it_stays_so(
    world: World,
) -> None:
    await subscribe(world)
    device_id = await world.pair(*ONE_SIM)
    for percent, charging in [(80, False), (21, False), (20, False), (7, False), (7, True)]:
        await status(world, device_id, percent, charging=charging)
    once = await owed(world)
    await status(world, device_id, 9, charging=False)

    assert [body["webhookEvent"] for body in once] == ["PHONE_BATTERY_LOW"]
    assert (once[0]["batteryPercent"], once[0]["isCharging"]) == (20, False)
    assert once[0]["occurredAt"] == iso_utc_ms(START_MS)
    assert await events_owed(world) == ["PHONE_BATTERY_LOW"] * 2


# --- over HTTP ---


async def test_receiver_gets_signed_events_of_a_phone(
    server: RunningServer, clock: FrozenClock
) -> None:
    async with WebhookReceiver() as receiver:
        body = {"url": receiver.url(), "events": ALL}
        headers = server.regular.jwt_headers
        made = await server.request("POST", "/admin/v1/webhooks", body, headers=headers)
        low = {"status": {"battery": 12, "charging": False}}
        await server.sync(server.regular, **low)
        await receiver.wait_for(1)
        while server.gateway.presence.online_count:
            await tick(server, clock)
        clock.advance(AWAY_MS)
        await receiver.wait_for(2)
        await server.sync(server.regular)
        clock.advance(10_000)
        received = await receiver.wait_for(3)

    assert made.status == 201, made
    assert [webhook.payload["webhookEvent"] for webhook in received] == [
        "PHONE_BATTERY_LOW", "PHONE_OFFLINE", "PHONE_ONLINE",
    ]  # fmt: skip
    assert {w.payload["deviceId"] for w in received} == {server.regular.device_id}
    assert all(webhook.is_signed_with(made.json["secret"]) for webhook in received)


async def tick(server: RunningServer, clock: FrozenClock) -> None:
    """A minute passes, and the server has looked at its phones."""
    clock.advance(MINUTE_MS)
    await server.request("GET", "/healthz")
