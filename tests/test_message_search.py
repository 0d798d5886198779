"""Finding messages by what people remember of them, counting them, and sending one again."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.gateways import ONE_SIM, TWO_SIMS, World
from textko_server.clock import HOUR_MS, MINUTE_MS
from textko_server.errors import InsufficientCredits, NotFound, WrongState
from textko_server.gateway import message_search, principals
from textko_server.gateway.message_search import Counts, Page, Wanted
from textko_server.gateway.resending import resend
from textko_server.gateway.submissions import Submitted
from textko_server.model import Dialect, Message, Principal, Role, State

OTHER_NUMBER = "+4917012345678"


async def find(world: World, limit: int = 50, **fields: Any) -> list[int]:
    return keys(await find_page(world, limit=limit, **fields))


async def find_page(
    world: World,
    *,
    by: Principal | None = None,
    before_id: int | None = None,
    after_id: int | None = None,
    limit: int = 50,
    **fields: Any,
) -> Page:
    return await world.gateway.message_search.list_page(
        by or world.principal,
        Wanted(**fields),
        before_id=before_id,
        after_id=after_id,
        limit=limit,
    )


async def count(world: World, **fields: Any) -> Counts:
    return await world.gateway.message_search.count(world.principal, Wanted(**fields))


def keys(page: Page) -> list[int]:
    return [message.id for message in page.messages]


async def fail_one(world: World, device: int, **fields: Any) -> Submitted:
    submitted = await world.submit(device_id=device, **fields)
    await world.report(device, await world.take_one(device), State.FAILED, "network_rejected")
    return submitted


# --- filters ---


async def test_several_states_are_merged_newest_first(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    failed = await fail_one(world, device)
    queued = await world.submit()
    cancelled = await world.submit()
    await world.gateway.messages.cancel(world.principal, cancelled.message_id, actor="test")

    states = frozenset({State.FAILED, State.QUEUED})

    assert await find(world, states=states) == [queued.message_id, failed.message_id]
    assert await find(world, states=frozenset({State.DELIVERED})) == []


async def test_text_is_found_in_upper_and_lower_case_of_any_alphabet(world: World) -> None:
    russian = await world.submit(text="Ваш КОД 1234")
    await world.submit(text="Something else")

    assert await find(world, text="ваш код") == [russian.message_id]


@pytest.mark.parametrize("digits", ["4917012345678", "4917"])
async def test_number_is_found_whole_and_by_its_beginning(world: World, digits: str) -> None:
    there = await world.submit("+251911000001", OTHER_NUMBER)
    await world.submit("+251914917000")

    assert await find(world, digits=digits) == [there.message_id]


async def test_device_finds_what_waits_for_it_and_what_it_sent(world: World) -> None:
    device, other = await world.pair(*ONE_SIM), await world.pair(*ONE_SIM)
    sent = await world.submit(device_id=device)
    await world.report(device, await world.take_one(device), State.SENT)
    waiting = await world.submit(device_id=device)
    await world.submit(device_id=other)
    await world.submit()

    assert await find(world, device_id=device) == [waiting.message_id, sent.message_id]


async def test_filters_narrow_each_other(world: World) -> None:
    found = await world.submit(OTHER_NUMBER, text="Your code is 1")
    await world.submit(OTHER_NUMBER, text="Good morning")
    await world.submit(text="Your code is 2")

    assert await find(
        world, digits="49", text="code", dialect=Dialect.TEXTKO, states=frozenset({State.QUEUED})
    ) == [found.message_id]
    assert await find(world, digits="49", text="code", dialect=Dialect.TEXIFY) == []


async def test_time_of_submit_bounds_the_list(world: World) -> None:
    await world.submit()
    world.clock.advance(HOUR_MS)
    since = world.clock.now_ms()
    inside = await world.submit()
    world.clock.advance(HOUR_MS)
    before = world.clock.now_ms()
    await world.submit()

    assert await find(world, since=since, before=before) == [inside.message_id]
    assert await find(world, since=since, before=before, text="hello") == [inside.message_id]


async def test_faults_are_what_ended_badly_or_stands_still(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    failed = await fail_one(world, device)
    scheduled = await world.submit(scheduled_at=world.clock.now_ms() + 20 * MINUTE_MS)
    stuck = await world.submit()
    await world.pass_time(21 * 60)
    fresh = await world.submit()

    assert await find(world, is_faulty=True) == [stuck.message_id, failed.message_id]
    assert await find(world, is_faulty=True, states=frozenset({State.QUEUED})) == [stuck.message_id]
    assert {scheduled.message_id, fresh.message_id} <= set(
        await find(world, states=frozenset({State.QUEUED}))
    )


# --- pages ---


async def test_pages_follow_each_other_without_gap_or_repeat(world: World) -> None:
    submitted = [(await world.submit(text=f"Number {n}")).message_id for n in range(7)]

    for fields in ({}, {"states": frozenset({State.QUEUED})}, {"text": "number"}):
        seen: list[int] = []
        before_id = None
        while True:
            page = await find_page(world, before_id=before_id, limit=3, **fields)
            seen += keys(page)
            if page.last_looked_at is None:
                break
            before_id = page.last_looked_at.id
        assert seen == submitted[::-1]


async def test_newer_ones_are_listed_alone(world: World) -> None:
    first = await world.submit()
    second = await world.submit()

    assert keys(await find_page(world, after_id=first.message_id)) == [second.message_id]
    assert keys(await find_page(world, after_id=second.message_id)) == []


async def test_request_looks_at_a_bounded_number_of_messages(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "MAX_LOOKED_COUNT", 3)
    needle = await world.submit(text="needle")
    hay = [await world.submit(text="hay") for _ in range(4)]

    first = await find_page(world, text="needle")
    assert first.messages == []
    assert first.last_looked_at is not None
    assert first.last_looked_at.id == hay[1].message_id
    second = await find_page(world, text="needle", before_id=first.last_looked_at.id)

    assert keys(second) == [needle.message_id]
    assert second.last_looked_at is None


async def test_messages_of_many_recipients_make_a_request_look_at_fewer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_search, "MAX_RECIPIENTS_COUNT", 4)
    numbers = ["+251911000001", "+251911000002", "+251911000003"]
    submitted = [await world.submit(*numbers) for _ in range(3)]

    page = await find_page(world, digits="49")

    assert page.last_looked_at is not None
    assert page.last_looked_at.id == submitted[1].message_id


async def test_operator_sees_all_accounts_and_others_their_own(world: World) -> None:
    other = await world.gateway.accounts.create_user("b@example.org", "secret phrase", Role.REGULAR)
    own = await world.submit()
    states = frozenset({State.QUEUED})
    for fields in ({}, {"states": states}, {"text": "hello"}):
        everybody = await find_page(world, by=principals.operator(), **fields)
        stranger = await find_page(
            world, by=principals.of_user(other), user_id=world.user.id, **fields
        )
        assert keys(everybody) == [own.message_id]
        assert keys(stranger) == []


# --- counts ---


async def test_counts_are_by_state(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    await fail_one(world, device)
    await world.submit()
    await world.submit(text="Another")

    by_index = await count(world)
    by_looking = await count(world, text="hello")

    assert by_index == Counts({State.QUEUED: 2, State.FAILED: 1}, True)
    assert by_looking == Counts({State.QUEUED: 1, State.FAILED: 1}, True)


async def test_counting_stops_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_search, "MAX_COUNTED", 2)
    monkeypatch.setattr(message_search, "MAX_LOOKED_COUNT", 2)
    for _ in range(3):
        await world.submit()

    by_index = await count(world)
    by_looking = await count(world, text="hello")

    assert (by_index.by_state, by_index.is_exact) == ({State.QUEUED: 2}, False)
    assert (by_looking.by_state, by_looking.is_exact) == ({State.QUEUED: 2}, False)
    assert by_looking.last_looked_at is not None


# --- sending again ---


@pytest.fixture
def again(world: World) -> "Callable[..., Any]":
    async def send(message_id: int | None, *, is_failed_only: bool = True, **by: Any) -> Message:
        principal = by.get("principal", world.principal)
        submitted = await resend(
            world.gateway.messages,
            world.gateway.devices,
            principal,
            message_id,
            is_failed_only=is_failed_only,
        )
        return (await world.gateway.messages.get(principal, submitted.message_id)).message

    return send


async def test_resent_message_is_a_new_one_that_costs_again(
    world: World, again: Callable[..., Any]
) -> None:
    await world.limit_account(credits=2)
    device = await world.pair(*ONE_SIM)
    failed = await fail_one(world, device, text="Once more", priority=3, custom_id="order 7")

    new = await again(failed.message_id)

    detail = await world.gateway.messages.get(world.principal, new.id)
    [recipient] = detail.recipients
    assert new.id != failed.message_id
    assert (new.text, new.priority, new.custom_id, new.dialect) == (
        "Once more", 3, "order 7", Dialect.ADMIN,
    )  # fmt: skip
    assert (recipient.state, recipient.device_id) == (State.QUEUED, device)
    assert await world.state(failed) is State.FAILED
    with pytest.raises(InsufficientCredits):
        await again(failed.message_id)


async def test_only_what_failed_is_resent_unless_all_is_asked_for(
    world: World, again: Callable[..., Any]
) -> None:
    device = await world.pair(*ONE_SIM)
    submitted = await world.submit("+251911000001", OTHER_NUMBER, device_id=device)
    await world.report(device, await world.take_one(device), State.DELIVERED)
    with pytest.raises(WrongState):
        await again(submitted.message_id)
    await world.report(device, await world.take_one(device), State.FAILED, "network_rejected")

    failed = await again(submitted.message_id)
    everybody = await again(submitted.message_id, is_failed_only=False)

    assert (failed.recipient_count, everybody.recipient_count) == (1, 2)


async def test_resent_message_keeps_its_sim_while_it_is_there(
    world: World, again: Callable[..., Any]
) -> None:
    device = await world.pair(*TWO_SIMS)
    sim = (await world.gateway.devices.list_sims(device))[1]
    submitted = await world.submit(sim_id=sim.id)

    pinned = await again(submitted.message_id, is_failed_only=False)
    await world.gateway.devices.delete(world.principal, device)
    open_one = await again(submitted.message_id, is_failed_only=False)

    [before] = (await world.gateway.messages.get(world.principal, pinned.id)).recipients
    [after] = (await world.gateway.messages.get(world.principal, open_one.id)).recipients
    assert before.sim_id == sim.id
    assert (after.sim_id, after.home_lane) == (None, f"a{world.user.id}")


async def test_texts_of_recipients_are_resent_as_they_were(
    world: World, again: Callable[..., Any]
) -> None:
    submitted = await world.submit(
        "+251911000001", OTHER_NUMBER, text="Hello X", texts=["Hello A", "Hello B"]
    )

    new = await again(submitted.message_id, is_failed_only=False)

    detail = await world.gateway.messages.get(world.principal, new.id)
    assert [r.text for r in detail.recipients] == ["Hello A", "Hello B"]


async def test_admin_resends_for_the_account_and_strangers_do_not(
    world: World, again: Callable[..., Any]
) -> None:
    create = world.gateway.accounts.create_user
    stranger = await create("b@example.org", "secret phrase", Role.REGULAR)
    submitted = await world.submit()

    new = await again(submitted.message_id, is_failed_only=False, principal=principals.operator())

    assert new.user_id == world.user.id
    with pytest.raises(NotFound):
        await again(
            submitted.message_id, is_failed_only=False, principal=principals.of_user(stranger)
        )
