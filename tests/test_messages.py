"""The life of a message as its sender sees it: submit, limits, times, cancel, requeue."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clocks import FrozenClock
from tests.gateways import ONE_SIM, World, check_invariants
from tests.gateways import world as open_world
from textko_server.clock import DAY_MS
from textko_server.config import MessageSettings
from textko_server.errors import (
    Forbidden,
    InsufficientCredits,
    Invalid,
    LimitExceeded,
    NotFound,
    SubscriptionRequired,
    TextkoError,
    WrongState,
)
from textko_server.gateway import principals
from textko_server.gateway.message_search import Wanted
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect, Role, State

TRACES = ("messages", "recipients", "recipient_events", "usage", "webhook_deliveries")
TWO = ("+251911000001", "+251911000002")


async def traces(world: World) -> dict[str, Any]:
    rows = {
        table: await world.gateway.db.fetch_all(f"SELECT * FROM {table}")  # noqa: S608 - a constant
        for table in TRACES
    }
    return rows | {"users": await world.gateway.db.fetch_all("SELECT id, credits FROM users")}


async def usage(world: World) -> list[tuple[int, int]]:
    return await world.gateway.db.fetch_all("SELECT messages, segments FROM usage")


# --- submit ---


async def test_submit_stores_a_message_with_its_recipients_and_counts_it_once(world: World) -> None:
    submitted = await world.submit(*TWO, text="x" * 161, custom_id="mine")

    detail = await world.gateway.messages.get(world.principal, submitted.message_id)
    assert detail.message.state is State.QUEUED
    assert (detail.message.segments, detail.message.custom_id) == (2, "mine")
    assert [r.phone_number for r in detail.recipients] == list(TWO)
    assert await usage(world) == [(2, 4)]
    await check_invariants(world.gateway.db)


async def test_submissions_are_accepted_all_or_none(world: World) -> None:
    good = Submission("Hi", ["+251911000001"], Dialect.TEXTKO)
    bad = Submission("   ", ["+251911000001"], Dialect.TEXTKO)
    before = await traces(world)

    with pytest.raises(Invalid, match="message: must not be blank"):
        await world.gateway.messages.submit(world.principal, [good, bad])

    assert await traces(world) == before


@pytest.mark.parametrize(
    ("numbers", "text", "field"),
    [
        ([], "Hi", "recipients"),
        (["+251911000001"] * 1_001, "Hi", "recipients"),
        (["+251911000001"], "", "message"),
        (["+251911000001"], " \n\t", "message"),
        (["+251911000001"], "x" * 160 * 31, "message"),
    ],
)
async def test_what_cannot_be_sent_is_refused_by_field(
    world: World, numbers: list[str], text: str, field: str
) -> None:
    before = await traces(world)

    with pytest.raises(Invalid) as refused:
        await world.gateway.messages.submit(
            world.principal, [Submission(text, numbers, Dialect.TEXTKO)]
        )

    assert refused.value.field == field
    assert await traces(world) == before


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"monthly_limit": 1}, LimitExceeded),
        ({"credits": 3}, InsufficientCredits),
        ({"subscription_ends_at": 1_768_471_200_000}, SubscriptionRequired),
    ],
)
async def test_refused_submit_leaves_no_trace(
    world: World, limits: dict[str, int], error: type[TextkoError]
) -> None:
    await world.limit_account(**limits)
    before = await traces(world)

    with pytest.raises(error):
        await world.submit(*TWO, text="x" * 161)

    assert await traces(world) == before


async def test_limit_says_what_is_left_and_lets_the_last_message_through(world: World) -> None:
    await world.limit_account(monthly_limit=2)
    await world.submit()
    await world.submit()

    with pytest.raises(LimitExceeded) as refused:
        await world.submit()

    assert (refused.value.limit, refused.value.used) == (2, 2)


async def test_new_month_starts_with_a_new_limit(world: World, clock: FrozenClock) -> None:
    await world.limit_account(monthly_limit=1)
    await world.submit()
    clock.advance(20 * DAY_MS)

    submitted = await world.submit()

    assert await world.state(submitted) is State.QUEUED


async def test_credits_go_down_by_segments_and_recipients(world: World) -> None:
    await world.limit_account(credits=4)

    await world.submit(*TWO, text="x" * 161)

    [(left,)] = await world.gateway.db.fetch_all("SELECT credits FROM users")
    assert left == 0
    with pytest.raises(InsufficientCredits) as refused:
        await world.submit()
    assert (refused.value.required, refused.value.available) == (1, 0)


async def test_submits_at_the_same_time_share_a_limit_exactly(world: World) -> None:
    await world.limit_account(monthly_limit=30, credits=25)

    outcomes = await asyncio.gather(
        *(world.submit(*TWO) for _ in range(40)), return_exceptions=True
    )

    accepted = [o for o in outcomes if not isinstance(o, BaseException)]
    assert len(accepted) == 12
    assert await usage(world) == [(24, 24)]
    assert await world.gateway.db.fetch_all("SELECT count(*) FROM recipients") == [(24,)]
    assert {type(o) for o in outcomes if isinstance(o, BaseException)} == {InsufficientCredits}


async def test_submits_of_a_deleted_account_fail_alone(world: World) -> None:
    gone = msgspec.structs.replace(world.principal, user_id=999)
    submission = Submission("Hi", ["+251911000001"], Dialect.TEXTKO)

    outcomes = await asyncio.gather(
        world.gateway.messages.submit(gone, [submission]),
        world.gateway.messages.submit(world.principal, [submission]),
        return_exceptions=True,
    )

    assert isinstance(outcomes[0], NotFound)
    assert not isinstance(outcomes[1], BaseException)


# --- keys for some devices only ---


async def test_key_for_some_devices_sends_through_those_only(world: World) -> None:
    other, allowed = await world.pair(), await world.pair()
    world.principal = msgspec.structs.replace(world.principal, device_ids=frozenset({allowed}))

    await world.submit()

    assert await world.offers(other) == []
    assert len(await world.offers(allowed)) == 1


async def test_key_for_some_devices_prefers_one_that_is_online(world: World) -> None:
    first, second = await world.pair(), await world.pair()
    await world.sync(second)
    world.principal = msgspec.structs.replace(
        world.principal, device_ids=frozenset({first, second})
    )

    submitted = await world.submit()

    assert (await world.recipient(submitted)).device_id == second


async def test_key_whose_devices_are_gone_is_refused_and_told_so(world: World) -> None:
    world.principal = msgspec.structs.replace(world.principal, device_ids=frozenset({99}))

    with pytest.raises(Forbidden, match="devices this API key may use are gone"):
        await world.submit()

    assert await usage(world) == []


# --- time ---


async def test_scheduled_message_is_queued_when_its_time_comes(
    world: World, clock: FrozenClock
) -> None:
    device = await world.pair()
    submitted = await world.submit(scheduled_at=clock.now_ms() + 60_000)
    assert await world.state(submitted) is State.SCHEDULED

    await world.pass_time(59)
    assert await world.offers(device) == []
    await world.pass_time(1)

    assert await world.state(submitted) is State.QUEUED
    assert len(await world.offers(device)) == 1


async def test_message_no_phone_took_expires_with_a_reason(
    world: World, clock: FrozenClock
) -> None:
    submitted = await world.submit(expires_at=clock.now_ms() + 5_000)

    await world.pass_time(5)

    recipient = await world.recipient(submitted)
    assert recipient.state is State.EXPIRED
    assert recipient.error == "no phone took it before it expired"
    assert await world.time_line(submitted) == ["expired"]
    await check_invariants(world.gateway.db)


async def test_expired_message_is_never_offered_even_before_the_sweep(
    world: World, clock: FrozenClock
) -> None:
    device = await world.pair()
    await world.submit(expires_at=clock.now_ms() + 5_000)
    clock.advance(5_000)

    assert await world.offers(device) == []


async def test_scheduled_message_expires_counted_from_its_time(
    tmp_path: Path, clock: FrozenClock
) -> None:
    settings = MessageSettings(expire_after_s=10)
    async with open_world(tmp_path, clock, messages=settings) as world:
        submitted = await world.submit(scheduled_at=clock.now_ms() + 60_000)
        await world.pass_time(69)
        assert await world.state(submitted) is State.QUEUED

        await world.pass_time(1)

        assert await world.state(submitted) is State.EXPIRED


async def test_message_without_expiry_waits_for_ever(tmp_path: Path, clock: FrozenClock) -> None:
    async with open_world(tmp_path, clock, messages=MessageSettings(expire_after_s=0)) as world:
        submitted = await world.submit()

        await world.pass_time(400 * 86_400)

        assert await world.state(submitted) is State.QUEUED


async def test_time_line_tells_the_whole_way(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)
    await world.report(device, job_id, State.SENT)
    await world.report(device, job_id, State.DELIVERED)

    detail = await world.gateway.messages.get(world.principal, submitted.message_id)

    events = detail.time_lines[submitted.recipient_ids[0]]
    assert [e.state.value for e in events] == ["offered", "claimed", "sent", "delivered"]
    assert {e.device_id for e in events} == {device}
    assert {e.actor for e in events} == {"device"}


async def test_message_rolls_up_from_its_recipients(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit(*TWO)
    first, second = await world.offers(device)

    async def message_state() -> State:
        detail = await world.gateway.messages.get(world.principal, submitted.message_id)
        return detail.message.state

    await world.claim(device, first.job_id, second.job_id)
    await world.report(device, first.job_id, State.DELIVERED)
    assert await message_state() is State.CLAIMED
    await world.report(device, second.job_id, State.FAILED, "blocked")

    assert await message_state() is State.DELIVERED
    await check_invariants(world.gateway.db)


# --- reading ---


async def test_other_accounts_see_nothing_and_an_admin_all(world: World) -> None:
    submitted = await world.submit()
    other = await world.gateway.accounts.create_user("b@example.org", "secret phrase", Role.REGULAR)
    admin = await world.gateway.accounts.create_user("c@example.org", "secret phrase", Role.ADMIN)
    messages = world.gateway.messages

    with pytest.raises(NotFound):
        await messages.get(principals.of_user(other), submitted.message_id)
    with pytest.raises(NotFound):
        await messages.cancel(principals.of_user(other), submitted.message_id, actor="user:b")
    with pytest.raises(NotFound):
        await messages.get(world.principal, None)

    search = world.gateway.message_search
    theirs = await search.list_page(principals.of_user(other), Wanted(user_id=world.user.id))
    assert theirs.messages == []
    assert len((await search.list_page(principals.of_user(admin), Wanted())).messages) == 1


# --- cancel ---


async def cancel(world: World, message_id: int) -> int:
    return await world.gateway.messages.cancel(world.principal, message_id, actor="user:a")


async def test_waiting_message_is_cancelled_at_once(world: World, clock: FrozenClock) -> None:
    queued = await world.submit()
    scheduled = await world.submit(scheduled_at=clock.now_ms() + 60_000)

    for submitted in (queued, scheduled):
        assert await cancel(world, submitted.message_id) == 1

        recipient = await world.recipient(submitted)
        assert recipient.state is State.CANCELLED
        assert recipient.error == "cancelled before it was sent"
    await check_invariants(world.gateway.db)


async def test_offered_message_is_cancelled_and_its_claim_refused(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [offer] = await world.offers(device)

    await cancel(world, submitted.message_id)

    assert await world.state(submitted) is State.CANCELLED
    assert await world.refusal(device, offer.job_id) == "cancelled"


async def test_claimed_message_is_asked_back_and_ends_as_the_phone_says(world: World) -> None:
    device = await world.pair()
    kept, sent = await world.submit(), await world.submit()
    first, second = await world.offers(device)
    await world.claim(device, first.job_id, second.job_id)

    assert await cancel(world, kept.message_id) == 1
    assert await cancel(world, sent.message_id) == 1

    assert (await world.sync(device)).cancels == [first.job_id, second.job_id]
    answer = await world.report(device, first.job_id, State.CANCELLED)
    assert answer.cancels == [second.job_id]
    await world.report(device, second.job_id, State.SENT)
    assert await world.state(kept) is State.CANCELLED
    assert await world.state(sent) is State.SENT
    await check_invariants(world.gateway.db)


async def test_job_asked_back_is_not_queued_again_after_a_passing_failure(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)
    await cancel(world, submitted.message_id)

    await world.report(device, job_id, State.FAILED, "no_service")

    assert await world.state(submitted) is State.FAILED


async def test_fetched_message_that_is_cancelled_goes_to_no_other_phone(world: World) -> None:
    submitted = await world.submit()
    [_] = await world.gateway.fetches.fetch(
        world.principal, limit=1, wait_s=0, is_connected=lambda: True
    )

    assert await cancel(world, submitted.message_id) == 1
    await world.pass_time(601)

    recipient = await world.recipient(submitted)
    assert (recipient.state, recipient.error_code) == (State.FAILED, "lease_expired")


@pytest.mark.parametrize("end", [State.SENT, State.DELIVERED, State.FAILED])
async def test_message_past_its_sending_cannot_be_cancelled(world: World, end: State) -> None:
    device = await world.pair()
    submitted = await world.submit()
    await world.report(device, await world.take_one(device), end)

    with pytest.raises(WrongState):
        await cancel(world, submitted.message_id)

    assert await world.state(submitted) is end


# --- requeue ---


async def requeue(world: World, message_id: int) -> int:
    return await world.gateway.messages.requeue(world.principal, message_id, actor="user:a")


async def test_failed_message_is_queued_again_as_new_and_charged_nothing(world: World) -> None:
    device = await world.pair(*ONE_SIM)
    submitted = await world.submit()
    job_id = await world.take_one(device)
    await world.report(device, job_id, State.SENT)
    await world.report(device, job_id, State.FAILED, "generic")

    assert await requeue(world, submitted.message_id) == 1

    recipient = await world.recipient(submitted)
    assert recipient.state is State.QUEUED
    assert recipient.error is None
    assert recipient.claimed_at is None
    assert recipient.sent_at is None
    assert await usage(world) == [(1, 1)]
    await check_invariants(world.gateway.db)
    [offer] = await world.offers(device)
    assert offer.job_id != job_id


async def test_requeue_of_a_message_that_has_not_failed_is_refused(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()

    with pytest.raises(WrongState):
        await requeue(world, submitted.message_id)
    await world.report(device, await world.take_one(device), State.DELIVERED)
    with pytest.raises(WrongState):
        await requeue(world, submitted.message_id)


async def test_requeue_after_its_device_was_removed_opens_it_to_others(world: World) -> None:
    removed, other = await world.pair(), await world.pair()
    submitted = await world.submit(device_id=removed)
    await world.gateway.devices.delete(world.principal, removed)
    assert (await world.recipient(submitted)).error_code == "device_deleted"

    await requeue(world, submitted.message_id)

    assert len(await world.offers(other)) == 1


async def test_only_the_failed_recipients_are_sent_again(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit(*TWO)
    first, second = await world.offers(device)
    await world.claim(device, first.job_id, second.job_id)
    await world.report(device, first.job_id, State.DELIVERED)
    await world.report(device, second.job_id, State.FAILED, "generic")

    assert await requeue(world, submitted.message_id) == 1

    assert [o.phone_number for o in await world.offers(device)] == [TWO[1]]
    await check_invariants(world.gateway.db)
