"""How often somebody may try a password: per account and per address, in a quarter of an hour.

An attempt counts when it begins, so that a thousand at once are not all let in before the first has
failed. Kept in memory and bounded; a restart forgets. Refuses to know whether the account exists.
"""

import ipaddress
from collections import deque
from hashlib import blake2b

from textko_server.clock import MINUTE_MS, Clock
from textko_server.errors import TooManyRequests

WINDOW_MS = 15 * MINUTE_MS
# Some 20 MB when full. Whoever was silent longest is forgotten first.
MAX_KEY_COUNT = 20_000


class LoginThrottle:
    """`limit` failed attempts in 15 minutes; 0 is no limit."""

    def __init__(self, clock: Clock, limit: int, what: str = "logins") -> None:
        self._clock = clock
        self._limit = limit
        self._what = what
        self._attempts: dict[bytes, deque[int]] = {}

    def begin(self, email: str, address: str | None) -> None:
        """Count an attempt as failed until `succeeded` says otherwise.

        `address` is the client's IP address; None: over the unix socket, not counted.

        Raises:
            TooManyRequests: account or address is over the limit. Such an attempt is not counted,
                so waiting always helps.
        """
        if self._limit <= 0:
            return
        now_ms = self._clock.now_ms()
        keys = _keys(email, address)
        free_at = max(self._free_at(key, now_ms) for key in keys)
        if free_at > now_ms:
            seconds = -(-(free_at - now_ms) // 1000)
            raise TooManyRequests(
                f"too many failed {self._what}, try again in {seconds} s", seconds
            )
        for key in keys:
            self._count(key, now_ms)

    def succeeded(self, email: str, address: str | None) -> None:
        """The attempt was right: forget the account's failures, keep the address's others.

        The address keeps them so that one good login does not buy it guesses at other accounts.
        """
        account, *addresses = _keys(email, address)
        self._attempts.pop(account, None)
        for key in addresses:
            attempts = self._attempts.get(key)
            if attempts:
                attempts.pop()
            if not attempts:
                self._attempts.pop(key, None)

    def _free_at(self, key: bytes, now_ms: int) -> int:
        attempts = self._attempts.get(key)
        if attempts is None:
            return now_ms
        # Those in the future were counted before the system clock was set back.
        while attempts and not now_ms - WINDOW_MS < attempts[0] <= now_ms:
            attempts.popleft()
        return attempts[0] + WINDOW_MS if len(attempts) >= self._limit else now_ms

    def _count(self, key: bytes, now_ms: int) -> None:
        # Taken out and put back, so that the front is whoever was silent longest.
        attempts = self._attempts.pop(key, None) or deque()
        attempts.append(now_ms)
        if len(self._attempts) >= MAX_KEY_COUNT:
            del self._attempts[next(iter(self._attempts))]
        self._attempts[key] = attempts


def _keys(email: str, address: str | None) -> list[bytes]:
    """Of fixed length, whatever a client sends as its e-mail."""
    keys = [_digest("account", email.strip().lower())]
    if address is not None:
        keys.append(_digest("address", _network(address)))
    return keys


def _digest(kind: str, text: str) -> bytes:
    return blake2b(f"{kind} {text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _network(address: str) -> str:
    """Of IPv6 the /64: a client has all of it (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((int(parsed), 64), strict=False))
