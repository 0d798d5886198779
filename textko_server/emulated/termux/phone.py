"""One phone with Termux in a folder: the real program on it, with stand-ins for its commands.

A command is a script that asks the app, as in the package termux-api, and Termux is full of bash;
the app is in this process, so that a command costs next to nothing. Refuses to know what the
program does; all it has is what a person has: a terminal, and Android.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Self

import msgspec

from textko_server.emulated.termux.stand_ins import COMMANDS, Android, answer
from textko_server.errors import Unavailable

_STOP_LIMIT_S = 30
_IS_FROZEN = getattr(sys, "frozen", False)
_ASKED_BYTES = 1 << 20
# Each word ends with a zero byte, and so does the text, which alone comes by standard input.
_COMMAND = """#!{bash}
exec 3<>/dev/tcp/127.0.0.1/{port} || exit 1
printf '%s\\0' $(($# + 1)) {name} "$@" >&3
{stdin}
read -r code <&3
cat <&3
exit "${{code:-1}}"
"""
_SENDS_STDIN = r"cat >&3; printf '\0' >&3"


class Ended(msgspec.Struct, frozen=True):
    """A command of the program that is over."""

    code: int
    output: str
    """What it wrote, errors too."""


class TermuxPhone:
    """`async with` it: on leaving, the program on it is stopped. The folder is the caller's."""

    def __init__(self, folder: Path, *, python: str | None = None) -> None:
        """`python`: of Termux, that the program runs in; this one's unless given.

        Raises: Unavailable when there is none, or no bash.
        """
        self.home = folder / "home"
        self._usr = folder / "usr"
        self._python = python or (_find("python3") if _IS_FROZEN else sys.executable)
        self._bash = _find("bash")
        self._process: asyncio.subprocess.Process | None = None
        self._asked: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.home.mkdir(parents=True, exist_ok=True)
        (self._usr / "bin").mkdir(parents=True, exist_ok=True)
        self.android = Android()
        self._app = await asyncio.start_server(self._connected, "127.0.0.1", limit=_ASKED_BYTES)
        port = self._app.sockets[0].getsockname()[1]
        for name in COMMANDS:
            command = self._usr / "bin" / name
            stdin = _SENDS_STDIN if name == "termux-sms-send" else ""
            command.write_text(_COMMAND.format(bash=self._bash, port=port, name=name, stdin=stdin))
            command.chmod(0o755)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        await self._kill_detached()
        self._app.close()
        for task in self._asked:
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)
        self.android.close()

    async def _kill_detached(self) -> None:
        """What the installation started is no child of ours."""
        async with asyncio.timeout(_STOP_LIMIT_S):
            while (holder := self._lock_holder()) is not None:
                if holder:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(holder), signal.SIGKILL)
                await asyncio.sleep(0.02)

    def _lock_holder(self) -> str | None:
        """The program's process id, empty until it has written it; None: it does not run."""
        path = self.home / ".textko" / "lock"
        if not path.exists():
            return None
        with path.open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read()
        return None

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._ask(reader, writer))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One command asks; who killed it hears nothing."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), closing(writer):
            name, *arguments = [await _word(reader) for _ in range(int(await _word(reader)))]
            stdin = await _word(reader) if name == "termux-sms-send" else ""
            answered = answer(self.android, name, arguments, stdin)
            if answered is None:
                await reader.read()  # until whoever waits has had enough
                return
            writer.write(f"{answered.code}\n{answered.output}".encode())
            await writer.drain()

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


async def _word(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\0"))[:-1].decode()


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"an emulated Termux needs {program}, and there is none here")
    return found
