"""The command line: one file per command; each imports what it needs when it runs.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the server cannot be reached.
"""

import argparse
import os
import sys
from collections.abc import Iterable
from importlib import import_module

from textko_server.cli.arguments import Parser, add_global_options
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_INTERRUPTED, exit_code_of
from textko_server.errors import TextkoError

COMMANDS = (
    "serve", "demo", "tui", "user", "key", "device", "message", "inbox", "scheduled", "contact",
    "group", "template", "opt-out", "webhook", "release", "config", "log", "status", "backup",
    "restore", "doctor", "tls", "ssh-key", "service", "phone",
    "completion", "man", "version",
)  # fmt: skip
_EXAMPLES = """examples:
  textko serve                                            start the server on ./data
  textko user create you@example.org --role ADMIN         make yourself the first admin
  textko device pair --user you@example.org               add a phone: shows a QR code
  textko message send --user you@example.org --to +251911000001 --text "Hello" --wait

exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the server cannot be reached"""


def run(argv: list[str]) -> int:
    """Do what the arguments say; the answer is the exit code."""
    try:
        options = build_parser(_named(argv)).parse_args(argv)
    except SystemExit as ended:  # argparse has said what it has to say
        return ended.code if isinstance(ended.code, int) else EXIT_FAILED
    try:
        return int(options.run(options))
    except TextkoError as error:
        sys.stderr.write(f"textko: {error.message}\n")
        return exit_code_of(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough. The interpreter flushes standard output once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        if options.debug:
            raise
        name = type(error).__name__
        sys.stderr.write(f"textko: this failed inside ({name}); --debug shows where\n")
        return EXIT_FAILED


def _named(argv: list[str]) -> tuple[str, ...]:
    """The commands that may be meant; making the options of all costs more than most commands do.

    All, where the first word is none of them: who is mistaken is told what there is.
    """
    for before, word in zip(["", *argv], argv, strict=False):
        if word in COMMANDS:
            return tuple(name for name in COMMANDS if name in argv)  # one may be an option's value
        if not (word.startswith("-") or before.startswith("-")):
            break
    return COMMANDS


def build_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """These commands with their options; the documentation is checked against all of them."""
    parser = Parser(
        prog="textko",
        description="A self-hosted SMS gateway: your own Android phones behind REST APIs.",
        epilog=_EXAMPLES,
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in commands:
        module_name = f"textko_server.cli.{name.replace('-', '_')}"
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            # Some commands come with parts that may be left out of an installation.
            if error.name != module_name:
                raise
            continue
        module.add_parser(subparsers)
    add_global_options(parser)
    return parser
