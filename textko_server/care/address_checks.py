"""Whether a server can be reached as its settings say: the port, the certificate.

Asks this machine only; what a router or a firewall does nobody can tell from here.
"""

import errno
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from textko_server.care.certificates import end_of
from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings

ENDS_SOON_MS = 14 * DAY_MS


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


def check_tls(server: ServerSettings, now_ms: int) -> Iterator[Finding]:
    if not server.tls_cert:
        is_outside = server.public_url.startswith("https://")
        yield ok("TLS", "left to a proxy" if is_outside else "off: plain HTTP")
        return
    fix = "name a PEM file with the chain in server.tls_cert, and its key in server.tls_key"
    try:
        pem = Path(server.tls_cert).read_text("ascii", errors="replace")
        Path(server.tls_key).read_bytes()
    except OSError as error:
        yield problem("TLS", f"cannot read {error.filename}: {error.strerror}", fix)
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            server.tls_cert, server.tls_key, password=""
        )
        end_at = end_of(pem)
    except (OSError, ssl.SSLError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        yield problem("TLS", f"{server.tls_cert} and its key do not fit: {reason}", fix)
        return
    if Path(server.tls_key).stat().st_mode & 0o077:
        fix = f"chmod 600 {server.tls_key}"
        yield warning("TLS", f"{server.tls_key} is open to other users", fix)
    yield _of_end(server, end_at, now_ms)


def _of_end(server: ServerSettings, end_at: int, now_ms: int) -> Finding:
    days = (end_at - now_ms) // DAY_MS
    fix = "renew it, and put the new files in the same place"
    if end_at <= now_ms:
        return problem("TLS", f"{server.tls_cert} ended {-days} days ago: phones refuse it", fix)
    if end_at - now_ms < ENDS_SOON_MS:
        return warning("TLS", f"{server.tls_cert} ends in {days} days", fix)
    return ok("TLS", f"{server.tls_cert} is good for {days} days")
