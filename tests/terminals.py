"""Real terminals to run the screens in: a pseudo-terminal that an emulator reads (pyte), and tmux.

Keys go in as bytes, what is on the screen comes out as lines. Refuses to know what runs.
"""

import asyncio
import fcntl
import os
import pty
import re
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import pyte

WAIT_S = 30.0
_LOOK_S = 0.02
KEYS = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f",
    "down": "\x1b[B", "f2": "\x1bOQ",
}  # fmt: skip
# Begun with <, = or > they are of newer terminals: pyte would print what follows.
_NEWER = re.compile(rb"\x1b\[[<=>][0-9;]*[a-z]")
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")
# Alternate screen, mouse in all its forms, focus, pasting in brackets.
_MODES_TO_LEAVE = frozenset({"1049", "1000", "1002", "1003", "1006", "1015", "1004", "2004"})
_CURSOR = "25"
# Only to whom a terminal belongs its new sizes are told.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


class Terminal(Protocol):
    async def lines(self) -> list[str]: ...

    async def send(self, text: str) -> None:
        """As typed."""

    async def resize(self, width: int, height: int) -> None: ...

    async def has_ended(self) -> bool:
        """Whether the program has."""

    async def left_behind(self) -> list[str]:
        """What the program, which has ended, did not put back."""


class Person:
    """At a terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.terminal.send(KEYS.get(key, key))

    async def see(self, *texts: str) -> str:
        """Wait until all of these can be read."""

        async def text_with_all() -> str:
            text = "\n".join(await self.terminal.lines())
            return text if all(wanted in text for wanted in texts) else ""

        async with self._patience(" and ".join(texts)):
            while not (seen := await text_with_all()):  # noqa: ASYNC110 - no event
                await asyncio.sleep(_LOOK_S)
        return seen

    async def see_no_more(self, text: str) -> None:
        async with self._patience(f"no {text}"):
            while any(text in line for line in await self.terminal.lines()):  # noqa: ASYNC110 - no event
                await asyncio.sleep(_LOOK_S)

    async def wait_for_the_end(self) -> None:
        async with self._patience("the end"):
            while not await self.terminal.has_ended():  # noqa: ASYNC110 - tmux has no event
                await asyncio.sleep(_LOOK_S)

    @asynccontextmanager
    async def _patience(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(WAIT_S):
                yield
        except TimeoutError:
            text = "\n".join(await self.terminal.lines())
            raise AssertionError(f"never saw {what} in:\n{text}") from None


class EmulatedTerminal:
    """Take it from `emulated`."""

    def __init__(self, main_fd: int, process: asyncio.subprocess.Process, screen: pyte.Screen):
        self._fd = main_fd
        self._process = process
        self._screen = screen
        self._stream = pyte.ByteStream(screen)
        self._lines: list[str] | None = None
        """None: something came since they were taken."""
        self.written = b""
        """All that the program said."""

    def read(self) -> None:
        try:
            said = os.read(self._fd, 65_536)
        except OSError:  # the program has closed its side
            said = b""
        if not said:
            asyncio.get_running_loop().remove_reader(self._fd)
        self.written += said
        self._lines = None
        self._stream.feed(_NEWER.sub(b"", said))

    async def lines(self) -> list[str]:
        # Dear to make, and looked at far oftener than anything comes.
        if self._lines is None:
            self._lines = [line.rstrip() for line in self._screen.display]
        return self._lines

    async def send(self, text: str) -> None:
        os.write(self._fd, text.encode())
        # A key after escape, in the same read, would be another key.
        await asyncio.sleep(_LOOK_S)

    async def resize(self, width: int, height: int) -> None:
        self._screen.resize(height, width)
        self._lines = None
        _set_size(self._fd, width, height)

    async def hang_up(self) -> int:
        """As when the connection is lost; the program's exit code."""
        asyncio.get_running_loop().remove_reader(self._fd)
        # The number stays taken, so that nothing else is closed by it later.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, self._fd)
        os.close(nothing)
        async with asyncio.timeout(WAIT_S):
            return await self._process.wait()

    async def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def left_behind(self) -> list[str]:
        modes = {_CURSOR: b"h"}
        for numbers, switch in _MODE.findall(self.written):
            modes |= dict.fromkeys(numbers.decode().split(";"), switch)
        left = [f"mode {m}" for m in sorted(_MODES_TO_LEAVE) if modes.get(m) == b"h"]
        return left + (["a hidden cursor"] if modes[_CURSOR] == b"l" else [])


@asynccontextmanager
async def emulated(
    command: list[str], environment: dict[str, str], size: tuple[int, int], *, is_its: bool = True
) -> AsyncIterator["EmulatedTerminal"]:
    """`is_its`: the terminal belongs to the program, which then hears of its end and its sizes."""
    main_fd, program_fd = pty.openpty()
    _set_size(main_fd, *size)
    process = await asyncio.create_subprocess_exec(
        *([sys.executable, "-c", _TAKE_TERMINAL] if is_its else []), *command,
        stdin=program_fd, stdout=program_fd, stderr=program_fd,
        env=environment | {"TERM": "xterm-256color"}, start_new_session=True,
    )  # fmt: skip
    os.close(program_fd)
    terminal = EmulatedTerminal(main_fd, process, pyte.Screen(*size))
    asyncio.get_running_loop().add_reader(main_fd, terminal.read)
    try:
        yield terminal
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        asyncio.get_running_loop().remove_reader(main_fd)
        os.close(main_fd)


def _set_size(fd: int, width: int, height: int) -> None:
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


_ENDED = "It ended with"
# Of a pane whose program is gone tmux changes the modes itself.
_STAY = f'"$@"; printf "{_ENDED} %s" $?; exec sleep 600'


class TmuxTerminal:
    """Take it from `in_tmux`."""

    def __init__(self, socket_name: str) -> None:
        self._socket_name = socket_name

    async def tmux(self, *words: str, environment: dict[str, str] | None = None) -> str:
        process = await asyncio.create_subprocess_exec(
            "tmux", "-L", self._socket_name, "-f", "/dev/null", *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environment,
        )  # fmt: skip
        said, complaint = await process.communicate()
        assert process.returncode == 0, f"tmux {words[0]}: {complaint.decode()}"
        return said.decode()

    async def lines(self) -> list[str]:
        return (await self.tmux("capture-pane", "-p")).splitlines()

    async def send(self, text: str) -> None:
        await self.tmux("send-keys", "-H", *(f"{byte:02x}" for byte in text.encode()))

    async def resize(self, width: int, height: int) -> None:
        await self.tmux("resize-window", "-x", str(width), "-y", str(height))

    async def has_ended(self) -> bool:
        return any(line.startswith(_ENDED) for line in await self.lines())

    async def left_behind(self) -> list[str]:
        left = [flag for flag in ("mouse_any_flag", "alternate_on") if await self._ask(flag) == "1"]
        return left + (["a hidden cursor"] if await self._ask("cursor_flag") == "0" else [])

    async def _ask(self, name: str) -> str:
        return (await self.tmux("display-message", "-p", f"#{{{name}}}")).strip()


@asynccontextmanager
async def in_tmux(
    command: list[str], environment: dict[str, str], size: tuple[int, int]
) -> AsyncIterator[Terminal]:
    terminal = TmuxTerminal(f"textko-test-{os.getpid()}")
    async with AsyncExitStack() as stack:
        await terminal.tmux(
            "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]),
            "sh", "-c", _STAY, "sh", *command, environment=environment,
        )  # fmt: skip
        stack.push_async_callback(terminal.tmux, "kill-server")
        yield terminal
