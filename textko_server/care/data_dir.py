"""What a data directory holds, who may read it, and who holds it now.

Refuses to know what any of the files say.
"""

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

DATABASE_NAME = "textko.db"
LOCK_NAME = "textko.lock"
RELEASES_NAME = "releases"
ASIDE_PREFIX = "before-restore-"
"""Folders of what a restore has put aside."""
BACKUPS_NAME = "backups"
"""Where backups go unless the settings say otherwise."""
RESTORING_PREFIX = "restore."

# The database is copied by SQLite; the rest is of this process or of this moment.
_PASSING = frozenset({
    DATABASE_NAME, f"{DATABASE_NAME}-wal", f"{DATABASE_NAME}-shm", f"{DATABASE_NAME}-journal",
    LOCK_NAME, BACKUPS_NAME,
})  # fmt: skip
_PASSING_PREFIXES = (f"{DATABASE_NAME}.before-", ASIDE_PREFIX, RESTORING_PREFIX, "textko-2")
_ASKING_S = 0.1
_PASSING_SUFFIXES = (".part", ".log", ".sock", ".tmp")


def lasting_files(data_dir: Path, *, without: Path | None = None) -> Iterator[Path]:
    """All that belongs to an installation besides its database: app files, keys, certificates,
    settings. `without`: a folder that is left out.

    Links to files count as files, links to folders are not followed.
    """
    for folder, names, file_names in os.walk(data_dir):
        here = Path(folder)
        is_top = here == data_dir
        names[:] = sorted(n for n in names if not (is_top and _passes(n)) and here / n != without)
        for name in sorted(file_names):
            path = here / name
            if _passes(name) if is_top else name.endswith(_PASSING_SUFFIXES):
                continue
            if path.is_file():
                yield path


def _passes(name: str) -> bool:
    return (
        name in _PASSING or name.startswith(_PASSING_PREFIXES) or name.endswith(_PASSING_SUFFIXES)
    )


def lock(data_dir: Path) -> IO[str]:
    """Hold the directory until the file is closed, or this process ends. Makes the directory.

    Raises:
        BlockingIOError: a server, or a restore, holds it.
        OSError: it cannot be used.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = data_dir / LOCK_NAME
    # As a file of others it would keep out the server that this directory belongs to.
    is_new = not path.exists()
    held = path.open("a")
    try:
        if is_new:
            give_to_owner(path, data_dir)
        _lock_now(held)
    except OSError:
        held.close()
        raise
    return held


def _lock_now(held: IO[str]) -> None:
    """Twice, because whoever asks `is_held` holds it for a moment."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(_ASKING_S)
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(data_dir: Path) -> bool:
    """Whether a server, or a restore, holds the directory now. Changes nothing."""
    try:
        with (data_dir / LOCK_NAME).open() as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def give_to_owner(path: Path, like: Path) -> None:
    """Made by root in a directory of the server's own user, a file is that user's too."""
    if os.geteuid() != 0:
        return
    owner = like.stat()
    os.chown(path, owner.st_uid, owner.st_gid)


def is_open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def sync_folder(path: Path) -> None:
    """So that names in it are there after a power cut."""
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
