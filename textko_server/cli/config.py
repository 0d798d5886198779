"""`textko config`: which settings are in force, and whether they can be."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import flags_of, load_settings, with_admin
from textko_server.cli.exit_codes import EXIT_OK, EXIT_USAGE
from textko_server.cli.output import answer, print_json, print_table, safe

if TYPE_CHECKING:
    from textko_server.admin_wire import SettingList
    from textko_server.config_loader import ConfigError

_EXAMPLES = """examples:
  textko config show
  textko config show --running
  textko config check /etc/textko/textko.toml"""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    config = subparsers.add_parser(
        "config", help="settings and where they come from", epilog=_EXAMPLES
    )
    commands = config.add_subparsers(dest="config_command", required=True, metavar="COMMAND")

    show = commands.add_parser(
        "show",
        help="every setting, its value and its source",
        description="As a server started here and now would have them.",
    )
    show.add_argument(
        "--running", action="store_true", help="as the running server has them instead"
    )
    show.set_defaults(run=run_show)

    check = commands.add_parser(
        "check",
        help="whether a server could start with them",
        description="All that is wrong, with file and line. Exit code 2 if anything is.",
    )
    check.add_argument(
        "file", metavar="FILE", type=Path, nargs="?", help="instead of the one a server would read"
    )
    check.set_defaults(run=run_check)


def run_show(options: argparse.Namespace) -> int:
    from textko_server.admin_client import AdminClient
    from textko_server.admin_settings import list_settings
    from textko_server.admin_wire import SettingList

    async def ask(admin: AdminClient) -> None:
        _print(options, await admin.list_settings())

    if options.running:
        return with_admin(options, ask)
    loaded = load_settings(options)
    _print(options, SettingList(settings=list_settings(loaded.settings, loaded.sources)))
    return EXIT_OK


def run_check(options: argparse.Namespace) -> int:
    from textko_server.config_loader import list_faults

    if options.file is not None:
        options.config_path = options.file
    faults = list_faults(
        config_path=options.config_path, flags=flags_of(options), environ=os.environ
    )
    if faults:
        return _refuse(options, faults)
    loaded = load_settings(options)
    changed_count = sum(source != "default" for source in loaded.sources.values())
    answer(
        options,
        {"ok": True, "changed": changed_count},
        f"good; set to something: {changed_count}, at their defaults: "
        f"{len(loaded.sources) - changed_count}",
    )
    return EXIT_OK


def _refuse(options: argparse.Namespace, faults: "list[ConfigError]") -> int:
    if options.json:
        told = [
            {"source": f.file or f.source, "line": f.line, "setting": f.name, "text": f.text}
            for f in faults
        ]
        print_json({"ok": False, "faults": told})
        return EXIT_USAGE
    for fault in faults:
        where = fault.file or fault.source
        line = f":{fault.line}" if fault.line else ""
        sys.stderr.write(safe(f"{where}{line}: {fault.text}" if where else fault.text) + "\n")
    return EXIT_USAGE


def _print(options: argparse.Namespace, listed: "SettingList") -> None:
    if options.json:
        print_json(listed)
        return
    rows = [(s.name, _shown(s.value), s.source) for s in listed.settings]
    print_table(("SETTING", "VALUE", "SOURCE"), rows, empty="no settings")


def _shown(value: object) -> str:
    """As textko.toml writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
