"""What one attempt at a delivery posts: headers and body.

The loop makes it to send it, the log of deliveries to show it. Refuses to know how it is sent.
"""

from textko_server import __version__
from textko_server.gateway.textlink_payloads import with_secret
from textko_server.gateway.webhook_formats import Format
from textko_server.gateway.webhook_signatures import signature_headers, smsgate_headers

# Stands where a secret stood.
MASK = "********"


def sent_body(payload_format: str, body: bytes, secret: str) -> bytes:
    """The bytes that are signed and sent: TextLink's have the secret in them."""
    return with_secret(body, secret) if payload_format == Format.TEXTLINK else body


def sent_headers(
    payload_format: str, secret: str, *, delivery_id: str, at: int, body: bytes
) -> dict[str, str]:
    """`body` is what is sent; `at` when the attempt began."""
    signed = signature_headers(secret, delivery_id=delivery_id, attempt_at=at, body=body)
    if payload_format == Format.SMSGATE:
        signed |= smsgate_headers(secret, attempt_at=at, body=body)
    return {
        "Content-Type": "application/json",
        "User-Agent": f"textko/{__version__}",
        **signed,
    }
