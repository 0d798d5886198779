"""Whether a server can be reached as its settings say: the port.

Asks this machine only; what a router or a firewall does nobody can tell from here.
"""

import errno
import socket
from collections.abc import Iterator

from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.config import ServerSettings

FIRST_FREE_PORT = 1024
"""ip(7): those below need CAP_NET_BIND_SERVICE."""


def check_port(server: ServerSettings, *, is_running: bool) -> Iterator[Finding]:
    """`is_running`: a server of ours runs on the data directory, and should hold the port."""
    host, _, port = server.listen.rpartition(":")
    host = host.strip("[]")
    if port == "0":
        yield ok("port", "any free one")
        return
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        yield problem("port", f"{server.listen}: {error.strerror}", "set server.listen")
        return
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            yield _of_refusal(server, error, is_running=is_running)
            return
    if is_running:
        fix = "restart the server, or ask with the settings it was started with"
        yield warning("port", f"the running server does not listen on {server.listen}", fix)
    else:
        yield ok("port", f"{server.listen} is free")


def _of_refusal(server: ServerSettings, error: OSError, *, is_running: bool) -> Finding:
    if error.errno == errno.EADDRINUSE:
        if is_running:
            return ok("port", f"{server.listen}, held by the running server")
        fix = "`ss -ltnp` shows by whom: end it, or set server.listen"
        return problem("port", f"{server.listen} is held by another program", fix)
    if error.errno == errno.EACCES:
        fix = "set a port from 1024 on, or let the service have CAP_NET_BIND_SERVICE"
        return problem("port", f"this user may not listen on {server.listen}", fix)
    if error.errno == errno.EADDRNOTAVAIL:
        fix = "`ip addr` shows the addresses: set server.listen to one, or to 0.0.0.0"
        return problem("port", f"{server.listen} is no address of this machine", fix)
    return problem("port", f"{server.listen}: {error.strerror}", "set server.listen")
