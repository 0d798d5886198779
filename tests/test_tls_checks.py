"""What the doctor says of certificates, and how they are read."""

import datetime
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from tests.certificates import Files
from textko_server.care.findings import Finding
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings
from textko_server.tls.attempts import Attempts, write_attempts
from textko_server.tls.checks import check_tls
from textko_server.tls.local import make_local
from textko_server.tls.making import make_key, make_temporary, pem_of, pem_of_key
from textko_server.tls.places import AcmePlaces, LocalPlaces, write_private
from textko_server.tls.reading import read_certificate

NOW = datetime.datetime(2026, 1, 15, 10, tzinfo=datetime.UTC)
NOW_MS = int(NOW.timestamp() * 1000)


def settings_of(files: Files, public_url: str = "") -> ServerSettings:
    return ServerSettings(tls_cert=str(files.cert), tls_key=str(files.key), public_url=public_url)


def levels(findings: list[Finding]) -> list[str]:
    return [finding.level for finding in findings]


@pytest.mark.parametrize(("days", "level"), [(-3, "problem"), (5, "warning"), (90, "ok")])
def test_end_of_a_certificate_is_told(tmp_path: Path, days: int, level: str) -> None:
    end = NOW + datetime.timedelta(days=days)
    issued = trustme.CA().issue_cert("sms.example.org", not_after=end)
    files = Files(tmp_path)
    files.cert.write_bytes(issued.cert_chain_pems[0].bytes())
    files.key.write_bytes(issued.private_key_pem.bytes())

    [finding] = check_tls(settings_of(files), NOW_MS)

    assert finding.level == level


def test_key_of_another_certificate_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.key.write_bytes(Files(tmp_path / "other").key.read_bytes())

    assert levels(list(check_tls(settings_of(files), NOW_MS))) == ["problem"]


def test_certificate_that_is_not_there_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.cert.unlink()

    assert levels(list(check_tls(settings_of(files), NOW_MS))) == ["problem"]


def test_key_that_others_may_read_is_told(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.key.chmod(0o644)

    findings = list(check_tls(settings_of(files), NOW_MS))

    assert findings[0].fix == f"chmod 600 {files.key}"


def test_certificate_for_another_name_than_phones_are_told_is_a_problem(tmp_path: Path) -> None:
    files = Files(tmp_path, "sms.example.org")

    good = list(check_tls(settings_of(files, "https://SMS.example.org:8443"), NOW_MS))
    wrong = list(check_tls(settings_of(files, "https://text.example.org"), NOW_MS))

    assert levels(good) == ["ok"]
    assert levels(wrong) == ["problem", "ok"]
    assert "it is for sms.example.org" in wrong[0].text


def test_wildcard_covers_one_label() -> None:
    pem = make_temporary(["*.example.org"], NOW_MS)

    certificate = read_certificate(pem)

    assert [certificate.covers(n) for n in ("a.example.org", "example.org", "a.b.example.org")] == [
        True, False, False,
    ]  # fmt: skip


def test_chain_without_its_middle_is_told(tmp_path: Path) -> None:
    """Of an authority that says where its certificate can be fetched, as all public ones do."""
    files = Files(tmp_path)
    key = make_key()

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    where = x509.UniformResourceIdentifier("http://ca.example.org/middle.crt")
    leaf = (
        x509.CertificateBuilder()
        .subject_name(name("leaf"))
        .issuer_name(name("middle"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW + datetime.timedelta(days=90))
        .add_extension(
            x509.AuthorityInformationAccess(
                [x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, where)]
            ),
            critical=False,
        )
        .sign(key, SHA256())
    )
    files.cert.write_bytes(pem_of(leaf))
    files.key.write_bytes(pem_of_key(key))

    [finding, _] = check_tls(settings_of(files), NOW_MS)
    files.cert.write_bytes(pem_of(leaf) + trustme.CA().cert_pem.bytes())
    [other, _] = check_tls(settings_of(files), NOW_MS)

    assert "are missing; Android refuses it" in finding.text
    assert "are not in order" in other.text


@pytest.mark.parametrize(
    "pem", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_refused(pem: bytes) -> None:
    with pytest.raises(ValueError, match="certificate"):
        read_certificate(pem)


def test_name_without_a_certificate_and_the_reason_are_told(tmp_path: Path) -> None:
    server = ServerSettings(data_dir=tmp_path, domain=("sms.example.org",))
    before = list(check_tls(server, NOW_MS))
    failed = Attempts(failures_count=1, failed_at=NOW_MS, reason="no luck", retry_at=NOW_MS)
    write_attempts(AcmePlaces(tmp_path), failed)

    [after] = check_tls(server, NOW_MS)

    assert levels(before) == ["problem"]
    assert before[0].fix == "start the server, which orders one"
    assert after.text.endswith("the last attempt failed: no luck")


def test_certificate_that_could_not_be_renewed_is_told_with_the_reason(tmp_path: Path) -> None:
    names = ("sms.example.org",)
    places = AcmePlaces(tmp_path)
    write_private(places.certificate, make_temporary(names, NOW_MS))
    server = ServerSettings(data_dir=tmp_path, domain=names)
    assert levels(list(check_tls(server, NOW_MS))) == ["ok"]
    write_attempts(places, Attempts(failures_count=1, failed_at=NOW_MS, reason="no luck"))

    late = list(check_tls(server, NOW_MS + 80 * DAY_MS))

    assert [finding.text for finding in late] == [
        "the last attempt failed: no luck", "the certificate ends in 10 days",
    ]  # fmt: skip


def test_local_authority_without_its_key_is_told(tmp_path: Path) -> None:
    places = LocalPlaces(tmp_path)
    make_local(places, ["10.255.255.1"], NOW_MS, with_new_authority=False)
    server = ServerSettings(
        data_dir=tmp_path, tls_cert=str(places.certificate), tls_key=str(places.key)
    )
    [moved, _] = check_tls(server, NOW_MS)
    places.authority_key.unlink()

    findings = list(check_tls(server, NOW_MS))

    assert "this machine's address now" in moved.text
    assert "its certificate cannot be renewed" in findings[1].text
