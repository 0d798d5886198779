"""What we sign: the JWT of a login (PyJWT, RFC 7519) and links that run out (itsdangerous).

Both take the time from our clock. Refuses to know whether the user still exists or may still do
what the JWT says; see accounts.py.
"""

import base64
import hashlib
import json
import secrets
from typing import Any

import msgspec
from itsdangerous import BadData, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from textko_server.clock import Clock
from textko_server.errors import Invalid, Unauthenticated
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.signed_claims import MAX_TOKEN_CHARACTERS, read_signed, sign
from textko_server.model import User

_REQUIRED = ("sub", "ver", "exp", "iat", "jti")


def make_secret() -> str:
    """A new signing secret: 256 bits, as RFC 7518, 3.2 asks for HS256."""
    return secrets.token_hex(32)


class Claims(msgspec.Struct, frozen=True):
    """What a JWT of ours says, as far as we believe it: e-mail and role are looked up afresh."""

    user_id: int
    token_version: int
    expires_at: int


class LoginTokens:
    """`secret` signs; whoever has it can log in as anybody. `lifetime_s` counts from the login."""

    def __init__(self, secret: str, public_ids: PublicIds, clock: Clock, lifetime_s: int) -> None:
        self._secret = secret
        self._public_ids = public_ids
        self._clock = clock
        self._lifetime_s = lifetime_s

    def issue(self, user: User) -> str:
        """A JWT with sub (the public id), email, role, iat, exp, jti, and ver (token version)."""
        now_s = self._clock.now_ms() // 1000
        claims = {
            "sub": self._public_ids.encode(Kind.USER, user.id, user.created_at),
            "email": user.email,
            "role": user.role.value,
            "iat": now_s,
            "exp": now_s + self._lifetime_s,
            "jti": secrets.token_hex(12),
            "ver": user.token_version,
        }
        return sign(claims, self._secret)

    def read(self, token: str) -> Claims:
        """What a JWT says.

        Raises:
            Unauthenticated: not ours, changed on the way, or past its time.
        """
        claimed = read_signed(token, self._secret, _Payload, required=_REQUIRED)
        user_id = self._public_ids.decode(Kind.USER, claimed.sub)
        if user_id is None:
            raise Unauthenticated("invalid token")
        if self._clock.now_ms() >= claimed.exp * 1000:
            raise Unauthenticated("the token has expired, log in again")
        return Claims(user_id, claimed.ver, claimed.exp * 1000)


class _Payload(msgspec.Struct):
    sub: str
    ver: int
    exp: int


def looks_like_jwt(text: str) -> bool:
    """Three parts with dots between, the first a JSON object with `alg` (RFC 7515, 4.1.1).

    Says nothing about whose it is; everything else in a Bearer header is an API key.
    """
    parts = text.split(".")
    if len(parts) != 3 or len(text) > MAX_TOKEN_CHARACTERS:
        return False
    try:
        encoded = parts[0].encode("ascii")
        header = json.loads(base64.urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        return False
    return isinstance(header, dict) and "alg" in header


class SignedLinks:
    """Tokens for a URL: readable by anybody, made only by us, good for one purpose and time."""

    def __init__(self, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def make(self, purpose: str, content: str) -> str:
        """A token that `read` turns back into `content`; only letters, digits, `-`, `_` and `.`."""
        return str(self._serializer(purpose).dumps(content))

    def read(self, purpose: str, token: str, max_age_s: int) -> str:
        """The content.

        Raises:
            Invalid: made for another purpose, changed on the way, or older than `max_age_s`.
        """
        try:
            content = self._serializer(purpose).loads(token, max_age=max_age_s)
        except SignatureExpired:
            raise Invalid("token", "this link has run out, ask for a new one") from None
        except (BadData, ValueError):
            raise Invalid("token", "this link is not valid") from None
        return str(content)

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(
            self._secret,
            salt=f"textko {purpose}",
            signer=_ClockSigner,
            signer_kwargs={"clock": self._clock, "digest_method": hashlib.sha256},
        )


class _ClockSigner(TimestampSigner):
    def __init__(self, *args: Any, clock: Clock, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clock = clock

    def get_timestamp(self) -> int:
        return self._clock.now_ms() // 1000
