"""`textko serve`: the server, until it is told to stop."""

import argparse
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.cli.tui import add_look_options
from textko_server.errors import TextkoError

if TYPE_CHECKING:
    from asyncio import Event

    from textko_server.cli.first_admin import FirstAdmin
    from textko_server.cli.serve_signals import LogLevel
    from textko_server.config_loader import LoadedSettings
    from textko_server.server import Server
    from textko_server.service_manager import ServiceManager

_EXAMPLES = """examples:
  textko serve
  textko --data-dir /srv/textko serve --listen 127.0.0.1:8480 --public-url https://sms.example.org
  textko serve --set webhooks.timeout_s=5 --set rates.requests_per_minute=600"""
_SETTING_OF_FLAG = {
    "listen": "server.listen",
    "public_url": "server.public_url",
    "domain": "server.domain",
    "log_level": "log.level",
}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    serve = subparsers.add_parser(
        "serve",
        help="start the server",
        description="Start the server and keep it running until SIGTERM or Ctrl-C. Settings come "
        "from flags, then the environment, then textko.toml.",
        epilog=_EXAMPLES,
    )
    serve.add_argument("--listen", metavar="HOST:PORT", help="where to listen (0.0.0.0:8480)")
    serve.add_argument(
        "--public-url", metavar="URL", help="where phones and applications reach the server"
    )
    serve.add_argument(
        "--domain", metavar="NAME",
        help="name in the internet to get certificates for by itself, or several with commas",
    )  # fmt: skip
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (info)")
    serve.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings",
        help="any other setting of textko.toml; may be repeated",
    )  # fmt: skip
    serve.add_argument(
        "--tui", action="store_true",
        help="with the screens in this terminal; leaving them stops the server. The log goes to "
        "DIR/textko.log",
    )  # fmt: skip
    add_look_options(serve)
    serve.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    import asyncio

    import uvloop

    from textko_server import logs
    from textko_server.cli.first_admin import first_admin_of
    from textko_server.cli.serve_signals import LogLevel
    from textko_server.service_manager import ServiceManager

    loaded = load_settings(options, _flags(options))
    first_admin = first_admin_of(os.environ)
    manager = ServiceManager(os.environ)
    screens = _screens(options)
    set_log = loaded.settings.log
    logs.set_up(set_log.level, _log_path(loaded) if screens else None, set_log.format)
    level = LogLevel(lambda: load_settings(options, _flags(options)).settings.log.level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(loaded, screens, first_admin, manager, level))
    except TextkoError:
        raise
    except Exception:
        # Whoever reads this log later cannot ask again with --debug.
        logging.getLogger(__name__).exception("crashed")
        return EXIT_FAILED


def _screens(options: argparse.Namespace) -> "Callable[[Server, Event], Awaitable[int]] | None":
    """What shows the screens until they are left or the event is set. None: not asked for."""
    if not options.tui:
        if options.read_only or options.theme is not None:
            raise UsageError("--read-only and --theme are for --tui")
        return None
    if not sys.stdin.isatty():
        raise UsageError("--tui needs a terminal: with ssh, add -t")
    from textko_server.admin_client import AdminClient
    from textko_server.tui.app import Options
    from textko_server.tui.run import run_screens

    chosen = Options(is_read_only=options.read_only, stops_server=True)

    def show(server: "Server", stop: "Event") -> Awaitable[int]:
        admin = AdminClient.over_socket(server.socket_path)
        return run_screens(admin, chosen, theme=options.theme, stop=stop)

    return show


def _log_path(loaded: "LoadedSettings") -> Path:
    data_dir = loaded.settings.server.data_dir
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"cannot use the data directory {data_dir}: {error}") from error
    return data_dir / "textko.log"


def _flags(options: argparse.Namespace) -> dict[str, str]:
    flags: dict[str, str] = {}
    for pair in options.settings:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set needs SECTION.KEY=VALUE, not {pair}")
        flags[name.strip()] = value
    for flag, setting in _SETTING_OF_FLAG.items():
        value = getattr(options, flag)
        if value is not None:
            flags[setting] = value
    return flags


async def _serve(
    loaded: "LoadedSettings",
    screens: "Callable[[Server, Event], Awaitable[int]] | None",
    first_admin: "FirstAdmin | None",
    manager: "ServiceManager",
    level: "LogLevel",
) -> int:
    import asyncio
    import gc

    from textko_server.cli.first_admin import make_first_admin
    from textko_server.cli.first_steps import show_first_steps
    from textko_server.cli.serve_signals import Reload, handle_signals
    from textko_server.server import Server

    stop_asked = asyncio.Event()
    reloads: list[Reload] = []
    handle_signals(stop_asked, level, reloads)
    async with Server(loaded.settings, sources=loaded.sources) as server:
        reloads.append(server.gateway.certificates.reload)
        # What start-up made stays for good: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        # Requests leave few cycles behind: looking for them seldom saves a tenth of the time.
        gc.set_threshold(50_000, 20, 100)
        is_new = not await server.gateway.accounts.has_admin()
        if first_admin is not None:
            await make_first_admin(server.gateway.accounts, first_admin)
        manager.tell("READY=1", f"STATUS=Listening at {server.url}")
        pings = asyncio.create_task(manager.ping())
        waits = [asyncio.create_task(w) for w in (stop_asked.wait(), server.crashed())]
        if screens is None:
            await show_first_steps(server, first_admin.email if first_admin else "", is_new=is_new)
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        else:
            has_left = asyncio.Event()
            shown = asyncio.ensure_future(screens(server, has_left))
            await asyncio.wait([*waits, shown], return_when=asyncio.FIRST_COMPLETED)
            has_left.set()
            await shown
        manager.tell("STOPPING=1")
        has_crashed = waits[1].done()
        for wait in (*waits, pings):
            wait.cancel()
    return EXIT_FAILED if has_crashed else EXIT_OK
