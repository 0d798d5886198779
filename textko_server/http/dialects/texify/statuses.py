"""Our states in Texify's words.

ours                 a message    a recipient
scheduled            pending      pending
queued               queued       pending
offered, claimed     queued       queued
sent                 sent         sent
delivered            delivered    delivered
failed, expired      failed       failed
cancelled            cancelled    cancelled
"""

from textko_server.model import State

_STATUS_OF = {
    State.SCHEDULED: "pending",
    State.QUEUED: "queued",
    State.OFFERED: "queued",
    State.CLAIMED: "queued",
    State.SENT: "sent",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.EXPIRED: "failed",
    State.CANCELLED: "cancelled",
}
STATES_OF: dict[str, list[State]] = {}
for _state, _status in _STATUS_OF.items():
    STATES_OF.setdefault(_status, []).append(_state)


def status_of(state: State) -> str:
    """Of a message."""
    return _STATUS_OF[state]


def status_of_recipient(state: State) -> str:
    return "pending" if state is State.QUEUED else _STATUS_OF[state]
