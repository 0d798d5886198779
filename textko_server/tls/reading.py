"""What a certificate says: its names, its times, who made it, and whether its chain is whole.

Refuses to know files and whether anybody trusts it.
"""

import ipaddress
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from cryptography import x509


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    names: tuple[str, ...]
    """Host names and addresses it is good for."""
    begins_at: int
    ends_at: int
    issuer: str
    """Whoever signed it, in a few words."""
    fingerprint: str
    """SHA-256 of it, in hexadecimal."""
    is_self_signed: bool
    chain_fault: str
    """What is wrong with the certificates after it; empty: nothing."""

    def covers(self, host: str) -> bool:
        """Whether clients that ask for `host` take it; RFC 6125, 6.4."""
        host = host.lower()
        _, _, parent = host.partition(".")
        return host in self.names or (bool(parent) and f"*.{parent}" in self.names)


def read_certificate(pem: bytes) -> Certificate:
    """The first certificate of a PEM file, and how those after it go with it.

    Raises:
        ValueError: there is none, or it cannot be read; the text goes after the file's name.
    """
    from cryptography import x509

    if b"-----BEGIN CERTIFICATE-----" not in pem:
        raise ValueError("holds no certificate")
    try:
        return _read(x509.load_pem_x509_certificates(pem))
    except (ValueError, x509.InvalidVersion, x509.DuplicateExtension) as error:
        raise ValueError(f"holds no whole certificate: {error}") from error


def _read(chain: "list[x509.Certificate]") -> Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256

    first = chain[0]
    return Certificate(
        names=_names(first),
        begins_at=int(first.not_valid_before_utc.timestamp()) * 1000,
        ends_at=int(first.not_valid_after_utc.timestamp()) * 1000,
        issuer=_in_words(first.issuer),
        fingerprint=first.fingerprint(SHA256()).hex(),
        is_self_signed=first.issuer == first.subject,
        chain_fault=_chain_fault(chain),
    )


def _names(certificate: "x509.Certificate") -> tuple[str, ...]:
    from cryptography import x509

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    hosts = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    return (*hosts, *(str(address) for address in names.get_values_for_type(x509.IPAddress)))


def _in_words(name: "x509.Name") -> str:
    """Organization and common name, as people know an authority."""
    from cryptography.x509.oid import NameOID

    parts = [
        str(attribute.value)
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for attribute in name.get_attributes_for_oid(oid)
    ]
    return ", ".join(parts) or name.rfc4514_string() or "nobody"


def _chain_fault(chain: "list[x509.Certificate]") -> str:
    from cryptography import x509

    for lower, upper in pairwise(chain):
        if lower.issuer != upper.subject:
            return "its certificates are not in order, each signed by the next"
    first = chain[0]
    if len(chain) > 1 or first.issuer == first.subject:
        return ""
    # Only public authorities say where theirs can be fetched, and they never sign by the root.
    try:
        first.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    return "the certificates between it and its authority are missing"


def is_address(name: str) -> bool:
    """Whether a name in a certificate is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
