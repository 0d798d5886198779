"""Password hashes: bcrypt on threads, a few at a time, the same work whether a user exists or not.

Refuses to know who logs in; see accounts.py.
"""

import asyncio
import re
from collections.abc import Callable
from typing import TypeVar

import bcrypt

from textko_server.errors import Invalid, TooManyRequests

T = TypeVar("T")

# NIST SP 800-63B, 5.1.1.2.
MIN_CHARACTER_COUNT = 8
# bcrypt reads no further; what it would not read must not look as if it counted.
MAX_BYTES = 72
# One hash holds a thread for a quarter of a second and more: a flood of logins must leave threads
# and a core to the rest.
PARALLEL_COUNT = 2
MAX_WAITING_COUNT = 64
RETRY_AFTER_S = 5
_SURROGATE = re.compile("[\ud800-\udfff]")


class Passwords:
    """`rounds` is bcrypt's cost, 4 to 31: each one doubles the work."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._marker = f"$2b${rounds:02d}$"
        # A salt like any other, and a checksum that no password is known to lead to.
        self._absent_hash = (bcrypt.gensalt(rounds) + b"." * 31).decode()
        self._slots = asyncio.Semaphore(PARALLEL_COUNT)
        self._waiting_count = 0

    async def hash(self, password: str, field: str = "password") -> str:
        """The hash to store.

        Raises:
            Invalid: shorter than 8 characters or longer than 72 bytes; names `field`.
            TooManyRequests: too many others wait for the same.
        """
        encoded = _checked(password, field)
        hashed = await self._run(lambda: bcrypt.hashpw(encoded, bcrypt.gensalt(self._rounds)))
        return hashed.decode()

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password leads to the hash. None and "" take as long and are never right.

        Raises:
            TooManyRequests: too many others wait for the same.
        """
        encoded = password.encode("utf-8", "surrogatepass")
        can_match = bool(password_hash) and len(encoded) <= MAX_BYTES
        stored = (password_hash if password_hash and can_match else self._absent_hash).encode()
        is_match = await self._run(lambda: bcrypt.checkpw(encoded[:MAX_BYTES], stored))
        return can_match and is_match

    def is_outdated(self, password_hash: str) -> bool:
        """Made with other rounds than today's, so that it takes another time to verify."""
        return not password_hash.startswith(self._marker)

    async def _run(self, function: Callable[[], T]) -> T:
        if self._waiting_count >= MAX_WAITING_COUNT:
            raise TooManyRequests("too many logins at once, try again", RETRY_AFTER_S)
        self._waiting_count += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(function)
        finally:
            self._waiting_count -= 1


def _checked(password: str, field: str) -> bytes:
    if len(password) < MIN_CHARACTER_COUNT:
        raise Invalid(field, f"needs at least {MIN_CHARACTER_COUNT} characters")
    if _SURROGATE.search(password):
        # Looked for, since the error that encoding it raises carries the password.
        raise Invalid(field, "is not valid Unicode")
    encoded = password.encode()
    if len(encoded) > MAX_BYTES:
        raise Invalid(field, f"may have at most {MAX_BYTES} bytes in UTF-8")
    return encoded
