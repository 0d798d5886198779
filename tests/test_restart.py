"""What a stop and a start in between may not change."""

from pathlib import Path

from tests.clocks import FrozenClock
from tests.gateways import ONE_SIM
from tests.gateways import world as open_world
from textko_server.clock import HOUR_MS
from textko_server.model import State


async def test_phone_may_report_after_a_long_downtime(tmp_path: Path, clock: FrozenClock) -> None:
    async with open_world(tmp_path, clock) as before:
        device = await before.pair(*ONE_SIM)
        submitted = await before.submit()
        job_id = await before.take_one(device)
        clock.advance(5 * HOUR_MS)

    async with open_world(tmp_path, clock) as after:
        await after.sweep()
        await after.report(device, job_id, State.SENT)

        assert await after.time_line(submitted) == ["offered", "claimed", "sent"]


async def test_phone_that_stays_silent_after_a_start_fails_its_jobs(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path, clock) as before:
        device = await before.pair(*ONE_SIM)
        submitted = await before.submit()
        await before.take_one(device)
        clock.advance(5 * HOUR_MS)

    async with open_world(tmp_path, clock) as after:
        await after.pass_time(2 * after.gateway.settings.dispatch.sync_interval_s)

        assert await after.state(submitted) is State.FAILED


async def test_job_id_of_a_forgotten_offer_is_never_given_again(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with open_world(tmp_path, clock) as before:
        device = await before.pair(*ONE_SIM)
        submitted = await before.submit()
        [forgotten] = await before.offers(device)
        # As after a crash: answered, but never on disk.
        await before.gateway.db.write(
            lambda tx: tx.execute(
                "UPDATE recipients SET state = 'queued', lane = home_lane, offer_number = 0"
            )
        )

    async with open_world(tmp_path, clock) as after:
        [offer] = await after.offers(device)

        assert offer.job_id != forgotten.job_id
        assert await after.refusal(device, forgotten.job_id) == "lapsed"
        assert await after.claim(device, offer.job_id) == [offer.job_id]
        assert await after.state(submitted) is State.CLAIMED
