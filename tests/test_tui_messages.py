"""The page of messages, every action of it by its key, against a real server."""

from pathlib import Path

import msgspec
import pytest

from tests.clocks import FrozenClock
from tests.screens import SMALL, screens
from tests.servers import REGULAR_EMAIL, Person, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.model import State

HOSTILE = "[bold]x[/] \x1b[31m 你好 👩‍👧 שלום\nsecond line"


async def send(
    admin: AdminClient, person: Person, *numbers: str, text: str = "Hello"
) -> wire.MessageDetail:
    body = wire.NewMessage(to=list(numbers) or ["+251911000009"], text=text)
    return await admin.send_message(body, person.user.email)


async def _states(admin: AdminClient) -> dict[str, int]:
    return {str(k): v for k, v in (await admin.count_messages()).by_state.items()}


async def test_a_message_stands_in_the_list_and_its_time_line_beside_it(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, "+251911000009", text="Good morning")
    offered = await server.sync(server.admin, capacity=1)
    job = offered["offers"][0]["jobId"]
    await server.sync(server.admin, claims=[job])
    await server.sync(server.admin, reports=[{"jobId": job, "state": "sent", "at": 1}])

    async with screens(server, "messages") as seen:
        await seen.see("+251911000009", "Good morning", "sent", "Phone of admin")
        await seen.see("queued", "offered", "claimed", "Cost", "1 credit")


async def test_what_users_wrote_never_breaks_a_row(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, text=HOSTILE)
    await send(admin, server.admin, text="plain")

    async with screens(server, "messages", size=SMALL) as seen:
        await seen.see("[bold]x[/]", "plain")

        assert "\x1b" not in seen.text
        assert len(seen.lines) == SMALL[1]
        assert all(line.count("queued") <= 1 for line in seen.lines)


async def test_a_filter_narrows_by_the_servers_fields_and_by_words(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, "+251911000001", text="apples")
    await send(admin, server.regular, "+251911000002", text="pears")

    async with screens(server, "messages") as seen:
        await seen.see("apples", "pears", "2 messages")
        await seen.press("slash")
        await seen.type(f"user:{REGULAR_EMAIL}")
        await seen.see_no_more("apples")
        await seen.see("pears", "1/2 messages")
        await seen.press("enter", "escape")
        await seen.see("apples")
        await seen.press("slash")
        await seen.type("!pears")
        await seen.see_no_more("pears  ")
        await seen.see("apples")


async def test_an_unknown_field_is_named_with_those_there_are(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("slash")
        await seen.type("colour:red")
        await seen.see("There is no field colour", "dialect")


async def test_a_wrong_value_in_a_filter_is_told(server: RunningServer) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("slash")
        await seen.type("state:odd")
        await seen.see("is one of scheduled")


async def test_only_faults_shows_what_failed(server: RunningServer, admin: AdminClient) -> None:
    await send(admin, server.admin, text="fine")
    await send(admin, server.admin, text="broken")
    offers = (await server.sync(server.admin, capacity=9))["offers"]
    job = next(offer["jobId"] for offer in offers if offer["text"] == "broken")
    await server.sync(server.admin, claims=[job])
    report = {"jobId": job, "state": "failed", "at": 1, "error": "SIM was taken out"}
    await server.sync(server.admin, reports=[report])

    async with screens(server, "messages") as seen:
        await seen.see("fine", "✗ failed")
        await seen.press("f")
        await seen.see_no_more("fine")
        await seen.see("broken", "SIM was taken out", "is:fault")
        await seen.press("f")
        await seen.see("fine")


async def test_what_waits_for_long_is_a_fault_too(
    server: RunningServer, admin: AdminClient, clock: FrozenClock
) -> None:
    await send(admin, server.admin, text="waits for long")
    clock.advance(16 * 60_000)
    await send(admin, server.admin, text="just came")

    async with screens(server, "messages", filter="is:fault") as seen:
        await seen.see("waits for long")
        assert "just came" not in seen.text


async def test_messages_are_written_with_their_cost_in_sight(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "messages") as seen:
        await seen.see("no messages")
        await seen.press("c")
        await seen.see("Write a message")
        await seen.fill("user", server.regular.user.email)
        await seen.fill("to", "+251911000001, +251911000002")
        await seen.fill("text", "x" * 161)
        await seen.see("2 segments (GSM-7, 161 units) × 2 recipients = 4 credits")
        await seen.fill("text", "ገንዘብ")
        await seen.see("1 segment (UCS-2, 4 units) × 2 recipients = 2 credits")
        await seen.press("f2")
        await seen.see("Submitted to 2 recipients", "+251911000001 +1")

    page = await admin.list_messages()
    assert [(m.text, m.recipient_count, m.user) for m in page.messages] == [
        ("ገንዘብ", 2, server.regular.user.email)
    ]


async def test_what_the_server_refuses_stands_at_its_field_and_nothing_is_lost(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("c")
        await seen.see("Write a message")
        await seen.press("f2")
        await seen.see("This is needed.")
        await seen.fill("user", server.regular.user.email)
        await seen.fill("to", "not a number")
        await seen.fill("text", "kept")
        await seen.press("f2")
        await seen.see("not a number", "kept")
        await seen.fill("sendAt", "whenever")
        await seen.fill("to", "+251911000001")
        await seen.press("f2")
        await seen.see("write a span such as 2h")
        await seen.fill("sendAt", "2h")
        await seen.press("f2")
        await seen.see("scheduled")

    assert await _states(admin) == {"scheduled": 1}


async def test_marked_messages_are_cancelled_together_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    for number in range(4):
        await send(admin, server.admin, text=f"text {number}")

    async with screens(server, "messages") as seen:
        await seen.see("text 3", "text 0")
        await seen.press("space", "space", "space")
        await seen.see("3 marked")
        await seen.press("d")
        await seen.see("Cancel 3 messages?")
        await seen.press("n")
        await seen.see_no_more("Cancel 3 messages?")
        assert await _states(admin) == {"queued": 4}
        await seen.press("d", "y")
        await seen.see("3 messages cancelled.")
        await seen.see_no_more("3 marked")

    assert await _states(admin) == {"queued": 1, "cancelled": 3}


async def test_cancelled_messages_are_queued_again(
    server: RunningServer, admin: AdminClient
) -> None:
    message = await send(admin, server.admin)
    await admin.cancel_message(message.id)

    async with screens(server, "messages") as seen:
        await seen.see("cancelled")
        await seen.press("u", "y")
        await seen.see("the message to +251911000009 queued again.")

    assert await _states(admin) == {"queued": 1}


async def test_a_message_is_sent_again_as_a_new_one(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.regular, "+251911000001", "+251911000002", text="once more")

    async with screens(server, "messages") as seen:
        await seen.see("once more")
        await seen.press("a")
        await seen.see("Send again", "+251911000001, +251911000002")
        await seen.press("f2")
        await seen.see("Submitted to 2 recipients")

    assert await _states(admin) == {"queued": 2}
    assert {m.user for m in (await admin.list_messages()).messages} == {REGULAR_EMAIL}


async def test_a_test_message_has_its_text_ready(server: RunningServer, admin: AdminClient) -> None:
    async with screens(server, "messages") as seen:
        await seen.press("T")
        await seen.see("Send a test", "A test of textko")
        await seen.fill("to", "+251911000001")
        await seen.press("f2")
        await seen.see("Submitted to 1 recipient")

    assert (await admin.list_messages()).messages[0].text.startswith("A test of textko")


async def test_one_state_can_be_chosen_from_a_menu(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, text="waiting")
    await admin.cancel_message((await send(admin, server.admin, text="gone")).id)

    async with screens(server, "messages") as seen:
        await seen.see("waiting", "gone")
        await seen.press("n")
        await seen.see("Only messages that are")
        await seen.press("q")
        await seen.see_no_more("gone")
        await seen.see("state:queued", "waiting")


async def test_new_messages_come_in_by_themselves_and_the_cursor_stays_on_its_row(
    server: RunningServer, admin: AdminClient
) -> None:
    for number in range(3):
        await send(admin, server.admin, text=f"text {number}")

    async with screens(server, "messages") as seen:
        await seen.see("text 2")
        await seen.press("down")
        await send(admin, server.admin, text="the newest")
        await seen.see("the newest")
        await seen.until(
            lambda: any(line.startswith("›") and "text 1" in line for line in seen.lines),
            "the cursor on text 1",
        )


async def test_a_pause_holds_the_list_still_and_says_so(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "messages") as seen:
        await seen.see("no messages", "live")
        await seen.press("p")
        await seen.see("paused")
        await send(admin, server.admin, text="unseen")
        await seen.until(lambda: seen.app.view.is_stale, "that something changed")
        assert "unseen" not in seen.text
        await seen.press("p")
        await seen.see("unseen", "live")


async def test_a_regular_user_sees_only_their_own(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, text="of the admin")
    await send(admin, server.regular, text="of the user")

    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.see("of the user", "1 message")
        assert "of the admin" not in seen.text
        await seen.see_no_more("Users")
        await seen.press("c")
        await seen.see("Write a message")
        assert "Account" not in seen.text


async def test_an_admin_may_look_at_their_own_things_only(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin, text="of the admin")
    await send(admin, server.regular, text="of the user")

    async with screens(server, "messages", token=server.admin.jwt, is_own=True) as seen:
        await seen.see("of the admin")
        assert "of the user" not in seen.text
        assert "6 Users" not in seen.text


async def test_a_read_only_session_offers_nothing_that_changes(
    server: RunningServer, admin: AdminClient
) -> None:
    await send(admin, server.admin)

    async with screens(server, "messages", is_read_only=True) as seen:
        await seen.see("read-only", "queued")
        assert "Cancel" not in seen.lines[-1]
        await seen.press("d", "c")
        await seen.press("x")
        await seen.see("Only one state")
        assert "Cancel" not in seen.text

    assert await _states(admin) == {"queued": 1}


async def test_all_that_the_filter_leaves_is_exported(
    server: RunningServer, admin: AdminClient, tmp_path: Path
) -> None:
    for number in range(130):
        await send(admin, server.admin, text=f"text {number}")
    await admin.cancel_message((await send(admin, server.admin, text="gone")).id)
    path = tmp_path / "out.json"

    async with screens(server, "messages", filter="state:queued") as seen:
        await seen.see("130/131 messages")
        await seen.press("e")
        await seen.see("Export messages")
        await seen.fill("path", str(path))
        await seen.press("f2")
        await seen.see("130 rows are in")

    rows = msgspec.json.decode(path.read_bytes())
    assert {row["state"] for row in rows} == {State.QUEUED}
    assert len({row["id"] for row in rows}) == 130


async def test_a_row_can_be_copied_as_json_as_curl_and_cell_by_cell(
    server: RunningServer, admin: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The terminal is asked to (OSC 52); what it was asked stands in the program's own clipboard.
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 1 192.0.2.2 22")
    monkeypatch.delenv("TMUX", raising=False)
    message = await send(admin, server.admin, text="copy me")

    async with screens(server, "messages") as seen:
        await seen.see("copy me")
        await seen.press("y")
        await seen.see("the row as JSON", "To: +251911000009")
        await seen.press("j")
        await seen.until(lambda: '"copy me"' in seen.app.clipboard, "the row")
        assert msgspec.json.decode(seen.app.clipboard)["id"] == message.id
        await seen.press("Y")
        await seen.until(lambda: seen.app.clipboard.startswith("curl "), "the line")
        assert f"/messages/{message.id}" in seen.app.clipboard
        await seen.press("y", "2")
        await seen.until(lambda: seen.app.clipboard == "+251911000009", "the number")
        await seen.press("y", "b")
        await seen.see(f"Message {message.id}")
