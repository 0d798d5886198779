"""Which report moves a job on, and what a message's recipients add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from textko_server.gateway.states import accepts_report, roll_up
from textko_server.model import State

S = State

ROLLED_UP = [
    ([S.QUEUED], S.QUEUED),
    ([S.SCHEDULED, S.SCHEDULED], S.SCHEDULED),
    ([S.QUEUED, S.DELIVERED], S.QUEUED),
    ([S.OFFERED, S.CLAIMED, S.SENT], S.OFFERED),
    ([S.CLAIMED, S.FAILED], S.CLAIMED),
    ([S.SENT, S.DELIVERED, S.FAILED], S.SENT),
    ([S.DELIVERED, S.FAILED, S.CANCELLED], S.DELIVERED),
    ([S.FAILED, S.EXPIRED, S.CANCELLED], S.FAILED),
    ([S.EXPIRED, S.CANCELLED], S.EXPIRED),
    ([S.CANCELLED, S.CANCELLED], S.CANCELLED),
]

# (state, its error code): reports that the phone that holds the job may still make.
ACCEPTED = {
    (S.SCHEDULED, None): {S.SENT, S.DELIVERED},
    (S.QUEUED, None): {S.SENT, S.DELIVERED},
    (S.OFFERED, None): {S.SENT, S.DELIVERED},
    (S.CLAIMED, None): {S.SENT, S.DELIVERED, S.FAILED, S.CANCELLED},
    (S.SENT, None): {S.DELIVERED, S.FAILED},
    (S.DELIVERED, None): set(),
    (S.FAILED, "generic"): set(),
    (S.FAILED, "device_silent"): {S.SENT, S.DELIVERED, S.FAILED},
    (S.FAILED, "unknown_whether_sent"): {S.SENT, S.DELIVERED, S.FAILED},
    (S.FAILED, "lease_expired"): {S.SENT, S.DELIVERED, S.FAILED},
    (S.FAILED, "device_deleted"): {S.SENT, S.DELIVERED, S.FAILED},
    (S.EXPIRED, "expired"): {S.SENT, S.DELIVERED},
    (S.CANCELLED, "cancelled"): {S.SENT, S.DELIVERED},
    (S.CANCELLED, None): set(),
}


@pytest.mark.parametrize(("recipients", "message"), ROLLED_UP)
def test_message_is_where_its_least_advanced_recipient_is(
    recipients: list[State], message: State
) -> None:
    assert roll_up(recipients) is message


@given(st.lists(st.sampled_from(list(State)), min_size=1))
def test_roll_up_does_not_depend_on_order_and_is_one_of_them(states: list[State]) -> None:
    assert roll_up(states) == roll_up(states[::-1])
    assert roll_up(states) in states


@pytest.mark.parametrize(("current", "accepted"), ACCEPTED.items())
def test_report_moves_the_state_forward_only(
    current: tuple[State, str | None], accepted: set[State]
) -> None:
    taken = {reported for reported in State if accepts_report(*current, reported)}

    assert taken == accepted


@pytest.mark.parametrize("current", ACCEPTED)
def test_phone_that_no_longer_holds_a_job_can_only_tell_that_it_sent_it(
    current: tuple[State, str | None],
) -> None:
    taken = {r for r in State if accepts_report(*current, r, is_holder=False)}

    assert taken == ACCEPTED[current] - {S.FAILED, S.CANCELLED}
