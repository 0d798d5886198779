"""Which phone is offered which job: lanes, order, the preferred SIM, pace."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.gateways import (
    LIMIT_S,
    ONE_SIM,
    TWO_SIMS,
    World,
    check_invariants,
    everything_committed,
    until,
)
from tests.gateways import world as open_world
from textko_server.clock import DAY_MS
from textko_server.config import DispatchSettings, MessageSettings
from textko_server.errors import Unauthenticated, Unavailable
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.inbox import Incoming
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect, Priority, Sim, State
from textko_server.store import devices as device_store
from textko_server.store.database import Transaction
from textko_server.store.devices import NewSim


def number(index: int) -> str:
    return f"+25191200{index:04d}"


async def sims(world: World, device_id: int) -> list[Sim]:
    return await device_store.list_sims(world.gateway.db, device_id)


async def poll(world: World, device_id: int) -> "asyncio.Task[Any]":
    """A held sync of this device, once it waits."""
    before = world.gateway.polls.open_count
    task = asyncio.create_task(world.sync(device_id, capacity=10, wait_s=LIMIT_S * 4))
    await until(lambda: world.gateway.polls.open_count > before or task.done())
    # Its second look is a write like any other: this one comes after it.
    await everything_committed(world.gateway.db)
    return task


# --- lanes ---


async def test_job_for_a_device_goes_to_that_device_only(world: World) -> None:
    named, other = await world.pair(), await world.pair()
    await world.submit(device_id=named)

    assert await world.offers(other) == []
    assert len(await world.offers(named)) == 1


async def test_job_for_a_sim_goes_through_that_sim_only(world: World) -> None:
    device, other = await world.pair(*TWO_SIMS), await world.pair(*TWO_SIMS)
    second = (await sims(world, device))[1]
    await world.submit(device_id=device, sim_id=second.id)

    assert await world.offers(other) == []
    assert [o.sim_slot for o in await world.offers(device)] == [2]


async def test_open_job_goes_to_whoever_asks_first_of_the_account(world: World) -> None:
    stranger_account = await world.gateway.accounts.create_user("b@example.org", "secret phrase")
    stranger = await world.pair(user=stranger_account)
    first, second = await world.pair(), await world.pair()
    await world.submit()

    assert await world.offers(stranger) == []
    assert len(await world.offers(second)) == 1
    assert await world.offers(first) == []


async def test_job_for_a_sim_that_was_pulled_out_waits_for_it(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    second = (await sims(world, device))[1]
    await world.sync(device, sims=list(ONE_SIM))
    await world.submit(sim_id=second.id)
    assert await world.offers(device) == []

    await world.sync(device, sims=list(TWO_SIMS))

    assert [o.sim_slot for o in await world.offers(device)] == [2]


async def test_phone_whose_sims_are_all_pulled_out_gets_nothing(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    await world.sync(device, sims=[])
    await world.submit()

    assert await world.offers(device) == []
    assert len(await world.offers(await world.pair())) == 1


async def test_phone_that_never_told_of_sims_sends_through_its_default(world: World) -> None:
    device = await world.pair()
    await world.submit()

    assert [o.sim_slot for o in await world.offers(device)] == [None]


async def test_disabled_device_gets_nothing_until_it_is_switched_on(world: World) -> None:
    device = await world.pair()
    await world.gateway.devices.update(world.principal, device, is_enabled=False)
    await world.submit()
    assert await world.offers(device) == []

    await world.gateway.devices.update(world.principal, device, is_enabled=True)

    assert len(await world.offers(device)) == 1


async def test_device_switched_off_gives_back_what_it_was_only_offered(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    claimed, offered = await world.submit(), await world.submit()
    job_id = (await world.offers(device, 1))[0].job_id
    await world.claim(device, job_id)
    [offer] = await world.offers(device, 1)

    await world.gateway.devices.update(world.principal, device, is_enabled=False)

    assert await world.state(claimed) is State.CLAIMED
    assert await world.state(offered) is State.QUEUED
    assert await world.refusal(device, offer.job_id) == "disabled"
    assert len(await world.offers(other)) == 1
    await check_invariants(world.gateway.db)


# --- order ---


async def test_smaller_priority_is_sooner_and_age_decides_between_equals(world: World) -> None:
    device = await world.pair()
    for text, priority in (
        ("bulk", Priority.BULK),
        ("first", Priority.NORMAL),
        ("second", Priority.NORMAL),
        ("code", Priority.OTP),
    ):
        await world.submit(text=text, priority=priority)

    assert [o.text for o in await world.offers(device)] == ["code", "first", "second", "bulk"]


async def test_order_holds_over_all_lanes_of_a_device(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    [sim] = await sims(world, device)
    await world.submit(text="open, late", priority=Priority.BULK)
    await world.submit(text="pinned", device_id=device)
    await world.submit(text="of the SIM", sim_id=sim.id, priority=Priority.HIGH)

    texts = [o.text for o in await world.offers(device)]

    assert texts == ["of the SIM", "pinned", "open, late"]


async def test_lapsed_job_goes_back_to_its_place(world: World) -> None:
    device = await world.pair()
    await world.submit(text="old")
    await world.offers(device, 1)
    await world.submit(text="new")

    await world.pass_time(60)

    assert [o.text for o in await world.offers(device)] == ["old", "new"]


# --- the preferred SIM ---


@pytest.fixture
async def preferring(tmp_path: Path, clock: FrozenClock) -> Any:
    settings = DispatchSettings(prefer_last_sim_s=30)
    async with open_world(tmp_path, clock, dispatch=settings) as world:
        yield world


async def test_answer_goes_through_the_sim_that_wrote_before(preferring: World) -> None:
    first, other = await preferring.pair(*TWO_SIMS), await preferring.pair(*TWO_SIMS)
    await preferring.submit(number(1), sim_id=(await sims(preferring, first))[1].id)
    await preferring.take_one(first)

    await preferring.submit(number(1))

    assert await preferring.offers(other) == []
    assert [o.sim_slot for o in await preferring.offers(first)] == [2]


async def test_answer_goes_through_the_sim_that_received_the_text(preferring: World) -> None:
    first, other = await preferring.pair(*TWO_SIMS), await preferring.pair(*TWO_SIMS)
    told = Incoming("1", number(1), "Hello?", preferring.clock.now_ms(), sim_slot=2)
    await preferring.sync(first, incoming=[told])

    await preferring.submit(number(1))

    assert await preferring.offers(other) == []
    assert [o.sim_slot for o in await preferring.offers(first)] == [2]


async def test_job_is_open_to_all_once_its_preferred_sim_let_it_wait(preferring: World) -> None:
    first, other = await preferring.pair(*ONE_SIM), await preferring.pair(*ONE_SIM)
    await preferring.submit(number(1))
    await preferring.take_one(first)
    submitted = await preferring.submit(number(1))

    await preferring.pass_time(30)

    assert len(await preferring.offers(other)) == 1
    assert await preferring.time_line(submitted) == ["queued", "offered"]


@pytest.mark.parametrize("why", ["offline", "pulled out", "disabled"])
async def test_nobody_waits_for_a_preferred_sim_that_cannot_send(
    preferring: World, why: str
) -> None:
    first, other = await preferring.pair(*ONE_SIM), await preferring.pair(*ONE_SIM)
    await preferring.submit(number(1))
    await preferring.report(first, await preferring.take_one(first), State.SENT)
    if why == "offline":
        preferring.gateway.presence.take_unsaved()
        preferring.clock.advance(101_000)
        preferring.gateway.presence.drop_silent()
    elif why == "pulled out":
        await preferring.sync(first, sims=[])
    else:
        await preferring.gateway.devices.update(preferring.principal, first, is_enabled=False)

    await preferring.submit(number(1))

    assert len(await preferring.offers(other)) == 1


# --- spreading and pace ---


async def test_two_sims_share_the_work(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    for index in range(6):
        await world.submit(number(index))

    slots = [o.sim_slot for o in await world.offers(device)]

    assert sorted(slots, key=str) == [1, 1, 1, 2, 2, 2]


async def test_two_sims_take_turns_when_jobs_come_one_by_one(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    slots = []
    for index in range(4):
        await world.submit(number(index))
        [offer] = await world.offers(device)
        await world.claim(device, offer.job_id)
        slots.append(offer.sim_slot)
        world.clock.advance(10)

    assert slots == [1, 2, 1, 2]


async def take_all(world: World, device: int) -> int:
    """Claim what is offered; returns how many."""
    offers = await world.offers(device, 100)
    await world.claim(device, *(o.job_id for o in offers))
    return len(offers)


@pytest.mark.parametrize(
    ("limits", "window_s", "count"),
    [
        ({"min_gap_ms": 2_000}, 2, 1),
        ({"per_minute": 3}, 60, 3),
        ({"per_hour": 4}, 3_600, 4),
        ({"per_day": 5}, 86_400, 5),
        ({"per_minute": 3, "per_hour": 3}, 3_600, 3),
    ],
)
async def test_sim_sends_no_faster_than_its_pace(
    world: World, limits: dict[str, int], window_s: int, count: int
) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, **limits)
    for index in range(12):
        await world.submit(number(index))

    assert await take_all(world, device) == count
    assert await take_all(world, device) == 0
    await world.pass_time(window_s - 0.001)
    assert await take_all(world, device) == 0
    await world.pass_time(0.001)
    assert await take_all(world, device) == count


async def test_settings_hold_where_a_sim_has_no_pace_of_its_own(
    tmp_path: Path, clock: FrozenClock
) -> None:
    settings = DispatchSettings(prefer_last_sim_s=0, sim_per_minute=1)
    async with open_world(tmp_path, clock, dispatch=settings) as world:
        device = await world.pair(*TWO_SIMS)
        await world.set_pace(device, slot=2, per_minute=3)
        for index in range(8):
            await world.submit(number(index))

        slots = [o.sim_slot for o in await world.offers(device)]

        assert sorted(slots, key=str) == [1, 2, 2, 2]


async def test_open_offers_count_against_the_pace(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, per_minute=2)
    for index in range(3):
        await world.submit(number(index))

    assert len(await world.offers(device, 1)) == 1
    assert len(await world.offers(device)) == 1
    assert await world.offers(device) == []


async def test_failed_try_on_one_sim_does_not_count_on_another(world: World) -> None:
    device = await world.pair(*TWO_SIMS)
    for slot in (1, 2):
        await world.set_pace(device, slot=slot, per_hour=1)
    submitted = await world.submit(number(1))
    job_id = await world.take_one(device)
    await world.report(device, job_id, State.FAILED, "no_service")
    await world.pass_time(300)
    await world.offers(device)

    assert (await world.recipient(submitted)).claimed_at is None


async def test_sim_writes_to_no_more_different_numbers_a_month(
    world: World, clock: FrozenClock
) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, recipients_per_month=2)
    for index in (1, 2, 1, 3):
        await world.submit(number(index))
        await take_all(world, device)
    [(waiting,)] = await world.gateway.db.fetch_all(
        "SELECT phone_number FROM recipients WHERE state = 'queued'"
    )
    assert waiting == number(3)

    await world.pass_time(2 * 86_400)
    assert await take_all(world, device) == 0
    clock.advance(15 * DAY_MS)
    later = await world.submit(number(4))
    await world.offers(device)

    assert await world.state(later) is State.OFFERED


async def test_monthly_numbers_hold_over_rounds_of_offers_not_yet_claimed(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, recipients_per_month=1)
    await world.submit(number(1))
    await world.submit(number(2))

    offers = await world.offers(device) + await world.offers(device)

    assert len(offers) == 1


async def test_clock_that_was_ahead_for_a_while_does_not_stop_a_sim(
    world: World, clock: FrozenClock
) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, min_gap_ms=1_000)
    clock.advance(365 * DAY_MS)
    await world.submit(number(1))
    await take_all(world, device)
    clock.advance(-365 * DAY_MS)
    await world.submit(number(2))

    clock.advance(1_000)
    answer = await world.sync(device, capacity=10)

    assert answer.offers or answer.round.retry_at == clock.now_ms() + 1_000


# --- polls ---


async def test_new_job_ends_the_poll_of_one_waiting_phone(world: World) -> None:
    first, second = await world.pair(), await world.pair()
    polls = [await poll(world, first), await poll(world, second)]

    await world.submit()
    done, pending = await asyncio.wait(polls, timeout=LIMIT_S, return_when=asyncio.FIRST_COMPLETED)

    assert [len(task.result().offers) for task in done] == [1]
    assert len(pending) == 1
    world.gateway.polls.stop()
    await asyncio.gather(*pending)


async def test_poll_ends_when_the_next_slot_opens(world: World, clock: FrozenClock) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, min_gap_ms=50)
    await world.submit(number(1))
    await world.take_one(device)
    await world.submit(number(2))
    waiting = await poll(world, device)
    assert not waiting.done()

    clock.advance(50)

    async with asyncio.timeout(LIMIT_S):
        assert len((await waiting).offers) == 1


async def test_poll_held_back_by_an_open_offer_goes_on_after_its_claim(
    world: World, clock: FrozenClock
) -> None:
    device = await world.pair(*ONE_SIM)
    await world.set_pace(device, min_gap_ms=20)
    await world.submit(number(1))
    await world.submit(number(2))
    [offer] = await world.offers(device)
    waiting = await poll(world, device)

    await world.claim(device, offer.job_id)
    clock.advance(20)

    async with asyncio.timeout(LIMIT_S):
        assert len((await waiting).offers) == 1


@pytest.mark.parametrize("why", ["no capacity", "disabled", "at its pace"])
async def test_phone_that_can_take_nothing_does_not_swallow_the_wake_up(
    world: World, why: str
) -> None:
    unable, able = await world.pair(*ONE_SIM), await world.pair(*ONE_SIM)
    if why == "disabled":
        await world.gateway.devices.update(world.principal, unable, is_enabled=False)
    elif why == "at its pace":
        await world.set_pace(unable, per_hour=1)
        await world.submit(number(1))
        await world.take_one(unable)
    capacity = 0 if why == "no capacity" else 10
    first = asyncio.create_task(world.sync(unable, capacity=capacity, wait_s=LIMIT_S * 4))
    await until(lambda: world.gateway.polls.open_count)
    second = await poll(world, able)

    await world.submit(number(2))

    async with asyncio.timeout(LIMIT_S):
        assert len((await second).offers) == 1
    world.gateway.polls.stop()
    assert (await first).offers == []


async def test_poll_of_a_device_switched_on_hears_of_what_waits(world: World) -> None:
    device = await world.pair()
    await world.gateway.devices.update(world.principal, device, is_enabled=False)
    await world.submit()
    waiting = await poll(world, device)

    await world.gateway.devices.update(world.principal, device, is_enabled=True)

    async with asyncio.timeout(LIMIT_S):
        assert len((await waiting).offers) == 1


async def test_poll_hears_of_jobs_for_a_sim_that_was_put_in_meanwhile(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    waiting = await poll(world, device)
    await world.sync(device, sims=list(TWO_SIMS))

    await world.submit(sim_id=(await sims(world, device))[1].id)

    async with asyncio.timeout(LIMIT_S):
        assert [o.sim_slot for o in (await waiting).offers] == [2]


# --- devices that go away ---


async def test_removed_device_leaves_nothing_waiting_for_it(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path, clock, messages=MessageSettings(expire_after_s=0)) as world:
        device, other = await world.pair(NewSim(1)), await world.pair()
        [sim] = await sims(world, device)
        claimed = await world.submit(text="claimed")
        await world.take_one(device)
        offered = await world.submit(text="offered")
        await world.offers(device, 1)
        pinned = await world.submit(device_id=device)
        of_sim = await world.submit(sim_id=sim.id)
        scheduled = await world.submit(device_id=device, scheduled_at=clock.now_ms() + 60_000)

        await world.gateway.devices.delete(world.principal, device)

        for submitted in (claimed, pinned, of_sim, scheduled):
            recipient = await world.recipient(submitted)
            assert (recipient.state, recipient.error_code) == (State.FAILED, "device_deleted")
        assert await world.state(offered) is State.QUEUED
        assert [o.text for o in await world.offers(other)] == ["offered"]
        await check_invariants(world.gateway.db)


async def test_device_can_be_removed_while_its_phone_goes_on_asking(world: World) -> None:
    device = await world.pair()
    submissions = [Submission("Hi", [number(n)], Dialect.TEXTKO) for n in range(500)]
    await world.gateway.messages.submit(world.principal, submissions)

    async def ask() -> None:
        with suppress(Unauthenticated):
            while offers := await world.offers(device, 1):
                await world.claim(device, offers[0].job_id)

    async with asyncio.timeout(LIMIT_S * 2):
        await asyncio.gather(
            *(ask() for _ in range(8)), world.gateway.devices.delete(world.principal, device)
        )

    await check_invariants(world.gateway.db)
    held = await world.gateway.db.fetch_all(
        "SELECT count(*) FROM recipients WHERE state IN ('offered', 'claimed')"
    )
    assert held == [(0,)]


# --- what is remembered between looks ---


async def test_expired_jobs_do_not_hide_those_behind_them(world: World, clock: FrozenClock) -> None:
    device = await world.pair()
    for index in range(5):
        await world.submit(number(index), expires_at=clock.now_ms() + 1_000)
    await world.submit(text="behind")
    clock.advance(1_000)
    assert await world.offers(device, 1) == []

    await world.sweep()

    assert [o.text for o in await world.offers(device, 1)] == ["behind"]


async def test_job_that_came_while_nobody_asked_is_found_later(world: World) -> None:
    device = await world.pair()
    assert await world.offers(device) == []
    assert await world.offers(device) == []

    await world.submit(text="later")

    assert [o.text for o in await world.offers(device)] == ["later"]


async def test_what_waited_before_a_restart_is_found_after_it(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await world.submit(text="open")
    await world.submit(text="pinned", device_id=device)
    await world.submit(text="of the SIM", sim_id=(await sims(world, device))[0].id)

    world.gateway = await Gateway.open(world.gateway.db, world.clock, world.gateway.settings)

    texts = [o.text for o in await world.offers(device)]
    assert sorted(texts) == ["of the SIM", "open", "pinned"]


async def test_wish_to_cancel_is_repeated_in_every_answer_after_a_restart(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)
    await world.gateway.messages.cancel(world.principal, submitted.message_id, actor="user:a")

    world.gateway = await Gateway.open(world.gateway.db, world.clock, world.gateway.settings)

    for _ in range(3):
        assert (await world.sync(device, capacity=10)).cancels == [job_id]


async def test_offers_that_the_disk_did_not_take_are_made_again(
    world: World, clock: FrozenClock
) -> None:
    device, other = await world.pair(), await world.pair()
    await world.submit(text="precious")
    db = world.gateway.db

    def lose_everything(tx: Transaction) -> None:
        tx.execute("ROLLBACK")
        raise OSError("as if the disk had failed")

    async with asyncio.timeout(LIMIT_S):
        outcomes = await asyncio.gather(
            world.offers(device), world.offers(other), db.write(lose_everything),
            return_exceptions=True,
        )  # fmt: skip

    assert isinstance(outcomes[2], Unavailable)
    await everything_committed(db)
    on_disk = await db.fetch_all("SELECT count(*) FROM recipients WHERE state = 'offered'")
    again = [o.text for d in (device, other) for o in await world.offers(d)]
    assert again == (["precious"] if on_disk == [(0,)] else [])
    await check_invariants(db)
