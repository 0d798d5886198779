"""What a modem's program writes down: read again it says the same, wherever it was cut off."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from textko_server.errors import Unavailable
from textko_server.phone.modem.journal import Journal
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
from textko_server.phone.modem.state import ModemState
from textko_server.phone.wire import IncomingText, Offer, Report, ReportState

PDU = "00040B915397191111F100006211229005328006E2B2F92D2F03"
job_ids = st.sampled_from(["a.1", "b.1", "c.1"])
segments = st.integers(1, 3)
times = st.integers(1, 2_000_000_000_000)
keys = st.sampled_from(["k1", "k2", "k3", "k4"])
states = st.sampled_from(ReportState)
codes = st.sampled_from([None, "no_service", "unknown_whether_sent"])
offers = st.builds(Offer, job_id=job_ids, phone_number=st.just("+35799"), text=st.text(max_size=5))
reports = st.builds(Report, job_id=job_ids, state=states, at=times, error_code=codes)
texts = st.builds(
    IncomingText, id=keys, sender=st.just("+1"), text=st.text(max_size=5), received_at=times,
    sim_slot=st.just(1),
)  # fmt: skip
records = st.one_of(
    st.builds(Paired, st.just("d"), st.text(max_size=5), st.just("txd"), st.just("http://pi")),
    st.just(Unpaired()),
    st.builds(PinTried, keys),
    st.just(PinTaken()),
    st.builds(PinRefused, keys),
    st.builds(Claiming, offers),
    st.builds(Sending, job_ids, segments, st.just(3), st.integers(0, 255), times),
    st.builds(NotSent, job_ids, segments),
    st.builds(SegmentSent, job_ids, segments, st.none() | st.integers(0, 255), times),
    st.builds(SegmentDelivered, job_ids, segments),
    st.builds(Reporting, reports),
    st.builds(Awaiting, job_ids),
    st.builds(Reported, job_ids, states),
    st.builds(Closed, job_ids),
    st.builds(Arrived, keys, st.just(PDU), st.none() | st.just(25), times),
    st.builds(Receiving, texts, st.lists(keys, max_size=2).map(tuple)),
    st.builds(Took, st.lists(keys, max_size=2).map(tuple)),
    st.builds(Handed, keys),
)


def told(some: list[AnyRecord]) -> list[AnyRecord]:
    """All that a state made of these would write down."""
    state = ModemState()
    for record in some:
        state.apply(record)
    return state.records()


@given(st.lists(records, max_size=40))
def test_state_written_down_and_read_again_is_the_same(some: list[AnyRecord]) -> None:
    assert told(told(some)) == told(some)


@settings(deadline=None)  # it waits for the disk
@given(st.lists(records, max_size=12), st.integers(0, 400))
def test_journal_cut_off_anywhere_is_read_up_to_its_last_whole_line(
    some: list[AnyRecord], cut_bytes: int
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "modem.journal"
        journal = Journal(path)
        for record in some:
            journal.write(record)
        journal.close()
        whole = path.read_bytes()
        left = whole[: max(0, len(whole) - cut_bytes)]
        path.write_bytes(left)

        journal = Journal(path)
        journal.close()

        assert journal.state.records() == told(some[: left.count(b"\n")])


def test_broken_line_in_the_middle_is_not_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "modem.journal"
    path.write_bytes(b'{"record":"pin_taken"}\nwhat\n{"record":"pin_taken"}\n')

    with pytest.raises(Unavailable, match="line 2"):
        Journal(path)


def test_journal_is_for_its_owner_alone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "modems" / "modem.journal")
    journal.keep_aside(PDU)
    journal.close()

    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "modems").iterdir()]
    assert set(modes) == {0o600}
    assert (tmp_path / "modems").stat().st_mode & 0o777 == 0o700
