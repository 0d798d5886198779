"""`textko version`."""

import argparse
import platform
import sys

from textko_server import __version__
from textko_server.cli.exit_codes import EXIT_OK
from textko_server.cli.output import answer
from textko_server.cli.program import is_frozen, is_one_file


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    version = subparsers.add_parser("version", help="which version this is, and what it is made of")
    version.set_defaults(run=run_version)


def run_version(options: argparse.Namespace) -> int:
    build = {
        "version": __version__,
        "python": platform.python_version(),
        "platform": f"{sys.platform}-{platform.machine()}",
        "form": "one file" if is_one_file() else "folder" if is_frozen() else "package",
    }
    about = f"{build['form']}, Python {build['python']}, {build['platform']}"
    answer(options, build, f"textko {__version__} ({about})")
    return EXIT_OK
