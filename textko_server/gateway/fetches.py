"""Phones without a claim step (Self Hosted SMS): what they fetch counts as claimed, by their key.

They work on the account's open lane only, oldest first within a priority. What they do not report
on within the lease goes back to the queue (gateway/sweep.py); a late report still counts.
"""

import asyncio
from collections.abc import Callable

from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.errors import TextkoError
from textko_server.gateway.charges import check_subscription
from textko_server.gateway.dispatch import account_lane
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.polls import Polls
from textko_server.gateway.reports import Report, Reports
from textko_server.model import Job, Principal, State
from textko_server.store import messages as store
from textko_server.store.database import Database, Transaction

# Stands for "a phone without a device" among the polls; device keys start at 1.
_NO_DEVICE = 0


class Fetches:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: DispatchSettings,
        lifecycle: Lifecycle,
        reports: Reports,
        polls: Polls,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._lifecycle = lifecycle
        self._reports = reports
        self._polls = polls

    async def fetch(
        self,
        principal: Principal,
        *,
        limit: int,
        wait_s: float,
        is_connected: Callable[[], bool],
    ) -> list[Job]:
        """Hand over up to `limit` jobs, on disk as claimed before this returns.

        With nothing there, waits up to `wait_s` seconds for the first.

        Raises:
            SubscriptionRequired: the account's subscription has ended.
        """
        jobs = await self._take(principal, limit)
        if jobs or wait_s <= 0:
            return jobs
        lane = account_lane(principal.user_id)
        deadline = asyncio.get_running_loop().time() + wait_s
        poll = self._polls.open(_NO_DEVICE, [lane])
        try:
            jobs = await self._take(principal, limit)
            while not jobs and not self._polls.has_stopped():
                if not await self._polls.wait(poll, deadline):
                    break
                if self._polls.has_stopped():
                    break
                if not is_connected():
                    self._polls.pass_on(poll)
                    break
                self._polls.rearm(poll)
                jobs = await self._take(principal, limit)
            return jobs
        except TextkoError:  # the subscription has ended, or the disk refuses
            self._polls.pass_on(poll)
            raise
        finally:
            self._polls.close(poll)

    async def _take(self, principal: Principal, limit: int) -> list[Job]:
        lane = account_lane(principal.user_id)

        def write(tx: Transaction) -> list[Job]:
            now_ms = self._clock.now_ms()
            check_subscription(tx, principal.user_id, now_ms)
            due_at = now_ms + self._settings.selfhosted_lease_s * 1000
            return [
                self._lifecycle.move(
                    tx, job, State.CLAIMED, now_ms=now_ms, actor=_actor(principal),
                    detail="fetched by a phone without a claim step", device_id=None, sim_id=None,
                    due_at=due_at if self._settings.selfhosted_lease_s else None,
                    claimed_at=now_ms, lease_count=job.recipient.lease_count + 1,
                )
                for job in store.waiting_in_lane(tx, lane, limit)
                if job.recipient.expires_at is None or job.recipient.expires_at > now_ms
            ]  # fmt: skip

        return await self._db.write(write)

    async def report(
        self, principal: Principal, reports: list[tuple[int, State]], device_name: str
    ) -> int:
        """Apply delivered or failed to jobs of the account; returns how many are as reported now.

        Unknown keys and contradictions of an earlier report do not count; repeats do.
        """
        now_ms = self._clock.now_ms()
        actor = f"phone:{device_name}" if device_name else _actor(principal)

        def write(tx: Transaction) -> int:
            count = 0
            jobs = store.find_jobs(tx, list({key for key, _ in reports}))
            for key, state in reports:
                job = jobs.get(key)
                if job is None or job.recipient.user_id != principal.user_id:
                    continue
                if job.recipient.state is state:
                    count += 1
                elif store.was_fetched(tx, key):
                    report = Report(
                        state, now_ms,
                        error_code="generic" if state is State.FAILED else None,
                        error="the phone could not send it" if state is State.FAILED else None,
                    )  # fmt: skip
                    moved = self._reports.apply(
                        tx, job, report, actor=actor, device_id=None,
                        is_holder=job.recipient.device_id is None,
                    )  # fmt: skip
                    if moved is not None:
                        jobs[key] = moved
                        count += 1
            return count

        return await self._db.write(write)


def _actor(principal: Principal) -> str:
    return f"key:{principal.api_key_id}" if principal.api_key_id else f"user:{principal.user_id}"
