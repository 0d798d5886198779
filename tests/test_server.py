"""The server as a process: start, refusal to start, stop under load, kill and start again."""

import asyncio
import os
import re
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.gateways import LIMIT_S
from tests.servers import Person, running_server, settings_for_tests
from textko_server.config import ServerSettings
from textko_server.errors import Unavailable
from textko_server.server import CannotStart, Server
from textko_server.store.migrations import DatabaseTooNew

PHONE = "+251912345678"
# For a Python that starts on a busy machine.
START_LIMIT_S = 30


@asynccontextmanager
async def serving(data_dir: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`textko serve` as a process of its own, and its URL."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "textko_server", "--data-dir", str(data_dir), "serve",
        "--listen", "127.0.0.1:0", stderr=asyncio.subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if not k.startswith("TEXTKO_")},
    )  # fmt: skip
    assert process.stderr is not None
    drain: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(START_LIMIT_S):
            port = await port_of(process.stderr)
        drain = asyncio.create_task(process.stderr.read())
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if drain is not None:
            await drain


async def port_of(log: asyncio.StreamReader) -> int:
    """From the line that says it takes requests."""
    while line := await log.readline():
        match = re.search(rb" started .*port=(\d+)", line)
        if match:
            return int(match[1])
    raise AssertionError("the server ended at start")


async def person_in(data_dir: Path) -> Person:
    """Makes the accounts that later servers on this folder find."""
    async with running_server(data_dir) as server:
        return server.regular


async def queue(http: aiohttp.ClientSession, url: str, person: Person, text: str) -> None:
    body = [{"phone": PHONE, "message": text}]
    async with http.post(f"{url}/api/{person.key}/queue", json=body) as response:
        assert response.status == 200


# --- start ---


async def test_second_server_on_the_same_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    settings = settings_for_tests(tmp_path)
    async with Server(settings) as first:
        with pytest.raises(CannotStart, match=rf"another textko is running on {tmp_path}"):
            async with Server(settings):
                pass

        assert first.socket_path.exists()
    async with Server(settings):
        pass


async def test_port_in_use_is_told_in_a_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = settings_for_tests(
            tmp_path, server=ServerSettings(data_dir=tmp_path, listen=listen)
        )
        with pytest.raises(CannotStart, match=rf"cannot listen on {listen}: .*in use"):
            async with Server(settings):
                pass

    assert not (tmp_path / "textko.sock").exists()
    async with Server(settings_for_tests(tmp_path)):
        pass


@pytest.mark.parametrize(
    ("listen", "sentence"),
    [("192.0.2.1:0", "cannot listen on 192.0.2.1:0"), ("no-such-host.invalid:1", "cannot listen")],
)
async def test_address_that_is_not_ours_is_told_in_a_sentence(
    tmp_path: Path, listen: str, sentence: str
) -> None:
    server = ServerSettings(data_dir=tmp_path, listen=listen)

    with pytest.raises(CannotStart, match=sentence):
        async with Server(settings_for_tests(tmp_path, server=server)):
            pass


async def test_folder_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(CannotStart, match="cannot use the data directory"):
        async with Server(settings_for_tests(tmp_path / "file")):
            pass


async def test_path_too_long_for_a_socket_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot open the socket"):
        async with Server(settings_for_tests(tmp_path / ("x" * 120))):
            pass


async def test_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "textko.db")
    connection.execute("PRAGMA user_version = 9999")
    connection.close()

    with pytest.raises(DatabaseTooNew):
        async with Server(settings_for_tests(tmp_path)):
            pass


async def test_broken_database_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "textko.db").write_bytes(os.urandom(10_000))

    with pytest.raises(Unavailable, match="cannot open the database"):
        async with Server(settings_for_tests(tmp_path)):
            pass


async def test_socket_is_for_the_operator_only_and_goes_with_the_server(tmp_path: Path) -> None:
    async with Server(settings_for_tests(tmp_path / "data")) as server:
        assert server.socket_path.stat().st_mode & 0o777 == 0o600
        assert server.socket_path.parent.stat().st_mode & 0o777 == 0o700
        connector = aiohttp.UnixConnector(str(server.socket_path))
        async with (
            aiohttp.ClientSession(connector=connector) as http,
            http.get("http://textko/healthz") as response,
        ):
            assert response.status == 200

    assert not server.socket_path.exists()


async def test_socket_left_by_a_killed_server_is_replaced(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "textko.sock"))

    async with Server(settings_for_tests(tmp_path)) as server:
        assert server.socket_path.exists()


# --- stop ---


async def test_stop_answers_every_open_poll_at_once(tmp_path: Path) -> None:
    person = await person_in(tmp_path)
    headers = {"Authorization": f"Bearer {person.device_token}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(connector=connector, headers=headers) as http,
        serving(tmp_path) as (process, url),
    ):

        async def poll() -> tuple[int, Any]:
            async with http.post(f"{url}/device/v1/sync?wait=60", json={}) as response:
                return response.status, await response.json()

        polls = [asyncio.create_task(poll()) for _ in range(200)]
        await until_polls_are_open(http, url, len(polls))
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        answers = await asyncio.wait_for(asyncio.gather(*polls), LIMIT_S * 2)
        code = await asyncio.wait_for(process.wait(), LIMIT_S * 2)

        assert code == 0
        assert {status for status, _ in answers} == {200}
        assert all(answer["offers"] == [] for _, answer in answers)
        assert time.monotonic() - started < LIMIT_S
    assert [p.name for p in files_in(tmp_path)] == ["textko.db", "textko.lock"]


async def until_polls_are_open(http: aiohttp.ClientSession, url: str, count: int) -> None:
    async with asyncio.timeout(LIMIT_S * 2):
        while True:
            async with http.get(f"{url}/metrics") as response:
                if f"textko_polls_open {count}" in await response.text():
                    return


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_stop_while_a_webhook_hangs_does_not_wait_for_it(tmp_path: Path) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    receiver = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with receiver, running_server(tmp_path) as server:
        port = receiver.sockets[0].getsockname()[1]
        await server.gateway.webhooks.create(
            server.regular.user.id, url=f"http://127.0.0.1:{port}/", events=["MESSAGE_RECEIVED"]
        )
        headers = {"Authorization": f"Bearer {server.regular.device_token}"}
        told = {"id": "1", "from": PHONE, "text": "Hi", "receivedAt": 1}
        await server.request("POST", "/device/v1/sync", {"incoming": [told]}, headers=headers)
        started = time.monotonic()
    assert time.monotonic() - started < LIMIT_S


# --- kill ---


async def submit_until_killed(
    url: str, person: Person, process: asyncio.subprocess.Process, prefix: str
) -> list[str]:
    """Kills the server with submits under way; returns the texts it had accepted."""
    accepted: list[str] = []

    async def submit(http: aiohttp.ClientSession, start: int) -> None:
        for n in range(start, 1_000, 4):
            text = f"{prefix}-{n}"
            with suppress(aiohttp.ClientError, OSError):
                await queue(http, url, person, text)
                accepted.append(text)
            if len(accepted) == 50:
                process.kill()
            if process.returncode is not None or len(accepted) >= 50:
                return

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(submit(http, start) for start in range(4)))
    return accepted


async def test_killed_server_starts_again_with_all_it_accepted(tmp_path: Path) -> None:
    person = await person_in(tmp_path)
    headers = {"Authorization": f"Bearer {person.device_token}"}
    accepted: list[str] = []
    for prefix in ("first", "second"):
        async with serving(tmp_path) as (process, url):
            accepted += await submit_until_killed(url, person, process, prefix)
            assert await process.wait() != 0  # 255 when another thread has reaped it first

    texts: list[str] = []
    async with serving(tmp_path) as (_, url), aiohttp.ClientSession(headers=headers) as http:
        while True:
            async with http.post(f"{url}/device/v1/sync", json={"capacity": 100}) as response:
                offers = (await response.json())["offers"]
            if not offers:
                break
            texts += [offer["text"] for offer in offers]

    assert len(accepted) >= 100
    assert len(texts) == len(set(texts))
    assert set(accepted) <= set(texts)
    connection = sqlite3.connect(tmp_path / "textko.db")
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
