"""A certificate and its key in files: whether they changed, and a TLS context made of them.

What is made is tried whole before anybody uses it. Refuses to know who looks and when.
"""

import os
import ssl
from pathlib import Path

import msgspec

from textko_server.errors import TextkoError
from textko_server.tls.reading import Certificate, read_certificate

# As OpenSSL names them; in some cases it names none.
_REASONS = {
    "KEY_VALUES_MISMATCH": "the key is not the one of the certificate",
    "EE_KEY_TOO_SMALL": "the key is too short to be safe",
    "": "one of them is no PEM file, is not whole, or has a password",
}

Signature = tuple[int, ...]
"""Of the files as they are now; another one when they have changed."""


class BadPair(TextkoError):
    """The files cannot be used; says why."""

    code = "bad_certificate"


class Pair(msgspec.Struct, frozen=True):
    """PEM files, which may be one and the same."""

    certificate: Path
    """With the chain."""
    key: Path

    def signature(self) -> Signature | None:
        """None: one of them cannot be looked at."""
        try:
            states = [path.stat() for path in (self.certificate, self.key)]
        except OSError:
            return None
        return tuple(n for s in states for n in (s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns))


class ReadPair(msgspec.Struct, frozen=True):
    certificate: Certificate
    context: ssl.SSLContext
    signature: Signature


def read_pair(pair: Pair) -> ReadPair:
    """Raises BadPair."""
    before = pair.signature()
    try:
        pem = pair.certificate.read_bytes()
        pair.key.read_bytes()
    except OSError as error:
        raise BadPair(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        certificate = read_certificate(pem)
    except ValueError as error:
        raise BadPair(f"{pair.certificate} {error}") from error
    context = server_context()
    try:
        context.load_cert_chain(pair.certificate, pair.key, password="")
    except (OSError, ssl.SSLError) as error:
        raise BadPair(f"{pair.certificate} and {pair.key}: {_reason(error)}") from error
    if before is None or before != pair.signature():
        raise BadPair(f"{pair.certificate} is being written")
    return ReadPair(certificate, context, before)


def _reason(error: Exception) -> str:
    name = getattr(error, "reason", None) or ""
    return _REASONS.get(name, f"they cannot be used ({name})")


def context_of(pem: bytes) -> ssl.SSLContext:
    """Of a key and a certificate that are in no file: OpenSSL reads them from one in memory."""
    context = server_context()
    with os.fdopen(os.memfd_create("certificate"), "wb") as file:
        file.write(pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def server_context() -> ssl.SSLContext:
    """As servers want it, still without a certificate."""
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
