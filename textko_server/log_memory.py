"""The last records of the log, kept in memory for the operator to read from elsewhere.

Bounded in records and characters; what is older is in the journal or the file that standard error
goes to. Keeps what passes the level of the log, and no more than that says. Refuses to know who
reads it.
"""

import asyncio
import logging
import math
import time
from collections import deque
from contextlib import suppress

import msgspec

from textko_server.logs import fields_of

MAX_RECORDS = 2_000
MAX_CHARACTERS = 1_000_000
# A record that is longer loses its end, an exception its beginning: what was raised stands last.
_MAX_VALUE_CHARACTERS = 2_000
_MAX_EXCEPTION_CHARACTERS = 20_000
# About what a record costs besides its texts.
_RECORD_CHARACTERS = 100

FieldValue = str | int | float | bool | None


class LogLine(msgspec.Struct, frozen=True):
    """One record, as it was when it was made."""

    number: int
    """Rises with every record; the Unix ms of its making where that is higher, so that numbers rise
    over restarts too."""
    at: int
    level: int
    """As in logging: 10 is debug, 40 error."""
    logger: str
    event: str
    fields: dict[str, FieldValue]
    exception: str | None

    @property
    def characters(self) -> int:
        fields = sum(len(name) + len(str(value)) for name, value in self.fields.items())
        texts = len(self.logger) + len(self.event) + len(self.exception or "")
        return _RECORD_CHARACTERS + texts + fields

    def has_text(self, text: str) -> bool:
        """`text` is casefolded."""
        values = (self.event, self.logger, self.exception or "")
        pairs = (f"{name}={value}" for name, value in self.fields.items())
        return any(text in one.casefold() for one in (*values, *pairs))


class Found(msgspec.Struct, frozen=True):
    lines: list[LogLine]
    """Oldest first."""
    looked_to: int
    """The number up to which all that match are known now."""
    has_gap: bool
    """Records between what was asked for and the first that is kept are gone."""


class LogMemory(logging.Handler):
    """Add it to the root logger. Any thread may log; `newer_than` is for event loops."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque()
        self._characters = 0
        self._forgotten_to = time.time_ns() // 1_000_000
        """Numbers up to here are no longer kept, or were of an earlier process."""
        self._newest = self._forgotten_to
        self._waiting: set[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._keep(record)
        except Exception:  # noqa: BLE001 - logging's own way: a record must not stop who makes it
            self.handleError(record)

    def find(self, *, level: int, text: str, after: int | None, limit: int) -> Found:
        """With `after` the oldest beyond that number that match, otherwise the newest."""
        self.acquire()
        try:
            lines, newest, forgotten_to = list(self._lines), self._newest, self._forgotten_to
        finally:
            self.release()
        folded = text.casefold()
        found: list[LogLine] = []
        for line in reversed(lines):
            if after is not None and line.number <= after:
                break
            if line.level >= level and (not folded or line.has_text(folded)):
                found.append(line)
                if after is None and len(found) == limit:
                    break
        found.reverse()
        is_cut = len(found) > limit
        return Found(
            lines=found[:limit],
            looked_to=found[limit - 1].number if is_cut else newest,
            has_gap=after is not None and after < forgotten_to,
        )

    async def newer_than(self, number: int) -> None:
        """Returns once there is a record with a higher number, whatever its level."""
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        self._waiting.add(waiter)
        try:
            if self._newest <= number:
                await waiter[1].wait()
        finally:
            self._waiting.discard(waiter)

    def _keep(self, record: logging.LogRecord) -> None:
        """Under the handler's lock."""
        at = int(record.created * 1_000)
        line = LogLine(
            number=max(self._newest + 1, at),
            at=at,
            level=record.levelno,
            logger=record.name,
            event=_shortened(record.getMessage()),
            fields={name: _field(value) for name, value in fields_of(record).items()},
            exception=_exception_of(record),
        )
        self._newest = line.number
        self._lines.append(line)
        self._characters += line.characters
        while len(self._lines) > MAX_RECORDS or self._characters > MAX_CHARACTERS:
            forgotten = self._lines.popleft()
            self._characters -= forgotten.characters
            self._forgotten_to = forgotten.number
        for loop, event in tuple(self._waiting):
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(event.set)


def _field(value: object) -> FieldValue:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):  # JSON has no others
        return value
    return _shortened(str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= _MAX_VALUE_CHARACTERS else text[:_MAX_VALUE_CHARACTERS] + "…"


def _exception_of(record: logging.LogRecord) -> str | None:
    if not record.exc_info or record.exc_info[0] is None:
        return None
    text = logging.Formatter().formatException(record.exc_info)
    is_long = len(text) > _MAX_EXCEPTION_CHARACTERS
    return "…" + text[-_MAX_EXCEPTION_CHARACTERS:] if is_long else text
