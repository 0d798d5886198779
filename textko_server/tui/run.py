"""Runs the screens in this terminal, or in a browser's, until they are left."""

import asyncio
import gc
import logging
import os
import signal
import sys
from datetime import UTC

import msgspec
from textual.drivers.linux_driver import LinuxDriver

from textko_server.admin_client import AdminClient
from textko_server.tui.app import Options, TextkoApp
from textko_server.tui.driver import TerminalDriver
from textko_server.tui.preferences import Preferences, load_preferences, preferences_path
from textko_server.tui.times import Times

# By then the first frame is drawn.
_START_S = 1.0


async def run_screens(
    admin: AdminClient,
    options: Options,
    *,
    theme: str | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """The exit code. `stop` ends them. Raises ConfigError for preferences that cannot be read."""
    path = preferences_path(os.environ)
    preferences = load_preferences(path)
    if preferences.keys:
        # Only then: it takes every page to know every key.
        from textko_server.tui.key_list import list_keys

        load_preferences(path, {line.id for line in list_keys()})
    if theme is not None:
        preferences = msgspec.structs.replace(preferences, theme=theme)
    # A line on standard error would tear the screen.
    logging.lastResort = None
    asyncio.get_running_loop().call_later(_START_S, _collect_again)
    async with admin:
        app = make_app(admin, options, preferences)
        ender = asyncio.create_task(_end_when(stop or _told_to_end(), app))
        try:
            answer = await app.run_async(mouse=preferences.mouse)
        finally:
            ender.cancel()
    if app.last_words:
        sys.stderr.write(f"textko: {app.last_words}\n")
    return answer if answer is not None else app.return_code or 0


def _collect_again() -> None:
    """What the start made stays for good: the collector need not look at it again and again."""
    gc.freeze()
    gc.enable()


def _told_to_end() -> asyncio.Event:
    """Set when the process is, or its terminal has gone: nobody would ever leave the screens."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for end in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(end, told.set)
    return told


async def _end_when(stop: asyncio.Event, app: TextkoApp) -> None:
    await stop.wait()
    app.exit(0)


def make_app(admin: AdminClient, options: Options, preferences: Preferences) -> TextkoApp:
    zone = UTC if preferences.time == "utc" else None
    app = TextkoApp(admin, options=options, preferences=preferences, times=Times(zone))
    if app.driver_class is LinuxDriver:  # in a browser Textual has another
        app.driver_class = TerminalDriver
    return app
