"""The program behind a browser window: `textko tui`, which draws into pipes instead of a terminal.

textual-serve's AppService speaks the pipes' protocol. Here is what differs: the program is started
without a shell and with an environment of its own, its errors do not land in our output, and one
that hangs is killed. Loaded with the first window. Refuses to know websockets and logins.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual_serve.app_service import AppService
from textual_serve.download_manager import DownloadManager

log = logging.getLogger(__name__)

DRIVER = "textko_server.tui.browser_driver:BrowserDriver"
# How long a program may take to end by itself, once nobody looks at it any more. Nothing is lost
# with it; a server that stops waits for this.
QUIT_S = 0.5
_SHOWN_ERROR_BYTES = 300


class Program(AppService):
    """One `textko tui`; `start` and `stop` it."""

    def __init__(
        self,
        socket_path: Path,
        token: str,
        *,
        shows_all: bool,
        write_bytes: Callable[[bytes], Awaitable[None]],
        write_str: Callable[[str], Awaitable[None]],
        close: Callable[[], Awaitable[None]],
        downloads: DownloadManager,
    ) -> None:
        """`token`: the login's JWT; `shows_all`: everybody's things, else the user's own."""
        super().__init__(
            "",
            write_bytes=write_bytes,
            write_str=write_str,
            close=close,
            download_manager=downloads,
        )
        self._socket_path = socket_path
        self._token = token
        self._shows_all = shows_all
        self._errors: asyncio.Task[bytes] | None = None

    async def ended(self) -> None:
        """Returns when the program has ended, by itself or not."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """End it, by force if need be; returns when it is gone."""
        quitting = asyncio.ensure_future(self._quit())
        try:
            await asyncio.wait([quitting], timeout=QUIT_S)
        finally:
            self._kill()
            quitting.cancel()  # a browser that takes nothing more holds it up
            [outcome] = await asyncio.gather(quitting, return_exceptions=True)
        if isinstance(outcome, Exception):
            log.error("dashboard_protocol_broken", exc_info=outcome)
        await self._tell_failure()

    async def _quit(self) -> None:
        await super().stop()
        if self._process is not None:
            await self._process.wait()

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            # The group: nothing that it started stays either.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _tell_failure(self) -> None:
        if self._process is None or self._errors is None:
            return
        exit_code, last_words = await self._process.wait(), await self._errors
        if exit_code > 0:
            # Not all it said: a traceback may quote texts and numbers.
            reason = last_words.strip().rpartition(b"\n")[2][:_SHOWN_ERROR_BYTES]
            log.warning(
                "dashboard_program_failed",
                extra={"exit_code": exit_code, "reason": reason.decode("utf-8", "replace")},
            )

    async def _open_app_process(self, width: int = 80, height: int = 24) -> Process:
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=self._build_environment(width, height),
            start_new_session=True,
        )
        self._stdin = process.stdin
        if process.stderr is not None:
            self._errors = asyncio.create_task(_last_bytes(process.stderr))
        # AppService prints what comes here to our standard output.
        process.stderr = asyncio.StreamReader()
        process.stderr.feed_eof()
        return process

    def _command(self) -> list[str]:
        # The token is not among them: everybody on the machine can see a command line.
        arguments = ["tui", "--socket", str(self._socket_path)]
        program = [] if getattr(sys, "frozen", False) else ["-m", "textko_server"]
        return [sys.executable, *program, *arguments, *([] if self._shows_all else ["--own"])]

    def _build_environment(self, width: int = 80, height: int = 24) -> dict[str, str]:
        """Ours without its settings and passwords, and what Textual's web_driver.py reads."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TEXTKO_", "TEXTUAL", "NO_COLOR"))
        }
        # Of the program of one file: what it has unpacked serves this one too.
        loaders: dict[str, str] = getattr(sys, "loaders_variables", {})
        return (
            inherited
            | loaders
            | {
                "TEXTKO_API_KEY": self._token,
                # Preferences are those of whoever runs the server, and not for others to change.
                "TEXTKO_TUI_CONFIG": f"{os.devnull}/none",
                "TEXTUAL_DRIVER": DRIVER,
                "TEXTUAL_FPS": "30",
                "TEXTUAL_COLOR_SYSTEM": "truecolor",
                "TERM_PROGRAM": "textual",
                "COLUMNS": str(width),
                "ROWS": str(height),
            }
        )


async def _last_bytes(stream: asyncio.StreamReader) -> bytes:
    """The end of all that comes."""
    kept = b""
    while chunk := await stream.read(4_096):
        kept = (kept + chunk)[-4_096:]
    return kept
