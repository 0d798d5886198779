"""`POST /api/send-code` and `/api/verify-code`: does this number belong to who says so?

`expiration_time` (milliseconds) and `source_country` are what the vendor's clients send beside the
documented fields.
"""

import msgspec

from textko_server.errors import Invalid
from textko_server.gateway.verification import (
    DEFAULT_LIFETIME_MS,
    DIGITS,
    MAX_LIFETIME_MS,
    MIN_LIFETIME_MS,
    CodeRequest,
    Verdict,
)
from textko_server.http.dialects.textlink.endpoint import Body, Call, Endpoint, Text, given
from textko_server.http.dialects.textlink.sending import (
    SendingBody,
    choose_sender,
    custom_id_of,
)
from textko_server.http.dialects.textlink.shape import Refused
from textko_server.model import Dialect, Scope

MAX_SERVICE_NAME_LENGTH = 100

_REFUSALS = {
    Verdict.WRONG: "Invalid code",
    Verdict.EXPIRED: "Code expired",
    Verdict.USED_UP: "Too many attempts",
    Verdict.NONE: "No active verification for this number",
}


class SendCode(SendingBody, frozen=True, kw_only=True):
    service_name: Text = None
    """Stands in the text."""
    expiration_time: int | str | None = None
    """Milliseconds."""


class CodeSent(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = True
    code: str
    """Six digits; it may begin with zeros."""


class VerifyCode(Body, frozen=True, kw_only=True):
    code: str | int | None = None
    """Required."""


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool = True


async def send_code(call: Call, body: SendCode) -> CodeSent:
    """Send a verification code to a number, in place of any before it."""
    phone_number = call.phone_number(body)
    service_name = given(body.service_name).strip()
    if len(service_name) > MAX_SERVICE_NAME_LENGTH:
        raise Invalid("service_name", f"may have at most {MAX_SERVICE_NAME_LENGTH} characters")
    lifetime_ms = _lifetime_ms(body.expiration_time)
    custom_id = custom_id_of(body)
    sender = await choose_sender(call, body)
    request = CodeRequest(
        phone_number,
        Dialect.TEXTLINK,
        service_name,
        lifetime_ms,
        sim_id=sender.sim_id,
        custom_id=custom_id,
    )
    try:
        return CodeSent(code=await call.gateway.verifications.send(call.principal, request))
    except Invalid as error:
        raise Refused(error.message) from error


def _lifetime_ms(value: int | str | None) -> int:
    if value is None or value == "":
        return DEFAULT_LIFETIME_MS
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    if not MIN_LIFETIME_MS <= value <= MAX_LIFETIME_MS:
        bounds = f"{MIN_LIFETIME_MS} to {MAX_LIFETIME_MS} milliseconds"
        raise Invalid("expiration_time", f"must be a number from {bounds}")
    return value


async def verify_code(call: Call, body: VerifyCode) -> Verified:
    """Check a code that somebody typed in; a right one is used up."""
    phone_number = call.phone_number(body)
    code = f"{body.code:0{DIGITS}d}" if isinstance(body.code, int) else given(body.code).strip()
    if not code:
        raise Invalid("", "You have not specified the verification code.")
    verdict = await call.gateway.verifications.verify(call.principal, phone_number, code)
    if verdict is not Verdict.RIGHT:
        raise Refused(_REFUSALS[verdict])
    return Verified()


ENDPOINTS = (
    Endpoint("/api/send-code", send_code, Scope.SEND_SMS),
    Endpoint("/api/verify-code", verify_code, Scope.SEND_SMS),
)
