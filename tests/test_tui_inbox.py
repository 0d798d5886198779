"""The page of texts that came in, every action of it by its key, against a real server."""

from tests.clocks import FrozenClock
from tests.screens import SMALL, screens
from tests.servers import REGULAR_EMAIL, Person, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.clock import HOUR_MS
from textko_server.model import State

ABEBE = "+251911000001"
SARA = "+251911000002"


async def hear(
    server: RunningServer, text: str, sender: str = ABEBE, person: Person | None = None
) -> None:
    """The person's phone receives a text."""
    incoming = {
        "id": f"{sender} {text}"[:50], "from": sender, "text": text,
        "receivedAt": server.clock.now_ms(), "simSlot": 1,
    }  # fmt: skip
    await server.sync(person or server.regular, incoming=[incoming], capacity=0)


async def test_a_text_that_comes_in_appears_by_itself_with_everything_about_it(
    server: RunningServer, admin: AdminClient
) -> None:
    contact = wire.NewContact(phone_number=ABEBE, first_name="Abebe", last_name="Kebede")
    await admin.create_contact(contact, REGULAR_EMAIL)

    async with screens(server, "inbox") as seen:
        await seen.see("nothing came in yet")
        await hear(server, "Are you open?\nI am outside.")
        await seen.see("Are you open?⏎I am outside.", "From +251911000001", "I am outside.")
        await seen.see("Abebe Kebede", "Phone of regular, SIM 1", "Received 2026-01-15 10:00:00")


async def test_sender_who_writes_the_number_another_way_is_known_too(
    server: RunningServer, admin: AdminClient
) -> None:
    await admin.create_contact(wire.NewContact(phone_number=ABEBE, first_name="Abebe"),
                               REGULAR_EMAIL)  # fmt: skip
    await hear(server, "Hi", "0911000001")

    async with screens(server, "inbox") as seen:
        await seen.see("0911000001", "Contact  Abebe")


async def test_reply_goes_through_the_sim_that_received(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "Are you open?")

    async with screens(server, "inbox") as seen:
        await seen.see("Are you open?")
        await seen.press("m")
        await seen.see(f"Reply to {ABEBE}", "To: Are you open?")
        await seen.fill("text", "Yes, until six")
        await seen.see("1 segment (GSM-7, 14 units) by Phone of regular, SIM 1")
        await seen.press("f2")
        await seen.see(f"Submitted to {ABEBE}: queued.")

    [message] = (await admin.list_messages()).messages
    recipient = message.first_recipient
    assert recipient is not None
    assert (message.user, message.text) == (REGULAR_EMAIL, "Yes, until six")
    assert (recipient.phone_number, recipient.sim_slot) == (ABEBE, 1)
    assert recipient.device_id == server.regular.device_id


async def test_reply_to_a_name_is_refused_in_the_form(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "Your balance is 20", "MTN")

    async with screens(server, "inbox") as seen:
        await seen.see("Your balance")
        await seen.press("m")
        await seen.see("Reply to MTN")
        await seen.fill("text", "Thanks")
        await seen.press("f2")
        await seen.see("must be 3 to 15 digits")

    assert (await admin.list_messages()).messages == []


async def test_conversation_of_a_text_is_one_key_away_and_back(server: RunningServer) -> None:
    await hear(server, "From Sara", SARA)
    await hear(server, "From Abebe", ABEBE)

    async with screens(server, "inbox") as seen:
        await seen.see("From Abebe", "From Sara")
        await seen.press("l")
        await seen.see("Inbox ›", "1 conversation", "◂ they", "From Abebe")
        assert "From Sara" not in seen.text
        await seen.press("escape")
        await seen.see("2 texts")


async def test_conversation_of_a_name_is_found_too(server: RunningServer) -> None:
    await hear(server, "From Abebe", ABEBE)
    await hear(server, "Your balance is 20", "MTN Info")

    async with screens(server, "inbox") as seen:
        await seen.see("MTN Info")
        await seen.press("l")
        await seen.see("1 conversation", "Your balance is 20", "◂ they")


async def test_senders_are_marked_as_read(server: RunningServer, admin: AdminClient) -> None:
    await hear(server, "One")
    await hear(server, "Two")

    async with screens(server, "inbox") as seen:
        await seen.see("2 texts")
        await seen.press("n")
        await seen.see("marked as read")

    [conversation] = (await admin.list_conversations()).conversations
    assert conversation.unread_count == 0


async def test_senders_are_opted_out_after_a_question(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "One")
    await hear(server, "Two")
    await hear(server, "Three", SARA)

    async with screens(server, "inbox") as seen:
        await seen.see("3 texts")
        await seen.press("asterisk", "b")
        await seen.see("Write no more to 2 senders?", "fails, and costs nothing")
        await seen.press("y")
        await seen.see("opted out.")

    opted_out = (await admin.list_opt_outs()).opt_outs
    assert {(o.user, o.phone_number) for o in opted_out} == {
        (REGULAR_EMAIL, ABEBE), (REGULAR_EMAIL, SARA)
    }  # fmt: skip
    sent = await admin.send_message(wire.NewMessage(to=[ABEBE], text="Hi"), REGULAR_EMAIL)
    assert sent.state == State.FAILED


async def test_a_new_message_is_written_from_here(
    server: RunningServer, admin: AdminClient
) -> None:
    async with screens(server, "inbox") as seen:
        await seen.see("nothing came in yet")
        await seen.press("c")
        await seen.see("Write a message")
        await seen.fill("to", SARA)
        await seen.fill("text", "Hello")
        await seen.press("f2")
        await seen.see("Submitted to 1 recipient")

    assert (await admin.count_messages()).total == 1


async def test_filter_narrows_by_number_text_device_and_time(
    server: RunningServer, admin: AdminClient
) -> None:
    await hear(server, "apples", ABEBE)
    await hear(server, "pears", SARA, server.admin)

    async with screens(server, "inbox") as seen:
        for text, kept, gone in (
            (f"number:{ABEBE}", "apples", "pears"),
            ("number:000002", "pears", "apples"),
            ("text:PEAR", "pears", "apples"),
            ('device:"phone of reg"', "apples", "pears"),
            (f"user:{REGULAR_EMAIL}", "apples", "pears"),
        ):
            await seen.press("slash")
            await seen.type(text)
            await seen.see_no_more(gone)
            await seen.see(kept)
            await seen.press("enter", "escape")
            await seen.see("apples", "pears")
        await seen.press("slash")
        await seen.type("until:1h")
        await seen.see_no_more("apples")
        await seen.press("enter", "escape", "slash")
        await seen.type("since:odd")
        await seen.see("is a span such as 12h")


async def test_a_regular_user_sees_only_their_own(server: RunningServer) -> None:
    await hear(server, "theirs", person=server.admin)
    await hear(server, "mine")

    async with screens(server, "inbox", token=server.regular.jwt) as seen:
        await seen.see("mine", "1 text")
        await seen.press("l")
        await seen.see("1 conversation", "◂ they")
        assert "theirs" not in seen.text


async def test_read_only_offers_only_to_look(server: RunningServer) -> None:
    await hear(server, "Hi")

    async with screens(server, "inbox", is_read_only=True) as seen:
        await seen.see("Hi")
        await seen.press("m", "n", "b", "c")

        assert [action.name for action in seen.app.view.actions_now()] == ["conversation"]
        assert seen.app.screen is seen.app.view


async def test_what_people_sent_never_breaks_a_row_of_80_columns(
    server: RunningServer, clock: FrozenClock
) -> None:
    clock.advance(HOUR_MS)
    await hear(server, "plain", "[red]MTN \u202e\x1b[2J")
    await hear(server, "[bold]x[/] \x1b[31m 你好 👩‍👧 שלום\nsecond line")

    async with screens(server, "inbox", size=SMALL) as seen:
        await seen.see("11:00:00", ABEBE, "[bold]x[/]", "[red]MTN", "plain")
        await seen.press("enter")
        await seen.see(f"From {ABEBE}", "second line")
        await seen.press("escape", "down", "l")
        await seen.see("1 conversation", "plain")

        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text
        assert len(seen.lines) == SMALL[1]
