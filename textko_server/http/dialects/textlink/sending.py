"""`POST /api/send-sms`, and what of it `send-code` shares.

`sim_card_id` is the `id` that `textko device show` lists for a SIM. With an `Idempotency-Key` (our
addition) a repeated request sends once.
"""

import re

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.errors import Invalid, NotFound
from textko_server.gateway.idempotency import HEADER, read_idempotency_key
from textko_server.gateway.senders import Sender
from textko_server.gateway.submissions import Submission
from textko_server.http.dialects.textlink.endpoint import Body, Call, Endpoint, Text, given
from textko_server.http.dialects.textlink.shape import Refused
from textko_server.model import Dialect, Scope

MAX_CUSTOM_ID_LENGTH = 255

_is_sim_number = re.compile(r"[0-9]{1,15}").fullmatch


class SendingBody(Body, frozen=True, kw_only=True):
    sim_card_id: int | str | None = None
    """Send through this SIM only."""
    custom_id: str | int | None = None
    """Comes back in webhooks."""
    source_country: Text = None
    """Two letters: prefer a SIM of this country."""


class SendSms(SendingBody, frozen=True, kw_only=True):
    text: Text = None
    """Required."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = True
    queued: bool | UnsetType = UNSET
    """True: no phone is online to send it; it waits for one."""


async def send_sms(call: Call, body: SendSms) -> Accepted:
    """Send a text to one number."""
    phone_number = call.phone_number(body)
    text = given(body.text)
    if not text or text.isspace():
        raise Invalid("", "You have not specified the message body.")
    key = None
    if HEADER in call.request.headers:
        header = call.request.headers[HEADER]
        key = read_idempotency_key(header, call.principal, "POST /api/send-sms", body)
    sender = await choose_sender(call, body)
    submission = Submission(
        text,
        [phone_number],
        Dialect.TEXTLINK,
        sim_id=sender.sim_id,
        custom_id=custom_id_of(body),
    )
    try:
        await call.gateway.idempotency.submit(call.principal, [submission], key)
    except Invalid as error:
        raise Refused(error.message) from error
    return Accepted(queued=UNSET if sender.is_online else True)


async def choose_sender(call: Call, body: SendingBody) -> Sender:
    """The SIM asked for, by number or country. Raises Refused when there is no such SIM."""
    try:
        return await call.gateway.senders.choose(
            call.principal,
            sim_id=_sim_id(body.sim_card_id),
            country=given(body.source_country),
        )
    except NotFound as error:
        raise Refused("No such SIM card in your account") from error


def _sim_id(value: int | str | None) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        value = value.strip()
        if not _is_sim_number(value):
            raise NotFound("SIM card")
        return int(value)
    return value


def custom_id_of(body: SendingBody) -> str | None:
    """Raises Invalid when it is too long to be kept."""
    if body.custom_id is None or body.custom_id == "":
        return None
    custom_id = given(str(body.custom_id))
    if len(custom_id) > MAX_CUSTOM_ID_LENGTH:
        raise Invalid("custom_id", f"may have at most {MAX_CUSTOM_ID_LENGTH} characters")
    return custom_id


ENDPOINTS = (Endpoint("/api/send-sms", send_sms, Scope.SEND_SMS),)
