"""Phones without a claim step: what is listed to them is theirs, on disk, until they tell of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.gateways import LIMIT_S, ONE_SIM, TWO_SIMS, World, check_invariants, until
from tests.gateways import world as open_world
from textko_server.config import DispatchSettings
from textko_server.errors import Unauthenticated
from textko_server.gateway.listing import (
    MAX_HELD_COUNT,
    REFILL_COUNT,
    ListedJob,
    Told,
    Work,
)
from textko_server.gateway.reports import Report
from textko_server.model import Priority, State
from textko_server.store import devices as device_store


@pytest.fixture
async def world(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[World]:
    async with open_world(tmp_path, clock) as opened:
        yield opened
        await check_invariants(opened.gateway.db)


def number(index: int) -> str:
    return f"+25191200{index:04d}"


async def listed(world: World, device_id: int) -> list[ListedJob]:
    return await world.gateway.listing.list_jobs(device_id)


async def tell(
    world: World, device_id: int, job_id: str, state: State | None, error_code: str | None = None
) -> None:
    """None: it has the job."""
    device = await device_store.find(world.gateway.db, device_id)
    assert device is not None
    report = None if state is None else Report(state, world.clock.now_ms(), error_code)
    await world.gateway.listing.tell(device, [Told(job_id, report)])


async def test_listed_job_is_claimed_and_says_all_a_phone_needs(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    second = (await device_store.list_sims(world.gateway.db, device))[1]
    submitted = await world.submit(text="Hello", sim_id=second.id, priority=Priority.HIGH)

    [job] = await listed(world, device)

    assert await world.state(submitted) is State.CLAIMED
    assert (job.text, job.phone_number, job.sim_slot) == ("Hello", "+251912345678", 2)
    assert (job.message_id, job.priority) == (submitted.message_id, Priority.HIGH)
    assert job.created_at == world.clock.now_ms()
    assert not job.is_unwanted


async def test_job_is_listed_again_under_its_id_until_the_phone_tells_of_it(world: World) -> None:
    device = await world.pair()
    await world.submit()
    [first] = await listed(world, device)
    [again] = await listed(world, device)
    assert again == first

    await tell(world, device, first.job_id, None)

    assert await listed(world, device) == []


async def test_listed_job_goes_to_no_other_phone(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    await world.submit()
    assert len(await listed(world, device)) == 1

    await world.pass_time(600)

    assert await listed(world, other) == []
    assert await world.offers(other) == []
    assert len(await listed(world, device)) == 1


async def test_list_outlives_a_restart_and_so_does_what_was_taken_off_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path, clock) as world:
        device = await world.pair()
        await world.submit(number(1), number(2))
        first, second = await listed(world, device)
        await tell(world, device, first.job_id, None)

    async with open_world(tmp_path, clock) as world:
        assert await listed(world, device) == [second]


async def test_what_a_phone_has_is_not_silent_before_a_claim_timeout_after_it_said_so(
    world: World,
) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [job] = await listed(world, device)
    await world.pass_time(1_700)
    await tell(world, device, job.job_id, None)
    await world.pass_time(1_700)
    assert await world.state(submitted) is State.CLAIMED

    await world.pass_time(101)

    assert (await world.recipient(submitted)).error_code == "device_silent"
    assert await listed(world, device) == []


@pytest.mark.parametrize("state", [State.SENT, State.DELIVERED, State.FAILED, State.CANCELLED])
async def test_reported_job_is_off_the_list(world: World, state: State) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [job] = await listed(world, device)

    await tell(world, device, job.job_id, state)
    await tell(world, device, job.job_id, None)  # late

    assert await world.state(submitted) is state
    assert await listed(world, device) == []


async def test_job_that_may_be_tried_again_comes_back_under_another_id(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [first] = await listed(world, device)
    await tell(world, device, first.job_id, State.FAILED, "no_service")
    assert await listed(world, device) == []
    await world.pass_time(301)

    [second] = await listed(world, device)
    await tell(world, device, first.job_id, None)  # the first one's, late

    assert second.job_id != first.job_id
    assert await listed(world, device) == [second]
    await tell(world, device, second.job_id, State.SENT)
    assert await world.state(submitted) is State.SENT


async def test_job_id_is_short_enough_whatever_the_number_of_starts(world: World) -> None:
    listing = world.gateway.listing

    job_id = listing.job_id(7, world.clock.now_ms(), 36**11 - 1)

    assert len(job_id) == 36
    named = listing.read_job_id(job_id)
    assert named is not None
    assert world.gateway.dispatch.read_job_id(named) == (7, 36**11 - 1)


@pytest.mark.parametrize("job_id", ["", "x", "a-b-c", "0" * 24, f"{'0' * 24}-", "é-é", "1.2"])
async def test_id_that_is_none_of_ours_is_passed_over(world: World, job_id: str) -> None:
    device = await world.pair()

    submitted = await world.submit()
    [job] = await listed(world, device)

    await tell(world, device, job_id, State.SENT)
    await tell(world, device, job_id, None)

    assert await world.state(submitted) is State.CLAIMED
    assert await listed(world, device) == [job]


async def test_nobody_tells_of_a_job_that_was_never_theirs(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    submitted = await world.submit()
    [job] = await listed(world, device)

    await tell(world, other, job.job_id, State.SENT)
    await tell(world, other, job.job_id, None)

    assert await world.state(submitted) is State.CLAIMED
    assert await listed(world, device) == [job]


async def test_cancelled_job_is_listed_as_unwanted_even_after_the_phone_took_it(
    world: World,
) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [job] = await listed(world, device)
    await tell(world, device, job.job_id, None)
    await world.gateway.messages.cancel(world.principal, submitted.message_id, actor="operator")

    [unwanted] = await listed(world, device)
    assert (unwanted.job_id, unwanted.is_unwanted) == (job.job_id, True)

    await tell(world, device, job.job_id, State.CANCELLED)
    assert await world.state(submitted) is State.CANCELLED
    assert await listed(world, device) == []


async def test_cancel_before_listing_reaches_no_phone(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    await world.gateway.messages.cancel(world.principal, submitted.message_id, actor="operator")

    assert await listed(world, device) == []


async def test_pace_of_the_sim_holds_back_what_is_listed(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_minute=2)
    await world.submit(*[number(i) for i in range(5)])
    assert len(await listed(world, device)) == 2

    await world.pass_time(61)

    assert len(await listed(world, device)) == 4


async def test_urgent_job_is_granted_before_older_ones(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_minute=1)
    await world.submit(number(1))
    await world.submit(number(2), priority=Priority.OTP)

    assert [job.phone_number for job in await listed(world, device)] == [number(2)]


async def test_phone_holds_no_more_than_a_list_and_the_rest_stays_for_others(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    await world.submit(*[number(i) for i in range(MAX_HELD_COUNT + 20)])
    first = await listed(world, device)
    assert len(first) == MAX_HELD_COUNT
    for job in first[:10]:
        await tell(world, device, job.job_id, None)
    assert len(await listed(world, device)) == MAX_HELD_COUNT - 10

    await tell(world, device, first[0].job_id, State.SENT)

    assert len(await listed(world, device)) == MAX_HELD_COUNT - 9
    assert len(await world.offers(other, 100)) == 19


async def test_disabled_phone_keeps_its_list_and_gets_nothing_new(world: World) -> None:
    device = await world.pair()
    await world.submit(number(1))
    [job] = await listed(world, device)
    await world.gateway.devices.update(world.principal, device, is_enabled=False)
    await world.submit(number(2))

    assert await listed(world, device) == [job]


async def test_deleted_phone_lists_nothing(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    await listed(world, device)
    await world.gateway.devices.delete(world.principal, device)

    with pytest.raises(Unauthenticated):
        await listed(world, device)
    assert (await world.recipient(submitted)).error_code == "device_deleted"


async def test_expired_job_is_not_listed(world: World) -> None:
    device = await world.pair()
    await world.submit(expires_at=world.clock.now_ms() + 1_000)
    world.clock.advance(2_000)

    assert await listed(world, device) == []


async def test_phone_that_lists_is_online(world: World) -> None:
    device = await world.pair()

    await listed(world, device)

    assert world.gateway.presence.is_online(device)


# --- wake-ups ---


def wake_ups(world: World, device_id: int) -> AsyncGenerator[Work, None]:
    return world.gateway.listing.wake_ups(device_id, wait_s=LIMIT_S, is_connected=lambda: True)


async def next_of(stream: AsyncGenerator[Work, None]) -> Work:
    async with asyncio.timeout(LIMIT_S):
        return await anext(stream)


async def test_waiting_phone_is_woken_for_a_job_and_then_lists_it(world: World) -> None:
    device = await world.pair()
    async with aclosing(wake_ups(world, device)) as stream:
        waking = asyncio.ensure_future(next_of(stream))
        await until(lambda: world.gateway.polls.open_count)
        await world.submit()

        assert await waking == Work(has_jobs=True, unwanted=[])
        assert len(await listed(world, device)) == 1


async def test_many_jobs_wake_a_phone_once_until_it_comes(world: World) -> None:
    device = await world.pair()
    await world.submit(*[number(i) for i in range(30)])
    async with aclosing(wake_ups(world, device)) as stream:
        await next_of(stream)
        again = asyncio.ensure_future(next_of(stream))
        await listed(world, device)
        await world.submit(number(31))

        assert (await again).has_jobs
        assert [j.phone_number for j in (await listed(world, device))[30:]] == [number(31)]


async def test_phone_that_was_woken_and_does_not_come_loses_the_job_to_another(
    world: World,
) -> None:
    device, other = await world.pair(), await world.pair()
    submitted = await world.submit()
    async with aclosing(wake_ups(world, device)) as stream:
        assert (await next_of(stream)).has_jobs
        assert await world.state(submitted) is State.OFFERED
        await world.pass_time(61)

        assert len(await listed(world, other)) == 1
        assert await listed(world, device) == []


async def test_phone_that_does_not_come_is_left_alone_for_a_while(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path, clock, dispatch=DispatchSettings(lease_s=1)) as world:
        device = await world.pair()
        submitted = await world.submit()
        async with aclosing(wake_ups(world, device)) as stream:
            await next_of(stream)
            waking = asyncio.ensure_future(next_of(stream))
            await world.pass_time(2)
            assert await world.state(submitted) is State.QUEUED

            assert (await waking).has_jobs


async def test_phone_is_told_once_of_a_job_that_is_no_longer_wanted(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [job] = await listed(world, device)
    async with aclosing(wake_ups(world, device)) as stream:
        waking = asyncio.ensure_future(next_of(stream))
        await until(lambda: world.gateway.polls.open_count)
        await world.gateway.messages.cancel(world.principal, submitted.message_id, actor="operator")

        assert await waking == Work(has_jobs=False, unwanted=[job.job_id])


async def test_full_phone_is_not_woken_before_it_has_room(world: World) -> None:
    device = await world.pair()
    await world.submit(*[number(i) for i in range(MAX_HELD_COUNT)])
    jobs = await listed(world, device)
    submitted = await world.submit(number(999))
    async with aclosing(
        world.gateway.listing.wake_ups(device, wait_s=0.01, is_connected=lambda: True)
    ) as stream:
        waking = asyncio.ensure_future(next_of(stream))
        for job in jobs[: MAX_HELD_COUNT - REFILL_COUNT]:
            assert await world.state(submitted) is State.QUEUED
            await tell(world, device, job.job_id, State.SENT)

        assert (await waking).has_jobs


async def test_phone_that_asked_twice_at_once_is_woken_for_what_it_could_not_hold(
    world: World,
) -> None:
    device = await world.pair()
    await world.submit(*[number(i) for i in range(MAX_HELD_COUNT + 5)])
    jobs, _ = await asyncio.gather(listed(world, device), listed(world, device))
    for job in jobs:
        await tell(world, device, job.job_id, State.SENT)
    async with aclosing(wake_ups(world, device)) as stream:
        assert (await next_of(stream)).has_jobs

        assert len(await listed(world, device)) == 5


async def test_stream_ends_when_the_server_stops(world: World) -> None:
    device = await world.pair()
    ended = asyncio.ensure_future(anext(wake_ups(world, device), None))
    await until(lambda: world.gateway.polls.open_count)

    world.gateway.polls.stop()

    assert await asyncio.wait_for(ended, LIMIT_S) is None


async def test_phone_that_has_gone_is_leased_nothing(world: World) -> None:
    device = await world.pair()
    stream = world.gateway.listing.wake_ups(device, wait_s=LIMIT_S, is_connected=lambda: False)
    ended = asyncio.ensure_future(anext(stream, None))
    await until(lambda: world.gateway.polls.open_count)
    submitted = await world.submit()

    assert await asyncio.wait_for(ended, LIMIT_S) is None
    assert await world.state(submitted) is State.QUEUED
