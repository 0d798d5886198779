"""The phone's time: a clock, and how long the app's waits take on it.

The app waits for seconds, minutes and a day; with a scale below 1 these become short, so that a
test goes through hours in a moment. Moments that are told (dates, `validUntil`) are never scaled.
Refuses to know what is waited for.
"""

import asyncio

from textko_server.clock import Clock


class PhoneTime:
    def __init__(self, clock: Clock, scale: float = 1.0) -> None:
        self._clock = clock
        self._scale = scale

    def now_ms(self) -> int:
        return self._clock.now_ms()

    def span_ms(self, wait_ms: int) -> int:
        """How long a wait of the app's takes here; at least a millisecond unless there is none."""
        return max(1, round(wait_ms * self._scale)) if wait_ms > 0 else 0

    def after_ms(self, wait_ms: int) -> int:
        """The moment at which a wait that begins now is over."""
        return self.now_ms() + self.span_ms(wait_ms)

    async def sleep(self, wait_ms: int) -> None:
        await self.sleep_until(self.after_ms(wait_ms))

    async def sleep_until(self, at_ms: int, wake: asyncio.Event | None = None) -> None:
        """Return at the moment `at_ms`, or as soon as `wake` is set."""
        await self._clock.sleep_until(at_ms, wake or asyncio.Event())
