"""`textko release`: the versions of the phone app that this server offers for download."""

import argparse
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from textko_server.cli.connection import with_admin
from textko_server.cli.exit_codes import UsageError
from textko_server.cli.output import answer, print_json, print_table, safe, say, shown_time

if TYPE_CHECKING:
    from textko_server.admin_wire import Release

_CHUNK_BYTES = 1 << 18
_EXAMPLES = """examples:
  textko release publish app.apk --notes "Bug fixes"
  textko release publish app.apk --draft
  textko release activate 5"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    release = subparsers.add_parser(
        "release", help="versions of the phone app for download", epilog=_EXAMPLES
    )
    commands = release.add_subparsers(dest="release_command", required=True, metavar="COMMAND")

    publish = commands.add_parser("publish", help="upload an APK and offer it to phones")
    publish.add_argument("file", metavar="FILE", type=Path, help="the APK")
    publish.add_argument("--version", metavar="TEXT", help="version name (as its manifest says)")
    publish.add_argument(
        "--code", metavar="N", type=int, help="version code (as its manifest says)"
    )
    publish.add_argument("--notes", metavar="TEXT", default="", help="what is new in it")
    publish.add_argument("--draft", action="store_true", help="upload only: `activate` offers it")
    publish.set_defaults(run=run_publish)

    listing = commands.add_parser("list", help="all versions, newest first")
    listing.set_defaults(run=run_list)

    link = commands.add_parser("link", help="where to download a version, with a QR code")
    link.add_argument(
        "code", metavar="CODE", type=int, nargs="?", help="version code (the active one)"
    )
    link.set_defaults(run=run_link)

    notes = commands.add_parser("notes", help="say what is new in a version")
    _add_code(notes)
    notes.add_argument("notes", metavar="TEXT", help="what is new in it")
    notes.set_defaults(run=run_notes)

    activate = commands.add_parser("activate", help="make a version the one that phones get")
    _add_code(activate)
    activate.set_defaults(run=run_activate)

    withdraw = commands.add_parser("withdraw", help="offer a version no longer")
    _add_code(withdraw)
    withdraw.set_defaults(run=run_withdraw)


def _add_code(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", metavar="CODE", type=int, help="version code")


def run_publish(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_wire import ReleaseQuery

    try:
        file_bytes = options.file.stat().st_size
        file = options.file.open("rb")
    except OSError as error:
        raise UsageError(f"cannot read {options.file}: {error.strerror}") from error

    async def publish(admin: AdminClient) -> None:
        query = ReleaseQuery(version=options.version, code=options.code)
        release = await admin.upload_release(_chunks(file, file_bytes), file_bytes, query)
        if options.notes:
            release = await admin.set_release_notes(release.version_code, options.notes)
        if options.draft:
            answer(options, release, f"{_name(release)} is a draft: `textko release activate`")
            return
        release = await admin.activate_release(release.version_code)
        answer(options, release, f"{_name(release)} is what phones get now")

    with file:
        return with_admin(options, publish)


async def _chunks(file: BinaryIO, file_bytes: int) -> AsyncIterator[bytes]:
    """The file, telling a terminal how far it is."""
    import asyncio

    sent = 0
    while chunk := await asyncio.to_thread(file.read, _CHUNK_BYTES):
        yield chunk
        sent += len(chunk)
        if sys.stderr.isatty():
            end = "\n" if sent >= file_bytes else ""
            sys.stderr.write(f"\r{sent / (1 << 20):.1f} of {file_bytes / (1 << 20):.1f} MiB{end}")


def run_list(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        releases = await admin.list_releases()
        if options.json:
            print_json(releases)
            return
        print_table(
            ("CODE", "VERSION", "STATE", "MIB", "DOWNLOADS", "PUBLISHED", "NOTES"),
            [
                (
                    r.version_code, r.version, "active" if r.is_active else r.state,
                    f"{r.file_bytes / (1 << 20):.1f}", r.download_count,
                    shown_time(r.published_at), r.notes,
                )
                for r in releases.releases
            ],
            empty="no versions yet: textko release publish FILE",
        )  # fmt: skip

    return with_admin(options, show)


def run_link(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def show(admin: AdminClient) -> None:
        releases = (await admin.list_releases()).releases
        chosen = [
            r for r in releases
            if (r.is_active if options.code is None else r.version_code == options.code)
        ]  # fmt: skip
        if not chosen or chosen[0].download_url is None:
            raise UsageError("no such version is published: `textko release list` shows them")
        if options.json:
            print_json({"url": chosen[0].download_url})
            return
        _show_link(chosen[0], chosen[0].download_url)

    return with_admin(options, show)


def _show_link(release: "Release", url: str) -> None:
    import segno

    say()
    segno.make(url, error="m").terminal(sys.stdout, compact=True, border=2)
    say()
    say(f"{_name(release)}: {url}")


def run_notes(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def change(admin: AdminClient) -> None:
        release = await admin.set_release_notes(options.code, options.notes)
        answer(options, release, f"{_name(release)} has other notes now")

    return with_admin(options, change)


def run_activate(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def activate(admin: AdminClient) -> None:
        release = await admin.activate_release(options.code)
        answer(options, release, f"{_name(release)} is what phones get now")

    return with_admin(options, activate)


def run_withdraw(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient

    async def withdraw(admin: AdminClient) -> None:
        release = await admin.withdraw_release(options.code)
        answer(options, release, f"{_name(release)} is offered no longer")

    return with_admin(options, withdraw)


def _name(release: "Release") -> str:
    return f"version {safe(release.version)} ({release.version_code})"
