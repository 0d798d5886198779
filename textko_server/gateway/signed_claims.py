"""JSON Web Tokens that we sign (RFC 7519, HS256), and the reading of what anybody may send as one.

Refuses to know what the claims mean, and to compare times: that needs our clock.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeVar

import msgspec

from textko_server.errors import Unauthenticated
from textko_server.gateway.jwt_library import Options, jwt

C = TypeVar("C")

# Ours have about 350; an e-mail may have 254.
MAX_TOKEN_CHARACTERS = 4_096
_ALGORITHM = "HS256"


def sign(claims: Mapping[str, Any], secret: str) -> str:
    return jwt.encode(dict(claims), secret, algorithm=_ALGORITHM)


def read_signed(token: str, secret: str, kind: type[C], *, required: Collection[str]) -> C:
    """The claims of a token of ours, as `kind`; all of `required` stand in it.

    Raises:
        Unauthenticated: not ours, or changed on the way.
    """
    if len(token) > MAX_TOKEN_CHARACTERS or not token.isascii():
        raise Unauthenticated("invalid token")
    signature_only: Options = {
        "verify_exp": False,
        "verify_iat": False,
        "verify_nbf": False,
        "verify_aud": False,
        "verify_iss": False,
        "require": list(required),
    }
    try:
        payload = jwt.decode(token, secret, algorithms=[_ALGORITHM], options=signature_only)
        return msgspec.convert(payload, kind)
    except (jwt.PyJWTError, msgspec.ValidationError, RecursionError):
        # Without the cause: its text may quote the token.
        raise Unauthenticated("invalid token") from None
