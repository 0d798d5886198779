"""What the phone keeps over the end of the program: tables of rows in one file.

A line of JSON for each change, appended before it counts, so that a kill -9 loses none and leaves
none half done; what was cut short at the end of the file never was. Survives the end of the
program, not of the machine: only the radio's record of what went out is synced. The app has Room
and SharedPreferences for this. Refuses to know what the rows mean.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, TypeVar

import msgspec

Row = TypeVar("Row")


class Disk:
    """Made when absent. For one program at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = _read(path)
        self._shorten()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def table(self, name: str, row_type: type[Row]) -> "Table[Row]":
        kept = self._kept.get(name, {})
        return Table(self, name, {key: msgspec.convert(row, row_type) for key, row in kept.items()})

    def append(self, table: str, key: str, row: Any) -> None:
        """On return the operating system has it. None takes the row away."""
        line = msgspec.json.encode((table, key, row)) + b"\n"
        if os.write(self._file, line) != len(line):
            raise OSError(f"the disk is full: {self._path}")

    def close(self) -> None:
        os.close(self._file)

    def _shorten(self) -> None:
        lines = [
            msgspec.json.encode((table, key, row)) + b"\n"
            for table, rows in self._kept.items()
            for key, row in rows.items()
        ]
        shorter = self._path.with_suffix(".new")
        shorter.write_bytes(b"".join(lines))
        shorter.replace(self._path)


class Table(Generic[Row]):
    """Rows by key, in the order in which their keys first came."""

    def __init__(self, disk: Disk, name: str, rows: dict[str, Row]) -> None:
        self._disk = disk
        self._name = name
        self._rows = rows

    @property
    def rows(self) -> Mapping[str, Row]:
        return MappingProxyType(self._rows)

    def put(self, key: str, row: Row) -> None:
        self._disk.append(self._name, key, row)
        self._rows[key] = row

    def drop(self, key: str) -> None:
        if key in self._rows:
            self._disk.append(self._name, key, None)
            del self._rows[key]


def _read(path: Path) -> dict[str, dict[str, Any]]:
    tables: dict[str, dict[str, Any]] = {}
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    for line in lines:
        table, key, row = msgspec.json.decode(line, type=tuple[str, str, Any])
        rows = tables.setdefault(table, {})
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row
    return tables
