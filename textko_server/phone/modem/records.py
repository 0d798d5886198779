"""What a modem's program writes down, one thing that happened a record.

Refuses to know what they add up to: state.py does.
"""

import msgspec

from textko_server.phone.wire import IncomingText, Offer, Report, ReportState


class Record(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True, tag_field="record"):
    """Base of what is written down. Times are Unix milliseconds UTC, by this machine's clock."""


class Paired(Record, frozen=True, tag="paired"):
    device_id: str
    name: str
    token: str
    poll_url: str


class Unpaired(Record, frozen=True, tag="unpaired"):
    """The server does not know the device any more."""


class PinTried(Record, frozen=True, tag="pin_tried"):
    """Before it is given to the SIM: a PIN that may be wrong is not given twice."""

    mark: str


class PinTaken(Record, frozen=True, tag="pin_taken"):
    """The SIM took what was tried."""


class PinRefused(Record, frozen=True, tag="pin_refused"):
    """It is not to be tried again."""

    mark: str


class Claiming(Record, frozen=True, tag="claiming"):
    offer: Offer


class Sending(Record, frozen=True, tag="sending"):
    """Before a segment is handed to the modem."""

    job_id: str
    segment: int
    """Counts from 1."""
    segment_count: int
    joint: int
    """What the segments of one text have in common (TS 23.040, 9.2.3.24.1)."""
    at: int


class NotSent(Record, frozen=True, tag="not_sent"):
    """The modem refused the segment: certainly not sent."""

    job_id: str
    segment: int


class SegmentSent(Record, frozen=True, tag="segment_sent"):
    job_id: str
    segment: int
    reference: int | None
    """What its status report will name (TP-MR); None: the modem did not say."""
    at: int


class SegmentDelivered(Record, frozen=True, tag="segment_delivered"):
    job_id: str
    segment: int


class Reporting(Record, frozen=True, tag="reporting"):
    """Ends the job, unless it says sent or that nobody knows: status reports may still come."""

    report: Report


class Awaiting(Record, frozen=True, tag="awaiting"):
    """It was reported; status reports may still come."""

    job_id: str


class Reported(Record, frozen=True, tag="reported"):
    """The server has the report."""

    job_id: str
    state: ReportState


class Closed(Record, frozen=True, tag="closed"):
    """Nothing more will come of this job."""

    job_id: str


class Arrived(Record, frozen=True, tag="arrived"):
    """A segment that came in; from here on the modem may lose it."""

    key: str
    """The same segment read twice has the same."""
    pdu: str
    tpdu_bytes: int | None
    """As the modem gave it."""
    at: int


class Receiving(Record, frozen=True, tag="receiving"):
    """A text is whole, or as whole as it will be."""

    text: IncomingText
    keys: tuple[str, ...] = ()
    """The segments it was made of."""


class Took(Record, frozen=True, tag="took"):
    """Segments that are no text, or whose text went on."""

    keys: tuple[str, ...]


class Handed(Record, frozen=True, tag="handed"):
    """The server has the incoming text."""

    text_id: str


AnyRecord = (
    Paired | Unpaired | PinTried | PinTaken | PinRefused | Claiming | Sending | NotSent
    | SegmentSent | SegmentDelivered | Reporting | Awaiting | Reported | Closed | Arrived
    | Receiving | Took | Handed
)  # fmt: skip
