"""The parser all commands share, and the options that stand before or after a command."""

import argparse
import os
from pathlib import Path
from typing import Any


class _Formatter(argparse.HelpFormatter):
    """Wraps descriptions, and leaves examples as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return "".join(indent + line for line in text.splitlines(keepends=True))
        return super()._fill_text(text, width, indent)


class Parser(argparse.ArgumentParser):
    """No abbreviated options: a new one must not change what a script means."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", _Formatter)
        settings.setdefault("allow_abbrev", False)
        super().__init__(**settings)


def add_global_options(parser: argparse.ArgumentParser) -> None:
    """To the program and to every command: they may stand on either side of its name."""
    _add_options(parser, is_root=True)
    for leaf in _leaves(parser):
        _add_options(leaf, is_root=False)


def _leaves(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    found = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found += _leaves(child) or [child]
    return found


def _add_options(parser: argparse.ArgumentParser, *, is_root: bool) -> None:
    group = parser.add_argument_group("options of every command")

    def add(flag: str, default: Any, **settings: Any) -> None:
        known = parser._option_string_actions.get(flag)
        # Unless given here, what was said before the command stands.
        chosen = default if is_root else argparse.SUPPRESS
        if known is None:
            group.add_argument(flag, default=chosen, **settings)
        else:
            known.default = chosen

    add("--data-dir", None, type=Path, metavar="DIR", help="the server's data directory (data)")
    add(
        "--config", None, type=Path, metavar="FILE", dest="config_path",
        help="settings file (textko.toml)",
    )  # fmt: skip
    add(
        "--url", os.environ.get("TEXTKO_URL"), metavar="URL", dest="server_url",
        help="a server elsewhere, instead of the one on the data directory (TEXTKO_URL)",
    )  # fmt: skip
    add(
        "--key", os.environ.get("TEXTKO_API_KEY"), metavar="KEY", dest="api_key",
        help="API key for --url (better in TEXTKO_API_KEY: others can see a command line)",
    )  # fmt: skip
    add(
        "--login", None, metavar="EMAIL",
        help="log in at --url with this e-mail; the password is asked for, or in TEXTKO_PASSWORD",
    )  # fmt: skip
    add("--json", False, action="store_true", help="print JSON")
    add("--debug", False, action="store_true", help="show where in the program something failed")
