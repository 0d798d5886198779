"""A phone with CHT Gateway is added: an address with a login, made once, good in the real flow."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cht import PATH
from tests.commands import CommandLine
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.emulated.cht_app import ChtApp, UrlRefused

WAIT_LIMIT_S = 30.0
DRAWER = wire.NewDevice(app="cht", name="Drawer", number="+251911000009")


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def test_address_is_all_the_app_needs(
    server: RunningServer, regular: AdminClient, tmp_path: Path
) -> None:
    created = await regular.create_device(DRAWER)

    async with ChtApp(created.url, tmp_path / "phone", polls=False):
        shown = await regular.get_device(created.id)

    parts = urlsplit(created.url)
    assert (parts.username, parts.path) == (created.id, PATH)
    assert shown.is_online
    assert (shown.name, shown.app, shown.user) == ("Drawer", "CHT Gateway 1.8.2", REGULAR_EMAIL)
    assert [sim.number for sim in shown.sims] == ["+251911000009"]


async def test_password_holds_nothing_that_an_address_encodes(regular: AdminClient) -> None:
    password = urlsplit((await regular.create_device(DRAWER)).url).password or ""

    assert password.startswith("txd_")
    assert password.replace("_", "").isalnum()
    assert password.isascii()


async def test_address_of_a_deleted_phone_is_refused_by_the_app(
    regular: AdminClient, tmp_path: Path
) -> None:
    created = await regular.create_device(DRAWER)
    await regular.delete_device(created.id)

    with pytest.raises(UrlRefused, match="authorisation failed"):
        async with ChtApp(created.url, tmp_path / "phone", polls=False):
            pass


async def test_regular_user_adds_phones_to_no_other_account(regular: AdminClient) -> None:
    with pytest.raises(AdminError) as refused:
        await regular.create_device(wire.NewDevice(app="cht", name="Drawer", user=ADMIN_EMAIL))

    assert refused.value.code == "not_found"
    assert len((await regular.list_devices()).devices) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"app": "cht"},
        {"app": "cht", "name": ""},
        {"app": "cht", "name": "x" * 65},
        {"app": "other", "name": "Drawer"},
        {"name": "Drawer"},
        {"app": "cht", "name": "Drawer", "number": "1" * 65},
    ],
)
async def test_phone_that_breaks_the_rules_is_not_added(
    server: RunningServer, body: dict[str, Any]
) -> None:
    answer = await server.request(
        "POST", "/admin/v1/devices", body, headers=server.regular.jwt_headers
    )

    assert answer.status == 400


async def test_command_shows_the_address_once_and_how_to_use_it(
    server: RunningServer, textko: CommandLine
) -> None:
    outcome = await textko(
        "device", "pair", "--app", "cht", "--user", REGULAR_EMAIL, "--no-wait", "--name", "Drawer"
    )

    assert outcome.code == 0, outcome.err
    assert "CHT-Core URL" in outcome.out
    assert "https only" in outcome.out  # what it has shown is plain http
    assert "█" in outcome.out
    [url] = [line.split()[1] for line in outcome.out.splitlines() if line.startswith("URL ")]
    listed = await textko.json("device", "list", "--user", REGULAR_EMAIL)
    assert listed["devices"][1]["app"] == "CHT Gateway"
    assert (urlsplit(url).password or "") not in str(listed)


async def test_command_waits_until_the_phone_asks(
    server: RunningServer, textko: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added: asyncio.Queue[str] = asyncio.Queue()
    add = server.gateway.pairing.add

    async def add_and_tell(*arguments: Any) -> Any:
        device, token = await add(*arguments)
        added.put_nowait(token)
        return device, token

    monkeypatch.setattr(server.gateway.pairing, "add", add_and_tell)
    waiting = asyncio.create_task(textko("device", "pair", "--app", "cht", "--user", REGULAR_EMAIL))
    async with asyncio.timeout(WAIT_LIMIT_S):
        url = server.url.replace("http://", f"http://any:{await added.get()}@") + PATH
        async with ChtApp(url, tmp_path / "phone", polls=False):
            outcome = await waiting

    assert outcome.code == 0
    assert "it asks: CHT Gateway, " in outcome.out


async def test_number_without_an_app_is_a_slip(textko: CommandLine) -> None:
    outcome = await textko("device", "pair", "--number", "+251911000009")

    assert outcome.code == 2
    assert "--app" in outcome.err
