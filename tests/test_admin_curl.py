"""Requests to the admin API as lines for the shell: each does, run as it stands, what it shows."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers import REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.admin_client.connection import path_of

needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
TEXT = 'It\'s "quoted" $HOME `id` \\ !! @file\nnext line\tዳኛ 👋'


@pytest.fixture(params=["socket", "URL"])
async def client(
    server: RunningServer, request: pytest.FixtureRequest
) -> AsyncIterator[AdminClient]:
    over_socket = AdminClient.over_socket(server.server.socket_path)
    at_url = AdminClient.at_url(server.url, server.regular.key)
    async with over_socket if request.param == "socket" else at_url as client:
        yield client


async def run(line: str, server: RunningServer) -> Any:
    """What the shell prints for it."""
    environment = {"TEXTKO_API_KEY": server.regular.key, "PATH": "/usr/bin:/bin"}
    process = await asyncio.create_subprocess_exec(
        "sh", "-c", f"{line} --silent --show-error --noproxy '*'",
        env=environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(output)


@needs_curl
async def test_line_sends_the_very_text(server: RunningServer, client: AdminClient) -> None:
    body = wire.NewMessage(to=["+251911222333"], text=TEXT)
    line = client.curl_of("POST", "/messages", wire.UserQuery(user=REGULAR_EMAIL), body)

    answer = await run(line, server)
    assert answer["text"] == TEXT
    assert server.regular.key not in line


@needs_curl
async def test_last_request_can_be_asked_again(server: RunningServer, client: AdminClient) -> None:
    query = wire.LogQuery(text="a&b=c d'e") if client.place.endswith(".sock") else None
    asked: Any = await (client.list_log(query) if query else client.get_user(REGULAR_EMAIL))

    line = client.last_request_as_curl
    assert line is not None
    answer = await run(line, server)
    assert answer.keys() == msgspec.to_builtins(asked).keys()


async def test_nobody_asked_yet(client: AdminClient) -> None:
    assert client.last_request_as_curl is None


async def test_key_and_secrets_stay_out_of_the_line(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.admin.jwt) as admin:
        await admin.set_password(REGULAR_EMAIL, "battery staple")

        line = admin.last_request_as_curl
    assert line == (
        f"curl -X PUT {server.url}/admin/v1/users/regular@example.org/password"
        ' -H "Authorization: Bearer $TEXTKO_API_KEY"'
        """ -H 'Content-Type: application/json' --data-raw '{"password":"********"}'"""
    )


def test_socket_is_named_by_its_whole_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    client = AdminClient.over_socket(Path("it's data/textko.sock"))

    line = client.curl_of("GET", "/status")
    quoted = str(tmp_path) + """/it'"'"'s data/textko.sock'"""
    assert line == f"curl --unix-socket '{quoted} http://textko/admin/v1/status"


def test_names_in_a_path_are_quoted_for_url_and_shell() -> None:
    client = AdminClient.at_url("http://[::1]:8480", "key")

    line = client.curl_of("GET", path_of("users", "a b'[x]"))
    assert line.startswith("curl --globoff 'http://[::1]:8480/admin/v1/users/a%20b%27%5Bx%5D' -H")


def test_upload_names_a_file() -> None:
    client = AdminClient.at_url("http://sms.example.org", "key")

    line = client.curl_of("POST", "/releases", wire.ReleaseQuery(code=5), is_upload=True)
    assert line.startswith("curl -X POST 'http://sms.example.org/admin/v1/releases?code=5'")
    assert line.endswith(" --data-binary @FILE")
