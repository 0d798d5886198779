"""`textko restore`: a backup in the place of what a data directory holds."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.output import print_json, say, shown_time

if TYPE_CHECKING:
    from textko_server.care.restore import Restored

_EXAMPLES = """examples:
  textko restore textko-20260131T093000Z.tar.gz
  textko --data-dir /srv/textko restore /mnt/disk/textko.tar.gz --force
  textko restore data/textko.db.before-0008"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    restore = subparsers.add_parser(
        "restore",
        help="put a backup back, here or on another machine",
        description="Check a backup and put it in the place of what the data directory holds, "
        "which is kept beside it. The server must be stopped. Also takes the copy of the database "
        "that was made before an upgrade.",
        epilog=_EXAMPLES,
    )
    restore.add_argument("file", metavar="FILE", type=Path, help="what `textko backup` wrote")
    restore.add_argument(
        "--force", action="store_true", help="do not ask when the data directory is in use already"
    )
    restore.set_defaults(run=run_restore)


def run_restore(options: argparse.Namespace) -> int:
    from textko_server.care.data_dir import DATABASE_NAME
    from textko_server.care.restore import restore
    from textko_server.cli.progress import Progress
    from textko_server.clock import Clock
    from textko_server.config_loader import settings_file

    if options.server_url:
        raise UsageError("a backup is restored on the machine itself, not through --url")
    loaded = load_settings(options)
    data_dir: Path = loaded.settings.server.data_dir.absolute()
    if not options.force and (data_dir / DATABASE_NAME).exists() and not _is_meant(data_dir):
        return EXIT_FAILED
    here = settings_file(loaded.sources)
    file_bytes = options.file.stat().st_size if options.file.exists() else 0
    read_bytes = 0
    with Progress(str(options.file)) as progress:

        def on_bytes(count: int) -> None:
            nonlocal read_bytes
            read_bytes += count
            progress(read_bytes, file_bytes)

        restored = restore(
            options.file,
            data_dir,
            Clock().now_ms(),
            has_settings=here is not None and not here.is_relative_to(data_dir),
            on_bytes=on_bytes,
        )
    if options.json:
        print_json(restored)
    else:
        _say(restored)
    return EXIT_OK


def _is_meant(data_dir: Path) -> bool:
    question = f"{data_dir} holds a database already. Put it aside and restore the backup?"
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Say --force if so.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _say(restored: "Restored") -> None:
    made = "a database"
    if restored.created_at is not None:
        made = f"the backup of {shown_time(restored.created_at)} (version {restored.version})"
    if restored.was_unfinished:
        say("an earlier restore had been interrupted: it was brought to its end before this one")
    files = "1 file" if restored.files_count == 1 else f"{restored.files_count} files"
    say(f"{restored.data_dir} is now as {made}: {files}, all checked")
    if restored.aside is not None:
        say(f"what was there is in {restored.aside}")
    if restored.settings_file is not None and restored.settings_file.endswith("from-backup"):
        say(f"its settings are in {restored.settings_file}: this machine has settings of its own")
    if restored.waiting_count:
        waiting = restored.waiting_count
        texts = "1 text waits" if waiting == 1 else f"{waiting} texts wait"
        say(f"{texts} in it to be sent, also what was sent after that time: see `textko message`")
