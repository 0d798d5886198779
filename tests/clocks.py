"""A clock that stands still until a test moves it."""

import asyncio

from textko_server.clock import Clock

# 2026-01-15T10:00:00Z: mid-month, so that month borders are crossed only on purpose.
START_MS = 1_768_471_200_000


class FrozenClock(Clock):
    """Sleepers wake when the clock is moved past their time."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._now_ms = now_ms
        self._moved = asyncio.Event()

    def now_ms(self) -> int:
        return self._now_ms

    def advance(self, ms: int) -> None:
        """Move forward, or back with a negative number, and wake whoever sleeps."""
        self._now_ms += ms
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep_until(self, at_ms: int, wake: asyncio.Event) -> None:
        while not wake.is_set() and self._now_ms < at_ms:
            waits = [asyncio.ensure_future(e.wait()) for e in (wake, self._moved)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
