"""Secrets of webhooks, and the headers by which a receiver knows that a body is ours.

Two schemes side by side: Textko's `X-Signature`, and Standard Webhooks
(https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
SMSGate's receivers know a third, which takes the place of Textko's. Refuses to know what the body
says.
"""

import binascii
import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256

from textko_server.errors import Invalid

MIN_SECRET_LENGTH = 20
MAX_SECRET_LENGTH = 255
_PREFIX = "whsec_"


def new_secret() -> str:
    """A secret that fits both schemes: `whsec_` and 32 random bytes as base64."""
    return _PREFIX + b64encode(secrets.token_bytes(32)).decode()


def check_secret(secret: str, min_length: int = MIN_SECRET_LENGTH) -> None:
    """Raise Invalid unless both schemes can sign with `secret`."""
    if not min_length <= len(secret) <= MAX_SECRET_LENGTH:
        raise Invalid("secret", f"must have {min_length} to {MAX_SECRET_LENGTH} characters")
    if not secret.isprintable():
        raise Invalid("secret", "must not contain control characters")
    try:
        _standard_key(secret)
    except binascii.Error as error:
        raise Invalid("secret", f"must be base64 after {_PREFIX}") from error


def signature_headers(
    secret: str, *, delivery_id: str, attempt_at: int, body: bytes
) -> dict[str, str]:
    """The signatures of exactly these bytes. `delivery_id` is public, and the same at every try."""
    timestamp = str(attempt_at // 1000)
    signed = b".".join((delivery_id.encode(), timestamp.encode(), body))
    standard = b64encode(hmac.digest(_standard_key(secret), signed, sha256)).decode()
    return {
        "X-Signature": hmac.digest(secret.encode(), body, sha256).hex(),
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{standard}",
    }


def smsgate_headers(secret: str, *, attempt_at: int, body: bytes) -> dict[str, str]:
    """As SMSGate's app signs: the body with the Unix seconds behind it.

    Source: docs.sms-gate.app, "Webhooks", "Payload signing".
    """
    timestamp = str(attempt_at // 1000)
    signature = hmac.digest(secret.encode(), body + timestamp.encode(), sha256).hex()
    return {"X-Timestamp": timestamp, "X-Signature": signature}


def _standard_key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        return b64decode(secret.removeprefix(_PREFIX), validate=True)
    return secret.encode()
