"""Makes keys and certificates: a temporary one, an authority of one's own, what it signs, and the
proof of a name to a public authority.

All keys are of the curve P-256, which every phone and library knows. Refuses to know where they are
kept and when they are made again.
"""

import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from textko_server.clock import DAY_MS, HOUR_MS
from textko_server.tls.reading import is_address

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

TEMPORARY_NAME = "textko is waiting for its certificate"
_TEMPORARY_MS = 90 * DAY_MS
AUTHORITY_MS = 3650 * DAY_MS
# Apple and the browsers take none that lives longer from 2020-09-01 on, whoever signed it.
SERVER_MS = 397 * DAY_MS
# Clocks of phones are late.
_EARLY_MS = HOUR_MS
_MAX_TITLE_CHARACTERS = 64  # RFC 5280, A.1: ub-common-name
# RFC 8737, 3: id-pe-acmeIdentifier.
_PROOF_OID = "1.3.6.1.5.5.7.1.31"
# What an authority of one's own may sign besides the names it was made for: names that no public
# authority gives to anybody (RFC 6762, RFC 8375, ICANN's .internal, and what routers use), and
# addresses that lead nowhere in the internet (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
_LOCAL_DOMAINS = ("localhost", "local", "lan", "home", "internal", "home.arpa", "fritz.box")
_LOCAL_NETWORKS = (
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
    "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10",
)  # fmt: skip


def make_key() -> "EllipticCurvePrivateKey":
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def pem_of_key(key: "EllipticCurvePrivateKey") -> bytes:
    from cryptography.hazmat.primitives import serialization

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def read_key(pem: bytes) -> "EllipticCurvePrivateKey":
    """Raises ValueError: that is none of ours."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        key = serialization.load_pem_private_key(pem, None)
    except TypeError as error:
        raise ValueError("it has a password") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("it is of another kind")
    return key


def pem_of(certificate: "x509.Certificate") -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def make_temporary(names: Sequence[str], now_ms: int) -> bytes:
    """Key and certificate that nobody trusts: what is sent is encrypted, for whom is not proved."""
    key = make_key()
    draft = _draft(TEMPORARY_NAME, key, now_ms, now_ms + _TEMPORARY_MS)
    certificate = _signed(_for_server(draft, names), key)
    return pem_of_key(key) + pem_of(certificate)


def make_proof(name: str, digest: bytes) -> bytes:
    """Key and certificate that answer an authority which asks for `name`; RFC 8737, 3."""
    from cryptography import x509

    key = make_key()
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    draft = _draft(name, key, now_ms, now_ms + DAY_MS)
    draft = draft.add_extension(x509.SubjectAlternativeName(_general_names([name])), critical=False)
    octet_string = b"\x04" + bytes([len(digest)]) + digest
    proof = x509.UnrecognizedExtension(x509.ObjectIdentifier(_PROOF_OID), octet_string)
    return pem_of_key(key) + pem_of(_signed(draft.add_extension(proof, critical=True), key))


# --- an authority of one's own ---


def make_authority(
    title: str, key: "EllipticCurvePrivateKey", names: Sequence[str], now_ms: int
) -> "x509.Certificate":
    """One that may sign for this machine's network and for `names`, and for nothing else: who
    steals its key cannot play a bank to the phones that trust it.
    """
    from cryptography import x509

    draft = _draft(title, key, now_ms, now_ms + AUTHORITY_MS)
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return _signed(
        draft.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
        .add_extension(identifier, critical=False),
        key,
    )


def _permitted(names: Sequence[str]) -> "list[x509.GeneralName]":
    from cryptography import x509

    domains = [*_LOCAL_DOMAINS, *(name for name in names if not is_address(name))]
    networks = [*_LOCAL_NETWORKS, *(name for name in names if is_address(name))]
    return [
        *(x509.DNSName(domain) for domain in dict.fromkeys(domains)),
        *(x509.IPAddress(ipaddress.ip_network(network)) for network in dict.fromkeys(networks)),
    ]


def may_sign(authority: "x509.Certificate", name: str) -> bool:
    """Whether clients take a certificate of `authority` for `name`; RFC 5280, 4.2.1.10."""
    from cryptography import x509

    permitted = authority.extensions.get_extension_for_class(x509.NameConstraints).value
    subtrees = permitted.permitted_subtrees or []
    if is_address(name):
        address = ipaddress.ip_address(name)
        return any(
            address in subtree.value
            for subtree in subtrees
            if isinstance(subtree, x509.IPAddress)
            and isinstance(subtree.value, ipaddress.IPv4Network | ipaddress.IPv6Network)
            and subtree.value.version == address.version
        )
    domains = [subtree.value for subtree in subtrees if isinstance(subtree, x509.DNSName)]
    return any(name == domain or name.endswith(f".{domain}") for domain in domains)


def sign_server(
    authority: "x509.Certificate", authority_key: "EllipticCurvePrivateKey",
    key: "EllipticCurvePrivateKey", names: Sequence[str], now_ms: int,
) -> "x509.Certificate":  # fmt: skip
    """For a server with these names, until the authority itself ends."""
    from cryptography import x509

    authority_ends_at = int(authority.not_valid_after_utc.timestamp()) * 1000
    # RFC 5280, 4.1.2.5: the second at the end is part of the time.
    ends_at = min(now_ms - _EARLY_MS + SERVER_MS - 1000, authority_ends_at)
    draft = _draft(names[0], key, now_ms, ends_at, issuer=authority.subject)
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority_of = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    draft = _for_server(draft, names).add_extension(authority_of, critical=False)
    return _signed(draft, authority_key)


# --- their parts ---


def _draft(
    title: str, key: "EllipticCurvePrivateKey", now_ms: int, ends_at: int,
    *, issuer: "x509.Name | None" = None,
) -> "x509.CertificateBuilder":  # fmt: skip
    """Without `issuer`: it signs itself."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, title[:_MAX_TITLE_CHARACTERS])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp((now_ms - _EARLY_MS) // 1000, UTC))
        .not_valid_after(datetime.fromtimestamp(ends_at // 1000, UTC))
    )


def _for_server(
    draft: "x509.CertificateBuilder", names: Sequence[str]
) -> "x509.CertificateBuilder":
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID

    return (
        draft.add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )


def _general_names(names: Sequence[str]) -> "list[x509.GeneralName]":
    from cryptography import x509

    return [
        x509.IPAddress(ipaddress.ip_address(name)) if is_address(name) else x509.DNSName(name)
        for name in names
    ]


def _signed(draft: "x509.CertificateBuilder", key: "EllipticCurvePrivateKey") -> "x509.Certificate":
    from cryptography.hazmat.primitives.hashes import SHA256

    return draft.sign(key, SHA256())
