"""The page of opt-outs, every action of it by its key, against a real server."""

from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient

ABEBE = "+251911000001"
SARA = "+251911000002"


async def numbers(admin: AdminClient, user: str | None = None) -> list[str]:
    page = await admin.list_opt_outs(wire.OptOutQuery(user=user))
    return [opt_out.phone_number for opt_out in page.opt_outs]


async def hear_stop(server: RunningServer, sender: str) -> None:
    now_ms = server.clock.now_ms()
    incoming = {"id": sender, "from": sender, "text": "STOP", "receivedAt": now_ms, "simSlot": 1}
    await server.sync(server.regular, incoming=[incoming], capacity=0)


async def test_number_is_added(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "opt_outs") as seen:
        await seen.see("nobody has opted out")
        await seen.press("c")
        await seen.see("Write to a number no more")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("phoneNumber", "abc")
        await seen.press("f2")
        await seen.see("must be 3 to 15 digits")
        await seen.fill("phoneNumber", ABEBE)
        await seen.press("f2")
        await seen.see(f"{ABEBE} is written to no more.", "entered by hand")

    assert await numbers(admin, REGULAR_EMAIL) == [ABEBE]


async def test_who_sends_stop_appears_by_itself(server: RunningServer) -> None:
    async with screens(server, "opt_outs") as seen:
        await seen.see("nobody has opted out")
        await hear_stop(server, SARA)
        await seen.see(SARA, "it sent STOP")


async def test_marked_ones_are_removed_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.add_opt_out(ABEBE, ADMIN_EMAIL)
    await hear_stop(server, SARA)

    async with screens(server, "opt_outs") as seen:
        await seen.see("2 opt-outs")
        await seen.press("asterisk", "d")
        await seen.see("Remove 2 opt-outs?", "1 asked for it themselves")
        await seen.press("y")
        await seen.see("0 opt-outs")

    assert await numbers(admin) == []


async def test_a_regular_user_sees_and_adds_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.add_opt_out(ABEBE, ADMIN_EMAIL)

    async with screens(server, "opt_outs", token=server.regular.jwt) as seen:
        await seen.see("nobody has opted out")
        await seen.press("c")
        await seen.see("Write to a number no more")
        await seen.fill("phoneNumber", SARA)
        await seen.press("enter")
        await seen.see("1 opt-out", SARA)

    assert await numbers(admin, REGULAR_EMAIL) == [SARA]
    assert await numbers(admin, ADMIN_EMAIL) == [ABEBE]


async def test_read_only_offers_nothing_that_changes_in_80_columns(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.add_opt_out(ABEBE, ADMIN_EMAIL)

    async with screens(server, "opt_outs", size=SMALL, is_read_only=True) as seen:
        await seen.see(ABEBE, "entered by hand", "10:00:00", ADMIN_EMAIL)
        await seen.press("c", "d")

        assert seen.app.view.actions_now() == []
        assert seen.app.screen is seen.app.view
        assert len(seen.lines) == SMALL[1]
