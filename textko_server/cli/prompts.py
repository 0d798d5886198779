"""What is asked of the person at the keyboard: a new password, and whether they mean it.

A password is never an argument: others on the machine can see a command line.
"""

import argparse
import secrets
import sys
from pathlib import Path

from textko_server.cli.exit_codes import UsageError

# 120 bits, easily copied.
_GENERATED_BYTES = 15


def add_password_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--password-stdin", action="store_true", help="read the password from standard input"
    )
    group.add_argument(
        "--password-file", type=Path, metavar="FILE", help="read it from the first line of a file"
    )
    group.add_argument(
        "--generate-password", action="store_true", help="make a password and print it"
    )


def new_password(options: argparse.Namespace) -> str:
    """Raises UsageError when there is nobody to ask."""
    if options.generate_password:
        return secrets.token_urlsafe(_GENERATED_BYTES)
    if options.password_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if options.password_file is not None:
        return password_in(options.password_file)
    if not sys.stdin.isatty():
        raise UsageError(
            "give the password with --password-stdin or --password-file, or use --generate-password"
        )
    from getpass import getpass

    password = getpass("New password: ")
    if getpass("Once more: ") != password:
        raise UsageError("these were two different passwords")
    return password


def password_in(path: Path) -> str:
    """The first line of the file. Raises UsageError."""
    try:
        with path.open(encoding="utf-8") as file:
            password = file.readline().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the password from {path}: {error}") from error
    if not password:
        raise UsageError(f"there is no password in the first line of {path}")
    return password


def confirm(options: argparse.Namespace, question: str) -> bool:
    """Whether to go on: `--yes`, or a yes at the prompt.

    Raises: UsageError when there is nobody to ask.
    """
    if options.yes:
        return True
    if not sys.stdin.isatty():
        raise UsageError(f"{question} Say --yes if so.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
