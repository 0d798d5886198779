"""Copies a text to where the person sits, and says in words which way it went.

In a browser, over SSH and in terminals known to do it, the terminal is asked to (OSC 52): it cannot
answer, so what is said is what was tried. On a desktop its own program is given the text; wl-copy,
which may open a window for a moment, only where the terminal is not known to do it. tmux is asked
by its own command, because by default it passes nothing on. Copies the text it is given, never
what is drawn. Refuses to know what is copied.
"""

import asyncio
import base64
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from textual.app import App

Way = Literal["browser", "tmux", "terminal", "program", "none"]

# hterm's osc52.sh: many terminals drop a sequence of more than 100,000 bytes; 74,994 of text fit.
_MAX_TERMINAL_BYTES = 74_994
# xterm.js reads no sequence of more than 10,000,000 characters.
_MAX_BROWSER_BYTES = 7_000_000
# wl-copy hangs where the compositor does not answer.
_PROGRAM_S = 2.0
# What GNU screen passes on at once: its strings end at 768 bytes, escape sequences included.
_SCREEN_CHUNK = 512
_OTHER_WAYS = "Show it in a box to select it, or write it to a file"


class Copied(msgspec.Struct, frozen=True):
    way: Way
    """none: it was not."""
    sentence: str
    """For the person, with what they can do when it did not arrive."""


class _Program(msgspec.Struct, frozen=True):
    command: Sequence[str]
    encoding: str = "utf-8"

    @property
    def name(self) -> str:
        return self.command[0]


_TERMUX = _Program(("termux-clipboard-set",))
_WINDOWS = _Program(("clip.exe",), "utf-16-le")
_MACOS = _Program(("pbcopy",))
_WAYLAND = _Program(("wl-copy",))
_X11 = (
    _Program(("xclip", "-selection", "clipboard", "-in")),
    _Program(("xsel", "--clipboard", "--input")),
)


async def copy(text: str, app: App[Any]) -> Copied:
    """Put `text` on the clipboard of whoever looks at `app`; the app's own paste has it too."""
    app._clipboard = text
    if app.is_web:
        return _by_browser(text, app)
    environ = os.environ
    in_tmux = "TMUX" in environ
    if await _is_remote(environ):
        return await _by_tmux(text, app) if in_tmux else _by_terminal(text, app, environ)
    failures: list[str] = []
    for program in _programs(environ, text):
        failure = await _failure_of(program, text)
        if failure is None:
            return Copied("program", f"{''.join(failures)}Copied by {program.name}.")
        failures.append(f"{program.name} {failure}. ")
    copied = await _by_tmux(text, app) if in_tmux else _by_terminal(text, app, environ)
    return Copied(copied.way, "".join(failures) + copied.sentence)


# --- where the person sits ---


async def _is_remote(environ: Mapping[str, str]) -> bool:
    if "TMUX" in environ:
        # A session may have been started at the desk and be looked at from elsewhere, or the other
        # way round: tmux notes it at each attach, our own environment is as old as the window.
        answer = await _tmux("show-environment", "SSH_CONNECTION")
        if answer is not None:
            return answer.startswith("SSH_CONNECTION=")
    return bool(environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"))


def _knows_osc52(environ: Mapping[str, str]) -> bool:
    """Terminals that take OSC 52 unless they were told not to."""
    if "TMUX" in environ or "STY" in environ:
        return False
    return (
        environ.get("TERM_PROGRAM") in ("WezTerm", "ghostty", "rio", "contour")
        or environ.get("TERM", "").startswith(("xterm-kitty", "xterm-ghostty", "foot", "alacritty"))
        or any(name in environ for name in ("KITTY_WINDOW_ID", "WEZTERM_PANE", "WT_SESSION"))
    )


def _programs(environ: Mapping[str, str], text: str) -> list[_Program]:
    """Those that are there and have a desktop to talk to, the best first."""
    wanted = [_TERMUX, _MACOS]
    if "WSL_DISTRO_NAME" in environ:
        wanted.append(_WINDOWS)
    fits = len(text.encode(errors="replace")) <= _MAX_TERMINAL_BYTES
    if environ.get("WAYLAND_DISPLAY") and not (_knows_osc52(environ) and fits):
        wanted.append(_WAYLAND)
    if environ.get("DISPLAY") and not (environ.get("WAYLAND_DISPLAY") and _knows_osc52(environ)):
        wanted.extend(_X11)
    return [program for program in wanted if shutil.which(program.name)]


# --- the ways ---


def _by_browser(text: str, app: App[Any]) -> Copied:
    content = text.encode(errors="replace")
    if len(content) > _MAX_BROWSER_BYTES:
        return _too_long(content, _MAX_BROWSER_BYTES, "browsers")
    _write(app, _osc52(content))
    return Copied(
        "browser",
        "Sent to the browser's clipboard, which takes it only over HTTPS or on this machine.",
    )


def _by_terminal(text: str, app: App[Any], environ: Mapping[str, str]) -> Copied:
    if environ.get("TERM") in ("linux", "dumb"):
        return Copied("none", f"This console has no clipboard. {_OTHER_WAYS}.")
    if environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return Copied("none", f"Apple's Terminal takes no text this way. {_OTHER_WAYS}.")
    content = text.encode(errors="replace")
    if len(content) > _MAX_TERMINAL_BYTES:
        return _too_long(content, _MAX_TERMINAL_BYTES, "most terminals")
    sequence = _osc52(content)
    _write(app, _through_screen(sequence) if "STY" in environ else sequence)
    if environ.get("TERM_PROGRAM") == "vscode" and not text.isascii():
        # It took the bytes for Latin-1 for years.
        return Copied(
            "terminal",
            "Sent to the terminal's clipboard (OSC 52); older VS Code spoils other letters than"
            f" a to z. {_OTHER_WAYS}, if so.",
        )
    return Copied(
        "terminal", f"Sent to the terminal's clipboard (OSC 52). Not there? {_OTHER_WAYS}."
    )


async def _by_tmux(text: str, app: App[Any]) -> Copied:
    """By tmux 3.2 or later, whatever its set-clipboard; else as its settings allow."""
    content = text.encode(errors="replace")
    if await _tmux("load-buffer", "-w", "-", content=content) is not None:
        if len(content) > _MAX_TERMINAL_BYTES:
            return Copied(
                "tmux",
                f"In tmux's buffer (prefix ]). At {len(content):,} bytes it is too long for the"
                f" clipboard of most terminals: {_OTHER_WAYS}.",
            )
        return Copied(
            "tmux", "In tmux's buffer (prefix ]), and sent on to the terminal's clipboard."
        )
    if len(content) > _MAX_TERMINAL_BYTES:
        return _too_long(content, _MAX_TERMINAL_BYTES, "most terminals")
    sequence = _osc52(content)
    takes_it = (await _tmux("show-options", "-sv", "set-clipboard") or "").strip() == "on"
    _write(app, sequence if takes_it else _through_tmux(sequence))
    return Copied(
        "terminal",
        "Sent to the terminal through tmux (OSC 52). Not there? Let tmux `set -s set-clipboard on`,"
        f" or: {_OTHER_WAYS.lower()}.",
    )


def _too_long(content: bytes, limit: int, takers: str) -> Copied:
    return Copied(
        "none",
        f"Not copied: {len(content):,} bytes are more than the {limit:,} that {takers} take."
        f" {_OTHER_WAYS}.",
    )


# --- OSC 52 ---


def _osc52(content: bytes) -> str:
    """https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, Manipulate Selection Data"""
    return f"\x1b]52;c;{base64.b64encode(content).decode()}\a"


def _through_tmux(sequence: str) -> str:
    """tmux FAQ, passthrough: escapes inside are doubled. From 3.3 on it has to be allowed."""
    return f"\x1bPtmux;{sequence.replace(chr(27), chr(27) * 2)}\x1b\\"


def _through_screen(sequence: str) -> str:
    chunks = [
        sequence[start : start + _SCREEN_CHUNK] for start in range(0, len(sequence), _SCREEN_CHUNK)
    ]
    return "".join(f"\x1bP{chunk}\x1b\\" for chunk in chunks)


def _write(app: App[Any], sequence: str) -> None:
    # Only the driver may write: it has the terminal, and its thread keeps sequences whole.
    if app._driver is not None:
        app._driver.write(sequence)
        app._driver.flush()


# --- programs ---


async def _tmux(*command: str, content: bytes = b"") -> str | None:
    """What it printed; None: it could not."""
    try:
        process = await asyncio.create_subprocess_exec(
            "tmux", *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError:
        return None
    try:
        output = await _fed(process, content)
    except TimeoutError:
        return None
    return output.decode(errors="replace") if process.returncode == 0 else None


async def _failure_of(program: _Program, text: str) -> str | None:
    """None: it took the text. xclip and wl-copy leave a process behind that hands it out."""
    try:
        process = await asyncio.create_subprocess_exec(
            *program.command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return f"did not start ({error.strerror})"
    try:
        await _fed(process, text.encode(program.encoding, errors="replace"))
    except TimeoutError:
        return f"did not answer within {_PROGRAM_S:.0f} seconds"
    return None if process.returncode == 0 else "failed"


async def _fed(process: asyncio.subprocess.Process, content: bytes) -> bytes:
    """Give it `content` and wait for its end. Raises TimeoutError, and then it is gone."""
    try:
        async with asyncio.timeout(_PROGRAM_S):
            output, _ = await process.communicate(content)
    except BaseException:
        if process.returncode is None:
            # A session of its own: its children go with it.
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        raise
    return output or b""
