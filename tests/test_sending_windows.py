"""The hours a SIM may send in: when a window opens, and what waits for it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.clocks import FrozenClock
from tests.gateways import LIMIT_S, ONE_SIM, TWO_SIMS, World, until
from tests.gateways import world as open_world
from textko_server.clock import HOUR_MS, MINUTE_MS, time_zone
from textko_server.config import DispatchSettings
from textko_server.errors import Invalid, NotFound
from textko_server.gateway.sending_windows import Window, opens_at
from textko_server.gateway.sync import SyncAnswer
from textko_server.model import Priority

BERLIN = (
    "Europe/Berlin"  # 2026: an hour is skipped at 2026-03-29 02:00, one comes twice 10-25 03:00
)
NINE_TO_SEVEN = Window(9 * 60, 19 * 60)
NIGHT = Window(22 * 60, 6 * 60)


def at(text: str, zone: str = BERLIN) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        (None, "2026-01-15T03:00", None),
        (Window(480, 480), "2026-01-15T03:00", None),
        (NINE_TO_SEVEN, "2026-01-15T08:59:59.999", "2026-01-15T09:00"),
        (NINE_TO_SEVEN, "2026-01-15T09:00", None),
        (NINE_TO_SEVEN, "2026-01-15T18:59:59.999", None),
        (NINE_TO_SEVEN, "2026-01-15T19:00", "2026-01-16T09:00"),
        (NIGHT, "2026-01-15T21:00", "2026-01-15T22:00"),
        (NIGHT, "2026-01-15T23:30", None),
        (NIGHT, "2026-01-16T05:59", None),
        (NIGHT, "2026-01-16T06:00", "2026-01-16T22:00"),
        # Clocks change between closing and opening: the wall clock counts.
        (NINE_TO_SEVEN, "2026-03-28T20:00", "2026-03-29T09:00"),
        (NINE_TO_SEVEN, "2026-10-24T20:00", "2026-10-25T09:00"),
        # It would open in the hour that is skipped: it does where the skip ends.
        (Window(150, 600), "2026-03-29T01:30", "2026-03-29T03:00"),
        # All of it is skipped: the next day.
        (Window(130, 170), "2026-03-29T01:30", "2026-03-30T02:10"),
    ],
)
def test_window_opens_by_the_clock_on_the_wall(
    window: Window | None, now: str, opening: str | None
) -> None:
    expected = None if opening is None else at(opening)

    assert opens_at(window, time_zone(BERLIN), at(now)) == expected


def test_hour_that_comes_twice_opens_a_window_once() -> None:
    first = at("2026-10-25T02:30")  # fold=0: the first of the two
    window = Window(150, 165)  # 02:30 to 02:45

    assert opens_at(window, time_zone(BERLIN), first) is None
    assert opens_at(window, time_zone(BERLIN), first + HOUR_MS) == at("2026-10-26T02:30")


def test_machine_without_a_zone_named_goes_by_its_own() -> None:
    now_ms = at("2026-01-15T10:00")
    opening = opens_at(Window(0, 1), None, now_ms)

    assert opening is not None
    local = datetime.fromtimestamp(opening / 1000)  # noqa: DTZ006 - the machine's own is meant
    assert (local.hour, local.minute) == (0, 0)
    assert now_ms < opening <= now_ms + 25 * HOUR_MS


@pytest.mark.parametrize("name", ["Nowhere/Atall", "../etc/passwd", "Europe", "\0"])
def test_zone_that_does_not_exist_is_refused(name: str) -> None:
    with pytest.raises(LookupError, match="no such time zone"):
        time_zone(name)


def test_machine_without_time_zone_data_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import zoneinfo

    zoneinfo.ZoneInfo.clear_cache()
    before = zoneinfo.TZPATH
    zoneinfo.reset_tzpath(to=[])
    try:
        with pytest.raises(LookupError, match="install tzdata"):
            time_zone(BERLIN)
        assert time_zone("UTC") is not None
    finally:
        zoneinfo.reset_tzpath(to=before)


# --- what dispatch makes of it; the clock stands at 10:00 UTC ---


@pytest.fixture
async def world(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[World]:
    settings = DispatchSettings(prefer_last_sim_s=0, time_zone="UTC")
    async with open_world(tmp_path, clock, dispatch=settings) as opened:
        yield opened


async def set_window(world: World, device_id: int, window: Window | None, slot: int = 1) -> None:
    await world.gateway.sims.set_window(world.principal, device_id, slot, window)


CLOSED = Window(11 * 60, 19 * 60)


async def test_nothing_is_offered_outside_of_the_window(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, CLOSED)
    await world.submit()

    assert await world.offers(device) == []
    world.clock.advance(HOUR_MS - 1)
    assert await world.offers(device) == []
    world.clock.advance(1)
    assert len(await world.offers(device)) == 1


async def test_one_time_code_goes_at_any_hour(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, CLOSED)
    await world.submit(text="Sale")
    await world.submit(text="Your code", priority=Priority.OTP)

    assert [o.text for o in await world.offers(device)] == ["Your code"]


async def test_other_sim_of_the_phone_sends_meanwhile(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    await set_window(world, device, CLOSED, slot=1)
    for _ in range(3):
        await world.submit()

    assert [o.sim_slot for o in await world.offers(device)] == [2, 2, 2]


async def test_claim_of_an_offer_made_in_time_is_granted_after_closing(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, Window(0, 10 * 60 + 1))
    await world.submit()
    [offer] = await world.offers(device)
    world.clock.advance(MINUTE_MS - 1)

    assert await world.claim(device, offer.job_id) == [offer.job_id]


def poll(world: World, device: int) -> "asyncio.Task[SyncAnswer]":
    return asyncio.create_task(world.sync(device, capacity=10, wait_s=LIMIT_S * 4))


async def test_open_poll_is_answered_when_the_window_opens(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, CLOSED)
    await world.submit()
    world.clock.advance(HOUR_MS - 100)
    waiting = poll(world, device)
    await until(lambda: world.gateway.presence.open_polls(device))
    world.clock.advance(100)

    async with asyncio.timeout(LIMIT_S):
        assert len((await waiting).offers) == 1


async def test_open_poll_is_answered_when_the_window_is_taken_away(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, CLOSED)
    await world.submit()
    waiting = poll(world, device)
    await until(lambda: world.gateway.presence.open_polls(device))
    await set_window(world, device, None)

    async with asyncio.timeout(LIMIT_S):
        assert len((await waiting).offers) == 1


async def test_one_time_code_wakes_a_poll_that_waits_for_its_window(world: World) -> None:
    first, second = await world.pair(*ONE_SIM), await world.pair(*ONE_SIM)
    for device in (first, second):
        await set_window(world, device, CLOSED)
    await world.submit(text="Sale")
    waiting = [poll(world, first), poll(world, second)]
    blocked = world.gateway.polls._of_account
    await until(lambda: [p.blocked_until > 0 for ps in blocked.values() for p in ps] == [True] * 2)

    await world.submit(text="Your code", priority=Priority.OTP)
    async with asyncio.timeout(LIMIT_S):
        done, open_ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)

    [answered] = done
    assert [o.text for o in answered.result().offers] == ["Your code"]
    for task in open_:
        task.cancel()


async def test_one_time_code_finds_the_phone_whose_pace_is_not_used_up(world: World) -> None:
    used_up, closed = await world.pair(*ONE_SIM), await world.pair(*ONE_SIM)
    await world.set_pace(used_up, per_hour=1)
    await world.submit()
    await world.take_one(used_up)
    await set_window(world, closed, CLOSED)
    await world.submit(text="Sale")
    waiting = poll(world, used_up)
    waiting_too = poll(world, closed)
    blocked = world.gateway.polls._of_account
    await until(lambda: [p.blocked_until > 0 for ps in blocked.values() for p in ps] == [True] * 2)

    await world.submit(text="Your code", priority=Priority.OTP)
    async with asyncio.timeout(LIMIT_S):
        answer = await waiting_too

    assert [o.text for o in answer.offers] == ["Your code"]
    waiting.cancel()


async def test_sim_without_limits_and_window_is_looked_up_nowhere(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    [sim] = await world.gateway.devices.list_sims(device)

    left = await world.gateway.sims.pace_left(sim)

    assert (left.now, left.minute, left.day, left.next_slot_at) == (None, None, None, None)


async def test_what_is_left_goes_down_with_offers_and_claims(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_minute=3, per_hour=10, recipients_per_month=5)
    for index in range(4):
        await world.submit(f"+25191200000{index}")
    [taken, _] = await world.offers(device, 2)
    await world.claim(device, taken.job_id)
    [sim] = await world.gateway.devices.list_sims(device)

    left = await world.gateway.sims.pace_left(sim)

    assert (left.now, left.minute, left.hour, left.day, left.month_recipients) == (1, 1, 8, None, 3)
    assert left.next_slot_at is None


async def test_next_slot_is_when_the_minute_has_passed(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_minute=1)
    await world.submit()
    await world.take_one(device)
    world.clock.advance(20_000)
    [sim] = await world.gateway.devices.list_sims(device)

    left = await world.gateway.sims.pace_left(sim)

    assert (left.now, left.minute) == (0, 0)
    assert left.next_slot_at == world.clock.now_ms() + 40_000


async def test_next_slot_that_falls_into_the_night_is_in_the_morning(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_hour=1)
    await set_window(world, device, Window(9 * 60, 10 * 60 + 30))
    await world.submit()
    await world.take_one(device)
    [sim] = await world.gateway.devices.list_sims(device)

    left = await world.gateway.sims.pace_left(sim)

    assert left.opens_at is None
    assert left.next_slot_at == world.clock.now_ms() + 23 * HOUR_MS


async def test_closed_window_leaves_nothing_now(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await set_window(world, device, CLOSED)
    [sim] = await world.gateway.devices.list_sims(device)

    left = await world.gateway.sims.pace_left(sim)

    opening = world.clock.now_ms() + HOUR_MS
    assert (left.now, left.opens_at, left.next_slot_at) == (0, opening, opening)


async def test_window_of_a_sim_that_is_not_there_is_refused(world: World) -> None:
    device = await world.pair(*ONE_SIM)

    with pytest.raises(NotFound):
        await set_window(world, device, CLOSED, slot=2)
    with pytest.raises(Invalid):
        await set_window(world, device, Window(0, 24 * 60))
