"""What the documentation promises: every command and option is in docs/cli.md, and nothing else."""

import argparse
import re
from pathlib import Path

import pytest

from textko_server.cli import build_parser

DOCS = Path(__file__).parent.parent / "docs"
CLI = (DOCS / "cli.md").read_text("utf-8")
EVERYWHERE = "Options of every command"


def sections(text: str) -> dict[str, str]:
    """The body under each heading."""
    pieces = re.split(r"^#{2,3} (.+)$", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def documented_flags(section: str) -> set[str]:
    """Those in the first column of tables."""
    return set(re.findall(r"^\| `(--[a-z0-9-]+)", section, flags=re.MULTILINE))


def commands(parser: argparse.ArgumentParser) -> dict[str, set[str]]:
    """Every command that does something, with its flags."""
    found: dict[str, set[str]] = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                found |= commands(child) or {child.prog: _flags(child)}
    return found


def _flags(parser: argparse.ArgumentParser) -> set[str]:
    flags = {flag for action in parser._actions for flag in action.option_strings}
    return {flag for flag in flags if flag.startswith("--")} - {"--help"}


PARSER = build_parser()
COMMANDS = commands(PARSER)
SECTIONS = sections(CLI)


def test_options_of_every_command_are_documented() -> None:
    assert documented_flags(SECTIONS[EVERYWHERE]) == _flags(PARSER)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_command_is_documented_with_its_options(command: str) -> None:
    assert documented_flags(SECTIONS[command]) == COMMANDS[command] - _flags(PARSER)


def test_no_command_is_documented_that_does_not_exist() -> None:
    groups = {command.rpartition(" ")[0] for command in COMMANDS}
    assert set(SECTIONS) - {EVERYWHERE} <= set(COMMANDS) | groups
