"""Puts a backup in the place of what a data directory holds; what was there is kept aside.

Never half of it: all is unpacked and checked in a folder of the directory, `restore.part`. One
rename, to `restore.ready`, decides. From then on nothing but renames is left to do, each of which
may be repeated; when the power goes in between, whoever holds the directory next, server or
restore, does the rest (`finish`). Works within the directory: it may be a mount point, and its
parent may belong to others. Blocks; refuses to know who asks.
"""

import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from textko_server.care import data_dir as places
from textko_server.care.archive import DATA_PREFIX, SETTINGS_MEMBER, BadBackup, Manifest, unpack
from textko_server.care.data_dir import ASIDE_PREFIX, DATABASE_NAME, RELEASES_NAME, sync_folder
from textko_server.errors import TextkoError, Unavailable
from textko_server.store.copies import DatabaseState, look_through, newest_schema, take_over

_PART = "restore.part"
"""Being unpacked; nothing has changed yet."""
_READY = "restore.ready"
"""Decided: what was there moves to `old` in it."""
_PLACING = "restore.placing"
"""What was there has moved; `new` in it moves to its place."""
_NEW, _OLD = "new", "old"
_SQLITE_MAGIC = b"SQLite format 3\0"
OTHER_SETTINGS_NAME = "textko.toml.from-backup"
# A log that belongs to another database would be played into the new one.
_DATABASE_FILES = tuple(f"{DATABASE_NAME}{end}" for end in ("", "-wal", "-shm", "-journal"))


class InUse(TextkoError):
    """A server runs on the data directory."""

    code = "in_use"


class Restored(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    data_dir: str
    aside: str | None
    """Where what was there is now; None: there was nothing."""
    created_at: int | None
    """When the backup was made; None: it is a bare database, which does not say."""
    version: str | None
    """Of the program that made it."""
    schema: int
    files_count: int
    waiting_count: int
    """Recipients in a queue: they are sent, again if they were sent since, once a server starts."""
    settings_file: str | None
    """Where the settings are that came with it."""
    was_unfinished: bool
    """An earlier restore had been interrupted, and was brought to its end before this one."""


def restore(
    archive: Path,
    data_dir: Path,
    now_ms: int,
    *,
    has_settings: bool,
    on_bytes: Callable[[int], None],
) -> Restored:
    """Restore a backup, or a bare database file such as the copy before an upgrade.

    `has_settings`: this machine has a settings file outside of the data directory; then one that
    came from outside is put beside it under another name. `on_bytes` is told of each piece read.

    Raises:
        InUse: a server runs on the directory.
        BadBackup: the file is not whole, or damaged, or of a newer program. Nothing has changed.
        Unavailable: it cannot be read, or the directory not written. Nothing has changed.
    """
    try:
        with archive.open("rb") as file:
            is_database = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        raise Unavailable(f"cannot read {archive}: {error.strerror}") from error
    try:
        with _held(data_dir):
            was_unfinished = finish(data_dir, now_ms)
            part = data_dir / _PART
            shutil.rmtree(part, ignore_errors=True)
            try:
                (part / _OLD).mkdir(mode=0o700, parents=True)
                manifest = _stage(archive, part, is_database=is_database, on_bytes=on_bytes)
                settings_file = _place_settings(part, has_settings=has_settings)
                state = _checked(archive, part / _NEW / DATABASE_NAME, now_ms)
                _hand_over(part, data_dir)
                files_count = sum(path.is_file() for path in (part / _NEW).rglob("*"))
                part.replace(data_dir / _READY)
            finally:
                shutil.rmtree(part, ignore_errors=True)
            sync_folder(data_dir)
            aside = _complete(data_dir, now_ms)
    except OSError as error:
        raise Unavailable(f"cannot restore into {data_dir}: {error.strerror or error}") from error
    return Restored(
        data_dir=str(data_dir),
        aside=str(aside) if aside else None,
        created_at=manifest.created_at if manifest else None,
        version=manifest.version if manifest else None,
        schema=state.schema,
        files_count=files_count,
        waiting_count=state.waiting_count,
        settings_file=str(data_dir / settings_file) if settings_file else None,
        was_unfinished=was_unfinished,
    )


def finish(data_dir: Path, now_ms: int) -> bool:
    """Bring a restore to its end that was interrupted after it was decided; whether there was one.

    For whoever holds the directory. Raises OSError.
    """
    is_unfinished = (data_dir / _READY).exists() or (data_dir / _PLACING).exists()
    if is_unfinished:
        _complete(data_dir, now_ms)
    return is_unfinished


def _held(data_dir: Path) -> IO[str]:
    try:
        return places.lock(data_dir)
    except BlockingIOError:
        raise InUse(f"a server is running on {data_dir}: stop it first") from None


# --- before it is decided ---


def _stage(
    archive: Path, part: Path, *, is_database: bool, on_bytes: Callable[[int], None]
) -> Manifest | None:
    new = part / _NEW
    if is_database:
        new.mkdir(mode=0o700)
        shutil.copyfile(archive, new / DATABASE_NAME)
        return None
    unpacked = part / "unpacked"
    unpacked.mkdir(mode=0o700)
    manifest = unpack(archive, unpacked, on_bytes)
    (unpacked / DATA_PREFIX.rstrip("/")).replace(new)
    if (unpacked / SETTINGS_MEMBER).exists():
        (unpacked / SETTINGS_MEMBER).replace(part / "settings")
    shutil.rmtree(unpacked)
    # Also when it holds none: the app files that are there belong to the old database.
    (new / RELEASES_NAME).mkdir(mode=0o700, exist_ok=True)
    return manifest


def _place_settings(part: Path, *, has_settings: bool) -> str | None:
    """The name in the data directory that the settings get."""
    if not (part / "settings").exists():
        return "textko.toml" if (part / _NEW / "textko.toml").exists() else None
    is_free = not has_settings and not (part / _NEW / "textko.toml").exists()
    name = "textko.toml" if is_free else OTHER_SETTINGS_NAME
    (part / "settings").replace(part / _NEW / name)
    return name


def _checked(archive: Path, database: Path, now_ms: int) -> DatabaseState:
    if not database.exists():
        raise BadBackup(f"{archive} holds no database")
    state = look_through(database, lambda _done, _all: None, thoroughly=True)
    if state.fault is not None:
        raise BadBackup(f"the database in {archive} is damaged: {state.fault}")
    if not 0 < state.schema <= newest_schema():
        raise BadBackup(
            f"{archive} was made by a newer textko (schema {state.schema}, this program knows"
            f" {newest_schema()}): install that version or newer"
            if state.schema
            else f"the database in {archive} is not one of textko"
        )
    take_over(database, now_ms)
    return state


def _hand_over(part: Path, data_dir: Path) -> None:
    """To the user whose directory it is, closed to others, and on disk."""
    for path in (part, *part.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
        places.give_to_owner(path, data_dir)
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


# --- after it was decided: every step may be done again ---


def _complete(data_dir: Path, now_ms: int) -> Path | None:
    ready, placing = data_dir / _READY, data_dir / _PLACING
    if ready.exists():
        for name in {*_DATABASE_FILES, *(path.name for path in (ready / _NEW).iterdir())}:
            if os.path.lexists(data_dir / name):
                (data_dir / name).replace(ready / _OLD / name)
        sync_folder(ready / _OLD)
        sync_folder(data_dir)
        ready.replace(placing)
        sync_folder(data_dir)
    new = placing / _NEW
    for path in new.iterdir() if new.exists() else ():
        path.replace(data_dir / path.name)
    sync_folder(data_dir)
    aside = None
    old = placing / _OLD
    if old.exists() and any(old.iterdir()):
        aside = _free_name(data_dir, now_ms)
        old.replace(aside)
    shutil.rmtree(placing)
    sync_folder(data_dir)
    return aside


def _free_name(data_dir: Path, now_ms: int) -> Path:
    stamp = f"{datetime.fromtimestamp(now_ms // 1000, UTC):%Y%m%dT%H%M%SZ}"
    path = data_dir / f"{ASIDE_PREFIX}{stamp}"
    number = 2
    while path.exists():
        path = data_dir / f"{ASIDE_PREFIX}{stamp}-{number}"
        number += 1
    return path
