"""`textko serve`: the server, until it is told to stop."""

import argparse
import logging
import shlex
import sys
from typing import TYPE_CHECKING

from textko_server.cli.connection import load_settings
from textko_server.cli.exit_codes import EXIT_FAILED, EXIT_OK, UsageError
from textko_server.errors import TextkoError

if TYPE_CHECKING:
    from textko_server.config_loader import LoadedSettings
    from textko_server.server import Server

_EXAMPLES = """examples:
  textko serve
  textko --data-dir /srv/textko serve --listen 127.0.0.1:8480 --public-url https://sms.example.org
  textko serve --set webhooks.timeout_s=5 --set rates.requests_per_minute=600"""
_SETTING_OF_FLAG = {
    "listen": "server.listen",
    "public_url": "server.public_url",
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
    serve.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning or error (info)")
    serve.add_argument(
        "--set", action="append", default=[], metavar="SECTION.KEY=VALUE", dest="settings",
        help="any other setting of textko.toml; may be repeated",
    )  # fmt: skip
    serve.set_defaults(run=run_serve)


def run_serve(options: argparse.Namespace) -> int:
    import asyncio

    import uvloop

    from textko_server import logs

    loaded = load_settings(options, _flags(options))
    logs.set_up(loaded.settings.log.level)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(loaded))
    except TextkoError:
        raise
    except Exception:
        # Whoever reads this log later cannot ask again with --debug.
        logging.getLogger(__name__).exception("crashed")
        return EXIT_FAILED


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


async def _serve(loaded: "LoadedSettings") -> int:
    import asyncio
    import gc
    import signal

    from textko_server.server import Server

    stop_asked = asyncio.Event()
    for stop_signal in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(stop_signal, stop_asked.set)
    async with Server(loaded.settings, sources=loaded.sources) as server:
        # What start-up made stays for good: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()
        # Requests leave few cycles behind: looking for them seldom saves a tenth of the time.
        gc.set_threshold(50_000, 20, 100)
        await _show_first_steps(server)
        waits = [asyncio.create_task(w) for w in (stop_asked.wait(), server.crashed())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return EXIT_OK if stop_asked.is_set() else EXIT_FAILED


async def _show_first_steps(server: "Server") -> None:
    """Without an admin nobody can log in: say how to make one."""
    accounts = server.gateway.accounts
    if await accounts.has_admin():
        return
    data_dir = shlex.quote(str(server.settings.server.data_dir))
    token = accounts.make_first_admin_link_token()
    sys.stderr.write(
        "\nThere is no admin yet. Make yourself one, here on this machine:\n\n"
        f"  textko --data-dir {data_dir} user create you@example.org --role ADMIN\n\n"
        "or within a day from anywhere that reaches the server:\n\n"
        f"  textko --url {server.url} user create you@example.org --first-admin-token {token}\n\n"
    )
    sys.stderr.flush()
