"""The end of the server's log, as far as it was read. What is kept is bounded in records and
characters: the oldest go first. Refuses to know how it is shown.
"""

import asyncio
from collections import deque

from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient

# More than the server itself keeps, so that one who follows can scroll back further.
MAX_RECORDS = 3_000
MAX_CHARACTERS = 4_000_000
# The most of one answer of the server.
_PAGE_COUNT = 2_000


class LogTail:
    def __init__(self) -> None:
        self._asked: wire.LogQuery | None = None
        self._starting = asyncio.Lock()
        self._next = 0
        self._characters = 0
        self.records: deque[wire.LogRecord] = deque()
        """Oldest first."""
        self.has_gap = False
        """Somewhere in between some are missing: they came too fast."""

    @property
    def is_started(self) -> bool:
        return self._asked is not None

    async def start(self, admin: AdminClient, query: wire.LogQuery) -> bool:
        """From now on what `query` asks for, from the newest there are; False: it is that already.

        Raises TextkoError.
        """
        async with self._starting:
            if self._asked == query:
                return False
            page = await admin.list_log(_of(query, after=None))
            self._asked = query
            self.records.clear()
            self._characters, self.has_gap = 0, False
            self._take(page)
            return True

    async def read(self, admin: AdminClient, wait_s: int = 0) -> int:
        """How many new ones came, of which there may be more; waits for the first, if told to.

        May be called while another call waits: no record is taken twice. Raises TextkoError.
        """
        asked = self._asked
        if asked is None:
            return 0
        page = await admin.list_log(_of(asked, after=self._next, wait_s=wait_s))
        # Meanwhile something else may be asked for.
        return self._take(page) if asked is self._asked else 0

    def _take(self, page: wire.LogPage) -> int:
        newest = self.records[-1].number if self.records else -1
        fresh = [record for record in page.records if record.number > newest]
        self.has_gap = self.has_gap or page.has_gap
        self._next = max(page.next, self._next)
        self.records.extend(fresh)
        self._characters += sum(map(_characters, fresh))
        while len(self.records) > MAX_RECORDS or self._characters > MAX_CHARACTERS:
            self._characters -= _characters(self.records.popleft())
        return len(fresh)


def _of(query: wire.LogQuery, *, after: int | None, wait_s: int = 0) -> wire.LogQuery:
    return wire.LogQuery(
        level=query.level, text=query.text, after=after, limit=_PAGE_COUNT, wait=wait_s
    )


def _characters(record: wire.LogRecord) -> int:
    fields = sum(len(name) + len(str(value)) for name, value in record.fields.items())
    return len(record.event) + len(record.exception or "") + fields
