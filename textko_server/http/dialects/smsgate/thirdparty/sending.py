"""`POST /messages`: what an application wants sent, as one submission.

Ignored: `skipPhoneValidation`, since whatever can be a phone number anywhere is taken, ciphertext
aside; and `message` beside a content of another kind is refused, as is MMS.
"""

import binascii
from base64 import b64decode

import msgspec

from textko_server.clock import DAY_MS
from textko_server.errors import Invalid
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.phone_numbers import normalise
from textko_server.gateway.smsgate_devices import Wish
from textko_server.gateway.smsgate_messages import Form
from textko_server.gateway.submissions import Submission
from textko_server.http.dialects.smsgate.thirdparty import wire
from textko_server.http.dialects.smsgate.thirdparty.endpoint import Answer, Call
from textko_server.http.dialects.smsgate.thirdparty.messages import told
from textko_server.http.dialects.smsgate.thirdparty.moments import read_moment
from textko_server.model import Dialect, Priority

# SMSGate's own: from here on a message passes limits and delays.
EXPEDITED_PRIORITY = 100
# Far beyond what anybody schedules, far below what breaks dates.
MAX_SCHEDULE_MS = 366 * DAY_MS
# Ciphertext is a third longer than what is in it; a text of 30 segments fits ten times.
MAX_OPAQUE_CHARACTERS = 65_536
MAX_OPAQUE_NUMBER_CHARACTERS = 512


class _Times(msgspec.Struct, frozen=True):
    scheduled_at: int | None
    expires_at: int | None


async def post_message(
    call: Call, query: wire.SendQuery, body: wire.NewMessage
) -> Answer[wire.MessageTold]:
    """Send a text to one phone number or several."""
    form = Form(
        client_id=body.id or None,
        is_encrypted=bool(body.is_encrypted),
        data_port=body.data_message.port if body.data_message else None,
        is_report_wanted=body.with_delivery_report is not False,
    )
    text = _read_text(body, form)
    phone_numbers = _read_numbers(call, body, form)
    times = _read_times(body, call.gateway.clock.now_ms())
    route = await call.gateway.smsgate_devices.choose(
        call.principal,
        Wish(
            device_id=body.device_id or None,
            sim_number=body.sim_number,
            active_within_h=query.device_active_within,
            needs_the_app=form.needs_the_app,
        ),
    )
    submission = Submission(
        text,
        phone_numbers,
        Dialect.SMSGATE,
        device_id=route.device_id,
        sim_id=route.sim_id,
        priority=_priority(body.priority or 0),
        scheduled_at=times.scheduled_at,
        expires_at=times.expires_at,
        custom_id=form.client_id,
        is_opaque=form.needs_the_app,
    )
    shown = await call.gateway.smsgate_messages.submit(call.principal, submission, form)
    [state] = await told(call, [shown], with_content=True)
    return Answer(state, {"Location": f"{call.base}/messages/{state.id}"})


def _read_text(body: wire.NewMessage, form: Form) -> str:
    if body.mms_message is not None:
        raise Invalid("mmsMessage", "phones here send no MMS")
    texts = [
        content
        for content in (
            body.message,
            None if body.text_message is None else body.text_message.text,
            None if body.data_message is None else body.data_message.data,
        )
        if content is not None
    ]
    if len(texts) != 1:
        raise Invalid("textMessage", "send exactly one of message, textMessage and dataMessage")
    [text] = texts
    if not form.needs_the_app:
        return clean_text(text)
    if not text or len(text) > MAX_OPAQUE_CHARACTERS:
        raise Invalid("textMessage", f"must have 1 to {MAX_OPAQUE_CHARACTERS:,} characters")
    if not form.is_encrypted:
        _check_base64(text)
    return clean_text(text)


def _check_base64(data: str) -> None:
    try:
        b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Invalid("dataMessage.data", "must be base64") from None


def _read_numbers(call: Call, body: wire.NewMessage, form: Form) -> list[str]:
    region = call.gateway.settings.messages.default_region
    numbers = []
    for index, number in enumerate(body.phone_numbers):
        field = f"phoneNumbers[{index}]"
        if form.is_encrypted:
            numbers.append(_ciphertext(field, number))
            continue
        try:
            numbers.append(normalise(number, region))
        except Invalid as error:
            raise Invalid(field, error.reason) from error
    if len(set(numbers)) < len(numbers):
        raise Invalid("phoneNumbers", "names a number twice")
    return numbers


def _ciphertext(field: str, number: str) -> str:
    if not number or len(number) > MAX_OPAQUE_NUMBER_CHARACTERS or not number.isprintable():
        raise Invalid(field, f"must have 1 to {MAX_OPAQUE_NUMBER_CHARACTERS} characters")
    return number


def _read_times(body: wire.NewMessage, now_ms: int) -> _Times:
    if body.ttl is not None and body.valid_until is not None:
        raise Invalid("ttl", "send either ttl or validUntil, not both")
    expires_at = None if body.ttl is None else now_ms + body.ttl * 1000
    if body.valid_until is not None:
        expires_at = read_moment("validUntil", body.valid_until)
        if expires_at <= now_ms:
            raise Invalid("validUntil", "must be in the future")
    if body.schedule_at is None:
        return _Times(None, expires_at)
    scheduled_at = read_moment("scheduleAt", body.schedule_at)
    if not now_ms < scheduled_at <= now_ms + MAX_SCHEDULE_MS:
        raise Invalid("scheduleAt", "must be in the future, within a year")
    if expires_at is not None and scheduled_at > expires_at:
        raise Invalid("scheduleAt", "must not be after the end of validUntil or ttl")
    return _Times(scheduled_at, expires_at)


def _priority(given: int) -> int:
    if given >= EXPEDITED_PRIORITY:
        return Priority.OTP
    if given > 0:
        return Priority.HIGH
    return Priority.NORMAL if given == 0 else Priority.BULK
