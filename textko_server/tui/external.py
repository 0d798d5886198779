"""Texts in the person's own pager and editor, while the screens step aside.

The program goes on meanwhile: what runs in the same process, such as the server, is not held up.
In a browser there is no terminal to step aside from. Refuses to know what the texts are.
"""

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from textual.app import App

from textko_server.errors import TextkoError
from textko_server.terminal_text import safe_lines
from textko_server.tui.confinement import is_confined

_PAGERS = ("less -R", "more")
_EDITORS = ("nano", "vi")


class NoProgram(TextkoError):
    """It cannot be shown or edited outside of the screens; the sentence says why."""

    code = "no_program"


async def view_in_pager(app: App[Any], text: str) -> str:
    """By $PAGER, else less or more. The answer is what went wrong; empty: nothing.

    What users wrote is shown without the characters that do something to a terminal.
    """
    try:
        command = _command(os.environ, ("PAGER",), _PAGERS)
        content = safe_lines(text).encode(errors="replace") + b"\n"
        await _in_foreground(app, command, content)
    except NoProgram as error:
        return error.message
    return ""


async def edit_text(app: App[Any], text: str, suffix: str = ".txt") -> str | None:
    """By $VISUAL or $EDITOR, else nano or vi. None: it was left as it was.

    It lies in a file that nobody else may read, and that is deleted after.

    Raises:
        NoProgram: there is no editor, it failed, or this is a browser.
    """
    command = _command(os.environ, ("VISUAL", "EDITOR"), _EDITORS)
    # A folder of its own: editors lay their swap and backup files beside the file.
    with tempfile.TemporaryDirectory(prefix="textko-") as folder:
        path = Path(folder) / f"text{suffix}"
        await asyncio.to_thread(_write, path, text)
        await _in_foreground(app, [*command, str(path)])
        edited = await asyncio.to_thread(_read, path)
    # Most editors end the last line.
    if not text.endswith("\n"):
        edited = edited.removesuffix("\n")
    return None if edited == text else edited


def _command(
    environ: Mapping[str, str], variables: Sequence[str], otherwise: Sequence[str]
) -> list[str]:
    for variable in variables:
        if environ.get(variable, "").strip():
            return _named(variable, environ[variable])
    for line in otherwise:
        command = line.split()
        if shutil.which(command[0]):
            return command
    names = " nor ".join(line.split()[0] for line in otherwise)
    raise NoProgram(f"There is neither {names} here: set {variables[-1]} to a program.")


def _named(variable: str, line: str) -> list[str]:
    try:
        command = shlex.split(line)
    except ValueError as error:
        raise NoProgram(f"{variable} cannot be read: {error}.") from error
    if not shutil.which(command[0]):
        raise NoProgram(f"{variable} names {command[0]}, and there is no such program.")
    return command


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_bytes(text.encode(errors="replace"))


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except (OSError, ValueError) as error:
        raise NoProgram(f"What the editor left cannot be read: {error}.") from error


async def _in_foreground(app: App[Any], command: Sequence[str], content: bytes = b"") -> None:
    """Run it on the terminal, with `content` to read, or else the keyboard."""
    driver = app._driver
    if is_confined():
        raise NoProgram("This key opens the screens only, no other program.")
    if app.is_web or driver is None or not driver.can_suspend:
        raise NoProgram("Other programs can run in a terminal only, not in a browser.")
    failure: BaseException | None = None
    # `suspend` comes back to the screens only if nothing is raised inside of it.
    with app.suspend(), app.batch_update(), _keyboard_signals_left_to_it():
        try:
            failure = await _ended(command, content)
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = error
    if failure is not None:
        raise failure


async def _ended(command: Sequence[str], content: bytes) -> NoProgram | None:
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE if content else None
        )
    except OSError as error:
        return NoProgram(f"{command[0]} did not start: {error.strerror}.")
    try:
        # A pager may be left before it has read everything; `communicate` takes that.
        await process.communicate(content or None)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode:
        return NoProgram(f"{command[0]} ended with exit code {process.returncode}.")
    return None


@contextmanager
def _keyboard_signals_left_to_it() -> Iterator[None]:
    """ctrl+c in a pager stops its search, and must not stop us, who are in its process group.

    A handler, unlike ignoring, is not inherited by the program.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGQUIT)
    before = {number: signal.signal(number, lambda *_: None) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
