"""One phone with Termux in a folder: the real program on it, with stand-ins for its commands.

Refuses to know what the program does; all it has is what a person has: a terminal, and Android.
"""

import asyncio
import json
import os
import shutil
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import msgspec

from textko_server.emulated.termux.stand_ins import COMMANDS, Android
from textko_server.errors import Unavailable

_STOP_LIMIT_S = 30


class Ended(msgspec.Struct, frozen=True):
    """A command of the program that is over."""

    code: int
    output: str
    """What it wrote, errors too."""


class TermuxPhone:
    """`async with` it: on leaving, the program on it is stopped. The folder is the caller's."""

    def __init__(self, folder: Path, *, python: str | None = None) -> None:
        """`python`: of Termux, that the program runs in; this one's unless given.

        Raises: Unavailable when there is none.
        """
        self.home = folder / "home"
        self._usr = folder / "usr"
        self._python = python or _find_python()
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        (self._usr / "bin").mkdir(parents=True, exist_ok=True)
        source = files(__package__).joinpath("stand_ins.py").read_text("utf-8")
        for name in COMMANDS:
            command = self._usr / "bin" / name
            # -S: nothing but the standard library, and quickly.
            command.write_text(f"#!{_find_python()} -SE\n{source}")
            command.chmod(0o755)
        self.android = Android(self._usr / "android.db")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        if self._program.exists():
            await self.command("--stop")

    # --- what a person does at the terminal ---

    async def install(self, program: str, *arguments: str) -> Ended:
        """`curl … | python -`; `program` is what curl fetched."""
        return await self._run("-", *arguments, stdin=program)

    async def command(self, *arguments: str) -> Ended:
        """Of the installed program, such as --check."""
        return await self._run(str(self._program), *arguments)

    async def start(self, *options: str) -> None:
        """`run`, as a child of ours; `options` are Python's own."""
        self._process = await asyncio.create_subprocess_exec(
            self._python, *options, str(self._program), "run", env=self.environ, cwd=self.home,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def kill(self) -> None:
        """As Android does when it wants the memory."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
        await self.ended()

    @property
    def has_ended(self) -> bool:
        """Whether what `start` started is over."""
        return self._process is None or self._process.returncode is not None

    async def ended(self) -> int:
        """The exit code, once what `start` started is over."""
        if self._process is None:
            return 0
        return await asyncio.wait_for(self._process.wait(), _STOP_LIMIT_S)

    def configure(self, **values: Any) -> None:
        """Change config.json, for the next start."""
        path = self.home / ".textko" / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | values))

    @property
    def log(self) -> str:
        path = self.home / ".textko" / "log"
        return path.read_text() if path.exists() else ""

    # --- what happens on the phone ---

    def receive(self, sender: str, text: str) -> None:
        """A text comes in."""
        self.android.receive(sender, text)

    @property
    def on_air(self) -> list[tuple[str, str]]:
        """(number, text) of all that it handed to the network."""
        return [(number, text) for _, number, text in self.android.on_air()]

    def remove_command(self, name: str) -> None:
        (self._usr / "bin" / name).unlink()

    # --- how ---

    @property
    def environ(self) -> dict[str, str]:
        """Its own home, its own commands before this machine's, and none of our settings."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TEXTKO_", "PYTHON"))}
        path = f"{self._usr / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return kept | {"HOME": str(self.home), "PATH": path}

    @property
    def _program(self) -> Path:
        return self.home / ".textko" / "textko.py"

    async def _run(self, *arguments: str, stdin: str = "") -> Ended:
        process = await asyncio.create_subprocess_exec(
            self._python, *arguments, env=self.environ, cwd=self.home, start_new_session=True,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        output, _ = await process.communicate(stdin.encode())
        return Ended(process.returncode or 0, output.decode())


def _find_python() -> str:
    if not getattr(sys, "frozen", False):
        return sys.executable
    found = shutil.which("python3")
    if found is None:
        raise Unavailable("an emulated Termux needs Python, and there is no python3 here")
    return found
