"""What the doctor says of the certificate: whichever it is, from its files alone.

Works with the server running or not. Asks this machine only.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from textko_server.care.data_dir import is_open_to_others
from textko_server.care.findings import Finding, ok, problem, warning
from textko_server.care.lan_address import lan_address
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings
from textko_server.tls.attempts import read_attempts
from textko_server.tls.pairs import BadPair, Pair, read_pair
from textko_server.tls.places import AcmePlaces, LocalPlaces
from textko_server.tls.reading import Certificate, read_certificate

ENDS_SOON_MS = 14 * DAY_MS
_CHECK = "TLS"
_RENEW = "renew it, and put the new files in the same place"
_FILES = "name a PEM file with the chain in server.tls_cert, and its key in server.tls_key"


def check_tls(server: ServerSettings, now_ms: int) -> Iterator[Finding]:
    if server.domain:
        yield from _of_domain(server, now_ms)
        return
    if not server.tls_cert:
        is_outside = server.public_url.startswith("https://")
        yield ok(_CHECK, "left to a proxy" if is_outside else "off: plain HTTP")
        return
    pair = Pair(Path(server.tls_cert), Path(server.tls_key))
    local = LocalPlaces(server.data_dir)
    is_local = local.is_used_by(server)
    fix = "textko tls local makes them again" if is_local else _FILES
    try:
        certificate = read_pair(pair).certificate
    except BadPair as error:
        yield problem(_CHECK, error.message, fix)
        return
    if is_open_to_others(pair.key):
        text = f"{pair.key} is open to other users"
        yield warning(_CHECK, text, f"chmod 600 {pair.key}")
    if certificate.chain_fault:
        text = f"{pair.certificate}: {certificate.chain_fault}; Android refuses it"
        fix = "put the whole chain into it: the certificate first, then each that signed the last"
        yield warning(_CHECK, text, fix)
    yield from _of_names(server, certificate)
    if is_local:
        yield from _of_authority(local, certificate, now_ms)
    fix = "`textko tls renew`, with the server running" if is_local else _RENEW
    yield _of_end(str(pair.certificate), certificate, now_ms, fix)


def _of_domain(server: ServerSettings, now_ms: int) -> Iterator[Finding]:
    places = AcmePlaces(server.data_dir)
    attempts = read_attempts(places)
    failed = f"the last attempt failed: {attempts.reason}" if attempts.reason else ""
    see = "textko tls status; textko log show --grep certificate"
    try:
        certificate = read_pair(Pair(places.certificate, places.certificate)).certificate
    except BadPair:
        names = ", ".join(server.domain)
        text = f"no certificate for {names} yet" + (f"; {failed}" if failed else "")
        yield problem(_CHECK, text, see if failed else "start the server, which orders one")
        return
    missing = [name for name in server.domain if not certificate.covers(name)]
    if missing:
        yield warning(_CHECK, f"the certificate is not for {', '.join(missing)} yet", see)
    if failed:
        yield warning(_CHECK, failed, see)
    yield from _of_names(server, certificate)
    yield _of_end("the certificate", certificate, now_ms, see)


def _of_names(server: ServerSettings, certificate: Certificate) -> Iterator[Finding]:
    """Whether it is for the address that phones are told."""
    host = urlsplit(server.public_url).hostname
    if host and not certificate.covers(host):
        names = ", ".join(certificate.names) or "nobody"
        text = f"phones that go to {server.public_url} refuse it: it is for {names}"
        yield problem(_CHECK, text, "get one for that name, or change server.public_url")


def _of_authority(places: LocalPlaces, certificate: Certificate, now_ms: int) -> Iterator[Finding]:
    address = lan_address()
    if address not in certificate.names:
        text = f"the certificate is not for {address}, this machine's address now"
        yield warning(_CHECK, text, f"textko tls local --name {address}")
    try:
        authority = read_certificate(places.authority.read_bytes())
        places.authority_key.read_bytes()
    except (OSError, ValueError):
        text = "the local authority cannot be read: its certificate cannot be renewed"
        yield warning(_CHECK, text, f"put {places.authority_key.parent} back from a backup")
        return
    if is_open_to_others(places.authority_key):
        text = f"{places.authority_key} is open to other users"
        yield problem(_CHECK, text, f"chmod 600 {places.authority_key}")
    if authority.ends_at - now_ms < 365 * DAY_MS:
        yield warning(
            _CHECK, f"the local authority ends in {(authority.ends_at - now_ms) // DAY_MS} days",
            "textko tls local --new-ca, and have every phone trust that",
        )  # fmt: skip


def _of_end(what: str, certificate: Certificate, now_ms: int, fix: str) -> Finding:
    left_ms = certificate.ends_at - now_ms
    days = left_ms // DAY_MS
    if left_ms <= 0:
        return problem(_CHECK, f"{what} ended {-days} days ago: phones refuse it", fix)
    life_ms = certificate.ends_at - certificate.begins_at
    if left_ms < min(ENDS_SOON_MS, life_ms // 4):
        return warning(_CHECK, f"{what} ends in {days} days", fix)
    return ok(_CHECK, f"{what} is good for {days} days")
