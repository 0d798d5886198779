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
