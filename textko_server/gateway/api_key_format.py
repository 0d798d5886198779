"""How an API key looks, ours and those made elsewhere, and what is kept of it.

Refuses to know who has one.
"""

import re
import secrets
import string
from hashlib import sha256

from textko_server.errors import Invalid
from textko_server.gateway.tokens import looks_like_jwt

# 64 characters in all, since Self Hosted SMS has its key in a URL path of that length.
_MARK = "txk_"
_RANDOM_COUNT = 60
_BASE62 = string.digits + string.ascii_letters
_PREFIX_COUNT = 12
# What an HTTP header or a path segment can carry, and long enough not to be guessed.
_LEGACY = re.compile(r"[\x21-\x7e]{16,256}")


def make_key() -> str:
    """64 characters: `txk_` and 60 of base62 (357 bits) from the system's random source."""
    return _MARK + "".join(secrets.choice(_BASE62) for _ in range(_RANDOM_COUNT))


def key_hash(key: str) -> bytes:
    """SHA-256, which is enough for what is random: no dictionary leads to a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def key_prefix(key: str) -> str:
    """What people tell keys apart by: 12 characters, of a short one no more than a quarter."""
    return key[: min(_PREFIX_COUNT, len(key) // 4)]


def can_be_key(text: str) -> bool:
    """Whether a look into the store is worth it."""
    return _LEGACY.fullmatch(text) is not None


def check_legacy_key(key: str) -> None:
    """A token made elsewhere that shall work here as an API key.

    Raises:
        Invalid: not 16 to 256 visible ASCII characters, or shaped like a JWT.
    """
    if not can_be_key(key):
        raise Invalid("key", "needs 16 to 256 visible ASCII characters without spaces")
    if looks_like_jwt(key):
        raise Invalid("key", "has the form of a JWT and would be taken for a login")
