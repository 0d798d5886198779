"""What a simulated phone will do later, in order of time: one task instead of one for each thing.

Refuses to know what the actions do.
"""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count

from textko_server.clock import MINUTE_MS, Clock


class Agenda:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._actions: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._sooner = asyncio.Event()

    def after(self, delay_ms: int, action: Callable[[], None]) -> None:
        """Call `action` once, `delay_ms` from now; actions of one moment keep their order."""
        entry = (self._clock.now_ms() + delay_ms, next(self._order), action)
        heappush(self._actions, entry)
        if self._actions[0] is entry:
            self._sooner.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._sooner.clear()
            now = self._clock.now_ms()
            while self._actions and self._actions[0][0] <= now:
                heappop(self._actions)[2]()
            next_at = self._actions[0][0] if self._actions else now + MINUTE_MS
            # sleep_until does not let others run when the time has come already.
            await asyncio.sleep(0)
            await self._clock.sleep_until(next_at, self._sooner)
