"""Requests a minute per key: a fixed window in memory, told in RateLimit headers.

draft-ietf-httpapi-ratelimit-headers (RateLimit, RateLimit-Policy), and the X-RateLimit-* that
clients of Laravel servers read.
"""

from textko_server.clock import MINUTE_MS, Clock
from textko_server.errors import TooManyRequests


class RateLimit:
    """`limit` requests a minute for each key; 0 is no limit. Bounded by the keys of one minute."""

    def __init__(self, clock: Clock, limit: int) -> None:
        self._clock = clock
        self._limit = limit
        self._window = 0
        self._counts: dict[int, int] = {}

    def count(self, key: int) -> dict[str, str]:
        """Count a request; returns the headers that its answer carries.

        Raises:
            TooManyRequests: over the limit; `headers_of` has its headers.
        """
        if self._limit <= 0:
            return {}
        window = self._clock.now_ms() // MINUTE_MS
        if window != self._window:
            self._window, self._counts = window, {}
        used = self._counts[key] = self._counts.get(key, 0) + 1
        if used > self._limit:
            raise TooManyRequests("Too many requests", self._reset_s())
        return self._headers(self._limit - used)

    def headers_when_refused(self) -> dict[str, str]:
        return self._headers(0) if self._limit > 0 else {}

    def _reset_s(self) -> int:
        return 60 - self._clock.now_ms() % MINUTE_MS // 1000

    def _headers(self, remaining: int) -> dict[str, str]:
        return {
            "RateLimit-Policy": f'"default";q={self._limit};w=60',
            "RateLimit": f'"default";r={remaining};t={self._reset_s()}',
            "X-RateLimit-Limit": str(self._limit),
            "X-RateLimit-Remaining": str(remaining),
        }
