"""The last hour minute by minute, from the events."""

import pytest

from tests.gateways import ONE_SIM, World
from textko_server.clock import HOUR_MS, MINUTE_MS
from textko_server.gateway import traffic
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.traffic import Minute
from textko_server.model import State


async def last_minute(world: World, user_id: int | None = None) -> Minute:
    return (await world.gateway.traffic.last_hour(user_id))[-1]


def counted(minute: Minute) -> tuple[int, int, int, int, int]:
    return minute.submitted, minute.sent, minute.delivered, minute.failed, minute.received


async def test_every_recipient_is_counted_in_its_minute(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.submit("+251911000001", "+251911000002", device_id=device)
    first = await world.take_one(device)
    second = await world.take_one(device)
    await world.report(device, first, State.SENT)
    world.clock.advance(MINUTE_MS)
    await world.report(device, first, State.DELIVERED)
    await world.report(device, second, State.FAILED, "network_rejected")
    incoming = Incoming("reference", "+251911000009", "Hi", world.clock.now_ms())
    await world.sync(device, incoming=[incoming])

    before, now = (await world.gateway.traffic.last_hour(world.user.id))[-2:]

    assert counted(before) == (2, 1, 0, 0, 0)
    assert counted(now) == (0, 0, 1, 1, 1)
    assert now.at - before.at == MINUTE_MS


async def test_accounts_are_counted_apart(world: World) -> None:
    await world.submit()

    assert counted(await last_minute(world, world.user.id)) == (1, 0, 0, 0, 0)
    assert counted(await last_minute(world, world.user.id + 1)) == (0, 0, 0, 0, 0)
    assert counted(await last_minute(world)) == (1, 0, 0, 0, 0)


async def test_queue_depth_is_looked_at_once_a_minute(world: World) -> None:
    await world.submit()
    assert (await last_minute(world)).queue_depth == 1
    await world.submit()
    assert (await last_minute(world)).queue_depth == 1
    world.clock.advance(MINUTE_MS)

    assert (await last_minute(world)).queue_depth == 2
    assert (await last_minute(world, world.user.id)).queue_depth == 2
    assert (await last_minute(world, world.user.id + 1)).queue_depth == 0


async def test_queue_that_does_not_change_is_remembered_for_hours(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.submit(device_id=device)
    await last_minute(world)
    for number in range(90):
        world.clock.advance(MINUTE_MS)
        incoming = Incoming(f"{number}", "+251911000009", "Hi", world.clock.now_ms())
        await world.sync(device, incoming=[incoming])

    assert (await last_minute(world)).queue_depth == 1


async def test_list_begins_at_start_and_goes_back_an_hour_at_most(world: World) -> None:
    assert len(await world.gateway.traffic.last_hour(None)) == 1
    world.clock.advance(10 * MINUTE_MS)
    assert len(await world.gateway.traffic.last_hour(None)) == 11
    await world.submit()
    world.clock.advance(2 * HOUR_MS)

    minutes = await world.gateway.traffic.last_hour(None)

    assert len(minutes) == 60
    assert all(counted(minute) == (0, 0, 0, 0, 0) for minute in minutes)


async def test_too_many_accounts_count_in_the_whole_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "MAX_ACCOUNTS_COUNT", 0)

    await world.submit()

    assert counted(await last_minute(world)) == (1, 0, 0, 0, 0)
    assert counted(await last_minute(world, world.user.id)) == (0, 0, 0, 0, 0)
