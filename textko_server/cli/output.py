"""How answers are printed: JSON for programs, tables for people, plain columns for pipes.

What users wrote (names, texts, numbers) may hold anything: characters that move the cursor, hide or
turn text around are replaced before they reach a terminal.
"""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from textko_server.terminal_text import display_width, safe, safe_lines, shortened, shown_time

__all__ = [
    "answer", "print_fields", "print_json", "print_table", "safe", "safe_lines", "say", "shortened",
    "shown_time",
]  # fmt: skip

Cell = str | int | None


def print_json(value: Any) -> None:
    """`value`: whatever msgspec encodes. Indented on a terminal, else on one line."""
    import msgspec

    encoded = msgspec.json.encode(value)
    if sys.stdout.isatty():
        encoded = msgspec.json.format(encoded, indent=2)
    sys.stdout.write(encoded.decode() + "\n")


def say(text: str = "") -> None:
    """A line for people; `text` is ours, or made safe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Cell]], *, empty: str) -> None:
    """`empty`: what to say when there are no rows."""
    cells = [[safe("-" if cell is None else str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        _print_columns([list(columns), *cells])
    elif not rows:
        say(empty)
    else:
        _print_rich(columns, cells)


def print_fields(fields: Sequence[tuple[str, Cell]]) -> None:
    """One thing: a name and a value a line."""
    width = max(len(name) for name, _ in fields)
    for name, value in fields:
        say(f"{name:<{width}}  {safe('-' if value is None else str(value))}")


def answer(options: argparse.Namespace, value: Any, sentence: str) -> None:
    """The outcome of a change: JSON when asked for, else a sentence."""
    if options.json:
        print_json(value)
    else:
        say(sentence)


def _print_columns(rows: list[list[str]]) -> None:
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [
            cell + " " * (width - display_width(cell))
            for cell, width in zip(row, widths, strict=True)
        ]
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _print_rich(columns: Sequence[str], rows: list[list[str]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(highlight=False).print(table)
