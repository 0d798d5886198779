"""Phones that leave, repeat, mix up, come late, fall silent or share a token: the state stays true,
and nothing is sent a second time.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clocks import FrozenClock
from tests.gateways import (
    LIMIT_S,
    ONE_SIM,
    World,
    check_invariants,
    everything_committed,
    until,
)
from tests.gateways import world as open_world
from tests.servers import RunningServer, make_person
from textko_server.config import DispatchSettings
from textko_server.errors import Unauthenticated, WrongState
from textko_server.gateway.reports import Report
from textko_server.gateway.submissions import Submission, Submitted
from textko_server.gateway.sync import SyncRequest
from textko_server.model import Dialect, Role, State

# --- leaving ---


async def test_job_that_comes_after_a_phone_left_mid_poll_goes_to_another(world: World) -> None:
    gone, live = await world.pair(), await world.pair()
    is_connected = True
    left = asyncio.create_task(
        world.gateway.sync.sync(gone, SyncRequest(), wait_s=60, is_connected=lambda: is_connected)
    )
    await until(lambda: world.gateway.polls.open_count == 1)
    await everything_committed(world.gateway.db)
    stays = asyncio.create_task(world.sync(live, capacity=10, wait_s=60))
    await until(lambda: world.gateway.polls.open_count == 2)
    await everything_committed(world.gateway.db)

    is_connected = False
    await world.submit()

    async with asyncio.timeout(LIMIT_S):
        assert len((await stays).offers) == 1
        assert (await left).offers == []


async def test_phone_that_came_back_gets_its_own_job_though_its_old_poll_is_dead(
    world: World,
) -> None:
    device = await world.pair()
    dead = asyncio.create_task(
        world.gateway.sync.sync(device, SyncRequest(), wait_s=60, is_connected=lambda: False)
    )
    await until(lambda: world.gateway.polls.open_count == 1)
    await everything_committed(world.gateway.db)
    live = asyncio.create_task(world.sync(device, capacity=10, wait_s=60))
    await until(lambda: world.gateway.polls.open_count == 2)
    await everything_committed(world.gateway.db)

    await world.submit(device_id=device)

    async with asyncio.timeout(LIMIT_S):
        assert len((await live).offers) == 1
        assert (await dead).offers == []


async def test_poll_of_a_removed_device_ends_as_unauthenticated(world: World) -> None:
    device = await world.pair()
    waiting = asyncio.create_task(world.sync(device, capacity=10, wait_s=60))
    await until(lambda: world.gateway.polls.open_count == 1)

    await world.gateway.devices.delete(world.principal, device)

    with pytest.raises(Unauthenticated):
        await asyncio.wait_for(waiting, LIMIT_S)
    assert world.gateway.polls.open_count == 0
    assert not world.gateway.presence.is_online(device)


# --- repeating, mixing up ---


async def test_phone_that_repeats_every_request_changes_nothing(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    [offer] = await world.offers(device)

    for _ in range(3):
        assert await world.claim(device, offer.job_id) == [offer.job_id]
    for state in (State.SENT, State.SENT, State.DELIVERED, State.SENT, State.DELIVERED):
        assert (await world.report(device, offer.job_id, state)).accepted_reports == [offer.job_id]

    assert await world.time_line(submitted) == ["offered", "claimed", "sent", "delivered"]
    assert await world.refusal(device, offer.job_id) == "ended"
    await check_invariants(world.gateway.db)


async def test_one_request_with_everything_twice_counts_once(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)
    report = (job_id, Report(State.SENT, world.clock.now_ms()))

    answer = await world.sync(device, claims=[job_id, job_id], reports=[report, report])

    assert answer.accepted_reports == [job_id, job_id]
    assert await world.time_line(submitted) == ["offered", "claimed", "sent"]


async def test_reports_out_of_order_never_go_back(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)

    for state in (State.DELIVERED, State.SENT, State.FAILED, State.CANCELLED):
        await world.report(device, job_id, state)

    recipient = await world.recipient(submitted)
    assert recipient.state is State.DELIVERED
    assert recipient.sent_at is not None
    assert await world.time_line(submitted) == ["offered", "claimed", "sent", "delivered"]


async def test_time_from_the_future_is_taken_as_now(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)
    report = Report(State.SENT, world.clock.now_ms() + 3_600_000)

    await world.sync(device, reports=[(job_id, report)])

    assert (await world.recipient(submitted)).sent_at == world.clock.now_ms()


async def test_report_on_a_job_it_was_never_granted_is_ignored(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    submitted = await world.submit()
    [offer] = await world.offers(device)
    report = Report(State.SENT, world.clock.now_ms())

    for reporter, job_id in ((device, offer.job_id), (other, offer.job_id), (device, "nonsense")):
        answer = await world.sync(reporter, reports=[(job_id, report)])
        assert answer.ignored == [(job_id, "unknown_job")]

    assert await world.state(submitted) is State.OFFERED


async def test_passing_failure_queues_again_after_a_pause_and_not_for_ever(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    for _ in range(10):
        await world.report(device, await world.take_one(device), State.FAILED, "no_service")
        assert await world.state(submitted) is State.QUEUED
        assert await world.offers(device) == []
        await world.pass_time(300)

    await world.report(device, await world.take_one(device), State.FAILED, "no_service")

    assert await world.state(submitted) is State.FAILED
    await check_invariants(world.gateway.db)


# --- late ---


async def test_claim_after_the_lease_is_granted_while_nobody_else_was_offered_it(
    world: World,
) -> None:
    device = await world.pair()
    await world.submit()
    [offer] = await world.offers(device)
    await world.pass_time(61)

    assert await world.claim(device, offer.job_id) == [offer.job_id]


async def test_claim_after_the_job_was_offered_again_is_refused_as_lapsed(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    await world.submit()
    [offer] = await world.offers(device)
    await world.pass_time(61)
    [again] = await world.offers(other)

    assert await world.refusal(device, offer.job_id) == "lapsed"
    assert await world.claim(other, again.job_id) == [again.job_id]
    assert await world.refusal(device, offer.job_id) == "lapsed"
    assert await world.refusal(device, again.job_id) == "not_yours"


async def test_claim_of_what_has_expired_is_refused(world: World, clock: FrozenClock) -> None:
    device = await world.pair()
    await world.submit(expires_at=clock.now_ms() + 5_000)
    [offer] = await world.offers(device)

    clock.advance(5_000)
    assert await world.refusal(device, offer.job_id) == "expired"
    await world.pass_time(60)
    assert await world.refusal(device, offer.job_id) == "expired"


async def test_claim_of_another_accounts_job_is_refused_as_unknown(world: World) -> None:
    stranger = await world.gateway.accounts.create_user("b@example.org", "secret phrase")
    device, foreign = await world.pair(), await world.pair(user=stranger)
    await world.submit()
    [offer] = await world.offers(device)

    assert await world.refusal(foreign, offer.job_id) == "unknown_job"
    for nonsense in ("", ".", "x" * 5_000, "0" * 24 + ".1", offer.job_id + "0", "\ud800"):
        assert await world.refusal(device, nonsense) in ("unknown_job", "lapsed")


# --- silent ---


async def test_silent_phone_fails_its_job_and_a_late_report_corrects_it(world: World) -> None:
    device = await world.pair()
    submitted = await world.submit()
    job_id = await world.take_one(device)

    await world.pass_time(1_800)
    silent = await world.recipient(submitted)
    assert (silent.state, silent.error_code) == (State.FAILED, "device_silent")
    await world.report(device, job_id, State.DELIVERED)

    corrected = await world.recipient(submitted)
    assert (corrected.state, corrected.error_code) == (State.DELIVERED, None)
    assert await world.time_line(submitted) == [
        "offered", "claimed", "failed", "sent", "delivered",
    ]  # fmt: skip
    await check_invariants(world.gateway.db)


async def test_job_of_a_silent_phone_is_not_offered_again_by_itself(world: World) -> None:
    device, other = await world.pair(), await world.pair()
    await world.submit()
    await world.take_one(device)

    await world.pass_time(1_800)

    assert await world.offers(other) == []


@pytest.fixture
async def resending(tmp_path: Path, clock: FrozenClock) -> Any:
    resend = DispatchSettings(prefer_last_sim_s=0, resend_after_silence=True)
    async with open_world(tmp_path, clock, dispatch=resend) as world:
        yield world


async def test_late_sent_takes_a_job_back_from_whoever_was_offered_it_since(
    resending: World,
) -> None:
    silent, other = await resending.pair(*ONE_SIM), await resending.pair()
    submitted = await resending.submit()
    job_id = await resending.take_one(silent)
    await resending.pass_time(1_800)
    [offer] = await resending.offers(other)

    await resending.report(silent, job_id, State.SENT)

    recipient = await resending.recipient(submitted)
    assert (recipient.state, recipient.device_id) == (State.SENT, silent)
    assert await resending.refusal(other, offer.job_id) == "ended"


@pytest.mark.parametrize("error_code", ["generic", "no_service"])
async def test_late_failure_does_not_touch_a_job_that_another_phone_is_sending(
    resending: World, error_code: str
) -> None:
    silent, other = await resending.pair(), await resending.pair()
    submitted = await resending.submit()
    first = await resending.take_one(silent)
    await resending.pass_time(1_800)
    second = await resending.take_one(other)

    late = await resending.report(silent, first, State.FAILED, error_code)
    assert late.accepted_reports == [first]
    assert await resending.state(submitted) is State.CLAIMED
    await resending.report(other, second, State.SENT)
    await resending.report(silent, first, State.FAILED, error_code)

    assert await resending.state(submitted) is State.SENT


async def test_late_sent_corrects_a_job_that_expired_or_was_cancelled_while_queued_again(
    resending: World, clock: FrozenClock
) -> None:
    device = await resending.pair()
    expiring = await resending.submit(expires_at=clock.now_ms() + 2_000_000)
    first = await resending.take_one(device)
    cancelled = await resending.submit()
    second = await resending.take_one(device)
    await resending.pass_time(1_800)
    await resending.gateway.messages.cancel(
        resending.principal, cancelled.message_id, actor="user:a"
    )
    await resending.pass_time(1_000)
    assert await resending.state(expiring) is State.EXPIRED

    await resending.report(device, first, State.SENT)
    await resending.report(device, second, State.DELIVERED)

    assert await resending.state(expiring) is State.SENT
    assert await resending.state(cancelled) is State.DELIVERED
    await check_invariants(resending.gateway.db)


# --- many at once ---


async def race(
    exchange: Callable[[Any], Awaitable[dict[str, list[str]]]], phones: list[Any], count: int
) -> Counter[str]:
    """All phones take and claim, each claiming also what the others were offered."""
    granted: Counter[str] = Counter()
    seen: list[str] = []

    async def run(phone: Any) -> None:
        while sum(granted.values()) < count:
            offers = (await exchange((phone, {"capacity": 50})))["offers"]
            seen.extend(offers)
            wanted = list(dict.fromkeys(offers + seen[-80:]))[:100]
            if wanted:
                answer = await exchange((phone, {"capacity": 0, "claims": wanted}))
                own = [job_id for job_id in answer["granted"] if job_id in offers]
                granted.update(own)
                # What it was not offered itself is granted only to a twin with the same token.
                assert set(answer["granted"]) <= set(seen)

    async with asyncio.timeout(60):
        await asyncio.gather(*(run(phone) for phone in phones))
    return granted


async def test_two_phones_racing_for_a_thousand_jobs_never_both_get_one(
    server: RunningServer,
) -> None:
    gateway = server.gateway
    rival = await make_person(gateway, "rival@example.org", Role.REGULAR)
    await gateway.db.write(  # both phones in one account
        lambda tx: tx.execute(
            "UPDATE devices SET user_id = ? WHERE id = ?",
            (server.regular.user.id, rival.device.id),
        )
    )
    principal = await gateway.api_keys.authenticate_key(server.regular.key)
    texts = [Submission("Hi", ["+251912345678"], Dialect.TEXTKO) for _ in range(1_000)]
    await gateway.messages.submit(principal, texts)

    async def exchange(request: tuple[str, dict[str, Any]]) -> dict[str, list[str]]:
        token, body = request
        headers = {"Authorization": f"Bearer {token}"}
        answer = (await server.request("POST", "/device/v1/sync", body, headers=headers)).json
        return {
            "offers": [o["jobId"] for o in answer["offers"]],
            "granted": answer["granted"],
        }

    granted = await race(exchange, [server.regular.device_token, rival.device_token], 1_000)

    assert len(granted) == 1_000
    assert set(granted.values()) == {1}
    claimed = await gateway.db.fetch_all(
        "SELECT recipient_id, count(*) FROM recipient_events WHERE state = 'claimed'"
        " GROUP BY recipient_id HAVING count(*) > 1"
    )
    assert claimed == []


async def test_two_phones_with_one_token_are_never_both_offered_a_job(world: World) -> None:
    device = await world.pair()
    for _ in range(100):
        await world.submit()

    rounds = await asyncio.gather(*(world.offers(device, 10) for _ in range(20)))

    offered = [offer.job_id for offers in rounds for offer in offers]
    assert len(offered) == len(set(offered)) == 100


# --- anything in any order ---

DEVICES = 3
devices = st.integers(0, DEVICES - 1)
picks = st.integers(0, 1_000)
operations = st.one_of(
    st.tuples(st.just("submit"), st.integers(1, 3), st.sampled_from(["open", "pinned", "later"])),
    st.tuples(st.just("offer"), devices, st.integers(0, 5)),
    st.tuples(st.just("offer"), devices, st.integers(1, 5)),
    st.tuples(st.just("claim"), devices, picks),
    st.tuples(st.just("claim own"), devices, picks),
    st.tuples(
        st.just("report"),
        st.tuples(devices, st.sampled_from([State.SENT, State.DELIVERED, State.FAILED])),
        picks,
    ),
    st.tuples(st.just("report own"), st.sampled_from(
        [(State.SENT, None), (State.DELIVERED, None), (State.FAILED, "generic"),
         (State.FAILED, "no_service"), (State.FAILED, "device_silent"), (State.CANCELLED, None)]
    ), picks),
    st.tuples(st.just("fetch"), st.integers(1, 3), st.none()),
    st.tuples(st.just("status"), st.sampled_from([State.DELIVERED, State.FAILED]), picks),
    st.tuples(st.just("pass"), st.sampled_from([1, 61, 301, 1_801, 90_000]), st.none()),
    st.tuples(st.just("cancel"), picks, st.none()),
    st.tuples(st.just("requeue"), picks, st.none()),
    st.tuples(st.just("switch"), devices, st.booleans()),
)  # fmt: skip


class Play:
    """Does operations on a world and remembers what was offered and granted to whom."""

    def __init__(self, world: World, paired: list[int]) -> None:
        self.world = world
        self.devices = paired
        self.submitted: list[Submitted] = []
        self.offered: list[tuple[int, str]] = []
        self.granted: dict[str, int] = {}

    async def do(self, name: str, first: Any, second: Any) -> None:
        await getattr(self, name.replace(" ", "_"))(first, second)

    async def submit(self, count: int, kind: str) -> None:
        now_ms = self.world.clock.now_ms()
        fields: dict[str, Any] = {
            "open": {},
            "pinned": {"device_id": self.devices[count % DEVICES]},
            "later": {"scheduled_at": now_ms + 100_000, "expires_at": now_ms + 4_000_000},
        }[kind]
        numbers = [f"+25191200000{n}" for n in range(count)]
        self.submitted.append(await self.world.submit(*numbers, **fields))

    async def offer(self, device: int, capacity: int) -> None:
        offers = await self.world.offers(self.devices[device], capacity)
        assert len(offers) <= capacity
        self.offered += [(self.devices[device], o.job_id) for o in offers]

    async def claim(self, device: int, pick: int) -> None:
        if self.offered:
            await self._claim(self.devices[device], self.offered[pick % len(self.offered)][1])

    async def claim_own(self, _: int, pick: int) -> None:
        if self.offered:
            await self._claim(*self.offered[pick % len(self.offered)])

    async def _claim(self, device: int, job_id: str) -> None:
        if await self.world.claim(device, job_id):
            assert (device, job_id) in self.offered
            assert self.granted.setdefault(job_id, device) == device

    async def report(self, by: tuple[int, State], pick: int) -> None:
        """Anybody about anything."""
        if self.offered:
            device, state = by
            job_id = self.offered[pick % len(self.offered)][1]
            await self.world.report(self.devices[device], job_id, state)

    async def report_own(self, what: tuple[State, str | None], pick: int) -> None:
        if self.granted:
            job_id, device = list(self.granted.items())[pick % len(self.granted)]
            await self.world.report(device, job_id, *what)

    async def fetch(self, limit: int, _: None) -> None:
        jobs = await self.world.gateway.fetches.fetch(
            self.world.principal, limit=limit, wait_s=0, is_connected=lambda: True
        )
        assert len(jobs) <= limit

    async def status(self, state: State, pick: int) -> None:
        if self.submitted:
            recipient_ids = self.submitted[pick % len(self.submitted)].recipient_ids
            await self.world.gateway.fetches.report(
                self.world.principal, [(key, state) for key in recipient_ids], ""
            )

    async def pass_(self, seconds: int, _: None) -> None:
        await self.world.pass_time(seconds)

    async def cancel(self, pick: int, _: None) -> None:
        await self._try(self.world.gateway.messages.cancel, pick)

    async def requeue(self, pick: int, _: None) -> None:
        await self._try(self.world.gateway.messages.requeue, pick)

    async def _try(self, change: Callable[..., Awaitable[int]], pick: int) -> None:
        if self.submitted:
            message_id = self.submitted[pick % len(self.submitted)].message_id
            with suppress(WrongState):  # nothing to cancel or requeue is a fair answer
                assert await change(self.world.principal, message_id, actor="user:a") > 0

    async def switch(self, device: int, is_enabled: bool) -> None:
        await self.world.gateway.devices.update(
            self.world.principal, self.devices[device], is_enabled=is_enabled
        )


@pytest.mark.parametrize("resend_after_silence", [False, True])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(played=st.lists(operations, min_size=20, max_size=60))
def test_state_stays_true_whatever_happens_in_whatever_order(
    played: list[tuple[str, Any, Any]], resend_after_silence: bool
) -> None:
    async def run() -> None:
        dispatch = DispatchSettings(resend_after_silence=resend_after_silence)
        with tempfile.TemporaryDirectory() as folder:
            async with open_world(Path(folder), FrozenClock(), dispatch=dispatch) as world:
                play = Play(world, [await world.pair(*ONE_SIM) for _ in range(DEVICES)])
                for name, first, second in played:
                    await play.do("pass_" if name == "pass" else name, first, second)
                await check_invariants(world.gateway.db)
                if not resend_after_silence:
                    await no_second_send(world)

    asyncio.run(run())


async def no_second_send(world: World) -> None:
    """A job that a phone was granted comes back only by that phone's word or the sender's."""
    events = await world.gateway.db.fetch_all(
        "SELECT b.actor FROM recipient_events AS a JOIN recipient_events AS b"
        " ON b.recipient_id = a.recipient_id AND b.number = a.number + 1"
        " WHERE a.state = 'claimed' AND a.device_id IS NOT NULL AND b.state = 'queued'"
    )
    assert {actor for (actor,) in events} <= {"device"}
