"""What the app says became of a message, in our words.

It tells all it knows each time, so one report may say two things: sent then, delivered since.

    Pending, Processed, Cancelling     the phone has it
    Sent, Delivered, Failed, Cancelled the same word of ours
"""

import re

from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.listing import Told
from textko_server.gateway.reports import Report
from textko_server.http.dialects.smsgate.mobile import wire
from textko_server.model import State

_MAX_ERROR_CHARACTERS = 200
# https://developer.android.com/reference/android/telephony/SmsManager, by its result codes; the
# first four codes of ours go back in the queue (gateway/states.py).
_ERRORS = (
    ("NO_SERVICE", "no_service", "the phone had no mobile network"),
    ("RADIO_OFF|RADIO_NOT_AVAILABLE", "radio_off", "the phone's radio was off: flight mode?"),
    ("LIMIT_EXCEEDED", "limit_exceeded", "Android lets an app send no more for now"),
    (r"SIM \d+ not found|No SIMs found", "sim_absent", "the SIM is not in the phone"),
    ("TTL expired", "expired", "the phone came to it too late"),
    ("GENERIC_FAILURE", "generic", "the network took it not and did not say why: no credit left?"),
    ("NULL_PDU", "null_pdu", "Android could make no SMS of it"),
    ("FDN_CHECK_FAILURE", "fdn", "the SIM may write to its fixed numbers only"),
    ("SHORT_CODE_NE?VER|SHORT_CODE_NOT", "short_code_not_allowed",
     "the phone's owner does not let this app write to short codes"),
    ("NETWORK_REJECT|NETWORK_ERROR", "network_rejected", "the network refused it"),
    ("READ_PHONE_STATE", "no_permission", "the app may not choose a SIM: give it the permission"
     " to read the phone's state"),
    ("UNEXPECTED_EVENT_STOP_SENDING", "blocked", "the phone's owner said no when Android asked"),
    ("NO_DEFAULT_SMS_APP", "blocked", "the phone has no default app for SMS"),
    ("Invalid phone number", "invalid_number", "the phone takes it for no phone number"),
)  # fmt: skip


def told_of(update: wire.MessageState, now_ms: int) -> list[Told]:
    """In the order in which it happened."""
    recipient = update.recipients[0] if update.recipients else None
    state = recipient.state if recipient is not None else update.state
    reports: list[Report | None] = []
    if state in ("Sent", "Delivered") and ("Sent" in update.states or state == "Sent"):
        reports.append(Report(State.SENT, _at(update, "Sent", now_ms)))
    if state == "Delivered":
        reports.append(Report(State.DELIVERED, _at(update, state, now_ms)))
    elif state == "Failed":
        error = recipient.error if recipient is not None else None
        code, words = explain(error or "")
        if "Sent" in update.states:
            code = "generic"  # some of it has gone: not to be tried again
        reports.append(Report(State.FAILED, _at(update, state, now_ms), code, words))
    elif state == "Cancelled":
        reports.append(Report(State.CANCELLED, _at(update, state, now_ms)))
    elif state != "Sent":
        reports.append(None)
    return [Told(update.id, report) for report in reports]


def explain(error: str) -> tuple[str, str]:
    """(our code, plain words and what the phone said)."""
    said = clean_text(error).strip()[:_MAX_ERROR_CHARACTERS]
    for pattern, code, words in _ERRORS:
        if re.search(pattern, said):
            return code, f"{words} ({said})"
    return "generic", said or "the phone could not send it"


def _at(update: wire.MessageState, state: str, now_ms: int) -> int:
    return read_at(update.states.get(state), now_ms)


def read_at(text: str | None, now_ms: int) -> int:
    return max(0, wire.read_ms(text, now_ms))
