"""The page of phones that could not connect: who, why in words, how often, and the way on."""

from tests.screens import SMALL, screens
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import HOUR_MS

REGULARS = "Phone of regular"


async def knock(server: RunningServer, count: int = 1) -> None:
    """A phone with a token that nobody knows."""
    headers = {"Authorization": "Bearer txd_nobody"}
    for _ in range(count):
        await server.request("POST", "/device/v1/sync?wait=0", {}, headers=headers)


async def switch_off(server: RunningServer) -> None:
    """The regular user's phone, which asks on."""
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        changes = wire.DeviceChanges(is_enabled=False)
        await regular.change_device(server.regular.device_id, changes)
    await server.sync(server.regular)


async def test_refusals_say_why_how_often_and_since_when(server: RunningServer) -> None:
    await knock(server, 3)

    async with screens(server, "refusals", size=SMALL) as seen:
        await seen.see("its token is not known here")
        [line] = [line for line in seen.lines if "its token" in line]
        assert line.split()[1:6] == ["10:00:00", "3", "0", "s", "unknown"]
        await seen.press("enter")
        await seen.see("What helps", "c makes a pairing code", "POST /device/v1/sync", "127.0.0.1")


async def test_what_happens_while_one_looks_is_seen(server: RunningServer) -> None:
    async with screens(server, "refusals") as seen:
        await seen.see("no phone was turned away")
        await knock(server)
        await seen.press("r")
        await seen.see("its token is not known here")


async def test_refused_phone_is_a_key_away(server: RunningServer) -> None:
    await switch_off(server)

    async with screens(server, "refusals") as seen:
        await seen.see("it is switched off here", "m goes to the phone, where u enables it")
        await seen.press("m")
        await seen.see(f"› {REGULARS}", "‖ off")
        await seen.press("escape")
        await seen.see("it is switched off here")


async def test_unknown_phone_leads_nowhere(server: RunningServer) -> None:
    await knock(server)

    async with screens(server, "refusals") as seen:
        await seen.see("its token is not known here")
        await seen.press("m")
        await seen.see("Nobody knows which phone that was")


async def test_phone_is_paired_from_where_it_was_refused(server: RunningServer) -> None:
    await knock(server)

    async with screens(server, "refusals") as seen:
        await seen.see("its token is not known here")
        await seen.press("c")
        await seen.see("Pair a phone", "Show the code")
        await seen.press("f2")
        await seen.see("Waiting for the phone")


async def test_regular_user_sees_refusals_of_their_own_phones_only(server: RunningServer) -> None:
    await knock(server)
    await switch_off(server)

    async with screens(server, "refusals", token=server.admin.jwt) as seen:
        await seen.see("its token is not known here", REGULARS)
    async with screens(server, "refusals", token=server.regular.jwt) as seen:
        await seen.see("it is switched off here", REGULARS)
        assert "its token" not in seen.text


async def test_read_only_session_looks_at_refusals_only(server: RunningServer) -> None:
    await knock(server)

    async with screens(server, "refusals", is_read_only=True) as seen:
        await seen.see("its token is not known here")
        assert [action.name for action in seen.app.view.actions_now()] == ["device"]
        await seen.press("c")
        assert seen.app.screen is seen.app.view


async def test_refusals_of_a_phone_with_a_hostile_name_keep_their_row(
    server: RunningServer,
) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        changes = wire.DeviceChanges(name="[red]x[/]\u202e 📱")
        await regular.change_device(server.regular.device_id, changes)
    await switch_off(server)

    async with screens(server, "refusals", size=SMALL) as seen:
        await seen.see("[red]x[/]", "it is switched off")
        assert "\u202e" not in seen.text
        await seen.press("slash")
        await seen.type("phone:[red]")
        await seen.see("it is switched off")


async def test_refusal_is_as_old_as_its_first_time(server: RunningServer) -> None:
    await knock(server)
    server.clock.advance(HOUR_MS)  # type: ignore[attr-defined]  # a FrozenClock
    await knock(server)

    async with screens(server, "refusals") as seen:
        await seen.see("its token is not known here", "1 h")
