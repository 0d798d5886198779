"""How a command reaches the server: the socket in the data directory, or a URL."""

import argparse
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textko_server.cli.exit_codes import EXIT_OK, UsageError

if TYPE_CHECKING:
    from textko_server.admin_client import AdminClient
    from textko_server.config_loader import LoadedSettings

Action = Callable[["AdminClient"], Awaitable[int | None]]


def with_admin(options: argparse.Namespace, action: Action) -> int:
    """Run `action` with a client of the server; what it returns is the exit code, None is done."""
    import asyncio

    async def talk() -> int:
        async with client_of(options) as admin:
            if options.server_url and options.login:
                await admin.log_in(options.login, _login_password())
            code = await action(admin)
        return EXIT_OK if code is None else code

    return asyncio.run(talk())


def client_of(options: argparse.Namespace) -> "AdminClient":
    """Not yet connected. Raises UsageError, ConfigError."""
    from textko_server.admin_client import SOCKET_NAME, AdminClient

    if getattr(options, "socket_path", None) is not None:
        return AdminClient.over_socket(options.socket_path, options.api_key)
    if options.server_url:
        if not options.server_url.startswith(("http://", "https://")):
            raise UsageError(f"--url must begin with http:// or https://, not {options.server_url}")
        return AdminClient.at_url(options.server_url, options.api_key)
    settings = load_settings(options).settings
    return AdminClient.over_socket(settings.server.data_dir / SOCKET_NAME)


def load_settings(
    options: argparse.Namespace, flags: dict[str, str] | None = None
) -> "LoadedSettings":
    """As `serve` reads them. `flags`: more of them, by setting."""
    from textko_server.config_loader import load

    given = flags_of(options) | (flags or {})
    return load(config_path=options.config_path, flags=given, environ=os.environ)


def flags_of(options: argparse.Namespace) -> dict[str, str]:
    """What the options of every command say, by setting."""
    return {} if options.data_dir is None else {"server.data_dir": str(options.data_dir)}


def _login_password() -> str:
    password = os.environ.get("TEXTKO_PASSWORD")
    if password is not None:
        return password
    if not sys.stdin.isatty():
        raise UsageError("put the password of --login into TEXTKO_PASSWORD")
    from getpass import getpass

    return getpass("Password: ")
