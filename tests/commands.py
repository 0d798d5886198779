"""Runs the command line inside the test: in a thread, against a server in the test's own loop."""

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from textko_server import cli


class Outcome(msgspec.Struct, frozen=True):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class CommandLine:
    """`await textko("user", "list")` on a data directory."""

    def __init__(
        self, data_dir: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self._data_dir = data_dir
        self._capsys = capsys
        self._monkeypatch = monkeypatch

    async def __call__(self, *arguments: str, stdin: str = "") -> Outcome:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        argv = ["--data-dir", str(self._data_dir), *arguments]
        code = await asyncio.to_thread(cli.run, argv)
        captured = self._capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    async def json(self, *arguments: str, stdin: str = "") -> Any:
        """What a command that succeeds prints with --json."""
        outcome = await self(*arguments, "--json", stdin=stdin)
        assert outcome.code == 0, outcome.err
        return outcome.json
