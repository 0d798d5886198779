"""Texts on their way out: claimed, sent segment by segment, reported, and at last delivered.

The promise: each segment is handed to the modem at most once. "Sending" is on the disk before it; a
program that ended in between reports the text as failed, nobody knowing whether it was sent.
Refuses to know how a segment is handed over (radio.py) and how a report travels (agent.py).
"""

import secrets
from collections import deque

from textko_server.clock import DAY_MS, MINUTE_MS, Clock
from textko_server.phone.modem.delivery_status import Outcome, describe_status
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.pdu import StatusReport
from textko_server.phone.modem.reasons import UNKNOWN_WHETHER_SENT, Failure
from textko_server.phone.modem.records import (
    Claiming,
    Closed,
    NotSent,
    Reported,
    Reporting,
    SegmentDelivered,
    SegmentSent,
    Sending,
)
from textko_server.phone.modem.state import OpenJob, Segment
from textko_server.phone.outbox import Outbox
from textko_server.phone.wire import Offer, Report, ReportState

# The service centre keeps a text for some days at most; later reports match nothing any more.
AWAIT_LIMIT_MS = 8 * DAY_MS
# A text whose first segments are as old as this is not worth completing.
COMPLETE_LIMIT_MS = 30 * MINUTE_MS
REMEMBERED_JOBS_COUNT = 1_000
# How far apart our clock and the service centre's may be, for a report without a known reference.
NEAR_MS = 10 * MINUTE_MS
# Digits that tell two numbers apart, however the network writes them.
_COMPARED_DIGITS_COUNT = 8


class Jobs:
    """Of one modem. What is granted waits here until `next_job` hands it to the radio."""

    def __init__(self, clock: Clock, journal: Journal, outbox: Outbox, log: EventLog) -> None:
        self._clock = clock
        self._journal = journal
        self._open = journal.state.jobs
        self._outbox = outbox
        self._log = log
        self._granted: deque[str] = deque()
        """In the order they are to be sent."""
        self._done: dict[str, None] = {}
        """An offer told twice must not be claimed, and sent, again."""
        self._last_joint = secrets.randbelow(256)
        self.clock_ahead_ms = 0
        """By how much this machine's clock is ahead of the server's."""
        self._resume()

    # --- with the server ---

    @property
    def unsent_count(self) -> int:
        return sum(not job.is_reported for job in self._open.values())

    def claim(self, offer: Offer) -> bool:
        """False when it is known already."""
        if offer.job_id in self._open or offer.job_id in self._done:
            return False
        self._journal.write(Claiming(offer))
        self._outbox.claim(offer.job_id)
        return True

    def grant(self, job_id: str) -> bool:
        """This modem, and nobody else ever, sends the text. False when that is no news."""
        job = self._open.get(job_id)
        if job is None or job.segments or job_id in self._granted:
            return False
        self._granted.insert(self._place_of(job.offer), job_id)
        self._log.tell("granted", job_id=job_id)
        return True

    def give_up(self, job_id: str, reason: str) -> bool:
        """The server does not want it done by us. One that is under way goes on to its end."""
        job = self._open.get(job_id)
        if job is None or job.segments:
            return False
        self._forget_granted(job_id)
        self._journal.write(Closed(job_id))
        self._remember_done(job_id)
        self._log.tell("refused", reason, job_id=job_id)
        return True

    def cancel(self, job_id: str) -> bool:
        """False when it is too late, or not granted yet: the server says it again."""
        job = self._open.get(job_id)
        if job is None or job.segments or job_id not in self._granted:
            return False
        self._forget_granted(job_id)
        self._report(job_id, ReportState.CANCELLED)
        return True

    def settle(self, report: Report) -> None:
        """The server has it."""
        self._journal.write(Reported(report.job_id, report.state))

    # --- with the radio ---

    def next_job(self) -> OpenJob | None:
        """What is to be sent now; what has run out is reported so."""
        while self._granted:
            job = self._open.get(self._granted[0])
            if job is None:
                self._granted.popleft()
            elif self._is_too_old_to_complete(job):
                self.fail(job, Failure("incomplete", "there was no modem for the rest of it"))
            elif not job.segments and self._is_over(job.offer):
                self.fail(job, Failure("expired", "it ran out while it waited for the modem"))
            else:
                return job
        return None

    def next_joint(self) -> int:
        """What the segments of one text have in common: an octet other than the last texts had."""
        self._last_joint = (self._last_joint + 1) % 256
        return self._last_joint

    def begin_segment(self, job: OpenJob, number: int, count: int, joint: int) -> None:
        """On disk before it returns; from here on nobody but the modem's answer knows."""
        now_ms = self._clock.now_ms()
        self._journal.write(Sending(job.offer.job_id, number, count, joint, now_ms))

    def take_back_segment(self, job: OpenJob, number: int) -> None:
        """The modem refused it: certainly not sent."""
        self._journal.write(NotSent(job.offer.job_id, number))

    def finish_segment(self, job: OpenJob, number: int, reference: int | None) -> None:
        job_id, now_ms = job.offer.job_id, self._clock.now_ms()
        self._journal.write(SegmentSent(job_id, number, reference, now_ms))

    def finish(self, job: OpenJob) -> None:
        """All segments are with the network."""
        job_id = job.offer.job_id
        if job_id not in self._open:  # a status report has settled it meanwhile
            return
        self._forget_granted(job_id)
        self._remember_done(job_id)
        self._report(job_id, ReportState.SENT, segments_sent=job.segment_count)
        if not job.offer.delivery_report:
            self._journal.write(Closed(job_id))
        elif job.is_delivered:
            self._report(job_id, ReportState.DELIVERED)

    def fail(self, job: OpenJob, failure: Failure) -> None:
        """It ends here; with some codes the server queues it again (Failure.is_temporary).

        One of which nobody knows whether it was sent is never sent again; a status report may still
        tell.
        """
        job_id = job.offer.job_id
        self._forget_granted(job_id)
        self._report(job_id, ReportState.FAILED, failure)
        if failure.is_unknown and not job.offer.delivery_report:
            self._journal.write(Closed(job_id))

    def give_back(self, failure: Failure) -> None:
        """The modem cannot send: others may. What is begun waits for it."""
        for job_id in list(self._granted):
            job = self._open.get(job_id)
            if job is not None and not job.segments:
                self.fail(job, failure)

    def take_status_report(self, report: StatusReport) -> None:
        """What became of a segment. One that fits nothing is of a text of somebody else's."""
        found = self._segment_of(report)
        if found is None:
            self._log.tell("report", "a delivery report that fits no text")
            return
        job_id, job, number = found
        if job.segments[number].sent_at is None:  # so it was sent after all
            at = job.segments[number].begun_at
            self._journal.write(SegmentSent(job_id, number, report.reference, at))
        said = describe_status(report.status)
        match report.outcome:
            case Outcome.DELIVERED:
                self._journal.write(SegmentDelivered(job_id, number))
                if job.is_delivered and job.is_reported:
                    self._report(job_id, ReportState.DELIVERED)
            case Outcome.PENDING:
                self._log.tell("report", f"{said}; the network goes on trying", job_id=job_id)
            case Outcome.UNCONFIRMED:
                self._log.tell("report", said, job_id=job_id)
            case Outcome.TEMPORARY:
                sentence = f"not delivered: {said}; the network has given up"
                self.fail(job, Failure("not_delivered", sentence))
            case Outcome.PERMANENT:
                self.fail(job, Failure("not_delivered", f"not delivered: {said}"))

    def forget_old(self) -> None:
        """What no status report came for in days."""
        now_ms = self._clock.now_ms()
        old = [
            job_id
            for job_id, job in self._open.items()
            if job.is_reported and now_ms - job.last_begun_at > AWAIT_LIMIT_MS
        ]
        for job_id in old:
            self._journal.write(Closed(job_id))

    # --- inside ---

    def _segment_of(self, report: StatusReport) -> tuple[str, OpenJob, int] | None:
        """The one that has this reference and number; else one whose reference nobody heard.

        References come round after 256: of several that fit, the one sent nearest its time.
        """
        digits = _compared(report.phone_number)
        fitting = [
            _Fit(segment, job_id, job, number, report)
            for job_id, job in self._open.items()
            if _compared(job.offer.phone_number) == digits
            for number, segment in job.segments.items()
            if not segment.is_delivered
        ]
        sure = [fit for fit in fitting if fit.has_reference]
        perhaps = [fit for fit in fitting if fit.may_be_meant]
        best = min(sure or perhaps, key=lambda fit: fit.apart_ms, default=None)
        return None if best is None else (best.job_id, best.job, best.number)

    def _place_of(self, offer: Offer) -> int:
        """Before what is less urgent, but behind what has begun."""
        for place, job_id in enumerate(self._granted):
            other = self._open.get(job_id)
            if other and not other.segments and other.offer.priority > offer.priority:
                return place
        return len(self._granted)

    def _is_too_old_to_complete(self, job: OpenJob) -> bool:
        is_begun = 0 < job.sent_count < job.segment_count
        return is_begun and self._clock.now_ms() - job.last_begun_at > COMPLETE_LIMIT_MS

    def _is_over(self, offer: Offer) -> bool:
        server_now = self._clock.now_ms() - self.clock_ahead_ms
        return offer.expires_at is not None and server_now >= offer.expires_at

    def _report(
        self,
        job_id: str,
        state: ReportState,
        failure: Failure | None = None,
        segments_sent: int | None = None,
    ) -> None:
        report = Report(
            job_id=job_id,
            state=state,
            at=self._clock.now_ms(),
            parts_sent=segments_sent,
            error_code=failure.code if failure else None,
            error=failure.sentence if failure else None,
        )
        self._journal.write(Reporting(report))
        if state is not ReportState.SENT:
            self._remember_done(job_id)
        self._outbox.report(report)
        self._log.tell(state, failure.sentence if failure else None, job_id=job_id)

    def _forget_granted(self, job_id: str) -> None:
        if job_id in self._granted:
            self._granted.remove(job_id)

    def _remember_done(self, job_id: str) -> None:
        self._done[job_id] = None
        if len(self._done) > REMEMBERED_JOBS_COUNT:
            del self._done[next(iter(self._done))]

    def _resume(self) -> None:
        """Go on with what an earlier run of this program left open."""
        for report in self._journal.state.reports.values():
            self._outbox.report(report)
        for job_id, job in list(self._open.items()):
            if job.is_reported:
                if job.is_delivered:
                    self._report(job_id, ReportState.DELIVERED)
            elif (number := job.unknown_segment) is not None:
                which = f"segment {number} of {job.segment_count}"
                sentence = f"the program ended while it sent {which}: it may have been sent"
                self.fail(job, Failure(UNKNOWN_WHETHER_SENT, sentence, is_unknown=True))
            elif job.segments:
                self._granted.append(job_id)  # it was granted, or it would not have begun
            else:
                self._outbox.claim(job_id)


class _Fit:
    """A segment to the number a status report names."""

    def __init__(
        self, segment: Segment, job_id: str, job: OpenJob, number: int, report: StatusReport
    ) -> None:
        self.job_id, self.job, self.number = job_id, job, number
        self.has_reference = segment.sent_at is not None and segment.reference == report.reference
        # Between two clocks, both perhaps wrong.
        self.apart_ms = 0 if report.sent_at is None else abs(segment.begun_at - report.sent_at)
        is_near = report.sent_at is not None and self.apart_ms < NEAR_MS
        self.may_be_meant = segment.sent_at is None and job.is_reported and is_near


def _compared(phone_number: str) -> str:
    digits = "".join(filter(str.isdigit, phone_number))
    return digits[-_COMPARED_DIGITS_COUNT:] or phone_number
