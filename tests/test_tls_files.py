"""Certificate and key in files: read again when they change, and kept when they are broken."""

import asyncio
import signal
import socket
import ssl
from pathlib import Path

import pytest

from tests.certificates import Files, careless, shown_by, until
from tests.clocks import FrozenClock
from tests.server_process import serving
from tests.servers import running_server
from textko_server.config import ServerSettings
from textko_server.gateway.certificates import WATCH_MS
from textko_server.server import CannotStart
from textko_server.tls.pairs import BadPair


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path / "files")


def settings(tmp_path: Path, files: Files) -> ServerSettings:
    return ServerSettings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        tls_cert=str(files.cert),
        tls_key=str(files.key),
    )


async def test_new_files_are_shown_to_new_connections_and_old_ones_live_on(
    tmp_path: Path, clock: FrozenClock, files: Files
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        port = server.server.port
        first = await shown_by(port, files.trust)
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=files.trust, server_hostname="sms.example.org"
        )
        files.write()

        clock.advance(WATCH_MS)
        await until(lambda: differs(port, files, first))

        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def differs(port: int, files: Files, shown: bytes) -> bool:
    return await shown_by(port, files.trust) != shown


async def test_half_written_pair_keeps_the_old_one_and_is_told_when_it_stays_so(
    tmp_path: Path, clock: FrozenClock, files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        port, certificates = server.server.port, server.gateway.certificates
        first = await shown_by(port, files.trust)
        old_key = files.key.read_bytes()
        files.write()
        new_key = files.key.read_bytes()
        files.key.write_bytes(old_key)

        await certificates.look()
        assert certificates.state().failure is None
        await certificates.look()
        await certificates.look()

        assert await shown_by(port, files.trust) == first
        failure = certificates.state().failure
        assert failure is not None
        assert failure.reason.endswith("the key is not the one of the certificate")
        assert caplog.text.count("certificate_not_read") == 1

        files.key.write_bytes(new_key)
        await certificates.look()

        assert certificates.state().failure is None
        assert await shown_by(port, files.trust) != first


async def test_files_that_are_gone_for_a_moment_are_not_told(
    tmp_path: Path, clock: FrozenClock, files: Files
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        certificates = server.gateway.certificates
        content = files.cert.read_bytes()
        files.cert.unlink()

        await certificates.look()
        assert certificates.state().failure is None
        await certificates.look()
        failure = certificates.state().failure
        assert failure is not None
        assert failure.reason.endswith("No such file or directory")

        files.cert.write_bytes(content)
        await certificates.look()
        assert certificates.state().failure is None


async def test_end_and_faults_are_metrics(tmp_path: Path, clock: FrozenClock, files: Files) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        certificates = server.gateway.certificates
        files.key.write_bytes(b"")
        with pytest.raises(BadPair):
            certificates.reload()
        url = f"https://127.0.0.1:{server.server.port}/metrics"
        async with server.http.get(url, ssl=careless()) as answer:
            lines = (await answer.text()).splitlines()
        certificate = certificates.state().certificate

    assert certificate is not None
    end_s = certificate.ends_at // 1000
    assert f"textko_certificate_ends_timestamp_seconds {end_s}" in lines
    assert "textko_certificate_failed 1" in lines


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "holds no certificate"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "holds no whole certificate"),
        (None, "No such file or directory"),
    ],
)
async def test_reload_says_why_the_old_one_stays(
    tmp_path: Path, clock: FrozenClock, files: Files, content: bytes | None, reason: str
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        first = await shown_by(server.server.port, files.trust)
        if content is None:
            files.cert.unlink()
        else:
            files.cert.write_bytes(content)

        with pytest.raises(BadPair, match=reason):
            server.gateway.certificates.reload()

        assert await shown_by(server.server.port, files.trust) == first


async def test_server_does_not_start_with_files_it_cannot_use(tmp_path: Path, files: Files) -> None:
    files.key.write_bytes(b"")

    with pytest.raises(CannotStart, match="one of them is no PEM file"):
        async with running_server(tmp_path / "data", server=settings(tmp_path, files)):
            pass


async def test_who_names_no_host_gets_the_certificate_too(
    tmp_path: Path, clock: FrozenClock, files: Files
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        named = await shown_by(server.server.port, files.trust)

        assert await shown_by(server.server.port, careless(), "") == named


async def test_session_is_resumed_after_the_certificate_has_changed(
    tmp_path: Path, clock: FrozenClock, files: Files
) -> None:
    async with running_server(
        tmp_path / "data", clock=clock, server=settings(tmp_path, files)
    ) as server:
        trust = files.trust
        session = await asyncio.to_thread(session_with, server.server.port, trust, None)
        files.write()
        server.gateway.certificates.reload()

        resumed = await asyncio.to_thread(session_with, server.server.port, trust, session)

        assert resumed is None


def session_with(
    port: int, trust: ssl.SSLContext, session: ssl.SSLSession | None
) -> ssl.SSLSession | None:
    """A session to come back with; None when `session` was taken."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=20) as plain,
        trust.wrap_socket(plain, server_hostname="sms.example.org", session=session) as secure,
    ):
        secure.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while secure.recv(65_536):
            pass
        return None if secure.session_reused else secure.session


def test_sighup_reads_the_files_again(tmp_path: Path, files: Files) -> None:
    names = ("--set", f"server.tls_cert={files.cert}", "--set", f"server.tls_key={files.key}")
    with serving(tmp_path / "data", *names) as server:
        files.write()
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("certificate_in_force")
        files.key.write_bytes(b"")
        server.process.send_signal(signal.SIGHUP)

        server.wait_for("reload_failed")
