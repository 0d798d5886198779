"""The page of conversations, every action of it by its key, against a real server."""

import pytest

from tests.clocks import FrozenClock
from tests.screens import SMALL, WIDE, screens
from tests.servers import REGULAR_EMAIL, RunningServer
from tests.test_tui_inbox import ABEBE, SARA, hear
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.tui.widgets.detail_pane import DetailPane


async def send(admin: AdminClient, text: str, to: str = ABEBE) -> None:
    await admin.send_message(wire.NewMessage(to=[to], text=text), REGULAR_EMAIL)


async def test_both_sides_stand_there_with_the_newest_at_the_bottom(
    server: RunningServer, admin: AdminClient, clock: FrozenClock
) -> None:
    await send(admin, "Hello?")
    clock.advance(DAY_MS)
    await hear(server, "Hi")
    clock.advance(MINUTE_MS)
    await send(admin, "How are you?")

    async with screens(server, "conversations") as seen:
        await seen.see("── 2026-01-15 ──", "── 2026-01-16 ──", "▸ we", "queued", "◂ they", "new")
        lines = seen.text
        assert lines.index("Hello?") < lines.rindex("Hi") < lines.index("How are you?")

        offers = (await server.sync(server.regular, capacity=9))["offers"]
        job = next(offer["jobId"] for offer in offers if offer["text"] == "How are you?")
        await server.sync(server.regular, claims=[job])
        report = {"jobId": job, "state": "failed", "at": 1, "error": "No credit on the SIM"}
        await server.sync(server.regular, reports=[report])
        await seen.see("✗ failed", "Phone of regular", "No credit on the SIM")


async def test_cursor_stays_with_its_conversation_when_others_write(
    server: RunningServer,
) -> None:
    await hear(server, "From Sara", SARA)
    await hear(server, "From Abebe", ABEBE)

    async with screens(server, "conversations") as seen:
        await seen.see("2 conversations")
        await seen.press("down")
        await hear(server, "Another of Abebe", ABEBE)
        await seen.see("Another of Abebe")

        current = seen.app.view.rows_for(seen.app.view.all_actions()[0])[0]
        assert current.phone_number == SARA


async def test_long_conversation_shows_its_end_and_older_texts_on_demand(
    server: RunningServer, admin: AdminClient
) -> None:
    for number in range(1, 121):
        await hear(server, f"text number {number}.")

    async with screens(server, "conversations") as seen:
        await seen.see("text number 119.", "text number 120.", "text number 110.")
        pane = seen.app.view.query_one(DetailPane)
        assert "There are older texts: l." in pane.plain
        assert "text number 20." not in pane.plain
        await seen.press("l")
        await seen.until(lambda: "text number 1." in pane.plain, "the oldest text")


async def test_reply_goes_to_the_number(server: RunningServer, admin: AdminClient) -> None:
    await hear(server, "Are you open?")

    async with screens(server, "conversations") as seen:
        await seen.see("Are you open?")
        await seen.press("m")
        await seen.see(f"Reply to {ABEBE}", "by Phone of regular, SIM 1")
        await seen.press("f2")
        await seen.see("This is needed.")
        await seen.fill("text", "Until six")
        await seen.press("f2")
        await seen.see(f"Submitted to {ABEBE}: queued.", "▸ we")

    [message] = (await admin.list_messages()).messages
    assert (message.user, message.text) == (REGULAR_EMAIL, "Until six")


async def test_unread_ones_are_found_and_marked_as_read(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "From Sara", SARA)
    await hear(server, "From Abebe", ABEBE)

    async with screens(server, "conversations") as seen:
        await seen.see("2 conversations")
        await seen.press("n")
        await seen.see(f"{ABEBE} marked as read.")
        await seen.press("f")
        await seen.see("1 conversation", "From Sara")
        assert "From Abebe" not in seen.text

    page = await admin.list_conversations()
    unread = {c.phone_number: c.unread_count for c in page.conversations}
    assert unread == {ABEBE: 0, SARA: 1}


async def test_number_becomes_a_contact_and_then_leads_to_it(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "Hi")

    async with screens(server, "conversations") as seen:
        await seen.see("Hi")
        await seen.press("c")
        await seen.see("New contact", ABEBE)
        await seen.fill("firstName", "Abebe")
        await seen.press("f2")
        await seen.see("Saved Abebe.", f"Abebe {ABEBE}")
        await seen.press("c")
        await seen.see("Conversations ›", "1 contact", "active")

    [contact] = (await admin.list_contacts()).contacts
    assert (contact.user, contact.phone_number) == (REGULAR_EMAIL, ABEBE)


async def test_number_is_opted_out_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "Leave me alone")

    async with screens(server, "conversations") as seen:
        await seen.see("Leave me alone")
        await seen.press("b")
        await seen.see(f"Write no more to {ABEBE}?")
        await seen.press("y")
        await seen.see(f"{ABEBE} opted out.")

    [opted_out] = (await admin.list_opt_outs()).opt_outs
    assert (opted_out.user, opted_out.phone_number) == (REGULAR_EMAIL, ABEBE)


async def test_a_whole_number_is_found_by_the_server_and_a_part_of_it_here(
    server: RunningServer,
) -> None:
    await hear(server, "From Sara", SARA)
    await hear(server, "From Abebe", ABEBE)

    async with screens(server, "conversations") as seen:
        for text in (f"with:{SARA}", "number:00002"):
            await seen.press("slash")
            await seen.type(text)
            await seen.see_no_more("From Abebe")
            await seen.see("1 conversation", "From Sara")
            await seen.press("enter", "escape")
            await seen.see("2 conversations")


async def test_a_regular_user_sees_only_their_own(server: RunningServer) -> None:
    await hear(server, "theirs", person=server.admin)
    await hear(server, "mine")

    async with screens(server, "conversations", token=server.regular.jwt) as seen:
        await seen.see("1 conversation", "mine")
        assert "theirs" not in seen.text
        await seen.press("n")
        await seen.see("marked as read")


async def test_read_only_offers_only_to_look(server: RunningServer) -> None:
    await hear(server, "Hi")

    async with screens(server, "conversations", is_read_only=True) as seen:
        await seen.see("Hi")
        await seen.press("m", "n", "b", "c")

        assert [action.name for action in seen.app.view.actions_now()] == ["older"]
        assert seen.app.screen is seen.app.view


@pytest.mark.parametrize("size", [SMALL, WIDE])
async def test_what_people_sent_never_breaks_a_row(
    server: RunningServer, size: tuple[int, int]
) -> None:
    await hear(server, "plain", "[red]MTN \u202e")
    await hear(server, "[bold]x[/] \x1b[31m 你好 👩‍👧 שלום\nsecond line")

    async with screens(server, "conversations", size=size) as seen:
        await seen.see("New", ABEBE, "[bold]x[/]", "[red]MTN", "plain")
        await seen.press("enter")
        await seen.see("◂ they", "second line")

        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text
        assert len(seen.lines) == size[1]
