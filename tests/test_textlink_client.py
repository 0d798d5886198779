"""The vendor's own Python client, as PyPI has it, against our server.

Its address, https://textlinksms.com, is written into it. A certificate of a throw-away authority
and a proxy that leads every CONNECT to our port bring it here; nothing of it is changed.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.clocks import FrozenClock
from tests.servers import RunningServer, running_server
from textko_server.config import ServerSettings
from textko_server.server import local_url

PHONE = "+251912345678"
# For a Python that starts on a busy machine, and a call.
LIMIT_S = 30

# Reads a call a line, answers what the client made of the server's answer.
CLIENT = """
import json, sys
import textlink
for line in sys.stdin:
    name, arguments = json.loads(line)
    result = getattr(textlink, name)(**arguments)
    print(json.dumps(result if result is None else vars(result)), flush=True)
"""


class TextLinkClient:
    """`await client("sendSMS", …)` in a process of its own; the fields of what it returns."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, function: str, **arguments: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([function, arguments]).encode() + b"\n")
        async with asyncio.timeout(LIMIT_S):
            line = await self._process.stdout.readline()
        assert line, "the client broke: see its traceback above"
        return json.loads(line)


@asynccontextmanager
async def connect_proxy(port: int) -> AsyncIterator[str]:
    """A proxy that connects whoever asks for anything to 127.0.0.1:`port`; its URL."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"CONNECT textlinksms.com:443 "), head
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield local_url(server.sockets[0].getsockname()[1])
    finally:
        server.close()


@asynccontextmanager
async def client_process(proxy_url: str, ca_file: Path) -> AsyncIterator[TextLinkClient]:
    unset = {"NO_PROXY", "no_proxy", "https_proxy", "HTTPS_PROXY"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CLIENT, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k not in unset}
        | {"HTTPS_PROXY": proxy_url, "REQUESTS_CA_BUNDLE": str(ca_file)},
    )  # fmt: skip
    try:
        yield TextLinkClient(process)
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def secure_server(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """As textlinksms.com, whose authority is tmp_path/ca.pem."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("textlinksms.com")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    settings = ServerSettings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        tls_cert=str(tmp_path / "cert.pem"),
        tls_key=str(tmp_path / "key.pem"),
    )
    async with running_server(tmp_path / "data", clock=clock, server=settings) as server:
        yield server


@pytest.fixture
async def textlink(secure_server: RunningServer, tmp_path: Path) -> AsyncIterator[TextLinkClient]:
    """The client, without a key yet."""
    async with (
        connect_proxy(secure_server.server.port) as proxy_url,
        client_process(proxy_url, tmp_path / "ca.pem") as client,
    ):
        yield client


async def bring_phone_online(server: RunningServer) -> None:
    server.gateway.presence.heard(server.regular.device.id, server.regular.user.id)


async def test_client_sends_a_text(secure_server: RunningServer, textlink: TextLinkClient) -> None:
    await textlink("useKey", key=secure_server.regular.key)

    waiting = await textlink("sendSMS", phone_number=PHONE, text='Say "hi" 👋')
    await bring_phone_online(secure_server)
    taken = await textlink("sendSMS", phone_number=PHONE, text="Hello")

    assert waiting == {"ok": True, "queued": True}
    assert taken == {"ok": True}
    texts = await secure_server.gateway.db.fetch_all("SELECT text FROM messages ORDER BY id")
    assert texts == [('Say "hi" 👋',), ("Hello",)]


async def test_client_reads_every_refusal(
    secure_server: RunningServer, textlink: TextLinkClient
) -> None:
    await textlink("useKey", key="x" * 64)
    bad_key = await textlink("sendSMS", phone_number=PHONE, text="Hello")
    await textlink("useKey", key=secure_server.regular.key)
    bad_number = await textlink("sendSMS", phone_number="nobody", text="Hello")
    none_sent = await textlink("verifyCode", phone_number=PHONE, code="123456")
    bad_time = await textlink("sendVerificationSMS", phone_number=PHONE, expiration_time=1_000)

    assert bad_key == {"ok": False, "message": "API key not found"}
    assert bad_number["ok"] is False
    assert bad_number["message"].startswith("Invalid phone number: ")
    assert none_sent == {"ok": False, "message": "No active verification for this number"}
    assert bad_time["ok"] is False


async def test_client_verifies_a_number(
    secure_server: RunningServer, textlink: TextLinkClient
) -> None:
    await textlink("useKey", key=secure_server.regular.key)

    sent = await textlink("sendVerificationSMS", phone_number=PHONE, service_name="Tribal")
    right = await textlink("verifyCode", phone_number=PHONE, code=sent["code"])
    again = await textlink("verifyCode", phone_number=PHONE, code=sent["code"])

    assert sent == {"ok": True, "code": sent["code"]}
    assert right == {"ok": True}
    assert again == {"ok": False, "message": "No active verification for this number"}
    [(text,)] = await secure_server.gateway.db.fetch_all("SELECT text FROM messages")
    assert text == f"Your verification code for Tribal is: {sent['code']}"


async def test_code_of_the_client_expires(
    secure_server: RunningServer, textlink: TextLinkClient, clock: FrozenClock
) -> None:
    await textlink("useKey", key=secure_server.regular.key)
    sent = await textlink("sendVerificationSMS", phone_number=PHONE, expiration_time=60_000)
    clock.advance(60_000)

    late = await textlink("verifyCode", phone_number=PHONE, code=sent["code"])

    assert late == {"ok": False, "message": "Code expired"}


async def test_client_guesses_five_times(
    secure_server: RunningServer, textlink: TextLinkClient
) -> None:
    await textlink("useKey", key=secure_server.regular.key)
    sent = await textlink("sendVerificationSMS", phone_number=PHONE)
    wrong = f"{(int(sent['code']) + 1) % 1_000_000:06d}"

    guesses = [await textlink("verifyCode", phone_number=PHONE, code=wrong) for _ in range(5)]
    right = await textlink("verifyCode", phone_number=PHONE, code=sent["code"])

    assert guesses == [{"ok": False, "message": "Invalid code"}] * 5
    assert right == {"ok": False, "message": "Too many attempts"}
