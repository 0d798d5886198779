"""What is kept how long: old messages, texts and webhook deliveries go, a little at a time.

Once an hour, in short writes with pauses between them, so that nobody waits behind a clean-up. What
has not ended is never touched, however old.
"""

import asyncio
import logging

from textko_server.clock import DAY_MS, HOUR_MS, Clock
from textko_server.config import StoreSettings
from textko_server.errors import Unavailable
from textko_server.store import retention as store
from textko_server.store.database import Database
from textko_server.store.retention import Chore

log = logging.getLogger(__name__)

INTERVAL_MS = HOUR_MS
# Between two writes: a thousandth of the time of a busy server.
_PAUSE_S = 0.01


class Retention:
    def __init__(self, db: Database, clock: Clock, settings: StoreSettings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._emptied: dict[int, int] = {}
        """Keys up to which a chore of emptying is done: what it has emptied stays."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Clean up once an hour until stopped."""
        while not stopping.is_set():
            await self._clock.sleep_until(self._clock.now_ms() + INTERVAL_MS, stopping)
            if stopping.is_set():
                return
            try:
                await self.clean_up(stopping)
            except Unavailable as error:
                log.warning("clean_up_refused", extra={"reason": str(error)})

    async def clean_up(self, stopping: asyncio.Event) -> None:
        """One pass over all that is too old by the settings."""
        settings, now_ms = self._settings, self._clock.now_ms()
        if settings.keep_messages_days:
            before = now_ms - settings.keep_messages_days * DAY_MS
            await self._pass(store.DELETE_MESSAGES, 0, before, stopping)
            await self._pass(store.DELETE_INCOMING, 0, before, stopping)
            await self._pass(store.DELETE_CONVERSATION_TEXTS, 0, before, stopping)
        if settings.keep_text_days:
            before = now_ms - settings.keep_text_days * DAY_MS
            for chore in (store.EMPTY_MESSAGES, store.EMPTY_INCOMING, store.EMPTY_SCHEDULED):
                done = self._emptied.get(id(chore), 0)
                self._emptied[id(chore)] = await self._pass(chore, done, before, stopping)
        # A delivery holds the text of its message: it is kept no longer than that.
        days = [d for d in (settings.keep_webhook_deliveries_days, settings.keep_text_days) if d]
        if days:
            before = now_ms - min(days) * DAY_MS
            await self._pass(store.DELETE_DELIVERIES, 0, before, stopping)

    async def _pass(self, chore: Chore, after: int, before: int, stopping: asyncio.Event) -> int:
        """Returns the key up to which everything old has been looked at."""
        while not stopping.is_set():
            last = await store.do_window(self._db, chore, after, before)
            if last is None:
                break
            after = last
            await asyncio.sleep(_PAUSE_S)
        return after
