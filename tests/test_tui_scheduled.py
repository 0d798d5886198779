"""The page of scheduled messages, every action of it by its key, against a real server."""

from textual.widgets import Select, SelectionList

from tests.clocks import FrozenClock
from tests.screens import SMALL, screens
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import HOUR_MS
from textko_server.model import ScheduledStatus

ABEBE = "+251911000001"
SARA = "+251911000002"


async def plan(
    server: RunningServer,
    admin: AdminClient,
    text: str = "Good morning",
    to: str = ABEBE,
    user: str = ADMIN_EMAIL,
) -> wire.Scheduled:
    send_at = server.clock.now_ms() + 2 * HOUR_MS
    body = wire.NewScheduled(to=[to], text=text, send_at=send_at)
    return await admin.create_scheduled(body, user)


async def test_text_to_numbers_is_scheduled(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "scheduled") as seen:
        await seen.see("nothing is scheduled: c schedules")
        await seen.press("c")
        await seen.see("Schedule a message")
        await seen.fill("user", REGULAR_EMAIL)
        await seen.fill("to", f"{ABEBE}, {SARA}")
        await seen.fill("text", "Good {{time}}")
        await seen.fill("values", "time=evening")
        await seen.fill("sendAt", "soon")
        await seen.see("1 segment (GSM-7, 17 units) each", "fills in time")
        await seen.press("f2")
        await seen.see("Write a span such as 2h")
        await seen.fill("sendAt", "2h")
        await seen.press("f2")
        await seen.see("To 2 recipients at 2026-01-15 12:00:00", "pending", "in 2 h")

    [scheduled] = (await admin.list_scheduled()).scheduled
    assert (scheduled.user, scheduled.recipients) == (REGULAR_EMAIL, [ABEBE, SARA])
    assert scheduled.values == {"time": "evening"}
    assert scheduled.send_at == server.clock.now_ms() + 2 * HOUR_MS


async def test_template_to_a_group_is_scheduled(server: RunningServer, admin: AdminClient) -> None:
    group = await admin.create_group(wire.NewGroup(name="Customers"), ADMIN_EMAIL)
    contact = wire.NewContact(phone_number=ABEBE, first_name="Abebe", group_ids=[group.id])
    await admin.create_contact(contact, ADMIN_EMAIL)
    new = wire.NewTemplate(name="Bill", text="Dear {{firstName}}")
    template = await admin.create_template(new, ADMIN_EMAIL)

    async with screens(server, "scheduled") as seen:
        await seen.press("c")
        await seen.see("Schedule a message", "Customers")
        form = seen.app.screen
        form.query_one("#field-groupIds", SelectionList).focus()
        await seen.press("space")
        form.query_one("#field-templateId", Select).value = template.id
        await seen.fill("text", "also a text")
        await seen.press("f2")
        await seen.see("Either a text or a template.")
        await seen.fill("text", "")
        await seen.press("f2")
        await seen.see("To 1 recipients", "Dear {{firstName}}")

    [scheduled] = (await admin.list_scheduled()).scheduled
    assert scheduled.recipients == [group.id]
    assert scheduled.text == "Dear {{firstName}}"


async def test_text_and_time_are_changed_while_it_waits(
    server: RunningServer, admin: AdminClient
) -> None:
    made = await plan(server, admin)

    async with screens(server, "scheduled") as seen:
        await seen.see("Good morning")
        await seen.press("E")
        await seen.see("Scheduled message", "2026-01-15 12:00:00")
        await seen.fill("text", "Good evening")
        await seen.press("f2")
        await seen.see("To 1 recipients at 2026-01-15 12:00:00", "Good evening")
        await seen.press("E")
        await seen.see("Send at")
        await seen.fill("sendAt", "2026-01-15T18:30")
        await seen.press("f2")
        await seen.see("To 1 recipients at 2026-01-15 18:30:00")

    changed = await admin.get_scheduled(made.id)
    assert changed.text == "Good evening"
    assert changed.send_at == made.send_at + 6 * HOUR_MS + HOUR_MS // 2


async def test_marked_ones_are_cancelled_and_then_cannot_be_changed(
    server: RunningServer, admin: AdminClient
) -> None:
    await plan(server, admin, "first")
    await plan(server, admin, "second")

    async with screens(server, "scheduled") as seen:
        await seen.see("2 scheduled messages")
        await seen.press("asterisk", "d")
        await seen.see("Cancel 2 scheduled messages?")
        await seen.press("y")
        await seen.until(lambda: seen.text.count("cancelled") >= 2, "both cancelled")
        await seen.press("E")
        await seen.see("It is cancelled: only what is pending can be changed.")
        await seen.press("d")
        await seen.see("1 are pending no more")

    statuses = [s.status for s in (await admin.list_scheduled()).scheduled]
    assert statuses == [ScheduledStatus.CANCELLED] * 2


async def test_list_shows_it_sent_when_its_time_has_come(
    server: RunningServer, admin: AdminClient, clock: FrozenClock
) -> None:
    await plan(server, admin)

    async with screens(server, "scheduled") as seen:
        await seen.see("pending")
        clock.advance(2 * HOUR_MS)
        await seen.see("processing", "Messages")


async def test_filter_narrows_by_status(server: RunningServer, admin: AdminClient) -> None:
    await plan(server, admin, "waits")
    await admin.cancel_scheduled((await plan(server, admin, "dropped")).id)

    async with screens(server, "scheduled") as seen:
        await seen.see("waits", "dropped")
        await seen.press("slash")
        await seen.type("status:pend")
        await seen.see_no_more("dropped")
        await seen.see("waits")
        await seen.press("enter", "escape", "slash")
        await seen.type("status:odd")
        await seen.see("is one of pending")


async def test_a_regular_user_sees_and_makes_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await plan(server, admin, "theirs")
    await plan(server, admin, "mine", user=REGULAR_EMAIL)
    await admin.create_group(wire.NewGroup(name="Of the admin"), ADMIN_EMAIL)

    async with screens(server, "scheduled", token=server.regular.jwt) as seen:
        await seen.see("mine", "1 scheduled message")
        await seen.press("c")
        await seen.see("Schedule a message")
        assert "Of the admin" not in seen.text
        await seen.fill("to", SARA)
        await seen.fill("text", "another")
        await seen.press("f2")
        await seen.see("2 scheduled messages")

    query = wire.ScheduledQuery(user=REGULAR_EMAIL)
    assert [s.text for s in (await admin.list_scheduled(query)).scheduled] == ["another", "mine"]


async def test_read_only_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient
) -> None:
    await plan(server, admin)

    async with screens(server, "scheduled", is_read_only=True) as seen:
        await seen.see("Good morning")
        await seen.press("c", "E", "d")

        assert seen.app.view.actions_now() == []
        assert seen.app.screen is seen.app.view


async def test_what_users_wrote_never_breaks_a_row_of_80_columns(
    server: RunningServer, admin: AdminClient
) -> None:
    await plan(server, admin, "[bold]x[/] \x1b[31m 你好 👩‍👧 שלום\nsecond line")
    await plan(server, admin, "plain", SARA)

    async with screens(server, "scheduled", size=SMALL) as seen:
        await seen.see("12:00:00", "pending", ABEBE, SARA, "[bold]x[/]", "plain")
        await seen.press("down", "enter")
        await seen.see("second line", "(estimated)")

        assert "\x1b" not in seen.text
        assert len(seen.lines) == SMALL[1]
