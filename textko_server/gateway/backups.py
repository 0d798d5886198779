"""Backups that the server makes: by the clock, when somebody asks, and how the last one went.

One at a time, on a thread of its own; the oldest go once a new one is whole. Without
`backup.every_h` nothing happens by itself. Refuses to know what a backup holds.
"""

import asyncio
import logging
import threading
from pathlib import Path

import msgspec

from textko_server.care import backup_dir
from textko_server.care.backup import Made, Source, make_backup
from textko_server.care.backup_dir import KeptBackup
from textko_server.care.data_dir import BACKUPS_NAME
from textko_server.clock import HOUR_MS, MINUTE_MS, Clock
from textko_server.config import Settings
from textko_server.errors import NotFound, TextkoError, Unavailable, WrongState

log = logging.getLogger(__name__)

# A server that was just started has better things to do.
START_DELAY_MS = MINUTE_MS
RETRY_MS = HOUR_MS


class Failure(msgspec.Struct, frozen=True):
    at: int
    reason: str


class Stopped(Unavailable):
    """The server stops; what was written of the backup is deleted."""


class Backups:
    def __init__(self, clock: Clock, settings: Settings, settings_file: Path | None) -> None:
        self.folder = folder_of(settings)
        self._clock = clock
        self._settings = settings.backup
        self._source = source_of(settings, settings_file)
        self._making = asyncio.Lock()
        self._is_stopping = threading.Event()
        self._started_at = clock.now_ms()
        self.last_failure: Failure | None = None
        """Of the newest attempt since the start; None: it went well, or there was none."""

    async def list_all(self) -> list[KeptBackup]:
        """Newest first. Raises Unavailable."""
        return await asyncio.to_thread(backup_dir.list_backups, self.folder)

    async def last_at(self) -> int | None:
        """When the newest was made; None also where the folder cannot be read."""
        try:
            kept = await self.list_all()
        except Unavailable:
            return None
        return kept[0].created_at if kept else None

    async def get(self, name: str) -> KeptBackup:
        """By its file name. Raises NotFound, Unavailable."""
        for backup in await self.list_all():
            if backup.path.name == name:
                return backup
        raise NotFound("backup")

    async def make(self) -> Made:
        """Make one now, and delete the oldest beyond `backup.keep`.

        Raises:
            WrongState: one is being made.
            Unavailable: it could not be made; what is there is untouched.
        """
        if self._making.locked():
            raise WrongState("a backup is being made already")
        async with self._making:
            now_ms = self._clock.now_ms()
            try:
                made = await asyncio.to_thread(self._make, now_ms)
            except Stopped:
                raise
            except TextkoError as error:
                self.last_failure = Failure(now_ms, error.message)
                raise
            self.last_failure = None
            log.info("backup_made", extra={"file": str(made.path), "file_bytes": made.file_bytes})
            return made

    def _make(self, now_ms: int) -> Made:
        backup_dir.prepare(self.folder)
        target = self.folder / backup_dir.name_at(now_ms)
        made = make_backup(self._source, target, now_ms, self._go_on)
        backup_dir.keep_newest(self.folder, self._settings.keep, target)
        return made

    def _go_on(self, _done: int, _all: int) -> None:
        if self._is_stopping.is_set():
            raise Stopped("the server is stopping")

    async def next_at(self) -> int | None:
        """When the next is due by the settings; None: they ask for none."""
        if not self._settings.every_h:
            return None
        now_ms = self._clock.now_ms()
        kept = await self.list_all()
        # A clock that was set back must not put the next one off.
        last_at = min(kept[0].created_at, now_ms) if kept else 0
        due_at = last_at + self._settings.every_h * HOUR_MS
        return max(due_at, self._started_at + START_DELAY_MS)

    async def run(self, stopping: asyncio.Event) -> None:
        """Make them when they are due, until stopped; then give up the one that is being made."""
        async with asyncio.TaskGroup() as tasks:
            if self._settings.every_h:
                tasks.create_task(self._make_by_the_clock(stopping))
            await stopping.wait()
            self._is_stopping.set()

    async def _make_by_the_clock(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            try:
                await self._clock.sleep_until(await self.next_at() or 0, stopping)
                if not stopping.is_set():
                    await self.make()
            except WrongState:
                async with self._making:  # whoever makes one by hand now spares this one
                    pass
            except Stopped:
                return
            except TextkoError as error:
                log.error("backup_failed", extra={"reason": error.message})
                await self._clock.sleep_until(self._clock.now_ms() + RETRY_MS, stopping)


def folder_of(settings: Settings) -> Path:
    """Where backups go by the settings."""
    if settings.backup.dir:
        return Path(settings.backup.dir).expanduser()
    return settings.server.data_dir / BACKUPS_NAME


def source_of(settings: Settings, settings_file: Path | None) -> Source:
    """What a backup holds by the settings."""
    server = settings.server
    return Source(
        data_dir=server.data_dir,
        backup_dir=folder_of(settings),
        settings_file=settings_file,
        named_files=tuple(
            Path(name)
            for name in (server.tls_cert, server.tls_key, settings.tls.directory_ca)
            if name
        ),
    )
