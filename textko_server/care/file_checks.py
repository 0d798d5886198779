"""Whether a data directory is well: who may read it, its database, its backups.

Changes nothing, and works whether a server runs on it or not.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from textko_server.care.backup_dir import list_backups
from textko_server.care.data_dir import (
    ASIDE_PREFIX,
    DATABASE_NAME,
    is_open_to_others,
    lasting_files,
)
from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.clock import DAY_MS, HOUR_MS
from textko_server.errors import Unavailable
from textko_server.store.copies import DatabaseState, look_through, newest_schema

# Far beyond what a server lets it grow to; somebody keeps a reader open.
BIG_LOG_BYTES = 256 << 20
OLD_BACKUP_MS = 7 * DAY_MS


def check_data_dir(data_dir: Path) -> Iterator[Finding]:
    if not data_dir.exists():
        yield ok("data directory", f"{data_dir} is not there yet: the first start makes it")
        return
    if not data_dir.is_dir():
        yield problem("data directory", f"{data_dir} is no folder", "name another: --data-dir")
        return
    owner = data_dir.stat().st_uid
    if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
        fix = f"run this as its owner (user {owner}), or `chown -R` it"
        yield problem("data directory", f"{data_dir} may not be written by this user", fix)
        return
    if data_dir.stat().st_mode & 0o077:
        text = f"{data_dir} is open to other users, and holds messages and keys"
        yield problem("data directory", text, f"chmod 700 {data_dir}")
    else:
        yield ok("data directory", f"{data_dir}, for its owner only")
    yield from _check_files(data_dir, owner)
    for path in sorted(data_dir.glob(f"{ASIDE_PREFIX}*")):
        fix = f"when all is well with what was restored: rm -r {path}"
        yield warning("data directory", f"{path.name} is what a restore put aside", fix)


def _check_files(data_dir: Path, owner: int) -> Iterator[Finding]:
    names = [data_dir / f"{DATABASE_NAME}{end}" for end in ("", "-wal", "-shm")]
    paths = [*(path for path in names if path.exists()), *lasting_files(data_dir)]
    opened = [str(path) for path in paths if is_open_to_others(path)]
    if opened:
        text = f"open to other users: {_some(opened)}"
        yield warning("permissions", text, f"chmod 600 {_some(opened)}")
    others = [str(path) for path in paths if path.stat().st_uid != owner]
    if others:
        text = f"of another user than the folder: {_some(others)}"
        yield problem("permissions", text, f"chown -R {owner} {data_dir}")
    if not opened and not others:
        yield ok("permissions", f"{len(paths)} files, all as they should be")


def _some(names: list[str]) -> str:
    return " ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def look_at_database(
    data_dir: Path, *, thoroughly: bool
) -> tuple[DatabaseState | None, list[Finding]]:
    """The state is None when there is no database, or it cannot be read."""
    path = data_dir / DATABASE_NAME
    if not path.exists():
        return None, [ok("database", "none yet: the first start makes it")]
    try:
        state = look_through(path, lambda _done, _all: None, thoroughly=thoroughly)
    except Unavailable as error:
        fix = "run this as its owner; if it is damaged: textko restore, from a backup"
        return None, [problem("database", error.message, fix)]
    return state, [*_of_database(path, state)]


def _of_database(path: Path, state: DatabaseState) -> Iterator[Finding]:
    newest = newest_schema()
    if state.fault is not None:
        fix = "stop the server, keep the file, and `textko restore` the newest backup"
        yield problem("database", f"damaged: {state.fault}", fix)
    elif state.schema > newest:
        text = f"of a newer textko: schema {state.schema}, this program knows {newest}"
        yield problem("database", text, "install that version, or restore an older backup")
    else:
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        behind = "" if state.schema == newest else f", upgraded to {newest} at the next start"
        yield ok("database", f"whole, {size}, schema {state.schema}{behind}")
    log = path.with_name(f"{path.name}-wal")
    log_bytes = log.stat().st_size if log.exists() else 0
    if log_bytes > BIG_LOG_BYTES:
        text = f"its write-ahead log has grown to {log_bytes / 1e6:.0f} MB"
        yield warning("database", text, "restart the server; end programs that read the file")


def check_backups(folder: Path, every_h: int, data_dir: Path, now_ms: int) -> Iterator[Finding]:
    try:
        kept = list_backups(folder)
    except Unavailable as error:
        yield problem("backups", error.message, "run this as its owner, or set backup.dir")
        return
    fix = "`textko backup`, and set backup.every_h = 24 to have them made"
    if not kept:
        if (data_dir / DATABASE_NAME).exists():
            yield warning("backups", f"none in {folder}", fix)
        else:
            yield ok("backups", "nothing to back up yet")
        return
    age_ms = max(0, now_ms - kept[0].created_at)
    age = f"{age_ms // DAY_MS} days" if age_ms >= 2 * DAY_MS else f"{age_ms // HOUR_MS} hours"
    text = f"{len(kept)} in {folder}, the newest {age} old"
    limit_ms = 2 * every_h * HOUR_MS if every_h else OLD_BACKUP_MS
    if age_ms > limit_ms:
        yield warning(
            "backups", text, "`textko log show --grep backup` says why" if every_h else fix
        )
    elif folder.stat().st_dev == data_dir.stat().st_dev:
        yield ok("backups", f"{text}; on the same disk as the data")
    else:
        yield ok("backups", text)
