"""What a modem has open: texts on their way out, delivery reports awaited, texts on their way in.

Made of records alone, so that reading them again gives the same: a program killed at any moment
goes on from what it had written down. Refuses to know files, modems and servers.
"""

from textko_server.phone.modem.reasons import UNKNOWN_WHETHER_SENT
from textko_server.phone.modem.records import (
    AnyRecord,
    Arrived,
    Awaiting,
    Claiming,
    Closed,
    Handed,
    NotSent,
    Paired,
    PinRefused,
    PinTaken,
    PinTried,
    Receiving,
    Reported,
    Reporting,
    SegmentDelivered,
    SegmentSent,
    Sending,
    Took,
    Unpaired,
)
from textko_server.phone.wire import IncomingText, Offer, Report, ReportState

# A message memory may give a text again if deleting it failed; more than any of them holds.
REMEMBERED_TEXTS_COUNT = 1_000


class Segment:
    __slots__ = ("begun_at", "is_delivered", "reference", "sent_at")

    def __init__(self, begun_at: int) -> None:
        self.begun_at = begun_at
        self.sent_at: int | None = None
        """None: handed to the modem, outcome unknown."""
        self.reference: int | None = None
        self.is_delivered = False


class OpenJob:
    """From its claim to its last report."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.segments: dict[int, Segment] = {}
        """Those handed to the modem, by number."""
        self.segment_count = 0
        """Known once one was."""
        self.joint = 0
        self.is_reported = False
        """Only status reports are awaited."""

    @property
    def unknown_segment(self) -> int | None:
        """One that may have been sent or not."""
        return next((n for n, segment in self.segments.items() if segment.sent_at is None), None)

    @property
    def sent_count(self) -> int:
        return sum(segment.sent_at is not None for segment in self.segments.values())

    @property
    def is_delivered(self) -> bool:
        delivered = sum(segment.is_delivered for segment in self.segments.values())
        return 0 < self.segment_count == delivered

    @property
    def last_begun_at(self) -> int:
        return max((segment.begun_at for segment in self.segments.values()), default=0)


class ModemState:
    def __init__(self) -> None:
        self.paired: Paired | None = None
        self.tried_pin: str | None = None
        """Outcome unknown."""
        self.refused_pins: dict[str, None] = {}
        self.jobs: dict[str, OpenJob] = {}
        self.reports: dict[tuple[str, ReportState], Report] = {}
        """What the server is still to be told."""
        self.arrived: dict[str, Arrived] = {}
        """Segments of texts that are not whole yet, by key."""
        self.taken: dict[str, None] = {}
        """Keys of segments whose text went on: the modem may still hold them."""
        self.texts: dict[str, IncomingText] = {}
        """Whole texts the server is still to be told."""

    def apply(self, record: AnyRecord) -> None:
        match record:
            case Paired():
                self.paired = record
            case Unpaired():
                self._unpair()
            case PinTried(mark=mark):
                self.tried_pin = mark
            case PinTaken():
                self.tried_pin = None
            case PinRefused(mark=mark):
                self.tried_pin = None
                self.refused_pins[mark] = None
            case Arrived(key=key):
                if key not in self.taken:
                    self.arrived[key] = record
            case Receiving(text=text, keys=keys):
                self.texts[text.id] = text
                self._take(keys)
            case Took(keys=keys):
                self._take(keys)
            case Handed(text_id=text_id):
                self.texts.pop(text_id, None)
            case _:
                self._apply_to_jobs(record)

    def records(self) -> list[AnyRecord]:
        """What has to be written down to get this again."""
        records: list[AnyRecord] = [self.paired] if self.paired else []
        records += [PinRefused(mark) for mark in self.refused_pins]
        records += [PinTried(self.tried_pin)] if self.tried_pin else []
        # Reports first: they would end jobs that stand before them.
        records += [Reporting(report) for report in self.reports.values()]
        for job_id, job in self.jobs.items():
            records += _records_of(job_id, job)
        records += self.arrived.values()
        records += [Receiving(text) for text in self.texts.values()]
        records += [Took(tuple(self.taken))] if self.taken else []
        return records

    def _apply_to_jobs(self, record: AnyRecord) -> None:
        match record:
            case Claiming(offer=offer):
                self.jobs.setdefault(offer.job_id, OpenJob(offer))
            case Reporting(report=report):
                self.reports[report.job_id, report.state] = report
                is_unknown = report.error_code == UNKNOWN_WHETHER_SENT
                if report.state is not ReportState.SENT and not is_unknown:
                    self.jobs.pop(report.job_id, None)
                elif report.job_id in self.jobs:
                    self.jobs[report.job_id].is_reported = True
            case Awaiting(job_id=job_id):
                if job_id in self.jobs:
                    self.jobs[job_id].is_reported = True
            case Reported(job_id=job_id, state=state):
                self.reports.pop((job_id, state), None)
            case Closed(job_id=job_id):
                self.jobs.pop(job_id, None)
            case Sending() | NotSent() | SegmentSent() | SegmentDelivered():
                job = self.jobs.get(record.job_id)
                if job is not None:
                    _apply_to_segment(job, record)

    def _take(self, keys: tuple[str, ...]) -> None:
        for key in keys:
            self.arrived.pop(key, None)
            self.taken[key] = None
        while len(self.taken) > REMEMBERED_TEXTS_COUNT:
            del self.taken[next(iter(self.taken))]

    def _unpair(self) -> None:
        """What the server did not take is its device's no more; what came in goes to the next."""
        self.paired = None
        self.jobs.clear()
        self.reports.clear()


def _apply_to_segment(
    job: OpenJob, record: Sending | NotSent | SegmentSent | SegmentDelivered
) -> None:
    match record:
        case Sending():
            job.segments[record.segment] = Segment(record.at)
            job.segment_count, job.joint = record.segment_count, record.joint
        case NotSent():
            job.segments.pop(record.segment, None)
        case SegmentSent():
            segment = job.segments.setdefault(record.segment, Segment(record.at))
            segment.sent_at, segment.reference = record.at, record.reference
        case SegmentDelivered():
            if record.segment in job.segments:
                job.segments[record.segment].is_delivered = True


def _records_of(job_id: str, job: OpenJob) -> list[AnyRecord]:
    records: list[AnyRecord] = [Claiming(job.offer)]
    for number, segment in job.segments.items():
        records.append(Sending(job_id, number, job.segment_count, job.joint, segment.begun_at))
        if segment.sent_at is not None:
            records.append(SegmentSent(job_id, number, segment.reference, segment.sent_at))
        if segment.is_delivered:
            records.append(SegmentDelivered(job_id, number))
    if job.is_reported:
        records.append(Awaiting(job_id))
    return records
