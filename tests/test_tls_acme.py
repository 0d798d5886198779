"""Certificates for `server.domain`, from Let's Encrypt's own test server, which looks at the port
of HTTP-01 or TLS-ALPN-01 for real.
"""

import asyncio
import ssl
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.acme_servers import AcmeServer, acme_server
from tests.certificates import careless, shown_by, until
from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.ports import free_port
from tests.servers import settings_for_tests
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.config import ServerSettings, TlsSettings
from textko_server.server import Server

NAME = "sms.example.org"


@pytest.fixture
def now() -> FrozenClock:
    """The authority's certificates are of today."""
    return FrozenClock(time.time_ns() // 1_000_000)


@pytest.fixture
async def authority(tmp_path: Path) -> AsyncIterator[AcmeServer]:
    async with acme_server(tmp_path / "acme") as running:
        yield running


@asynccontextmanager
async def serving(
    data_dir: Path,
    clock: FrozenClock,
    authority: AcmeServer,
    *,
    http_listen: str | None = None,
    port: int | None = None,
    names: tuple[str, ...] = (NAME,),
) -> AsyncIterator[Server]:
    """Where the authority looks, unless told otherwise."""
    if http_listen is None:
        http_listen = f"127.0.0.1:{authority.http_port}"
    listen = f"127.0.0.1:{authority.tls_port if port is None else port}"
    settings = settings_for_tests(
        data_dir,
        server=ServerSettings(data_dir=data_dir, listen=listen, domain=names),
        tls=TlsSettings(
            email="you@example.org",
            directory=authority.directory,
            directory_ca=str(authority.trust),
            http_listen=http_listen,
        ),
    )
    async with Server(settings, clock) as server:
        yield server


def has_certificate(server: Server) -> bool:
    return server.gateway.certificates.state().certificate is not None


def has_failed(server: Server) -> bool:
    return server.gateway.certificates.state().failure is not None


async def test_certificate_is_got_by_port_80_and_shown_from_then_on(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    async with serving(tmp_path / "data", now, authority, port=0) as server:
        await until(lambda: has_certificate(server))

        await shown_by(server.port, await authority.trusting(), NAME)
        assert server.url == f"https://{NAME}:{server.port}"
    folder = tmp_path / "data" / "tls"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    assert modes == {
        "acme": 0o700, "account.key": 0o600, "certificate.pem": 0o600, "attempts.json": 0o600,
    }  # fmt: skip


async def test_certificate_is_got_by_the_port_of_tls_while_others_get_their_own(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    names = (NAME, "www.example.org")
    async with serving(tmp_path / "data", now, authority, http_listen="", names=names) as server:
        port = authority.tls_port
        shown = {await shown_by(port, careless(), NAME)}
        while not has_certificate(server):
            shown.add(await shown_by(port, careless(), NAME))
        shown.add(await shown_by(port, await authority.trusting(), names[1]))

    # The temporary one, and the one that was got; never the authority's proof.
    assert len(shown) == 2


async def test_before_there_is_a_certificate_the_port_speaks_tls_that_nobody_trusts(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    async with serving(tmp_path / "data", now, authority, http_listen="", port=0) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            await shown_by(server.port, ssl.create_default_context(), NAME)
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.ClientError):
                await http.get(f"http://127.0.0.1:{server.port}/healthz")
            await until(lambda: has_failed(server))
            async with http.get(
                f"https://127.0.0.1:{server.port}/readyz", ssl=careless()
            ) as answer:
                ready = await answer.json()

    assert ready["status"] == "ok"
    assert ready["certificate"].startswith(
        f"There is no certificate for {NAME} yet: {NAME}: it is not"
    )


async def test_port_80_sends_everybody_else_to_https(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    async with serving(tmp_path / "data", now, authority, port=0) as server:
        url = f"http://127.0.0.1:{authority.http_port}"
        async with aiohttp.ClientSession() as http:
            for path in ("/api/v1/x?a=1&b=2", "/.well-known/acme-challenge/guess"):
                async with http.post(url + path, data="x", allow_redirects=False) as answer:
                    assert answer.status == 308
                    assert answer.headers["Location"] == server.url + path


async def test_failure_is_told_and_tried_again_another_way_later(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    """Port 80 is another's; nothing but waiting and port 443 helps."""
    elsewhere = f"127.0.0.1:{free_port()}"
    async with serving(tmp_path / "data", now, authority, http_listen=elsewhere) as server:
        await until(lambda: has_failed(server))
        state = server.gateway.certificates.state()
        assert state.failure is not None
        assert "see that the name leads to this machine" in state.failure.reason
        assert state.retry_at is not None
        waits_ms = state.retry_at - now.now_ms()
        assert 5 * MINUTE_MS <= waits_ms <= 6 * MINUTE_MS

        now.advance(waits_ms)

        await until(lambda: has_certificate(server))
        assert server.gateway.certificates.state().failure is None


async def test_command_shows_what_failed_and_orders_again_when_asked(
    tmp_path: Path,
    now: FrozenClock,
    authority: AcmeServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    textko = CommandLine(tmp_path / "data", capsys, monkeypatch)
    elsewhere = f"127.0.0.1:{free_port()}"
    async with serving(tmp_path / "data", now, authority, http_listen=elsewhere) as server:
        await until(lambda: has_failed(server))
        awaited = await textko("tls", "status")
        needs_a_hand = await textko("status")
        got = await textko("tls", "renew")
        after = await textko.json("tls", "status")

    assert awaited.code == 1
    assert f"{NAME} (awaited)" in awaited.out
    assert "see that the name leads to this machine" in awaited.out
    assert f"There is no certificate for {NAME} yet: " in needs_a_hand.out
    assert got.code == 0, got.err
    assert (after["kind"], after["names"], after["isTemporary"]) == ("acme", [NAME], False)


async def test_restart_does_not_ask_sooner(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    elsewhere = f"127.0.0.1:{free_port()}"
    async with serving(tmp_path / "data", now, authority, http_listen=elsewhere) as server:
        await until(lambda: has_failed(server))
        before = server.gateway.certificates.state()

    async with serving(tmp_path / "data", now, authority) as server:
        now.advance(MINUTE_MS)
        after = server.gateway.certificates.state()

        assert (after.failure, after.retry_at) == (before.failure, before.retry_at)
        await server.gateway.certificates.renew()
        assert has_certificate(server)


async def test_certificate_is_renewed_after_two_thirds_of_its_life_with_the_same_account(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    async with serving(tmp_path / "data", now, authority, port=0) as server:
        await until(lambda: has_certificate(server))
        trust = await authority.trusting()
        first = await shown_by(server.port, trust, NAME)
        account = (tmp_path / "data/tls/acme/account.key").read_bytes()
        renews_at = server.gateway.certificates.state().renews_at
        assert renews_at is not None
        assert 60 * DAY_MS <= renews_at - now.now_ms() <= 63 * DAY_MS

        now.advance(renews_at - now.now_ms() - MINUTE_MS)
        assert await shown_by(server.port, trust, NAME) == first
        now.advance(2 * MINUTE_MS)

        async def is_new() -> bool:
            return await shown_by(server.port, trust, NAME) != first

        await until(is_new)
        assert (tmp_path / "data/tls/acme/account.key").read_bytes() == account


async def test_restart_shows_the_certificate_that_is_there_without_the_authority(
    tmp_path: Path, now: FrozenClock
) -> None:
    async with acme_server(tmp_path / "acme") as authority:
        async with serving(tmp_path / "data", now, authority, port=0) as server:
            await until(lambda: has_certificate(server))
        trust = await authority.trusting()
    async with serving(tmp_path / "data", now, authority, port=0) as server:
        await shown_by(server.port, trust, NAME)


async def test_new_name_is_ordered_while_the_old_certificate_serves(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer
) -> None:
    async with serving(tmp_path / "data", now, authority, port=0) as server:
        await until(lambda: has_certificate(server))
    names = (NAME, "other.example.org")
    async with serving(tmp_path / "data", now, authority, port=0, names=names) as server:
        trust = await authority.trusting()
        await shown_by(server.port, trust, NAME)

        def is_for_both() -> bool:
            certificate = server.gateway.certificates.state().certificate
            return certificate is not None and certificate.names == names

        await until(is_for_both)

        await shown_by(server.port, trust, "other.example.org")


async def test_port_80_that_is_taken_is_told_and_443_is_used(
    tmp_path: Path, now: FrozenClock, authority: AcmeServer, caplog: pytest.LogCaptureFixture
) -> None:
    taken = await asyncio.start_server(lambda r, w: None, "127.0.0.1", authority.http_port)
    async with taken, serving(tmp_path / "data", now, authority) as server:
        await until(lambda: has_certificate(server))
        fault = server.gateway.certificates.state().http_fault

    assert fault.startswith(f"cannot listen on 127.0.0.1:{authority.http_port}: ")
    assert "port_80_not_open" in caplog.text
