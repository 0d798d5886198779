"""Open polls: a job wakes one, a blocked one steps aside, a stop answers all."""

import asyncio

import pytest

from tests.clocks import FrozenClock
from textko_server.gateway.events import DeviceChanged, LaneFilled
from textko_server.gateway.polls import Poll, Polls

ACCOUNT = "a1"


@pytest.fixture
def polls(clock: FrozenClock) -> Polls:
    return Polls(clock)


def waits(poll: Poll) -> bool:
    return poll.waked is not None and not poll.waked.done()


async def test_one_job_wakes_the_poll_that_has_waited_longest(polls: Polls) -> None:
    first, second = polls.open(1, ["d1", ACCOUNT]), polls.open(2, ["d2", ACCOUNT])

    polls.on_event(LaneFilled(1, ACCOUNT, 1))

    assert not waits(first)
    assert waits(second)


async def test_as_many_polls_wake_as_there_are_jobs(polls: Polls) -> None:
    opened = [polls.open(n, [f"d{n}", ACCOUNT]) for n in range(1, 5)]

    polls.on_event(LaneFilled(1, ACCOUNT, 3))

    assert [waits(p) for p in opened] == [False, False, False, True]


async def test_second_job_wakes_the_next_poll_while_the_first_has_not_looked(polls: Polls) -> None:
    first, second = polls.open(1, [ACCOUNT]), polls.open(2, [ACCOUNT])

    polls.wake_lane(ACCOUNT, 1)
    polls.wake_lane(ACCOUNT, 1)

    assert not waits(first)
    assert not waits(second)


async def test_poll_that_looked_in_vain_goes_to_the_end_of_the_line(polls: Polls) -> None:
    first, second = polls.open(1, [ACCOUNT]), polls.open(2, [ACCOUNT])
    polls.wake_lane(ACCOUNT, 1)
    polls.rearm(first)

    polls.wake_lane(ACCOUNT, 1)

    assert waits(first)
    assert not waits(second)


async def test_blocked_poll_leaves_shared_jobs_to_others_until_it_can_take_more(
    polls: Polls, clock: FrozenClock
) -> None:
    blocked, free = polls.open(1, ["d1", ACCOUNT]), polls.open(2, ["d2", ACCOUNT])
    blocked.blocked_until = clock.now_ms() + 1_000

    polls.wake_lane(ACCOUNT, 1)
    polls.rearm(free)
    clock.advance(1_000)
    polls.wake_lane(ACCOUNT, 1)

    assert not waits(blocked)
    assert waits(free)


async def test_blocked_poll_still_hears_of_what_is_for_it_alone(
    polls: Polls, clock: FrozenClock
) -> None:
    poll = polls.open(1, ["d1", "s7", ACCOUNT])
    poll.blocked_until = clock.now_ms() + 1_000

    polls.wake_lane("s7", 1)

    assert not waits(poll)


async def test_poll_can_change_the_lanes_it_listens_to(polls: Polls) -> None:
    poll = polls.open(1, ["d1"])
    polls.rearm(poll, ["d1", ACCOUNT])

    polls.wake_lane(ACCOUNT, 1)

    assert not waits(poll)
    polls.close(poll)
    assert polls.open_count == 0


async def test_poll_that_is_gone_passes_its_job_on_in_every_lane(polls: Polls) -> None:
    gone, live = polls.open(1, ["d1", ACCOUNT]), polls.open(1, ["d1", ACCOUNT])
    polls.wake_lane("d1", 1)
    assert waits(live)

    polls.pass_on(gone)

    assert not waits(live)


@pytest.mark.parametrize(
    ("what", "is_woken"),
    [("cancel", True), ("disabled", True), ("deleted", True), ("online", False), ("status", False)],
)
async def test_what_the_operator_does_to_a_device_wakes_its_polls(
    polls: Polls, clock: FrozenClock, what: str, is_woken: bool
) -> None:
    own, other = polls.open(1, ["d1", ACCOUNT]), polls.open(2, ["d2", ACCOUNT])

    polls.on_event(DeviceChanged(1, 1, what, clock.now_ms()))

    assert waits(own) is not is_woken
    assert waits(other)


async def test_wait_ends_without_work_at_the_deadline(polls: Polls) -> None:
    poll = polls.open(1, [ACCOUNT])

    assert await polls.wait(poll, asyncio.get_running_loop().time() + 0.01) is False


async def test_wait_ends_with_work_when_pace_opens_the_next_slot(
    polls: Polls, clock: FrozenClock
) -> None:
    poll = polls.open(1, [ACCOUNT])
    deadline = asyncio.get_running_loop().time() + 30

    assert await polls.wait(poll, deadline, retry_at=clock.now_ms() + 10) is True


async def test_wake_up_before_the_wait_is_not_lost(polls: Polls) -> None:
    poll = polls.open(1, [ACCOUNT])
    polls.wake_lane(ACCOUNT, 1)

    assert await polls.wait(poll, asyncio.get_running_loop().time() + 30) is True


async def test_stop_answers_every_poll(polls: Polls) -> None:
    opened = [polls.open(n, [f"d{n}", ACCOUNT]) for n in range(1, 4)]

    polls.stop()

    assert polls.has_stopped()
    assert not any(waits(p) for p in opened)
