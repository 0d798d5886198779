"""What a server that has just started says to the person in front of it: where it can be reached,
and before there is an admin, how to go on.
"""

import os
import shlex
import sys
from typing import TYPE_CHECKING, TextIO

from textko_server.cli.program import program_words
from textko_server.logs import is_journal
from textko_server.server import local_url

if TYPE_CHECKING:
    from textko_server.server import Server

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_EVERYWHERE = ("", "0.0.0.0", "::")


async def show_first_steps(server: "Server", email: str, *, is_new: bool) -> None:
    """`email`: the admin's, where the environment named one. `is_new`: there was no admin yet.

    Into the journal goes no link: more people read it than may become the admin.
    """
    has_admin = await server.gateway.accounts.has_admin()
    is_for_journal = is_journal(os.environ)
    if is_for_journal and not is_new:
        return
    lines = [*_addresses(server), ""]
    if not has_admin:
        lines += [*_ways_to_an_admin(server, has_link=not is_for_journal), ""]
    if is_new:
        lines += [*_next_steps(server, email or "you@example.org"), ""]
    _print(sys.stderr, lines)


def _addresses(server: "Server") -> list[str]:
    """Where it is reached, by whom, and how that is changed."""
    listen = server.settings.server.listen
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    lines = [f"  Applications and phones:  {server.url}"]
    certificate = server.gateway.certificates
    if host in (*_EVERYWHERE, *_LOOPBACK) and certificate.kind == "off":
        lines.append(f"  On this machine:          {_local(host, server.port)}")
    if server.settings.dashboard.enabled:
        lines.append(f"  Screens in a browser:     {server.url}/dashboard")
    lines.append(f"  Documentation:            {server.url}/docs")
    if certificate.kind == "local":
        lines.append(f"  To trust it on a phone:   {server.url}/tls")
    lines.append(f"  Data:                     {server.settings.server.data_dir.absolute()}")
    if host in _LOOPBACK:
        lines += [f"  Only this machine reaches it. For phones: --listen 0.0.0.0:{port}"]
    elif certificate.kind == "acme":
        if certificate.state().certificate is None:
            lines += ["  Its certificate is being ordered: textko tls status"]
    elif host in _EVERYWHERE:
        lines += [f"  Your whole network reaches it. To close it: --listen 127.0.0.1:{port}"]
    return lines


def _local(host: str, port: int) -> str:
    return f"http://[::1]:{port}" if host in ("::", "::1") else local_url(port)


def _ways_to_an_admin(server: "Server", *, has_link: bool) -> list[str]:
    here = _command(server, "user create you@example.org --role ADMIN")
    if not has_link:
        return ["There is no admin yet. Make yourself one, here on this machine:", f"  {here}"]
    token = server.gateway.accounts.make_first_admin_link_token()
    lines = ["There is no admin yet. Make yourself one: here on this machine,", f"  {here}"]
    if server.settings.dashboard.enabled:
        lines += [
            "or in a browser, within a day (the link works once; keep it to yourself),",
            f"  {server.url}/dashboard/first-admin?token={token}",
        ]
    return [
        *lines,
        "or from elsewhere, within a day:",
        f"  textko --url {server.url} user create you@example.org --first-admin-token {token}",
    ]


def _next_steps(server: "Server", email: str) -> list[str]:
    user = shlex.quote(email)
    return [
        "Then, each with its own command:",
        f"  1. Pair a phone:  {_command(server, f'device pair --user {user}')}",
        f"  2. Make a key:    {_command(server, f'key create --user {user} --name first')}",
        "  3. Send a test:   "
        + _command(server, f"message send --user {user} --to +NUMBER --text Hello --wait"),
        "  No phone at hand? textko phone simulate --pair 'THE URL OF STEP 1'",
    ]


def _command(server: "Server", rest: str) -> str:
    """As it works in any folder."""
    data_dir = str(server.settings.server.data_dir.absolute())
    return f"{shlex.join(program_words())} --data-dir {shlex.quote(data_dir)} {rest}"


def _print(stream: TextIO, lines: list[str]) -> None:
    stream.write("\n" + "\n".join(lines) + "\n")
    stream.flush()
