"""Our states in SMSGate's words, and since when a message is in each.

ours                          SMSGate's
scheduled, queued, offered    Pending
claimed                       Processed
claimed, its cancel asked     Cancelling
sent                          Sent
delivered                     Delivered
failed, expired               Failed
cancelled                     Cancelled
"""

from typing import Literal

from textko_server.clock import iso_utc_ms
from textko_server.gateway.smsgate_messages import Shown, Told
from textko_server.model import State

Word = Literal["Pending", "Cancelling", "Cancelled", "Processed", "Sent", "Delivered", "Failed"]

_WORD_OF: dict[State, Word] = {
    State.SCHEDULED: "Pending",
    State.QUEUED: "Pending",
    State.OFFERED: "Pending",
    State.CLAIMED: "Processed",
    State.SENT: "Sent",
    State.DELIVERED: "Delivered",
    State.FAILED: "Failed",
    State.EXPIRED: "Failed",
    State.CANCELLED: "Cancelled",
}
# What lists filter by. Cancelling lasts as long as a phone takes to answer; no list has it apart.
STATES_OF: dict[Word, list[State]] = {"Cancelling": []}
for _state, _word in _WORD_OF.items():
    STATES_OF.setdefault(_word, []).append(_state)


def word_of_recipient(recipient: Told) -> Word:
    if recipient.state is State.CLAIMED and recipient.cancel_requested_at is not None:
        return "Cancelling"
    return _WORD_OF[recipient.state]


def word_of(shown: Shown) -> Word:
    """Of a message: where its least advanced recipient is."""
    word = _WORD_OF[shown.message.state]
    if word == "Processed" and any(word_of_recipient(r) == "Cancelling" for r in shown.recipients):
        return "Cancelling"
    return word


def times_of(shown: Shown) -> dict[str, str]:
    """Since when it is in its state, and was in those before it; by the last of its recipients."""
    word = word_of(shown)
    reached: dict[str, int | None] = {"Pending": shown.message.created_at}
    if word not in ("Pending", "Cancelled"):
        reached["Processed"] = _last([r.claimed_at for r in shown.recipients])
    if word in ("Sent", "Delivered"):
        reached["Sent"] = _last([r.sent_at for r in shown.recipients])
    if word == "Delivered":
        reached["Delivered"] = _last([r.delivered_at for r in shown.recipients])
    if word in ("Failed", "Cancelled"):
        reached[word] = _last([r.ended_at for r in shown.recipients])
    if word == "Cancelling":
        reached[word] = _last([r.cancel_requested_at for r in shown.recipients])
    return {state: iso_utc_ms(at) for state, at in reached.items() if at is not None}


def _last(times: list[int | None]) -> int | None:
    return max((at for at in times if at is not None), default=None)
