"""What a modem's program makes of delivery reports and incoming segments, over days and mishaps."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.inbox import Inbox
from textko_server.phone.modem.jobs import Jobs
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.pdu import (
    Pdu,
    StatusReport,
    encode_deliver,
    encode_status_report,
)
from textko_server.phone.modem.reasons import Failure
from textko_server.phone.outbox import Outbox
from textko_server.phone.wire import Offer, Report

NUMBER, SENDER = "+35799123456", "+35799654321"
DELIVERED, TRYING, EXPIRED = 0x00, 0x30, 0x46


class Desk:
    """The bookkeeping of one modem, without the modem."""

    def __init__(self, path: Path, clock: FrozenClock) -> None:
        self.clock = clock
        self.told: list[str] = []
        self.journal = Journal(path)
        self.outbox = Outbox()
        log = EventLog("Modem", clock.now_ms, lambda event: self.told.append(event.event))
        self.jobs = Jobs(clock, self.journal, self.outbox, log)
        self.inbox = Inbox(clock, self.journal, self.outbox, log)

    def send(self, job_id: str, *references: int | None, number: str = NUMBER) -> None:
        """As the radio does, a segment a reference."""
        self.begin(job_id, number)
        for place, reference in enumerate(references, 1):
            job = self.journal.state.jobs[job_id]
            self.jobs.begin_segment(job, place, len(references), 1)
            self.jobs.finish_segment(job, place, reference)
        self.jobs.finish(self.journal.state.jobs[job_id])

    def begin(self, job_id: str, number: str = NUMBER) -> None:
        self.jobs.claim(Offer(job_id, number, "Hello", delivery_report=True))
        self.jobs.grant(job_id)

    def hear(self, reference: int, status: int = DELIVERED, *, number: str = NUMBER) -> None:
        """A status report about what was sent just now."""
        now_ms = self.clock.now_ms()
        self.hear_of(StatusReport(reference, number, now_ms, now_ms, status))

    def hear_of(self, report: StatusReport) -> None:
        pdu = encode_status_report(report)
        read = self.inbox.take(pdu.hex, pdu.tpdu_bytes)
        assert read is not None
        self.jobs.take_status_report(read)

    def receive(self, *pdus: Pdu) -> None:
        for pdu in pdus:
            self.inbox.take(pdu.hex, pdu.tpdu_bytes)

    def reports(self, job_id: str) -> list[Report]:
        return [r for r in self.outbox.request().reports if r.job_id == job_id]

    def states(self, job_id: str) -> list[str]:
        return [report.state.value for report in self.reports(job_id)]

    def texts(self) -> list[str]:
        return [text.text for text in self.outbox.request().incoming]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "modem.journal"


@pytest.fixture
def desk(path: Path, clock: FrozenClock) -> Iterator[Desk]:
    made = Desk(path, clock)
    yield made
    made.journal.close()


def test_delivered_is_said_when_every_segment_is(desk: Desk) -> None:
    desk.send("a.1", 7, 8, 9)
    desk.hear(9)
    desk.hear(7)
    before = desk.states("a.1")
    desk.hear(8)

    assert before == ["sent"]
    assert desk.states("a.1") == ["sent", "delivered"]


def test_report_belongs_to_the_number_as_well_as_to_the_reference(desk: Desk) -> None:
    desk.send("a.1", 7)
    desk.send("b.1", 7, number=SENDER)
    desk.hear(7, number=SENDER)

    assert (desk.states("a.1"), desk.states("b.1")) == (["sent"], ["sent", "delivered"])


@pytest.mark.parametrize("written", ["99123456", "0035799123456", "35799123456"])
def test_network_may_write_the_number_in_its_own_way(desk: Desk, written: str) -> None:
    desk.send("a.1", 7)
    desk.hear(7, number=written)

    assert desk.states("a.1") == ["sent", "delivered"]


def test_reference_that_came_round_belongs_to_the_text_of_that_time(desk: Desk) -> None:
    first_at = desk.clock.now_ms()
    desk.send("a.1", 7)
    desk.clock.advance(60 * MINUTE_MS)
    desk.send("b.1", 7)
    desk.hear_of(StatusReport(7, NUMBER, first_at, desk.clock.now_ms(), EXPIRED))
    desk.hear(7)

    assert (desk.states("a.1"), desk.states("b.1")) == (["sent", "failed"], ["sent", "delivered"])


def test_modem_whose_reference_never_changes_is_sorted_out_by_time(desk: Desk) -> None:
    sent_at = []
    for number in range(5):
        sent_at.append(desk.clock.now_ms())
        desk.send(f"{number}.1", 0)
        desk.clock.advance(10_000)
    for at in reversed(sent_at[1:]):
        desk.hear_of(StatusReport(0, NUMBER, at, desk.clock.now_ms(), DELIVERED))

    assert desk.states("0.1") == ["sent"]
    assert all(desk.states(f"{number}.1") == ["sent", "delivered"] for number in range(1, 5))


def test_report_that_the_network_goes_on_trying_decides_nothing(desk: Desk) -> None:
    desk.send("a.1", 7)
    desk.hear(7, TRYING)
    before = desk.states("a.1")
    desk.hear(7)

    assert (before, desk.states("a.1")) == (["sent"], ["sent", "delivered"])


def test_text_that_ran_out_on_its_way_is_failed_in_plain_words(desk: Desk) -> None:
    desk.send("a.1", 7)
    desk.hear(7, EXPIRED)

    report = desk.reports("a.1")[-1]
    assert (report.state, report.error_code) == ("failed", "not_delivered")
    assert report.error == "not delivered: validity period expired"


def test_report_of_somebody_elses_text_changes_nothing(desk: Desk) -> None:
    desk.send("a.1", 7)
    desk.hear(8)

    assert desk.states("a.1") == ["sent"]
    assert desk.told[-1] == "report"


def test_reports_are_awaited_for_days_and_no_longer(desk: Desk) -> None:
    desk.send("a.1", 7)
    desk.clock.advance(7 * DAY_MS)
    desk.jobs.forget_old()
    still = list(desk.journal.state.jobs)
    desk.clock.advance(2 * DAY_MS)
    desk.jobs.forget_old()

    assert (still, list(desk.journal.state.jobs)) == (["a.1"], [])


def test_urgent_text_goes_before_others_but_not_into_one_that_has_begun(desk: Desk) -> None:
    for job_id, priority in (("a.1", 5), ("b.1", 5), ("otp.1", 0), ("c.1", 5)):
        desk.jobs.claim(Offer(job_id, NUMBER, "Hello", priority=priority))
    desk.jobs.grant("a.1")
    desk.jobs.begin_segment(desk.journal.state.jobs["a.1"], 1, 2, 1)
    for job_id in ("b.1", "c.1", "otp.1"):
        desk.jobs.grant(job_id)

    order = []
    while (job := desk.jobs.next_job()) is not None:
        order.append(job.offer.job_id)
        desk.jobs.fail(job, Failure("generic", "over"))
    assert order == ["a.1", "otp.1", "b.1", "c.1"]


def test_killed_between_handing_over_and_the_answer_is_unknown_and_never_sent_again(
    path: Path, clock: FrozenClock
) -> None:
    killed = Desk(path, clock)
    killed.begin("a.1")
    killed.jobs.begin_segment(killed.journal.state.jobs["a.1"], 1, 1, 1)
    killed.journal.close()

    desk = Desk(path, clock)
    assert [report.error_code for report in desk.reports("a.1")] == ["unknown_whether_sent"]
    assert desk.jobs.next_job() is None
    desk.journal.close()


@pytest.mark.parametrize(("late_ms", "is_believed"), [(MINUTE_MS, True), (DAY_MS, False)])
def test_report_without_a_known_reference_proves_what_was_unknown(
    path: Path, clock: FrozenClock, late_ms: int, is_believed: bool
) -> None:
    killed = Desk(path, clock)
    killed.begin("a.1")
    killed.jobs.begin_segment(killed.journal.state.jobs["a.1"], 1, 1, 1)
    killed.journal.close()

    desk = Desk(path, clock)
    clock.advance(late_ms)
    desk.hear(200)
    desk.journal.close()

    assert desk.states("a.1") == (["failed", "delivered"] if is_believed else ["failed"])


def test_killed_between_two_segments_goes_on_with_the_second(
    path: Path, clock: FrozenClock
) -> None:
    killed = Desk(path, clock)
    killed.begin("a.1")
    job = killed.journal.state.jobs["a.1"]
    killed.jobs.begin_segment(job, 1, 2, 77)
    killed.jobs.finish_segment(job, 1, 7)
    killed.journal.close()

    desk = Desk(path, clock)
    resumed = desk.jobs.next_job()
    assert resumed is not None
    assert (list(resumed.segments), resumed.joint) == ([1], 77)
    assert desk.outbox.request().claims == ()
    desk.journal.close()


def test_rest_of_a_text_is_not_sent_long_after_its_beginning(
    path: Path, clock: FrozenClock
) -> None:
    killed = Desk(path, clock)
    killed.begin("a.1")
    job = killed.journal.state.jobs["a.1"]
    killed.jobs.begin_segment(job, 1, 2, 77)
    killed.jobs.finish_segment(job, 1, 7)
    killed.journal.close()

    clock.advance(60 * MINUTE_MS)
    desk = Desk(path, clock)
    assert desk.jobs.next_job() is None
    assert [report.error_code for report in desk.reports("a.1")] == ["incomplete"]
    desk.journal.close()


# --- in ---


def incoming(text: str, at: int, joint: int = 9) -> list[Pdu]:
    return encode_deliver(SENDER, text, sent_at=at, concat_reference=joint)


def test_text_read_twice_is_one_text(desk: Desk) -> None:
    [pdu] = incoming("Hi", desk.clock.now_ms())
    desk.receive(pdu, pdu)

    assert desk.texts() == ["Hi"]


def test_segment_read_again_after_its_text_went_on_is_no_beginning_of_another(
    desk: Desk,
) -> None:
    pdus = incoming("x" * 300, desk.clock.now_ms())
    desk.receive(*pdus, pdus[0])

    assert desk.texts() == ["x" * 300]
    assert desk.journal.state.arrived == {}


def test_two_texts_with_one_reference_are_told_apart(desk: Desk) -> None:
    first = incoming("a" * 200, desk.clock.now_ms())
    desk.receive(first[0])
    desk.clock.advance(2 * DAY_MS)
    second = incoming("b" * 200, desk.clock.now_ms())
    desk.receive(second[1], second[0], first[1])

    assert sorted(desk.texts()) == ["a" * 200, "b" * 200]


def test_character_cut_between_two_segments_is_whole_again(desk: Desk) -> None:
    text = "👋" * 60
    desk.receive(*reversed(incoming(text, desk.clock.now_ms())))

    assert desk.texts() == [text]


def test_text_whose_segment_never_comes_is_handed_on_with_a_gap(desk: Desk) -> None:
    first, _second, third = incoming("a" * 153 + "b" * 153 + "c" * 10, desk.clock.now_ms())
    desk.receive(third, first)
    desk.inbox.give_up_waiting()
    before = desk.texts()
    desk.clock.advance(4 * DAY_MS)
    desk.inbox.give_up_waiting()

    assert before == []
    assert desk.texts() == ["a" * 153 + "[…]" + "c" * 10]
    assert "incomplete" in desk.told


def test_received_at_is_when_the_network_took_it_unless_that_cannot_be(desk: Desk) -> None:
    now_ms = desk.clock.now_ms()
    desk.receive(*incoming("earlier", now_ms - MINUTE_MS))
    desk.receive(*incoming("from the future", now_ms + DAY_MS))
    desk.receive(*incoming("from long ago", now_ms - 400 * DAY_MS))

    times = [text.received_at for text in desk.outbox.request().incoming]
    assert times == [now_ms - MINUTE_MS, now_ms, now_ms]


@pytest.mark.parametrize("pdu", ["00", "0104", "07915348"])
def test_what_cannot_be_read_is_kept_for_people(desk: Desk, path: Path, pdu: str) -> None:
    desk.inbox.take(pdu, None)

    assert path.with_suffix(".unreadable").read_text() == f"{pdu}\n"
    assert (desk.texts(), desk.told) == ([], ["unreadable"])


def test_data_for_programs_are_no_text_and_are_kept(desk: Desk, path: Path) -> None:
    [text] = incoming("Hi", desk.clock.now_ms())
    scheme_at = text.hex.index("0000", 20) + 2
    eight_bit = f"{text.hex[:scheme_at]}04{text.hex[scheme_at + 2 :]}"
    desk.inbox.take(eight_bit, text.tpdu_bytes)

    assert desk.told == ["data"]
    assert path.with_suffix(".unreadable").exists()
