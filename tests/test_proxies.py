"""The examples of packaging/proxies, in Debian's Caddy and nginx, before a real server.

Only names, ports and paths of the examples are changed for the test.
"""

import asyncio
import io
import json
import ssl
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
import trustme

from tests.clocks import FrozenClock
from tests.dashboard_windows import opened_window
from tests.debian import program
from tests.ports import free_port
from tests.servers import RunningServer, running_server
from textko_server.config import ServerSettings

EXAMPLES = Path(__file__).parent.parent / "packaging" / "proxies"
NAME = "sms.example.org"
# Another address of this machine: what the server sees must not be the proxy's own.
CALLER = "127.0.0.9"
WAIT_S = 30.0
NUMBER = "+251911222333"

_NGINX_MAIN = """
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/textko.conf;
}}
"""
_CADDY_MAIN = """{{
	admin off
	skip_install_trust
	grace_period 1s
	storage file_system {folder}
	http_port {http_port}
	https_port {https_port}
}}
"""


class Ports(msgspec.Struct, frozen=True):
    upstream: int
    http: int
    https: int


class Certificate(msgspec.Struct, frozen=True):
    chain: Path
    key: Path


Configure = Callable[[Path, Ports, Certificate], list[str]]


def caddy(folder: Path, ports: Ports, certificate: Certificate) -> list[str]:
    """Writes its configuration; the answer is what comes after the program's name."""
    example = (EXAMPLES / "Caddyfile").read_text("utf-8")
    example = example.replace("127.0.0.1:8480", f"127.0.0.1:{ports.upstream}")
    # It would ask a public authority.
    start, name, block = example.partition(f"{NAME} {{\n")
    assert name
    text = _CADDY_MAIN.format(folder=folder, http_port=ports.http, https_port=ports.https)
    text += f"{start}localhost {{\n\ttls {certificate.chain} {certificate.key}\n{block}"
    path = folder / "Caddyfile"
    path.write_text(text, "utf-8")
    return ["run", "--config", str(path), "--adapter", "caddyfile"]


def nginx(folder: Path, ports: Ports, certificate: Certificate) -> list[str]:
    example = (EXAMPLES / "nginx.conf").read_text("utf-8")
    for there, here in {
        "127.0.0.1:8480": f"127.0.0.1:{ports.upstream}",
        "[::]:80;": f"[::1]:{ports.http};",
        "listen 80;": f"listen 127.0.0.1:{ports.http};",
        "listen [::]:443 ": f"listen [::1]:{ports.https} ",
        "listen 443 ": f"listen 127.0.0.1:{ports.https} ",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate.chain),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(certificate.key),
        NAME: "localhost",
    }.items():
        assert there in example, there
        example = example.replace(there, here)
    (folder / "textko.conf").write_text(example, "utf-8")
    (folder / "nginx.conf").write_text(_NGINX_MAIN.format(folder=folder), "utf-8")
    return ["-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


@pytest.fixture(params=[caddy, nginx], ids=lambda configure: configure.__name__)
async def proxied(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[RunningServer, str]]:
    """A server as it is behind a proxy, and the proxy's address for plain HTTP."""
    configure: Configure = request.param
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", trusted_proxies=("127.0.0.1", "::1")
    )
    authority = trustme.CA()
    context = ssl.create_default_context()
    authority.configure_trust(context)
    async with (
        running_server(tmp_path / "data", server=settings) as server,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, local_addr=(CALLER, 0)),
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as http,
    ):
        ports = Ports(server.server.port, free_port(), free_port())
        arguments = configure(tmp_path, ports, issued(authority, tmp_path))
        async with running(configure.__name__, arguments, tmp_path, ports.https):
            seen = msgspec.structs.replace(
                server, url=f"https://localhost:{ports.https}", http=http
            )
            yield seen, f"http://localhost:{ports.http}"


def issued(authority: trustme.CA, folder: Path) -> Certificate:
    leaf = authority.issue_cert("localhost")
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    leaf.private_key_pem.write_to_path(str(key))
    return Certificate(chain, key)


@asynccontextmanager
async def running(name: str, arguments: list[str], home: Path, port: int) -> AsyncIterator[None]:
    path = await program(name, name)
    process = await asyncio.create_subprocess_exec(
        str(path), *arguments, stdout=PIPE, stderr=PIPE,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    talk = asyncio.create_task(process.communicate())  # its log must not fill the pipe
    try:
        async with asyncio.timeout(WAIT_S):
            while not await _listens(port):
                assert not talk.done(), f"{name} ended: {talk.result()[1].decode()}"
                await asyncio.sleep(0.02)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await talk


async def _listens(port: int) -> bool:
    """And has its certificate: Caddy listens before that."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=context, server_hostname="localhost"
        )
    except OSError:
        return False
    writer.close()
    return True


async def test_server_knows_the_caller_and_the_address_asked_for(
    proxied: tuple[RunningServer, str],
) -> None:
    server, _ = proxied
    lies = {"X-Forwarded-For": "192.0.2.1"}

    described = await server.request("GET", "/openapi.json", headers=lies)
    await server.request("POST", "/device/v1/sync", {}, headers=lies)

    assert described.json["servers"][0]["url"] == server.url
    [refusal] = server.gateway.refusals.list_refusals(None)
    assert refusal.address == CALLER


async def test_plain_http_is_sent_to_https(proxied: tuple[RunningServer, str]) -> None:
    server, plain_url = proxied

    async with server.http.get(f"{plain_url}/docs", allow_redirects=False) as answer:
        assert answer.status in (301, 308)
        assert answer.headers["Location"].startswith("https://localhost")


async def test_waiting_phone_is_answered_when_a_text_comes(
    proxied: tuple[RunningServer, str],
) -> None:
    server, _ = proxied
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    poll = asyncio.create_task(
        server.request("POST", "/device/v1/sync?wait=60", {}, headers=headers)
    )
    async with asyncio.timeout(WAIT_S):
        while server.gateway.polls.open_count == 0:  # noqa: ASYNC110 - no event
            await asyncio.sleep(0.01)

    await server.request(
        "POST",
        "/api/v1/gateway/send-sms",
        {"recipients": [NUMBER], "message": "Hello"},
        headers=server.regular.key_headers,
    )
    async with asyncio.timeout(WAIT_S):
        answer = await poll

    assert [offer["phoneNumber"] for offer in answer.json["offers"]] == [NUMBER]


async def test_events_come_while_the_stream_is_open(proxied: tuple[RunningServer, str]) -> None:
    server, _ = proxied

    async with (
        asyncio.timeout(WAIT_S),
        server.http.get(
            f"{server.url}/admin/v1/events", headers=server.admin.jwt_headers
        ) as stream,
    ):
        await server.sync(server.regular, status={"battery": 80})
        while b"device_changed" not in (line := await stream.content.readline()):
            assert line


async def test_large_body_reaches_the_server(proxied: tuple[RunningServer, str]) -> None:
    server, _ = proxied

    body = json.dumps({"recipients": [NUMBER], "message": "x" * 1_900_000}).encode()

    async with server.http.post(
        f"{server.url}/api/v1/gateway/send-sms",
        data=io.BytesIO(body),
        headers=server.regular.key_headers,
    ) as answer:
        assert answer.status == 400
        assert "message" in await answer.text()


async def test_dashboard_opens_its_window(proxied: tuple[RunningServer, str]) -> None:
    server, _ = proxied
    assert isinstance(server.clock, FrozenClock)

    async with opened_window(server, server.admin, shows_all=True) as window:
        await window.wait_for("Overview")
