"""`textko ssh-key`: SSH keys that open the screens of this server, and nothing else on the machine.

The machine's own sshd lets them in; see textko_server/authorized_keys.py.
"""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings
from textko_server.cli.exit_codes import EXIT_OK, UsageError
from textko_server.cli.output import answer, print_json, print_table, say
from textko_server.cli.program import program_path
from textko_server.cli.prompts import confirm

if TYPE_CHECKING:
    from textko_server.authorized_keys import Entry

_EXAMPLES = """examples:
  textko ssh-key add ana.pub --name ana
  ssh ana@phone-box cat .ssh/id_ed25519.pub | sudo textko ssh-key add - --user textko --read-only
  textko ssh-key remove ana"""
# Shells of accounts that are nobody's to log in to: sshd runs the command by the shell.
_NO_SHELLS = ("nologin", "false")


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    ssh_key = subparsers.add_parser(
        "ssh-key",
        help="SSH keys that open the screens and nothing else",
        description="Lines in the authorized_keys of an account on this machine. Who logs in with "
        "such a key gets `textko tui`, and no shell, no files and no forwarding.",
        epilog=_EXAMPLES,
    )
    commands = ssh_key.add_subparsers(dest="ssh_key_command", required=True, metavar="COMMAND")

    add = commands.add_parser("add", help="let a key in")
    add.add_argument("key", metavar="KEY", help="a .pub file, the key itself, or - for the input")
    add.add_argument("--name", help="what to call it (the comment of the key)")
    add.add_argument("--read-only", action="store_true", help="offer nothing that changes")
    add.add_argument(
        "--own", action="store_true",
        help="ask for e-mail and password, and show the things of that account only",
    )  # fmt: skip
    _add_account(add)
    add.set_defaults(run=run_add)

    listing = commands.add_parser("list", help="the keys that open the screens")
    _add_account(listing)
    listing.set_defaults(run=run_list)

    remove = commands.add_parser("remove", help="let a key in no more")
    remove.add_argument("name", metavar="NAME", help="its name or fingerprint")
    remove.add_argument("--yes", action="store_true", help="do not ask")
    _add_account(remove)
    remove.set_defaults(run=run_remove)


def _add_account(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--user", metavar="ACCOUNT", help="an account of this machine (your own)")
    group.add_argument("--file", type=Path, metavar="FILE", help="another authorized_keys")


def run_add(options: argparse.Namespace) -> int:
    from textko_server import authorized_keys

    key = authorized_keys.read_public_key(_key_text(options.key))
    name = options.name or key.comment.replace(" ", "-") or key.fingerprint[7:19]
    command = _command(options)
    with _as_account(options) as path:
        entry = authorized_keys.add(path, key, name, command)
    answer(
        options,
        _wire(entry),
        f"{entry.name} opens the screens and nothing else: {entry.fingerprint}, in {path}",
    )
    for note in _obstacles(options):
        sys.stderr.write(f"textko: {note}\n")
    return EXIT_OK


def run_list(options: argparse.Namespace) -> int:
    from textko_server import authorized_keys

    with _as_account(options) as path:
        entries = authorized_keys.list_entries(path)
    if options.json:
        print_json({"keys": [_wire(entry) for entry in entries]})
        return EXIT_OK
    rows = [(e.name, e.type, e.fingerprint, ", ".join(_limits(e)) or "everything") for e in entries]
    print_table(("NAME", "TYPE", "FINGERPRINT", "OPENS"), rows, empty=f"none in {path}")
    return EXIT_OK


def run_remove(options: argparse.Namespace) -> int:
    from textko_server import authorized_keys
    from textko_server.cli.exit_codes import EXIT_FAILED

    if not confirm(options, f"Let {options.name} in no more?"):
        return EXIT_FAILED
    with _as_account(options) as path:
        entry = authorized_keys.remove(path, options.name)
    answer(options, _wire(entry), f"{entry.name} opens nothing any more")
    if not options.json:
        say("who is in stays in until they leave")
    return EXIT_OK


def _key_text(given: str) -> str:
    """Raises UsageError."""
    if given == "-":
        return sys.stdin.read()
    if given.startswith(("ssh-", "ecdsa-", "sk-")) and " " in given:
        return given
    try:
        return Path(given).read_text("utf-8")
    except (OSError, ValueError) as error:
        raise UsageError(f"cannot read the key {given}: {error}") from error


def _command(options: argparse.Namespace) -> list[str]:
    from textko_server.http.dashboard import SOCKET_NAME

    settings = load_settings(options).settings
    data_dir = settings.server.data_dir.absolute()
    words = [*program_path(), "--data-dir", str(data_dir), "tui", "--confined"]
    if options.read_only:
        words.append("--read-only")
    if options.own:
        if not settings.dashboard.enabled:
            raise UsageError("--own needs dashboard.enabled: it logs in the same way")
        words += ["--own", "--socket", str(data_dir / SOCKET_NAME)]
    return words


def _limits(entry: "Entry") -> list[str]:
    named = {"--read-only": "nothing to change", "--own": "own things after a login"}
    return [what for flag, what in named.items() if flag in entry.command]


def _wire(entry: "Entry") -> dict[str, object]:
    return {
        "name": entry.name,
        "type": entry.type,
        "fingerprint": entry.fingerprint,
        "readOnly": "--read-only" in entry.command,
        "own": "--own" in entry.command,
    }


# --- the account ---


@contextmanager
def _as_account(options: argparse.Namespace) -> "Iterator[Path]":
    """Its authorized_keys; inside the block this process has that account's rights, not root's.

    Otherwise whoever owns the folder could have root write where they like, by a link.
    """
    import pwd

    if options.file is not None or options.user is None:
        yield options.file or Path.home() / ".ssh" / "authorized_keys"
        return
    try:
        account = pwd.getpwnam(options.user)
    except KeyError:
        raise UsageError(f"this machine has no account {options.user}") from None
    path = Path(account.pw_dir) / ".ssh" / "authorized_keys"
    if account.pw_uid == os.geteuid():
        yield path
        return
    if os.geteuid() != 0:
        raise UsageError(f"only root may change keys of {options.user}: use sudo")
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(account.pw_gid)
    os.seteuid(account.pw_uid)
    try:
        yield path
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _obstacles(options: argparse.Namespace) -> list[str]:
    """Why the key may not work yet, a sentence each."""
    import pwd

    if options.file is not None:
        return []
    account = pwd.getpwnam(options.user) if options.user else pwd.getpwuid(os.geteuid())
    notes = []
    if Path(account.pw_shell).name in _NO_SHELLS:
        notes.append(
            f"{account.pw_name} has the shell {account.pw_shell}, by which sshd runs nothing: "
            f"sudo usermod --shell /bin/sh {account.pw_name}"
        )
    data_dir = load_settings(options).settings.server.data_dir.absolute()
    if data_dir.exists() and account.pw_uid not in (0, data_dir.stat().st_uid):
        notes.append(
            f"{account.pw_name} may not open {data_dir}, which is {data_dir.owner()}'s: "
            f"add the key with --user {data_dir.owner()}"
        )
    return notes
