"""Why the app says that a text failed, in the words of docs/device-protocol.md.

Its own words: IntentProcessor.java, SmsSender.java, DeliveryReportHandler.java. Result codes are
those of Android's SmsManager.
"""

import re

_CODES = {
    "no-service": "no_service",  # after twenty tries of its own, in some thirteen hours
    "radio-off": "radio_off",
    "null-pdu": "null_pdu",
    "destination.invalid": "invalid_number",
    "unknown; resultCode=5": "limit_exceeded",  # RESULT_ERROR_LIMIT_EXCEEDED
    "unknown; resultCode=6": "fdn",  # RESULT_ERROR_FDN_CHECK_FAILURE
    "unknown; resultCode=7": "short_code_not_allowed",  # RESULT_ERROR_SHORT_CODE_NOT_ALLOWED
    "unknown; resultCode=8": "short_code_not_allowed",  # RESULT_ERROR_SHORT_CODE_NEVER_ALLOWED
}
_SENTENCES = {
    "no-service": "no mobile network for hours",
    "null-pdu": "Android could not make an SMS of it",
    "radio-off": "the phone's radio was off for hours",
    "destination.invalid": "Android does not take this for a phone number",
    "unknown; resultCode=5": "Android's limit of texts was reached",
    "unknown; resultCode=6": "the SIM may write to fixed numbers only",
    "unknown; resultCode=7": "Android asked about a short code, and nobody allowed it",
    "unknown; resultCode=8": "Android was told never to write to short codes",
}
MAX_CHARACTERS = 200


def error_code(reason: str) -> str:
    return _CODES.get(reason.strip(), "generic")


def sentence(reason: str) -> str:
    """For people; the app's own words where we have no better ones."""
    reason = " ".join(reason.split())
    if reason in _SENTENCES:
        return _SENTENCES[reason]
    known = re.fullmatch(r"(?:generic|unknown); (?:errorCode|resultCode)=(-?[0-9]{1,9})", reason)
    if known:
        return f"Android could not send it (error {known[1]})"
    if reason.startswith("generic"):
        return "Android could not send it"
    return reason[:MAX_CHARACTERS] or "the phone could not send it"
