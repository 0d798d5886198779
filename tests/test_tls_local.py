"""The authority of one's own: real handshakes with clients that trust it, as phones do."""

import asyncio
import shutil
import ssl
import stat
import time
from pathlib import Path

import pytest

from tests.certificates import careless, shown_by, until
from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.server_process import serving
from tests.servers import running_server, settings_for_tests
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings
from textko_server.gateway.certificates import LOCAL_LOOK_MS, WATCH_MS
from textko_server.server import Server
from textko_server.tls.local import LocalFailed, make_local, read_authority, renew_if_due
from textko_server.tls.places import LocalPlaces
from textko_server.tls.reading import read_certificate

NAMES = ["192.168.1.20", "pi.local", "localhost"]


@pytest.fixture
def now() -> FrozenClock:
    """Clients look at their own clocks."""
    return FrozenClock(time.time_ns() // 1_000_000)


@pytest.fixture
def places(tmp_path: Path) -> LocalPlaces:
    return LocalPlaces(tmp_path / "data")


@pytest.fixture
def textko(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return CommandLine(tmp_path / "data", capsys, monkeypatch)


def settings_of(places: LocalPlaces, tmp_path: Path) -> ServerSettings:
    return ServerSettings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        tls_cert=str(places.certificate),
        tls_key=str(places.key),
    )


def trusting(places: LocalPlaces) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(places.authority)
    return context


@pytest.mark.parametrize("name", NAMES)
async def test_who_trusts_the_authority_trusts_the_server(
    tmp_path: Path, now: FrozenClock, places: LocalPlaces, name: str
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    server_settings = settings_of(places, tmp_path)
    async with running_server(tmp_path / "data", clock=now, server=server_settings) as server:
        await shown_by(server.server.port, trusting(places), name)
        with pytest.raises(ssl.SSLCertVerificationError):
            await shown_by(server.server.port, trusting(places), "pi.example.org")
        assert server.server.url.startswith("https://127.0.0.1:")


async def test_authority_signs_for_nobody_elses_names(
    now: FrozenClock, places: LocalPlaces
) -> None:
    """Also what another program signs with its key is refused by clients: OpenSSL looks."""
    from textko_server.tls import local
    from textko_server.tls.handshakes import Handshakes
    from textko_server.tls.pairs import Pair, read_pair

    made = make_local(places, [*NAMES, "pi.lan"], now.now_ms(), with_new_authority=False)
    assert made.refused == ()
    again = make_local(places, ["bank.example.com", "8.8.8.8", "a.lan"], now.now_ms(),
                       with_new_authority=False)  # fmt: skip
    assert again.refused == ("bank.example.com", "8.8.8.8")
    assert again.names == ("a.lan",)

    local._sign(places, local._read(places), ["bank.example.com"], now.now_ms())

    shown = read_pair(Pair(places.certificate, places.key)).context
    listening = await asyncio.start_server(
        lambda r, w: w.close(), "127.0.0.1", 0, ssl=Handshakes(shown).context
    )
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        await shown_by(port, careless(), "bank.example.com")
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            await shown_by(port, trusting(places), "bank.example.com")


def test_another_certificate_is_by_the_same_authority_and_key(
    now: FrozenClock, places: LocalPlaces
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    before = (read_authority(places), places.key.read_bytes())

    made = make_local(places, ["pi.lan"], now.now_ms(), with_new_authority=False)

    assert not made.is_new_authority
    assert (read_authority(places), places.key.read_bytes()) == before
    make_local(places, ["pi.lan"], now.now_ms(), with_new_authority=True)
    assert read_authority(places) != before[0]


def test_certificate_lives_as_long_as_browsers_allow(now: FrozenClock, places: LocalPlaces) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)

    certificate = read_certificate(places.certificate.read_bytes())

    assert certificate.ends_at - certificate.begins_at < 397 * DAY_MS
    modes = {p.name: stat.S_IMODE(p.stat().st_mode) for p in places.authority.parent.iterdir()}
    assert modes == dict.fromkeys(("ca.pem", "ca.key", "cert.pem", "key.pem"), 0o600)


async def test_server_renews_it_before_it_ends(
    tmp_path: Path, now: FrozenClock, places: LocalPlaces
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    server_settings = settings_of(places, tmp_path)
    async with running_server(tmp_path / "data", clock=now, server=server_settings) as server:
        first = await shown_by(server.server.port, careless(), "pi.local")
        renews_at = server.gateway.certificates.state().renews_at
        assert renews_at is not None
        assert 260 * DAY_MS <= renews_at - now.now_ms() <= 280 * DAY_MS

        now.advance(renews_at - now.now_ms() + LOCAL_LOOK_MS)

        async def is_new() -> bool:
            now.advance(WATCH_MS)
            return await shown_by(server.server.port, careless(), "pi.local") != first

        await until(is_new)


def test_certificate_follows_the_machines_address(now: FrozenClock, places: LocalPlaces) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)

    assert not renew_if_due(places, "192.168.1.20", now.now_ms())
    assert renew_if_due(places, "192.168.1.77", now.now_ms())
    # A public address is none that the authority may sign for: nothing is to be done.
    assert not renew_if_due(places, "8.8.8.8", now.now_ms())

    names = read_certificate(places.certificate.read_bytes()).names
    assert set(names) == {*NAMES, "192.168.1.77"}


async def test_server_starts_with_what_it_has_when_it_cannot_renew_it(
    tmp_path: Path, now: FrozenClock, places: LocalPlaces
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    places.authority_key.unlink()
    server_settings = settings_of(places, tmp_path)
    async with running_server(tmp_path / "data", clock=now, server=server_settings) as server:
        await shown_by(server.server.port, trusting(places), "pi.local")
        await server.gateway.certificates.look()
        state = server.gateway.certificates.state()

    # This machine's address is not among its names.
    assert state.failure is not None
    assert str(places.authority_key) in state.failure.reason


def test_renewal_without_the_authoritys_key_is_told(now: FrozenClock, places: LocalPlaces) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    places.authority_key.unlink()

    with pytest.raises(LocalFailed, match="No such file"):
        renew_if_due(places, "192.168.1.77", now.now_ms())


async def test_backup_holds_authority_and_certificate_and_a_restore_serves_them(
    tmp_path: Path, now: FrozenClock, places: LocalPlaces, textko: CommandLine
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    server_settings = settings_of(places, tmp_path)
    async with running_server(tmp_path / "data", clock=now, server=server_settings) as server:
        shown = await shown_by(server.server.port, trusting(places), "pi.local")
    made = await textko.json("backup", str(tmp_path / "all.tar.gz"))
    await asyncio.to_thread(shutil.rmtree, tmp_path / "data")

    restored = await textko("restore", made["path"])

    assert restored.code == 0, restored.err
    async with Server(settings_for_tests(tmp_path / "data", server=server_settings), now) as server:
        assert await shown_by(server.port, trusting(places), "pi.local") == shown
    assert not renew_if_due(places, "192.168.1.20", now.now_ms())


def test_first_start_prints_addresses_of_https(tmp_path: Path, places: LocalPlaces) -> None:
    make_local(places, NAMES, time.time_ns() // 1_000_000, with_new_authority=False)
    named = (f"server.tls_cert={places.certificate}", f"server.tls_key={places.key}")
    with serving(tmp_path / "data", "--set", named[0], "--set", named[1]) as server:
        server.wait_for("phone simulate")
        said = server.log

    url = server.url.replace("http:", "https:")
    assert f"Applications and phones:  {url}\n" in said
    assert f"To trust it on a phone:   {url}/tls\n" in said
    assert "On this machine:" not in said
    assert "http://" not in said


# --- the command, the page ---


async def test_command_makes_all_sets_it_and_says_how_phones_trust_it(
    tmp_path: Path, textko: CommandLine, places: LocalPlaces
) -> None:
    outcome = await textko("tls", "local", "--name", "Pi.lan")

    assert outcome.code == 0, outcome.err
    assert "certificate for pi.lan, " in outcome.out
    assert f"set in {tmp_path / 'data/textko.toml'}: restart the server" in outcome.out
    for word in ("fingerprint:", "/tls/ca.crt", "Android", "update-ca-certificates"):
        assert word in outcome.out
    shown = await textko.json("config", "show")
    values = {setting["name"]: setting["value"] for setting in shown["settings"]}
    assert values["server.tls_cert"] == str(places.certificate)
    again = await textko.json("tls", "local")
    assert (again["isNewAuthority"], again["settingsFile"]) == (False, None)


async def test_command_changes_two_lines_of_the_settings_and_no_more(
    tmp_path: Path, textko: CommandLine
) -> None:
    path = tmp_path / "textko.toml"
    shipped = (Path(__file__).parent.parent / "textko.toml").read_text("utf-8")
    await asyncio.to_thread(path.write_text, shipped)
    path.chmod(0o640)

    await textko("tls", "local")

    new = await asyncio.to_thread(path.read_text)
    changed = [line for line in new.splitlines() if line not in shipped.splitlines()]
    assert [line.partition(" ")[0] for line in changed] == ["tls_cert", "tls_key"]
    assert len(new.splitlines()) == len(shipped.splitlines())
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "text",
    ['[server]\ntls_cert = "a"\ntls_key = "b"\n', '[server]\n"tls_cert" = "a"\ntls_key="b"\n'],
)
async def test_settings_that_name_other_files_stay(
    tmp_path: Path, textko: CommandLine, text: str
) -> None:
    path = tmp_path / "textko.toml"
    await asyncio.to_thread(path.write_text, text)

    outcome = await textko("tls", "local")

    assert "in textko.toml, below [server], and restart the server:\n  tls_cert = " in outcome.out
    assert await asyncio.to_thread(path.read_text) == text


async def test_name_of_the_internet_is_refused_by_the_command(textko: CommandLine) -> None:
    await textko("tls", "local")

    outcome = await textko("tls", "local", "--name", "bank.example.com")

    assert outcome.code == 1
    assert "not for bank.example.com: the authority is for this network only" in outcome.out


async def test_phone_downloads_the_authority_and_status_has_its_fingerprint(
    tmp_path: Path, now: FrozenClock, places: LocalPlaces, textko: CommandLine
) -> None:
    make_local(places, NAMES, now.now_ms(), with_new_authority=False)
    server_settings = settings_of(places, tmp_path)
    async with running_server(tmp_path / "data", clock=now, server=server_settings) as server:
        url = f"https://127.0.0.1:{server.server.port}"
        async with server.http.get(f"{url}/tls/ca.crt", ssl=careless()) as answer:
            assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
            assert await answer.read() == await asyncio.to_thread(places.authority.read_bytes)
        async with server.http.get(f"{url}/tls", ssl=careless()) as answer:
            page = await answer.text()
        status = await textko("tls", "status")
        renewed = await textko.json("tls", "renew")

    shown = ":".join(f"{b:02X}" for b in bytes.fromhex(read_authority(places).fingerprint))
    assert shown in page
    assert f"its authority  {shown}" in status.out
    assert status.code == 0
    assert renewed["kind"] == "local"
    assert renewed["authorityFingerprint"] == read_authority(places).fingerprint


async def test_there_is_no_such_page_and_nothing_to_renew_without_tls(
    tmp_path: Path, textko: CommandLine
) -> None:
    async with running_server(tmp_path / "data") as server:
        for path in ("/tls", "/tls/ca.crt"):
            assert (await server.request("GET", path)).status == 404
        status = await textko.json("tls", "status")
        renewed = await textko("tls", "renew")

    assert status["kind"] == "off"
    assert renewed.code == 1
    assert "set server.domain, or see `textko tls local`" in renewed.err
