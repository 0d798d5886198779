"""`textko backup`: one file with everything, while the server runs or not."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings, with_admin
from textko_server.cli.exit_codes import EXIT_OK, UsageError
from textko_server.cli.output import print_json, print_table, say, shown_time

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import BackupList, MadeBackup

_GZIP_MAGIC = b"\x1f\x8b"
_EXAMPLES = """examples:
  textko backup
  textko backup /mnt/disk/textko.tar.gz
  textko backup /mnt/disk/ --keep 14
  textko --url https://sms.example.org --login you@example.org backup ."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    backup = subparsers.add_parser(
        "backup",
        help="one file with everything",
        description="Write the database, app files, keys, certificates and settings to one file, "
        "while the server runs or not. It holds every secret: only its owner may read it. "
        "`textko restore` puts it back.",
        epilog=_EXAMPLES,
    )
    backup.add_argument(
        "file", metavar="FILE", type=Path, nargs="?",
        help="a file, or a folder that gets a file with the time in its name (backup.dir)",
    )  # fmt: skip
    backup.add_argument(
        "--keep", metavar="N", type=int,
        help="of a folder: keep so many of the newest, delete the others (backup.keep)",
    )  # fmt: skip
    backup.add_argument(
        "--list", action="store_true", dest="is_list", help="instead, those in backup.dir"
    )
    backup.set_defaults(run=run_backup)


def run_backup(options: argparse.Namespace) -> int:
    if options.keep is not None and options.keep < 1:
        raise UsageError("--keep must be at least 1: the backup that is made now")
    if options.keep is not None and options.file is not None and not options.file.is_dir():
        raise UsageError(f"--keep is for a folder, and {options.file} is none")
    if options.is_list:
        return _run_list(options)
    if options.file is not None and not options.file.is_dir():
        _check_target(options.file)
    return _run_elsewhere(options) if options.server_url else _run_here(options)


def _check_target(path: Path) -> None:
    """A slip of the finger must not replace a file that is no backup."""
    try:
        with path.open("rb") as file:
            is_backup = file.read(2) == _GZIP_MAGIC
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    if not is_backup:
        raise UsageError(f"{path} is there already, and is no backup: name another file")


# --- on this machine: from the files, with the server running or not ---


def _run_here(options: argparse.Namespace) -> int:
    from textko_server.admin_wire import MadeBackup
    from textko_server.care import backup_dir
    from textko_server.care.backup import make_backup
    from textko_server.cli.progress import Progress
    from textko_server.clock import Clock
    from textko_server.config_loader import settings_file
    from textko_server.gateway.backups import folder_of, source_of

    loaded = load_settings(options)
    settings, now_ms = loaded.settings, Clock().now_ms()
    target, keep = options.file, options.keep
    if target is None:
        target, keep = folder_of(settings), keep or settings.backup.keep
        backup_dir.prepare(target)
    folder = target if target.is_dir() else None
    if folder is not None:
        target = folder / backup_dir.name_at(now_ms)
    source = source_of(settings, settings_file(loaded.sources))
    with Progress(str(target)) as progress:
        made = make_backup(source, target, now_ms, progress)
    if folder is not None and keep is not None:
        backup_dir.keep_newest(folder, keep, target)
    _answer(
        options,
        MadeBackup(
            name=made.path.name,
            created_at=made.created_at,
            file_bytes=made.file_bytes,
            path=str(made.path.absolute()),
            schema=made.schema,
            files_count=made.files_count,
            left_out=[str(path) for path in made.left_out],
        ),
    )
    return EXIT_OK


# --- elsewhere: the server makes it, and is asked for the file ---


def _run_elsewhere(options: argparse.Namespace) -> int:
    import msgspec

    from textko_server.care import backup_dir

    async def back_up(admin: "AdminClient") -> None:
        made = await admin.make_backup()
        if options.file is not None:
            is_folder = options.file.is_dir()
            target = options.file / made.name if is_folder else options.file
            await _download(admin, made, target)
            if is_folder and options.keep is not None:
                backup_dir.keep_newest(options.file, options.keep, target)
            made = msgspec.structs.replace(made, path=str(target.absolute()))
        _answer(options, made)

    if options.file is None and options.keep is not None:
        raise UsageError("how many backups a server keeps is its own setting, backup.keep")
    return with_admin(options, back_up)


async def _download(admin: "AdminClient", made: "MadeBackup", target: Path) -> None:
    import asyncio
    import os

    from textko_server.cli.progress import Progress
    from textko_server.errors import Unavailable

    part = target.with_name(f"{target.name}.part")
    try:
        await asyncio.to_thread(part.unlink, missing_ok=True)
        number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(number, "wb") as out, Progress(str(target)) as progress:
            done = 0
            async with admin.download_backup(made.name) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(out.write, piece)
                    done += len(piece)
                    progress(done, made.file_bytes)
            out.flush()
            await asyncio.to_thread(os.fsync, number)
        await asyncio.to_thread(part.replace, target)
    except OSError as error:
        raise Unavailable(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)


def _answer(options: argparse.Namespace, made: "MadeBackup") -> None:
    if options.json:
        print_json(made)
        return
    files = "1 file" if made.files_count == 1 else f"{made.files_count} files"
    say(f"{made.path}: {files}, {made.file_bytes / 1_000_000:.1f} MB")
    for path in made.left_out:
        say(f"not in it: {path}, which lies outside of the data directory")


# --- which there are ---


def _run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_wire import Backup

    if options.server_url:

        async def show(admin: "AdminClient") -> None:
            _print(options, await admin.list_backups())

        return with_admin(options, show)

    from textko_server.admin_wire import BackupList
    from textko_server.care.backup_dir import list_backups
    from textko_server.clock import HOUR_MS
    from textko_server.gateway.backups import folder_of

    settings = load_settings(options).settings
    kept, every_h = list_backups(folder_of(settings)), settings.backup.every_h
    listed = BackupList(
        backups=[
            Backup(name=b.path.name, created_at=b.created_at, file_bytes=b.file_bytes) for b in kept
        ],
        folder=str(folder_of(settings).absolute()),
        every_h=every_h,
        keep=settings.backup.keep,
        next_at=kept[0].created_at + every_h * HOUR_MS if kept and every_h else None,
        failure=None,
        failed_at=None,
    )
    _print(options, listed)
    return EXIT_OK


def _print(options: argparse.Namespace, listed: "BackupList") -> None:
    if options.json:
        print_json(listed)
        return
    rows = [(b.name, shown_time(b.created_at), f"{b.file_bytes / 1e6:.1f}") for b in listed.backups]
    print_table(("NAME", "MADE", "MB"), rows, empty=f"none in {listed.folder} yet: textko backup")
