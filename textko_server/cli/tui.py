"""`textko tui`: the screens, on the server of this data directory or one elsewhere."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import client_of
from textko_server.cli.exit_codes import EXIT_OK, UsageError

if TYPE_CHECKING:
    from textko_server.tui.app import Options

_EXAMPLES = """examples:
  textko tui
  textko tui messages state:failed
  textko --url https://sms.example.org tui --login you@example.org
  ssh -t pi textko --data-dir /srv/textko tui --read-only"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    tui = subparsers.add_parser(
        "tui",
        help="the screens: everything above, live, in this terminal",
        description="Look after a running server from a terminal. Leaving never stops the server. "
        "? shows the keys of where you are.",
        epilog=_EXAMPLES,
    )
    tui.add_argument("page", nargs="?", default="overview", metavar="PAGE",
                     help="the page to begin with (overview)")  # fmt: skip
    tui.add_argument("filter", nargs="*", metavar="FILTER", help="what to see of it: state:failed")
    add_look_options(tui)
    tui.add_argument(
        "--own", action="store_true",
        help="only the things of the account that signs in, also for an admin",
    )  # fmt: skip
    tui.add_argument(
        "--socket", type=Path, metavar="FILE", dest="socket_path",
        help="a server's socket that asks for a login (TEXTKO_API_KEY holds it)",
    )  # fmt: skip
    tui.add_argument(
        "--confined", action="store_true",
        help="start no other program and touch no file, as for who has no shell here",
    )  # fmt: skip
    tui.add_argument("--print-config", action="store_true",
                     help="print the preferences file with every default, and end")  # fmt: skip
    tui.add_argument("--print-keys", action="store_true",
                     help="print every key with the name its preference has, and end")  # fmt: skip
    tui.set_defaults(run=run_tui)


def add_look_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--read-only", action="store_true", help="offer nothing that changes")
    parser.add_argument("--theme", metavar="THEME", help="instead of the one in the preferences")


def run_tui(options: argparse.Namespace) -> int:
    if options.print_config:
        sys.stdout.write(_config_text())
        return EXIT_OK
    if options.print_keys:
        from textko_server.cli.output import print_json, print_table
        from textko_server.tui.key_list import KeyLine, list_keys

        lines: list[KeyLine] = list_keys()
        if options.json:
            print_json(lines)
        else:
            print_table(("NAME", "KEY", "DOES"), [(k.id, k.keys, k.label) for k in lines], empty="")
        return EXIT_OK
    if not sys.stdin.isatty() and "TEXTUAL_DRIVER" not in os.environ:
        raise UsageError("the screens need a terminal: with ssh, add -t")
    return _show(options)


def _config_text() -> str:
    from textko_server.terminal_text import safe
    from textko_server.tui.preferences import default_text, preferences_path
    from textko_server.tui.themes import themes_folder

    path, themes = preferences_path(os.environ), themes_folder(os.environ)
    return (
        f"# Read from {safe(str(path))}\n"
        f"# Your own themes: files in {safe(str(themes))}\n#\n{default_text()}"
    )


def options_of(options: argparse.Namespace) -> "Options":
    """Raises UsageError."""
    from textko_server.tui.app import Options
    from textko_server.tui.pages import PAGES, find_page

    page = find_page(options.page)
    if page is None:
        names = ", ".join(page.name for page in PAGES)
        raise UsageError(f"there is no page {options.page}; there are {names}")
    return Options(
        is_read_only=options.read_only,
        is_own=options.own,
        page=page.name,
        filter=" ".join(options.filter),
        email=options.login or "",
    )


def _show(options: argparse.Namespace) -> int:
    import asyncio
    import gc

    # Loading makes many objects and no garbage: looking for it takes a fifth of the start.
    gc.disable()
    from textko_server.tui.confinement import confine
    from textko_server.tui.run import run_screens

    if options.confined:
        confine()
    chosen = options_of(options)
    return asyncio.run(run_screens(client_of(options), chosen, theme=options.theme))
