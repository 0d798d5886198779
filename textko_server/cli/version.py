"""`textko version`."""

import argparse

from textko_server import __version__
from textko_server.cli.exit_codes import EXIT_OK
from textko_server.cli.output import answer


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    version = subparsers.add_parser("version", help="which version this is")
    version.set_defaults(run=run_version)


def run_version(options: argparse.Namespace) -> int:
    answer(options, {"version": __version__}, f"textko {__version__}")
    return EXIT_OK
