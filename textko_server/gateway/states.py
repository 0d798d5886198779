"""Which state may follow which, and what a message's recipients add up to. Pure rules.

State only moves forward: a report that comes late, twice or out of order changes nothing that a
better-informed one has settled.
"""

from collections.abc import Iterable

from textko_server.model import State

ENDED = frozenset({State.DELIVERED, State.FAILED, State.EXPIRED, State.CANCELLED})
WAITING = frozenset({State.SCHEDULED, State.QUEUED, State.OFFERED})

# Nobody knows whether the phone sent it: it took the job and fell silent, or it asked Android to
# send and was told nothing (unknown_whether_sent is a phone's own word).
SILENT_ERRORS = frozenset({"device_silent", "lease_expired", "unknown_whether_sent"})
# Ends that we decided without knowing what the phone did: a late report of the phone knows better.
GUESSED_ERRORS = SILENT_ERRORS | {"device_deleted"}
# Ends of a job that waited: a phone that was granted it earlier may have sent it all the same.
_WAITING_ENDS = frozenset({(State.EXPIRED, "expired"), (State.CANCELLED, "cancelled")})

# Failures of the phone's surroundings, not of the message: it goes back in the queue.
RETRYABLE_ERRORS = frozenset({"limit_exceeded", "no_service", "radio_off", "sim_absent"})

_ROLL_UP_ORDER = (
    State.SCHEDULED,
    State.QUEUED,
    State.OFFERED,
    State.CLAIMED,
    State.SENT,
    State.DELIVERED,
    State.FAILED,
    State.EXPIRED,
    State.CANCELLED,
)


def roll_up(states: Iterable[str]) -> State:
    """A message is where its least advanced recipient is; ended ones show their best end."""
    present = set(states)
    return next(state for state in _ROLL_UP_ORDER if state in present)


def accepts_report(
    current: State, error_code: str | None, reported: State, *, is_holder: bool = True
) -> bool:
    """Whether a device's report of `reported` moves a job it claimed on from `current`.

    `error_code` is the job's own. A job that went back to the queue after its phone fell silent
    takes a late report too: the phone did send it, so nobody else should. That is all a phone that
    no longer holds the job can tell: that it did not send it says nothing of whoever holds it now.
    """
    if reported is State.SENT:
        if current in WAITING or current is State.CLAIMED or _is_guess(current, error_code):
            return True
        return (current, error_code) in _WAITING_ENDS
    if reported is State.DELIVERED:
        return (
            accepts_report(current, error_code, State.SENT, is_holder=is_holder)
            or current is State.SENT
        )
    if not is_holder:
        return False
    if reported is State.FAILED:
        return current in (State.CLAIMED, State.SENT) or _is_guess(current, error_code)
    if reported is State.CANCELLED:
        return current is State.CLAIMED
    return False


def _is_guess(current: State, error_code: str | None) -> bool:
    return current is State.FAILED and error_code in GUESSED_ERRORS
