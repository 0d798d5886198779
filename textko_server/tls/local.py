"""The authority that `textko tls local` makes, and the server's certificate by it.

The authority stays for years, for phones are told to trust it by hand; its certificate is made
again before it ends, and when this machine has another address. The key of the server stays.
"""

import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from textko_server.clock import iso_utc_ms
from textko_server.errors import TextkoError
from textko_server.tls.making import (
    make_authority,
    make_key,
    may_sign,
    pem_of,
    pem_of_key,
    read_key,
    sign_server,
)
from textko_server.tls.places import LocalPlaces, write_private
from textko_server.tls.reading import Certificate, read_certificate
from textko_server.tls.renewal import renews_at

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


class LocalFailed(TextkoError):
    """One sentence for the operator."""

    code = "local_certificate"


class Made(msgspec.Struct, frozen=True, kw_only=True):
    is_new_authority: bool
    names: tuple[str, ...]
    """Of the server's certificate."""
    refused: tuple[str, ...]
    """Names that the authority may not sign for."""


class _Authority(msgspec.Struct, frozen=True):
    certificate: "x509.Certificate"
    key: "EllipticCurvePrivateKey"


def own_names(address: str) -> list[str]:
    """What this machine is called in its own network, `address` being its own there."""
    host = socket.gethostname().lower().rstrip(".")
    bare = host.partition(".")[0]
    hosts = [host, f"{bare}.local", "localhost"] if bare != "localhost" else [bare]
    return list(dict.fromkeys([address, *filter(None, hosts), "127.0.0.1", "::1"]))


def make_local(
    places: LocalPlaces, names: Sequence[str], now_ms: int, *, with_new_authority: bool
) -> Made:
    """The server's certificate for `names`, and the authority where there is none yet.

    Raises:
        LocalFailed: the authority there may not sign for one of `names`, or files cannot be used.
    """
    try:
        is_new = with_new_authority or not places.authority.exists()
        authority = _make_authority(places, names, now_ms) if is_new else _read(places)
        signed = [name for name in names if may_sign(authority.certificate, name)]
        if not signed:
            raise LocalFailed("the authority may sign for none of these names: --new-ca makes one")
        _sign(places, authority, signed, now_ms)
    except OSError as error:
        raise LocalFailed(f"cannot use {error.filename}: {error.strerror}") from error
    refused = tuple(name for name in names if name not in signed)
    return Made(is_new_authority=is_new, names=tuple(signed), refused=refused)


def renew_if_due(places: LocalPlaces, address: str, now_ms: int, *, is_asked: bool = False) -> bool:
    """Make the certificate again when most of its life is over, when it is not for this machine's
    `address`, or when it `is_asked` for; whether it was.

    Raises:
        LocalFailed: it is due and cannot be made.
    """
    try:
        current = read_certificate(places.certificate.read_bytes())
        is_old = is_asked or now_ms >= renews_at(current)
        if not is_old and address in current.names:
            return False
        authority = _read(places)
        names = list(dict.fromkeys([*current.names, address]))
        names = [name for name in names if may_sign(authority.certificate, name)]
        if not is_old and address not in names:
            return False
        _sign(places, authority, names, now_ms)
    except OSError as error:
        raise LocalFailed(f"cannot use {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise LocalFailed(f"{places.certificate} {error}") from error
    return True


def read_authority(places: LocalPlaces) -> Certificate:
    """Raises OSError, ValueError."""
    return read_certificate(places.authority.read_bytes())


def _make_authority(places: LocalPlaces, names: Sequence[str], now_ms: int) -> _Authority:
    key = make_key()
    # The day tells two of them apart in a phone's list.
    title = f"textko of {socket.gethostname()}, {iso_utc_ms(now_ms)[:10]}"
    certificate = make_authority(title, key, names, now_ms)
    write_private(places.authority_key, pem_of_key(key))
    write_private(places.authority, pem_of(certificate))
    return _Authority(certificate, key)


def _read(places: LocalPlaces) -> _Authority:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(places.authority.read_bytes())
        key = read_key(places.authority_key.read_bytes())
    except ValueError as error:
        raise LocalFailed(f"the authority in {places.authority.parent}: {error}") from error
    if key.public_key() != certificate.public_key():
        raise LocalFailed(f"{places.authority_key} is not the key of {places.authority}")
    return _Authority(certificate, key)


def _sign(places: LocalPlaces, authority: _Authority, names: Sequence[str], now_ms: int) -> None:
    key = _own_key(places.key)
    certificate = sign_server(authority.certificate, authority.key, key, names, now_ms)
    write_private(places.certificate, pem_of(certificate))


def _own_key(path: Path) -> "EllipticCurvePrivateKey":
    try:
        return read_key(path.read_bytes())
    except FileNotFoundError:
        key = make_key()
        write_private(path, pem_of_key(key))
        return key
    except ValueError as error:
        raise LocalFailed(f"{path}: {error}") from error
