"""Verification codes: sent by text to a phone number, and checked once when somebody types one in.

What is kept of a code is an HMAC; the text itself is a message like any other, the first in its
queue, and it expires with the code. Values follow NIST SP 800-63B, 5.1.3 (six digits, ten minutes,
once) and what the market does where it is silent.
"""

import hmac
import secrets
from enum import Enum
from hashlib import sha256

import msgspec

from textko_server.clock import DAY_MS, MINUTE_MS, Clock
from textko_server.errors import Invalid, TooManyRequests
from textko_server.gateway.messages import Messages
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect, Principal, Priority
from textko_server.store import verifications as store
from textko_server.store.database import Database, Transaction

DIGITS = 6
DEFAULT_LIFETIME_MS = 10 * MINUTE_MS
MIN_LIFETIME_MS = 30_000
MAX_LIFETIME_MS = DAY_MS
MAX_WRONG_COUNT = 5
MIN_GAP_MS = 30_000
MAX_PER_HOUR = 5

_HOUR_MS = 60 * MINUTE_MS
# A caller who comes late is still told that the code expired, not that there never was one.
_REMEMBERED_MS = DAY_MS
# More than one: rows go faster than they come.
_FORGET_COUNT = 10


class Verdict(Enum):
    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    USED_UP = "used up"
    """Tried wrongly too often: not even the right code counts any more."""
    NONE = "none"
    """None was sent, or it was used."""


class CodeRequest(msgspec.Struct, frozen=True):
    """What a dialect asks for; `phone_number` is normalised."""

    phone_number: str
    dialect: Dialect
    service_name: str = ""
    lifetime_ms: int = DEFAULT_LIFETIME_MS
    sim_id: int | None = None
    custom_id: str | None = None


class Verifications:
    """Codes of one account mean nothing in another."""

    def __init__(self, db: Database, clock: Clock, secret: str, messages: Messages) -> None:
        self._db = db
        self._clock = clock
        self._secret = secret.encode()
        self._messages = messages

    async def send(self, principal: Principal, request: CodeRequest) -> str:
        """Send a code in place of any before it, and return it; on disk when this returns.

        Raises:
            Invalid: the lifetime is out of bounds; or as Messages.submit.
            TooManyRequests: too soon after the last code to this number, or too many in an hour.
            And what else Messages.submit raises.
        """
        if not MIN_LIFETIME_MS <= request.lifetime_ms <= MAX_LIFETIME_MS:
            raise Invalid("", f"must be from {MIN_LIFETIME_MS} to {MAX_LIFETIME_MS} milliseconds")
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> None:
            self._send(tx, principal, request, code, now_ms)

        await self._db.write(write)
        return code

    def _send(
        self, tx: Transaction, principal: Principal, request: CodeRequest, code: str, now_ms: int
    ) -> None:
        user_id, number = principal.user_id, request.phone_number
        store.forget(tx, now_ms, limit=_FORGET_COUNT)
        previous = store.find(tx, user_id, number)
        sent_times = _of_last_hour(previous.sent_times if previous else [], now_ms)
        _check_pace(sent_times, now_ms)
        expires_at = now_ms + request.lifetime_ms
        submission = Submission(
            _text(request.service_name, code),
            [number],
            request.dialect,
            sim_id=request.sim_id,
            priority=Priority.OTP,
            expires_at=expires_at,
            custom_id=request.custom_id,
        )
        self._messages.insert(tx, principal, [submission])
        code_hash = self._hash(user_id, number, code)
        store.put(
            tx,
            user_id,
            number,
            store.Verification(code_hash, 0, expires_at, [*sent_times, now_ms]),
            forget_at=expires_at + _REMEMBERED_MS,
        )

    async def verify(self, principal: Principal, phone_number: str, code: str) -> Verdict:
        """Try a code. A right one is used up by it; a wrong one counts against the code sent."""
        user_id = principal.user_id
        now_ms = self._clock.now_ms()
        tried_hash = self._hash(user_id, phone_number, code)

        def write(tx: Transaction) -> Verdict:
            verification = store.find(tx, user_id, phone_number)
            if verification is None or verification.code_hash is None:
                return Verdict.NONE
            if verification.wrong_count >= MAX_WRONG_COUNT:
                return Verdict.USED_UP
            if verification.expires_at <= now_ms:
                return Verdict.EXPIRED
            if hmac.compare_digest(verification.code_hash, tried_hash):
                store.use(tx, user_id, phone_number)
                return Verdict.RIGHT
            store.count_wrong(tx, user_id, phone_number)
            return Verdict.WRONG

        return await self._db.write(write)

    def _hash(self, user_id: int, phone_number: str, code: str) -> bytes:
        """Of the number too, so that equal codes do not look equal."""
        text = f"{user_id} {phone_number} {code}"
        return hmac.digest(self._secret, text.encode(), sha256)


def _text(service_name: str, code: str) -> str:
    """TextLink's words."""
    of_service = f" for {service_name}" if service_name else ""
    return f"Your verification code{of_service} is: {code}"


def _of_last_hour(sent_times: list[int], now_ms: int) -> list[int]:
    return [at for at in sent_times if now_ms - _HOUR_MS < at <= now_ms]


def _check_pace(sent_times: list[int], now_ms: int) -> None:
    """Raises TooManyRequests."""
    if sent_times and now_ms - sent_times[-1] < MIN_GAP_MS:
        again_at = sent_times[-1] + MIN_GAP_MS
        message = "A code was just sent to this number: wait before you send another"
    elif len(sent_times) >= MAX_PER_HOUR:
        again_at = sent_times[-MAX_PER_HOUR] + _HOUR_MS
        message = f"{MAX_PER_HOUR} codes were sent to this number within an hour: wait"
    else:
        return
    raise TooManyRequests(message, -(-(again_at - now_ms) // 1000))
