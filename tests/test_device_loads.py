"""What each device has to do: in the list of the admin API, and on the command line."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.commands import CommandLine
from tests.gateways import everything_committed
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient


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


async def load_phone(server: RunningServer, regular: AdminClient) -> None:
    """Of three texts it was offered one, and four more may go this hour."""
    device_id = server.regular.device_id
    await regular.set_pace(device_id, 1, wire.Pace(per_hour=5))
    for number in ("+251911222001", "+251911222002", "+251911222003"):
        body = wire.NewMessage(to=[number], text="Hello", device_id=device_id)
        await regular.send_message(body)
    await server.sync(server.regular, capacity=1)
    await everything_committed(server.gateway.db)


async def test_list_tells_what_waits_what_is_held_and_what_may_go_now(
    server: RunningServer, regular: AdminClient
) -> None:
    await load_phone(server, regular)

    [plain] = (await regular.list_devices()).devices
    [loaded] = (await regular.list_devices(load=True)).devices

    assert plain.load is None
    assert loaded.load == wire.DeviceLoad(waiting=2, held=1, pace_left=4, carriers=["Ethio"])


async def test_phone_without_limits_has_no_pace_left_to_tell(
    regular: AdminClient,
) -> None:
    [device] = (await regular.list_devices(load=True)).devices

    assert device.load is not None
    assert device.load.pace_left is None


async def test_command_line_lists_what_each_phone_has_to_do(
    server: RunningServer, regular: AdminClient, textko: CommandLine
) -> None:
    await load_phone(server, regular)

    listed = await textko.json("device", "list")

    loads = {device["name"]: device["load"] for device in listed["devices"]}
    assert loads[server.regular.device.name]["waiting"] == 2
    assert "no limit" in (await textko("device", "list")).out


async def test_default_device_by_the_command_line(
    server: RunningServer, textko: CommandLine
) -> None:
    outcome = await textko("device", "default", server.admin.device_id)

    shown = await textko.json("device", "show", server.admin.device_id)
    assert shown["isDefault"] is True
    assert "is the default of admin@example.org now" in outcome.out
