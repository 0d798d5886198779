"""How the screens write to a terminal: as Textual does, and what a terminal that has gone refuses
is dropped, and taken as SIGHUP.

Textual's own writer ends with its first write that fails; whoever then waits for room in its queue
holds up the event loop for ever, and with `serve --tui` the server in it. And the kernel tells only
whom the terminal belongs to: not a program that something else started in it, whose reader of keys
would find nothing, over and over, until something is drawn.
"""

import os
import select
import signal
import sys
from threading import Event, Thread
from typing import IO, Any, cast

from textual.app import App
from textual.drivers.linux_driver import LinuxDriver

# How often the one who waits for the terminal to go looks whether it is still needed.
_LOOK_MS = 1000


class TerminalDriver(LinuxDriver):
    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        assert sys.__stderr__ is not None  # noqa: S101 - whoever opens the screens looked
        self._file = cast(Any, _LastingFile(sys.__stderr__))

    def run_input_thread(self) -> None:
        Thread(target=_tell_when_gone, args=(self.fileno, self.exit_event), daemon=True).start()
        super().run_input_thread()


def _tell_when_gone(terminal: int, has_ended: Event) -> None:
    gone = select.poll()
    gone.register(terminal, 0)
    while not has_ended.is_set():
        if gone.poll(_LOOK_MS):
            if not has_ended.is_set():
                os.kill(os.getpid(), signal.SIGHUP)
            return


class _LastingFile:
    """Of an output, what Textual's writer uses."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output
        self._has_gone = False

    def write(self, text: str) -> None:
        if not self._has_gone:
            try:
                self._output.write(text)
            except OSError:
                self._hang_up()

    def flush(self) -> None:
        if not self._has_gone:
            try:
                self._output.flush()
            except OSError:
                self._hang_up()

    def fileno(self) -> int:
        return self._output.fileno()

    def _hang_up(self) -> None:
        self._has_gone = True
        os.kill(os.getpid(), signal.SIGHUP)
