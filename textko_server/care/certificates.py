"""When a certificate ends: the one field of X.509 that the standard library does not tell.

RFC 5280, 4.1: Certificate ::= SEQUENCE { tbsCertificate SEQUENCE { [0] version, serialNumber,
signature, issuer, validity SEQUENCE { notBefore, notAfter }, … } … }, in DER.
"""

import ssl
from datetime import UTC, datetime

_VERSION, _UTC_TIME, _GENERALIZED_TIME = 0xA0, 0x17, 0x18
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def end_of(pem: str) -> int:
    """Unix milliseconds at which the first certificate of a PEM file ends. Raises ValueError."""
    start = pem.find(_BEGIN)
    end = pem.find(_END, start)
    if start < 0 or end < 0:
        raise ValueError("it holds no certificate")
    der = ssl.PEM_cert_to_DER_cert(pem[start : end + len(_END)])
    try:
        return _end_of_der(der)
    except IndexError as error:
        raise ValueError("it holds no whole certificate") from error


def _end_of_der(der: bytes) -> int:
    _, at, _ = _field(der, 0)
    _, at, _ = _field(der, at)
    tag, _, end = _field(der, at)
    if tag == _VERSION:
        at = end
    for _skipped in ("serialNumber", "signature", "issuer"):
        _, _, at = _field(der, at)
    _, at, _ = _field(der, at)
    _, _, at = _field(der, at)
    tag, at, end = _field(der, at)
    text = der[at:end].decode("ascii")
    if tag == _UTC_TIME:  # RFC 5280, 4.1.2.5.1: two digits from 50 on are 19xx
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError("its time is none")
    moment = datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
    return int(moment.timestamp()) * 1000


def _field(der: bytes, at: int) -> tuple[int, int, int]:
    """(tag, where its content begins, where it ends)"""
    tag, length, at = der[at], der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[at : at + count])
        at += count
    if at + length > len(der):
        raise IndexError
    return tag, at, at + length
