"""A folder of backups: their names, which say when each was made, and which of them are kept.

Files of other names are never listed and never deleted.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from textko_server.care.data_dir import give_to_owner
from textko_server.errors import Unavailable

_STAMP = "%Y%m%dT%H%M%SZ"
_match_name = re.compile(r"textko-([0-9]{8}T[0-9]{6}Z)\.tar\.gz").fullmatch


class KeptBackup(msgspec.Struct, frozen=True):
    path: Path
    created_at: int
    file_bytes: int


def name_at(now_ms: int) -> str:
    """`textko-20260131T093000Z.tar.gz`"""
    return f"textko-{datetime.fromtimestamp(now_ms // 1000, UTC):{_STAMP}}.tar.gz"


def prepare(folder: Path) -> None:
    """Make it, for its owner only. Raises Unavailable."""
    try:
        if not folder.is_dir():
            folder.mkdir(mode=0o700, parents=True)
            give_to_owner(folder, folder.parent)
    except OSError as error:
        raise Unavailable(f"cannot make the folder {folder}: {error.strerror}") from error


def list_backups(folder: Path) -> list[KeptBackup]:
    """Newest first; empty where there is no such folder. Raises Unavailable."""
    try:
        found = [_kept(path) for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Unavailable(f"cannot read the folder {folder}: {error.strerror}") from error
    return sorted((b for b in found if b), key=lambda backup: backup.created_at, reverse=True)


def keep_newest(folder: Path, count: int, made: Path) -> list[Path]:
    """Delete all others; returns what was deleted. Raises Unavailable.

    `made` just now is kept, also beside some that a clock which was wrong has dated later.
    """
    others = [backup.path for backup in list_backups(folder) if backup.path.name != made.name]
    old = others[count - 1 :]
    try:
        for path in old:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise Unavailable(f"cannot delete an old backup: {error}") from error
    return old


def _kept(path: Path) -> KeptBackup | None:
    match = _match_name(path.name)
    if match is None:
        return None
    try:
        moment = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
        file_bytes = path.stat().st_size
    except (ValueError, FileNotFoundError):  # the 31st of June; or deleted just now
        return None
    return KeptBackup(path, int(moment.timestamp()) * 1000, file_bytes)
