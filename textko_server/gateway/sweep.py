"""What happens to jobs by itself when its time has come: one index, one loop.

scheduled   becomes queued; or fails, when its recipient has opted out meanwhile
queued      expires; or a back-off, or the wait for the preferred SIM, is over
offered     the lease lapsed: back to the queue, in its place
claimed     the phone fell silent: fails, or (Self Hosted SMS) is offered again a few times
"""

import asyncio

from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.gateway import opt_outs
from textko_server.gateway.due_loop import DueLoop
from textko_server.gateway.events import Event, Events, MessageSubmitted, RecipientChanged
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.gateway.opt_outs import OptOuts
from textko_server.model import Job, State
from textko_server.store import messages as store
from textko_server.store.database import Database, Transaction

# A sweep holds the writer for a few milliseconds at most; what is left comes in the next round.
BATCH_COUNT = 200


class Sweep:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: DispatchSettings,
        lifecycle: Lifecycle,
        opt_outs: OptOuts,
        events: Events,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._lifecycle = lifecycle
        self._opt_outs = opt_outs
        self._due = DueLoop(clock, lambda: store.next_due_at(db))
        events.listen(self._forget, MessageSubmitted, RecipientChanged)

    def _forget(self, _: Event) -> None:
        self._due.changed()

    async def run(self, stopping: asyncio.Event) -> None:
        """Sweep until stopped. A refused write is tried again in the next round."""

        async def sweep_full_batch() -> bool:
            return await self.sweep_once() == BATCH_COUNT

        await self._due.run(stopping, sweep_full_batch, refused_event="sweep_refused")

    async def sweep_once(self) -> int:
        """Handle one batch of what is due; returns how many."""
        if not await self._due.is_due():
            return 0
        now_ms = self._clock.now_ms()
        return await self._db.write(lambda tx: self._sweep(tx, now_ms))

    def _sweep(self, tx: Transaction, now_ms: int) -> int:
        jobs = store.due(tx, now_ms, BATCH_COUNT)
        for job in jobs:
            self._act(tx, job, now_ms)
        return len(jobs)

    def _act(self, tx: Transaction, job: Job, now_ms: int) -> None:
        r = job.recipient
        is_expired = r.expires_at is not None and r.expires_at <= now_ms
        if r.state in (State.SCHEDULED, State.QUEUED, State.OFFERED) and is_expired:
            self._lifecycle.move(
                tx, job, State.EXPIRED, now_ms=now_ms, actor="clock",
                error_code="expired", error="no phone took it before it expired",
                detail="no phone took it in time",
            )  # fmt: skip
        elif r.state is State.SCHEDULED and self._opt_outs.has(tx, r.user_id, r.phone_number):
            self._lifecycle.move(
                tx, job, State.FAILED, now_ms=now_ms, actor="clock",
                error_code=opt_outs.ERROR_CODE, error=opt_outs.ERROR, detail=opt_outs.ERROR,
            )  # fmt: skip
        elif r.state is State.SCHEDULED:
            self._queue(tx, job, now_ms, "its time has come")
        elif r.state is State.QUEUED:
            detail = "open to every phone" if r.lane else "trying again"
            self._queue(tx, job, now_ms, detail)
        elif r.state is State.OFFERED:
            self._queue(tx, job, now_ms, "offer lapsed: the phone did not claim it")
        elif r.state is State.CLAIMED:
            self._silent(tx, job, now_ms)
        else:  # pragma: no cover - sent and ended jobs have nothing due
            raise AssertionError(f"recipient {r.id} is {r.state} and due")

    def _queue(self, tx: Transaction, job: Job, now_ms: int, detail: str) -> None:
        r = job.recipient
        self._lifecycle.move(
            tx, job, State.QUEUED, now_ms=now_ms, actor="clock", detail=detail,
            lane=r.home_lane, due_at=r.expires_at,
        )  # fmt: skip

    def _silent(self, tx: Transaction, job: Job, now_ms: int) -> None:
        r = job.recipient
        # Self Hosted SMS has no claim: a phone that fetched and died would take the job with it.
        by_token = r.device_id is None
        may_resend = (
            r.lease_count <= self._settings.selfhosted_requeues
            if by_token
            else self._settings.resend_after_silence
        )
        if may_resend and r.cancel_requested_at is None:
            self._lifecycle.move(
                tx, job, State.QUEUED, now_ms=now_ms, actor="clock",
                detail="the phone did not report: offered again",
                lane=r.home_lane, device_id=None, sim_id=None, claimed_at=None,
                due_at=r.expires_at,
            )  # fmt: skip
            return
        code, reason = (
            ("lease_expired", "fetched, but never reported on")
            if by_token
            else ("device_silent", "the phone took it and never reported on it")
        )
        self._lifecycle.move(
            tx, job, State.FAILED, now_ms=now_ms, actor="clock",
            error_code=code, error=reason, detail=reason,
        )  # fmt: skip
