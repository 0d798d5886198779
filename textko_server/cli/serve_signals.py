"""What signals do to a running server.

SIGINT and SIGTERM stop it. SIGHUP reads again what may change while it runs; in a terminal it says
that the terminal has gone, and stops it too. SIGUSR1 logs everything from debug on, SIGUSR2 goes
back to the level that is set.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence

from textko_server import logs
from textko_server.errors import TextkoError

log = logging.getLogger(__name__)

Reload = Callable[[], None]
"""Reads something again that may have changed. A TextkoError says why it stays as it was."""


class LogLevel:
    """The level that is set, and the one in force while somebody looks closer."""

    def __init__(self, read: Callable[[], str]) -> None:
        """`read` looks at the settings again; raises ConfigError."""
        self._read = read
        self._set = logs.level_in_force()

    def reload(self) -> None:
        self._set = self._read()
        self.go_back()

    def debug(self) -> None:
        self._change("debug")

    def go_back(self) -> None:
        self._change(self._set)

    def _change(self, level: str) -> None:
        logs.set_level(level)
        # A warning: it is seen whatever the level was and is.
        log.warning("log_level_changed", extra={"level": level})


def handle_signals(stop: asyncio.Event, level: LogLevel, reloads: Sequence[Reload]) -> None:
    """From now on, in the running event loop. `reloads`, which may grow, are for SIGHUP."""
    loop = asyncio.get_running_loop()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop_signal, stop.set)
    if sys.stderr.isatty():
        loop.add_signal_handler(signal.SIGHUP, stop.set)
    else:
        loop.add_signal_handler(signal.SIGHUP, _reload_all, level, reloads)
    loop.add_signal_handler(signal.SIGUSR1, level.debug)
    loop.add_signal_handler(signal.SIGUSR2, level.go_back)


def _reload_all(level: LogLevel, reloads: Sequence[Reload]) -> None:
    for reload in (level.reload, *reloads):
        try:
            reload()
        except TextkoError as error:
            log.error("reload_failed", extra={"reason": error.message})
