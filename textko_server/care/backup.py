"""Makes a backup: one file with the database as it is at one moment and all that belongs to it.

Works with the server running or not, and keeps nobody waiting. Written beside its place, under
another name until it is whole. Blocks; refuses to know when backups are made and how many are kept.
"""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO

import msgspec

from textko_server import __version__
from textko_server.care.archive import (
    DATA_PREFIX,
    FORMAT,
    SETTINGS_MEMBER,
    ArchiveWriter,
    Manifest,
)
from textko_server.care.data_dir import DATABASE_NAME, give_to_owner, lasting_files, sync_folder
from textko_server.errors import NotFound, Unavailable
from textko_server.store.copies import Tick, copy_database, look_through


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What is backed up."""

    data_dir: Path
    backup_dir: Path
    """Left out, when it lies in there."""
    settings_file: Path | None
    named_files: tuple[Path, ...] = ()
    """Which settings name: certificates and keys. Those outside of the data directory are told of,
    and not taken."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    path: Path
    file_bytes: int
    created_at: int
    schema: int
    files_count: int
    left_out: tuple[Path, ...]
    """Files that the settings name, outside of the data directory."""


def make_backup(source: Source, target: Path, now_ms: int, tick: Tick) -> Made:
    """Write all of `source` to `target`, in place of what is there.

    The database is as it is at a moment after the call. `tick` is told how far it is, roughly.

    Raises:
        NotFound: there is no database.
        Unavailable: something cannot be read or written, or the database is damaged.
        Whatever `tick` raises.
    """
    database = source.data_dir / DATABASE_NAME
    if not database.is_file():
        raise NotFound(f"database {database}")
    part = target.with_name(f"{target.name}.part")
    copy = target.with_name(f"{target.name}.db.part")
    try:
        return _make(source, database, target, part, copy, now_ms, tick)
    except OSError as error:
        raise Unavailable(f"cannot write the backup {target}: {error.strerror or error}") from error
    finally:
        for leftover in (part, copy, copy.with_name(f"{copy.name}-journal")):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _make(
    source: Source, database: Path, target: Path, part: Path, copy: Path, now_ms: int, tick: Tick
) -> Made:
    total = 2 * database.stat().st_size
    done = 0

    def on_copied(copied: int, all_bytes: int) -> None:
        nonlocal done, total
        done, total = copied, 2 * all_bytes
        tick(done, total)

    def on_packed(packed: int) -> None:
        nonlocal done
        done += packed
        tick(min(done, total), total)

    with ExitStack() as opened, _private(part) as out:
        # Opened before the database is copied and again after: an app file that is replaced
        # meanwhile is still there for the row that names it.
        files = _opened(opened, source, {})
        _private(copy).close()
        copy_database(database, copy, on_copied)
        files = _opened(opened, source, files)
        state = look_through(copy, lambda _done, _all: tick(done, total), thoroughly=False)
        if state.fault is not None:
            raise Unavailable(f"the database {database} is damaged: {state.fault}")
        total += sum(os.fstat(file.fileno()).st_size for file in files.values())
        writer = ArchiveWriter(out, on_packed)
        with copy.open("rb") as content:
            writer.add(DATA_PREFIX + DATABASE_NAME, content, now_ms // 1000)
        for name, file in sorted(files.items()):
            writer.add(name, file, int(os.fstat(file.fileno()).st_mtime))
        outside = _outside(source, source.settings_file)
        manifest = Manifest(
            format=FORMAT,
            version=__version__,
            schema=state.schema,
            created_at=now_ms,
            data_dir=str(source.data_dir.absolute()),
            settings_file=str(outside) if outside else None,
            files=writer.files,
        )
        writer.finish(manifest, now_ms // 1000)
        out.flush()
        os.fsync(out.fileno())
    part.replace(target)
    sync_folder(target.parent)
    return Made(
        path=target,
        file_bytes=target.stat().st_size,
        created_at=now_ms,
        schema=state.schema,
        files_count=len(writer.files),
        left_out=tuple(p for p in source.named_files if _outside(source, p)),
    )


def _opened(stack: ExitStack, source: Source, known: dict[str, IO[bytes]]) -> dict[str, IO[bytes]]:
    """The files by their names in the archive, `known` ones and those that have come since."""
    files = dict(known)
    for path in lasting_files(source.data_dir, without=source.backup_dir):
        name = DATA_PREFIX + path.relative_to(source.data_dir).as_posix()
        if name not in files:
            with suppress(FileNotFoundError):
                files[name] = stack.enter_context(path.open("rb"))
    outside = _outside(source, source.settings_file)
    if outside is not None and SETTINGS_MEMBER not in files:
        files[SETTINGS_MEMBER] = stack.enter_context(outside.open("rb"))
    return files


def _outside(source: Source, path: Path | None) -> Path | None:
    """The path, when it does not lie in the data directory."""
    if path is None or path.absolute().is_relative_to(source.data_dir.absolute()):
        return None
    return path


def _private(path: Path) -> IO[bytes]:
    """A new file that nobody else may read, in place of what a killed run left."""
    path.unlink(missing_ok=True)
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    give_to_owner(path, path.parent)
    return file
