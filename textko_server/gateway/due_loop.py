"""A loop that does what is due and sleeps until the next thing is: an idle server reads nothing.

Refuses to know what is done.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from textko_server.clock import DAY_MS, Clock
from textko_server.errors import Unavailable

log = logging.getLogger(__name__)

# Between two looks. What is new wakes the loop no sooner than this.
INTERVAL_MS = 1_000


class DueLoop:
    def __init__(self, clock: Clock, read_next_at: Callable[[], Awaitable[int | None]]) -> None:
        """`read_next_at`: when the next thing is due, in Unix ms; None: nothing is."""
        self._clock = clock
        self._read_next_at = read_next_at
        self._next_at: int | None = None
        self._is_known = False
        """Whether that is still so."""
        self._wake = asyncio.Event()

    def changed(self) -> None:
        """Something else may be due next."""
        self._is_known = False
        self._wake.set()

    def wake(self) -> None:
        """There is something to do that has no time."""
        self._wake.set()

    async def is_due(self) -> bool:
        """Reads only when something has changed since it last did."""
        if not self._is_known:
            self._is_known = True  # before the look: what changes meanwhile makes it unknown again
            self._next_at = await self._read_next_at()
        if self._next_at is None or self._next_at > self._clock.now_ms():
            return False
        self._is_known = False
        return True

    async def run(
        self,
        stopping: asyncio.Event,
        do_due: Callable[[], Awaitable[bool]],
        *,
        refused_event: str,
        has_more: Callable[[], bool] = lambda: False,
    ) -> None:
        """Until stopped. `do_due` says whether there is more to do at once; `has_more` whether
        anything is left that has no time. A write that is refused, logged as `refused_event`, is
        tried again in the next round.
        """
        stop_watch = asyncio.create_task(self._wake_when(stopping))
        try:
            while not stopping.is_set():
                goes_on = False
                try:
                    goes_on = await do_due()
                except Unavailable as error:
                    log.warning(refused_event, extra={"reason": str(error)})
                if not goes_on:
                    await self._pause(stopping, has_more)
        finally:
            stop_watch.cancel()

    async def _pause(self, stopping: asyncio.Event, has_more: Callable[[], bool]) -> None:
        """A second at least; then, while nothing changes, until something is due."""
        now_ms = self._clock.now_ms()
        await self._clock.sleep_until(now_ms + INTERVAL_MS, stopping)
        self._wake.clear()
        if self._is_known and not has_more() and not stopping.is_set():
            until = now_ms + DAY_MS if self._next_at is None else self._next_at
            await self._clock.sleep_until(until, self._wake)

    async def _wake_when(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        self._wake.set()
