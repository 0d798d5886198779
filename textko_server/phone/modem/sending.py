"""Handing one text to the network, segment by segment, each at most once.

Refuses to know when, and what is said of it afterwards: radio.py and jobs.py do.
"""

import msgspec

from textko_server.phone.modem.commands import Refused, Silent
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.jobs import Jobs
from textko_server.phone.modem.modem import Modem
from textko_server.phone.modem.octets import PduError
from textko_server.phone.modem.pdu import Pdu, encode_submit
from textko_server.phone.modem.port import PortUnusable
from textko_server.phone.modem.reasons import UNKNOWN_WHETHER_SENT, Failure, failure_of
from textko_server.phone.modem.state import OpenJob

# A modem that asks for no PDU so often is not made to by this text.
PROMPTLESS_COUNT = 3


class Sender:
    def __init__(self, jobs: Jobs, log: EventLog) -> None:
        self._jobs = jobs
        self._log = log
        self._promptless_count = 0
        """How often in a row the modem did not ask for a text's PDU."""

    async def send(self, modem: Modem, job: OpenJob) -> Failure | None:
        """All of it that is not sent yet; why nothing can be sent now, if that is so.

        Raises: Silent, PortUnusable: the modem has to be opened anew.
        """
        joint = job.joint if job.segments else self._jobs.next_joint()
        if not _is_number(job.offer.phone_number):
            self._jobs.fail(job, Failure("invalid_number", "this is no phone number"))
            return None
        try:
            pdus = _pdus_of(job, joint)
        except PduError as error:
            self._jobs.fail(job, Failure("generic", str(error)))
            return None
        for number, pdu in enumerate(pdus, 1):
            if number in job.segments:
                continue  # sent by an earlier run
            failure = await self._send_segment(modem, job, number, len(pdus), joint, pdu)
            if failure is not None:
                self._take_refusal(job, failure)
                return failure if failure.is_temporary else None
        self._jobs.finish(job)
        return None

    async def _send_segment(
        self, modem: Modem, job: OpenJob, number: int, count: int, joint: int, pdu: Pdu
    ) -> Failure | None:
        is_handed_over = False

        def hand_over() -> None:
            nonlocal is_handed_over
            self._jobs.begin_segment(job, number, count, joint)
            is_handed_over = True

        try:
            reference = await modem.send(pdu, hand_over)
        except Refused as error:
            failure = failure_of(error.error)
            if is_handed_over and not failure.is_unknown:
                self._jobs.take_back_segment(job, number)
            return failure
        except (Silent, PortUnusable) as error:
            if is_handed_over:
                where = f"segment {number} of {count}"
                sentence = f"{error.message} while it sent {where}: it may have been sent"
                self._jobs.fail(job, Failure(UNKNOWN_WHETHER_SENT, sentence, is_unknown=True))
            else:
                self._note_no_prompt(job)
            raise
        self._promptless_count = 0
        self._jobs.finish_segment(job, number, reference)
        return None

    def _note_no_prompt(self, job: OpenJob) -> None:
        self._promptless_count += 1
        if self._promptless_count >= PROMPTLESS_COUNT and not job.segments:
            self._jobs.fail(job, Failure("radio_off", "the modem takes no texts"))

    def _take_refusal(self, job: OpenJob, failure: Failure) -> None:
        if not job.sent_count:
            self._jobs.fail(job, failure)
        elif failure.is_temporary:
            # Given back, all of it would be sent again: it stays here and goes on after a rest.
            self._log.tell("retry", failure.sentence, job_id=job.offer.job_id)
        else:
            sent = f"{job.sent_count} of {job.segment_count} segments were sent"
            sentence = f"{sent}, then: {failure.sentence}"
            self._jobs.fail(job, msgspec.structs.replace(failure, sentence=sentence))


def _pdus_of(job: OpenJob, joint: int) -> list[Pdu]:
    """Raises: PduError."""
    offer = job.offer
    return encode_submit(
        offer.phone_number,
        offer.text,
        reference=0,  # the modem puts its own
        concat_reference=joint,
        wants_report=offer.delivery_report,
    )


def _is_number(phone_number: str) -> bool:
    digits = phone_number.removeprefix("+")
    return digits.isascii() and digits.isdigit()
