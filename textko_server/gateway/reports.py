"""What phones tell us of granted jobs: sent, delivered, failed, cancelled.

Reports come late, twice and out of order. Whoever was granted a claim may report on it for ever;
states.py says what still moves the job. A repeat is accepted and changes nothing.
"""

import msgspec

from textko_server.clock import MINUTE_MS, Clock
from textko_server.config import DispatchSettings
from textko_server.gateway import states
from textko_server.gateway.lifecycle import Lifecycle
from textko_server.model import Job, State
from textko_server.store import messages as store
from textko_server.store.database import Transaction

REPORTABLE = frozenset({State.SENT, State.DELIVERED, State.FAILED, State.CANCELLED})

# A job that a phone's surroundings keep failing goes back this often before it ends.
MAX_RETRIES = 10


class Report(msgspec.Struct, frozen=True):
    state: State
    at: int
    """By the phone's clock."""
    error_code: str | None = None
    error: str | None = None
    parts_sent: int | None = None
    is_inferred: bool = False
    """Nobody told the program; it read the phone's own list of texts."""


class Reports:
    def __init__(self, clock: Clock, settings: DispatchSettings, lifecycle: Lifecycle) -> None:
        self._clock = clock
        self._settings = settings
        self._lifecycle = lifecycle

    def apply(
        self,
        tx: Transaction,
        job: Job,
        report: Report,
        *,
        actor: str,
        device_id: int | None,
        is_holder: bool,
    ) -> Job | None:
        """Move the job on as reported and answer it; None when that tells nothing new.

        The caller has made sure that the reporter was granted this job, and says whether it was the
        last to be.
        """
        now_ms = self._clock.now_ms()
        r = job.recipient
        if not states.accepts_report(r.state, r.error_code, report.state, is_holder=is_holder):
            return None
        if r.device_id != device_id and r.state is not State.SENT:
            # Whoever sent it is whom the message names, not whom it was offered to since.
            r = msgspec.structs.replace(r, device_id=device_id, sim_id=None)
            job = msgspec.structs.replace(job, recipient=r)
        at = now_ms if report.at > now_ms + MINUTE_MS or report.at <= 0 else report.at
        if report.state is State.SENT:
            return self._sent(tx, job, report, at, now_ms, actor)
        if report.state is State.DELIVERED:
            if r.state is not State.SENT:
                job = self._sent(tx, job, report, at, now_ms, actor)
            return self._lifecycle.move(
                tx, job, State.DELIVERED, now_ms=now_ms, at=at, actor=actor, delivered_at=at
            )
        if report.state is State.FAILED:
            return self._failed(tx, job, report, at, now_ms, actor)
        return self._lifecycle.move(
            tx, job, State.CANCELLED, now_ms=now_ms, at=at, actor=actor, detail="not sent"
        )

    def _sent(
        self, tx: Transaction, job: Job, report: Report, at: int, now_ms: int, actor: str
    ) -> Job:
        was_late = job.recipient.state is not State.CLAIMED
        return self._lifecycle.move(
            tx,
            job,
            State.SENT,
            now_ms=now_ms,
            at=at,
            actor=actor,
            detail="late report" if was_late else _how_sent(report),
            sent_at=at,
            error_code=None,
            error=None,
            ended_at=None,
            due_at=None,
            cancel_requested_at=None,
        )

    def _failed(
        self, tx: Transaction, job: Job, report: Report, at: int, now_ms: int, actor: str
    ) -> Job:
        code = report.error_code or "generic"
        reason = report.error or code.replace("_", " ")
        r = job.recipient
        is_retryable = code in states.RETRYABLE_ERRORS and r.lease_count <= MAX_RETRIES
        if is_retryable and r.state is State.CLAIMED and r.cancel_requested_at is None:
            return self._lifecycle.move(
                tx,
                job,
                State.QUEUED,
                now_ms=now_ms,
                at=at,
                actor=actor,
                detail=f"{reason}; again in {self._settings.retry_after_s} s",
                device_id=None,
                sim_id=None,
                claimed_at=None,
                due_at=now_ms + self._settings.retry_after_s * 1000,
            )
        return self._lifecycle.move(
            tx,
            job,
            State.FAILED,
            now_ms=now_ms,
            at=at,
            actor=actor,
            detail=reason,
            error_code=code,
            error=reason,
        )


def _how_sent(report: Report) -> str | None:
    """Worth a word: that the network bills more than one part, and that nobody said it was sent."""
    count = report.parts_sent
    words = [f"{count} parts"] if count is not None and count > 1 else []
    if report.is_inferred:
        words.append("inferred from the phone's own list")
    return ", ".join(words) or None


def may_report(
    tx: Transaction, job: Job, offer_number: int, user_id: int, device_id: int
) -> bool | None:
    """Whether nobody was offered or fetched the job since this device had that offer granted.

    None: it never had it.
    """
    r = job.recipient
    if r.user_id != user_id:
        return None
    is_holder = r.device_id == device_id and r.offer_number == offer_number
    if r.state is State.CLAIMED and is_holder:
        return True  # the common case, without reading the time line
    if store.was_claimed_by(tx, r.id, device_id, offer_number):
        return is_holder
    return None
