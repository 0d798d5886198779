"""What a phone program writes down, so that it can be killed at any moment and go on where it was.

A file of JSON lines, appended to as things happen and shortened to what is still open when it is
next read. Each record reaches the operating system before the thing it announces is done: a claim
before it is asked for, `Sending` before the text goes to the radio (docs/device-protocol.md, 3).
Survives the end of the process, not of the machine: it is not synced to the disk.

Refuses to know why a record is written.
"""

from pathlib import Path

import msgspec

from textko_server.phone.record_file import RecordFile
from textko_server.phone.wire import IncomingText, Offer, Report


class Record(msgspec.Struct, frozen=True, rename="camel", tag_field="record"):
    device_id: str


class Paired(Record, frozen=True, tag="paired"):
    index: int
    """Which phone of the fleet it is, from 1; its dice depend on it."""
    name: str
    token: str
    poll_url: str


class Unpaired(Record, frozen=True, tag="unpaired"):
    """The server does not know the device any more."""


class Claiming(Record, frozen=True, tag="claiming"):
    offer: Offer


class Sending(Record, frozen=True, tag="sending"):
    job_id: str


class Reporting(Record, frozen=True, tag="reporting"):
    report: Report


class Receiving(Record, frozen=True, tag="receiving"):
    text: IncomingText


class Closed(Record, frozen=True, tag="closed"):
    """Nothing of this job is open: refused, or its report was accepted."""

    job_id: str


class Handed(Record, frozen=True, tag="handed"):
    """The server has the incoming text."""

    text_id: str


AnyRecord = Paired | Unpaired | Claiming | Sending | Reporting | Receiving | Closed | Handed

_decode = msgspec.json.Decoder(AnyRecord).decode


class OpenWork:
    """What was open on one device when the program ended."""

    def __init__(self, paired: Paired) -> None:
        self.paired = paired
        self.claims: dict[str, Offer] = {}
        """Claimed, perhaps granted, certainly not sent."""
        self.sending: dict[str, None] = {}
        """Handed to the radio, outcome unknown."""
        self.reports: dict[str, Report] = {}
        """The last of each job."""
        self.texts: dict[str, IncomingText] = {}

    def apply(self, record: AnyRecord) -> None:
        match record:
            case Claiming(offer=offer):
                self.claims[offer.job_id] = offer
            case Sending(job_id=job_id):
                self.claims.pop(job_id, None)
                self.sending[job_id] = None
            case Reporting(report=report):
                self._close(report.job_id)
                self.reports[report.job_id] = report
            case Closed(job_id=job_id):
                self._close(job_id)
                self.reports.pop(job_id, None)
            case Receiving(text=text):
                self.texts[text.id] = text
            case Handed(text_id=text_id):
                self.texts.pop(text_id, None)

    def records(self) -> list[AnyRecord]:
        """What has to be written down to get this again."""
        device_id = self.paired.device_id
        return [
            self.paired,
            *(Claiming(device_id, offer) for offer in self.claims.values()),
            *(Sending(device_id, job_id) for job_id in self.sending),
            *(Reporting(device_id, report) for report in self.reports.values()),
            *(Receiving(device_id, text) for text in self.texts.values()),
        ]

    def _close(self, job_id: str) -> None:
        self.claims.pop(job_id, None)
        self.sending.pop(job_id, None)


class Journal:
    """Open for one program at a time; `devices` is what was open when the last one ended."""

    def __init__(self, path: Path) -> None:
        """Read, shorten and open the file; it is made when absent.

        Raises: Unavailable when it is in use, or cannot be read or written.
        """
        self._file = RecordFile(path, _decode, kind="phone", is_synced=False)
        try:
            self.devices = _add_up(self._file.read())
            self._file.shorten(record for device in self.devices for record in device.records())
        except BaseException:
            self._file.close()
            raise

    def write(self, record: AnyRecord) -> None:
        """On return the operating system has it: it outlives a kill -9 of this program.

        Raises: Unavailable.
        """
        self._file.append(record)

    def close(self) -> None:
        self._file.close()


def _add_up(records: list[AnyRecord]) -> list[OpenWork]:
    devices: dict[str, OpenWork] = {}
    for record in records:
        if isinstance(record, Paired):
            devices[record.device_id] = OpenWork(record)
        elif isinstance(record, Unpaired):
            devices.pop(record.device_id, None)
        elif record.device_id in devices:
            devices[record.device_id].apply(record)
    return sorted(devices.values(), key=lambda device: device.paired.index)
