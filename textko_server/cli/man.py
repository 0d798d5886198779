"""`textko man`: the manual page, in the language of man(7), made of the parser.

Refuses to know how a page is shown.
"""

import argparse
import sys

from textko_server import __version__
from textko_server.cli.completion import branches, children, help_of, options_of
from textko_server.cli.exit_codes import EXIT_OK

_EXAMPLES = """examples:
  textko man | man -l -
  textko man | sudo tee /usr/local/share/man/man1/textko.1"""
_EXIT_CODES = (
    ("0", "Done"),
    ("1", "Failed; one sentence on standard error says why"),
    ("2", "Wrong usage or configuration"),
    ("3", "The server cannot be reached"),
)
_FILES = (
    ("textko.toml", "Settings: in the working directory, the data directory or /etc/textko"),
    ("data", "The data directory, unless named otherwise"),
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    man = subparsers.add_parser("man", help="the manual page", epilog=_EXAMPLES)
    man.set_defaults(run=run_man)


def run_man(options: argparse.Namespace) -> int:
    del options
    from textko_server.cli import build_parser

    sys.stdout.write(page(build_parser()))
    return EXIT_OK


def page(tree: argparse.ArgumentParser) -> str:
    lines = [
        f'.TH TEXTKO 1 "" "textko {__version__}" "User Commands"',
        ".SH NAME",
        "textko \\- a self-hosted SMS gateway: your own Android phones behind REST APIs",
        ".SH SYNOPSIS",
        ".B textko",
        "[\\fIOPTION\\fR ...] \\fICOMMAND\\fR ...",
        ".SH DESCRIPTION",
        _escaped(tree.description or ""),
        ".SH OPTIONS OF EVERY COMMAND",
        *_options(tree),
        ".SH COMMANDS",
    ]
    # Options that stand with the program may stand with every command: they are said once.
    said_above = {flag for option in options_of(tree) for flag in option.option_strings}
    for path, parser in branches(tree):
        if path and not children(parser):
            lines += _command(tree, path, parser, said_above)
    lines += [".SH EXIT STATUS", *_table(_EXIT_CODES), ".SH FILES", *_table(_FILES)]
    return "\n".join(lines) + "\n"


def _command(
    tree: argparse.ArgumentParser,
    path: tuple[str, ...],
    parser: argparse.ArgumentParser,
    said_above: set[str],
) -> list[str]:
    above = tree
    for name in path[:-1]:
        above = children(above)[name]
    about = parser.description or help_of(above)[path[-1]]
    words = [_value(a) for a in parser._actions if not a.option_strings]
    title = " ".join([tree.prog, *path])
    own = [o for o in options_of(parser) if not said_above & set(o.option_strings)]
    return [
        f".SS {_escaped(title)}",
        _sentence(about),
        *(["", f"Takes \\fI{_escaped(' '.join(words))}\\fR."] if words else []),
        *_entries(own),
    ]


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return _entries(options_of(parser))


def _entries(options: list[argparse.Action]) -> list[str]:
    lines = []
    for option in options:
        value = f" \\fI{_escaped(_value(option))}\\fR" if option.nargs != 0 else ""
        flags = ", ".join(f"\\fB{_escaped(flag)}\\fR" for flag in option.option_strings)
        lines += [".TP", flags + value, _sentence(option.help or "")]
    return lines


def _value(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices:
        return "|".join(map(str, action.choices))
    return action.dest.upper().replace("_", "-")


def _table(rows: tuple[tuple[str, str], ...]) -> list[str]:
    return [line for name, text in rows for line in (".TP", f".B {_escaped(name)}", _escaped(text))]


def _sentence(text: str) -> str:
    plain = _escaped(text.replace("%%", "%"))
    return plain if plain.endswith((".", ")")) or not plain else f"{plain}."


def _escaped(text: str) -> str:
    """roff(7): a backslash begins a command, a hyphen may become a dash, a dot begins a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    # groff_char(7): so that no locale matters.
    escaped = "".join(c if c.isascii() else f"\\[u{ord(c):04X}]" for c in escaped)
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
