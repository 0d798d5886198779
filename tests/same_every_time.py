"""Takes chance out of a test: what is drawn from it comes out the same at every run.

Where the numbers are from is what changes; whatever uses them runs as it is. Refuses to know what
is tested.
"""

import asyncio
import logging
import platform
import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.clocks import FrozenClock
from textko_server.store.database import Database

# On a busy machine; nothing waits as long as this.
_LIMIT_S = 60.0


@contextmanager
def same_secrets(seed: str) -> Iterator[None]:
    """Keys, tokens, codes and the secret that ids are made with: in the same order, the same."""
    chance = random.Random(seed)  # noqa: S311 - so that nothing is secret
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(secrets, "token_bytes", lambda count=32: chance.randbytes(count))
        patch.setattr(secrets, "choice", chance.choice)
        patch.setattr(secrets, "randbelow", chance.randrange)
        yield


async def _size_bytes(_database: Database) -> int:
    """How much of a database's log is folded in at a moment is chance."""
    return 4_600_000


@contextmanager
def same_machine() -> Iterator[None]:
    """Whatever this one is, and whatever its user prefers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "size_bytes", _size_bytes)
        patch.setattr(platform, "python_version", lambda: "3.13.1")
        patch.setattr(platform, "platform", lambda terse=False: "Linux-6.12-aarch64")
        patch.setenv("TEXTKO_TUI_CONFIG", "/home/hanna/.config/textko/tui.toml")
        for name in ("NO_COLOR", "COLORFGBG", "SSH_CONNECTION", "SSH_TTY", "TMUX"):
            patch.delenv(name, raising=False)
        yield


@contextmanager
def log_times_of(clock: FrozenClock) -> Iterator[None]:
    """Log lines carry the time of `clock`, and are made from the level info on."""
    root = logging.getLogger()
    make, level = logging.getLogRecordFactory(), root.level

    def make_then(*args: object, **kwargs: object) -> logging.LogRecord:
        record: logging.LogRecord = make(*args, **kwargs)
        record.created = clock.now_ms() / 1000
        return record

    logging.setLogRecordFactory(make_then)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)
        root.setLevel(level)


class StepClock(FrozenClock):
    """A frozen clock that is moved in steps: each ends when every loop sleeps again."""

    def __init__(self, now_ms: int, loop_count: int) -> None:
        """`loop_count`: how many sleep on this clock when nothing is to be done."""
        super().__init__(now_ms)
        self._loop_count = loop_count
        self._step = 0
        self._sleeping: dict[object, int] = {}
        """The step in which it looked at the time last, by sleeper."""

    def advance(self, ms: int) -> None:
        self._step += 1
        super().advance(ms)

    async def sleep_until(self, at_ms: int, wake: asyncio.Event) -> None:
        sleeper = object()
        while not wake.is_set() and self._now_ms < at_ms:
            self._sleeping[sleeper] = self._step
            waits = [asyncio.ensure_future(e.wait()) for e in (wake, self._moved)]
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                del self._sleeping[sleeper]

    async def step(self, ms: int) -> None:
        self.advance(ms)
        await until(self._is_quiet, "all loops asleep")

    def _is_quiet(self) -> bool:
        return list(self._sleeping.values()).count(self._step) >= self._loop_count


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(_LIMIT_S):
            while not condition():  # noqa: ASYNC110 - loops have no event
                await asyncio.sleep(0.001)
    except TimeoutError:
        raise AssertionError(f"never saw {what}") from None
