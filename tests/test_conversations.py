"""The inbox: what came in, found again, and as conversations with what was answered."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.gateways import World
from tests.servers import REGULAR_EMAIL, Person, RunningServer, running_server
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.clock import DAY_MS, HOUR_MS
from textko_server.config import StoreSettings
from textko_server.gateway import conversations as conversation_service
from textko_server.gateway import inbox as inbox_service
from textko_server.gateway.inbox import Incoming

NUMBER = "+251911222333"
OTHER = "+251911222334"


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def hear(
    server: RunningServer, *texts: str, sender: str = NUMBER, person: Person | None = None
) -> None:
    """The person's phone receives texts."""
    incoming = [
        {"id": f"{sender} {text}", "from": sender, "text": text,
         "receivedAt": server.clock.now_ms(), "simSlot": 1}
        for text in texts
    ]  # fmt: skip
    await server.sync(person or server.regular, incoming=incoming, capacity=0)


async def send(client: AdminClient, text: str, to: str = NUMBER) -> wire.MessageDetail:
    return await client.send_message(wire.NewMessage(to=[to], text=text))


def texts(page: wire.ConversationMessagePage) -> list[tuple[str, str]]:
    return [(m.direction, m.text) for m in page.messages]


# --- conversations ---


async def test_conversation_has_both_sides_newest_first(
    server: RunningServer, regular: AdminClient
) -> None:
    await send(regular, "Hello?")
    await send(regular, "To somebody else", OTHER)
    await hear(server, "Hi")
    await send(regular, "How are you?")
    await hear(server, "Fine")

    page = await regular.list_conversation_messages(NUMBER)

    assert texts(page) == [
        ("in", "Fine"), ("out", "How are you?"), ("in", "Hi"), ("out", "Hello?"),
    ]  # fmt: skip
    assert (page.next, page.searched_to) == (None, None)
    assert page.messages[0].device == server.regular.device.name


async def test_pages_of_a_conversation_go_on_where_the_last_ended(
    server: RunningServer, regular: AdminClient
) -> None:
    await hear(server, *(str(index) for index in range(5)))

    found = []
    before = None
    while True:
        query = wire.ConversationQuery(before=before, limit=2)
        page = await regular.list_conversation_messages(NUMBER, query)
        found += [message.text for message in page.messages]
        before = page.next
        if before is None:
            break

    assert found == ["4", "3", "2", "1", "0"]


async def test_who_wrote_last_comes_first_with_the_name_of_the_contact(
    server: RunningServer, regular: AdminClient
) -> None:
    contact = await regular.create_contact(wire.NewContact(phone_number=NUMBER, first_name="Abebe"))
    await hear(server, "One", "Two")
    await hear(server, "Three", sender="Bank")

    first = await regular.list_conversations(wire.ConversationsQuery(limit=1))
    rest = await regular.list_conversations(wire.ConversationsQuery(before=first.next))

    [bank], [abebe] = first.conversations, rest.conversations
    assert (bank.phone_number, bank.contact_name, bank.last_text) == ("Bank", None, "Three")
    assert (abebe.contact_id, abebe.contact_name) == (contact.id, "Abebe")
    assert (abebe.last_text, abebe.incoming_count, abebe.unread_count) == ("Two", 2, 2)


async def test_conversation_is_read_until_more_comes_in(
    server: RunningServer, regular: AdminClient
) -> None:
    await hear(server, "One", "Two")

    marked = await regular.mark_conversation_read(NUMBER)
    await hear(server, "Three")

    [conversation] = (await regular.list_conversations()).conversations
    page = await regular.list_conversation_messages(NUMBER)
    assert (marked.count, conversation.unread_count) == (2, 1)
    assert [m.is_unread for m in page.messages] == [True, False, False]


async def test_national_and_international_number_are_one_conversation(world: World) -> None:
    device = await world.pair()
    key = world.gateway.conversations.key_of

    await world.sync(device, incoming=[Incoming("1", "+251 911 222 333", "Hi", 1)])

    page = await world.gateway.conversations.list_page(world.user.id, before_id=None, limit=9)
    assert [c.phone_number for c in page] == [key("+251911222333")] == [NUMBER]


async def test_accounts_have_conversations_of_their_own(
    server: RunningServer, regular: AdminClient, operator: AdminClient
) -> None:
    await hear(server, "To the regular one")
    await hear(server, "To the admin", person=server.admin)

    own = await regular.list_conversations()
    page = await regular.list_conversation_messages(NUMBER)
    everybody = await operator.list_conversations()
    with pytest.raises(AdminError) as unknown:
        await regular.list_conversation_messages(OTHER)
    query = wire.ConversationQuery(user=server.admin.public_id)
    with pytest.raises(AdminError) as foreign:
        await regular.list_conversation_messages(NUMBER, query)

    assert [c.last_text for c in own.conversations] == ["To the regular one"]
    assert texts(page) == [("in", "To the regular one")]
    assert len(everybody.conversations) == 2
    assert (unknown.value.code, foreign.value.code) == ("not_found", "not_found")


async def test_conversation_says_what_was_too_far_back_to_be_looked_for(
    server: RunningServer, regular: AdminClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation_service, "LOOK_BACK_COUNT", 2)
    await send(regular, "Too old")
    clock.advance(HOUR_MS)
    await send(regular, "Found")
    begin_ms = clock.now_ms()
    await send(regular, "To somebody else", OTHER)

    await hear(server, "Hi")

    page = await regular.list_conversation_messages(NUMBER)
    assert texts(page) == [("in", "Hi"), ("out", "Found")]
    assert page.searched_to == begin_ms


async def test_conversations_are_known_after_a_restart(world: World) -> None:
    device = await world.pair()
    await world.sync(device, incoming=[Incoming("1", NUMBER, "Hi", 1)])
    world.gateway.conversations._users.clear()

    await world.gateway.conversations.start()

    await world.submit(NUMBER, text="Hello")
    page = await world.gateway.conversations.list_texts(
        world.user.id, NUMBER, before_id=None, limit=9
    )
    assert [text.sent.text for text in page.texts if text.sent] == ["Hello"]


async def test_old_conversations_go_with_their_texts(tmp_path: Path, clock: FrozenClock) -> None:
    store = StoreSettings(keep_messages_days=30)
    async with running_server(tmp_path / "data", clock=clock, store=store) as server:
        gateway, user_id = server.gateway, server.regular.user.id
        await hear(server, "Old")
        await hear(server, "Old too", sender=OTHER)
        clock.advance(40 * DAY_MS)
        await hear(server, "New", sender=OTHER)

        await gateway.retention.clean_up(asyncio.Event())

        kept = await gateway.conversations.list_page(user_id, before_id=None, limit=9)
        assert [c.phone_number for c in kept] == [OTHER]
        assert await gateway.db.fetch_all("SELECT count(*) FROM conversation_texts") == [(1,)]


async def test_conversations_with_one_number_are_found_at_once(
    server: RunningServer, operator: AdminClient, regular: AdminClient
) -> None:
    await hear(server, "Hi", person=server.regular)
    await hear(server, "Hi", person=server.admin)
    await hear(server, "Hi", sender=OTHER)

    of_all = await operator.list_conversations(wire.ConversationsQuery(number=NUMBER))
    one = wire.ConversationsQuery(number=NUMBER, limit=1)
    first = await operator.list_conversations(one)
    second = await operator.list_conversations(
        wire.ConversationsQuery(number=NUMBER, limit=1, before=first.next)
    )
    own = await regular.list_conversations(wire.ConversationsQuery(number=NUMBER))
    none = await regular.list_conversations(wire.ConversationsQuery(number="MTN"))

    assert [c.user for c in of_all.conversations] == ["admin@example.org", REGULAR_EMAIL]
    assert [c.user for c in first.conversations + second.conversations] == [
        "admin@example.org", REGULAR_EMAIL
    ]  # fmt: skip
    assert [c.user for c in own.conversations] == [REGULAR_EMAIL]
    assert none.conversations == []


# --- answers ---


async def test_reply_goes_through_the_sim_that_received(
    server: RunningServer, regular: AdminClient
) -> None:
    await hear(server, "Hi")
    [incoming] = (await regular.list_incoming()).incoming

    message = await regular.reply(incoming.id, "Hello")

    [recipient] = message.recipients
    assert recipient.phone_number == NUMBER
    assert (recipient.device_id, recipient.sim_slot) == (server.regular.device_id, 1)


async def test_reply_goes_through_any_phone_when_that_one_is_gone(
    server: RunningServer, regular: AdminClient
) -> None:
    await hear(server, "Hi")
    [incoming] = (await regular.list_incoming()).incoming
    await regular.change_device(server.regular.device_id, wire.DeviceChanges(is_enabled=False))

    message = await regular.reply(incoming.id, "Hello")

    assert message.recipients[0].device_id is None


# --- the list of what came in ---


async def test_incoming_messages_are_found_by_what_is_asked(
    server: RunningServer, regular: AdminClient, clock: FrozenClock
) -> None:
    start_ms = clock.now_ms()
    await hear(server, "Where is my REFUND?")
    clock.advance(HOUR_MS)
    await hear(server, "Thanks", sender=OTHER)
    clock.advance(HOUR_MS)
    await hear(server, "Ünlü")

    async def found(**filters: Any) -> list[str]:
        page = await regular.list_incoming(**filters)
        assert page.next is None
        return [incoming.text for incoming in page.incoming]

    assert await found(text="refund") == ["Where is my REFUND?"]
    assert await found(text="üNLÜ") == ["Ünlü"]
    assert await found(number=NUMBER) == ["Ünlü", "Where is my REFUND?"]
    assert await found(number=NUMBER, text="refund") == ["Where is my REFUND?"]
    assert await found(from_at=start_ms + 1) == ["Ünlü", "Thanks"]
    assert await found(from_at=start_ms, to_at=start_ms + HOUR_MS) == ["Where is my REFUND?"]
    assert await found(device=server.regular.device_id, number=OTHER) == ["Thanks"]


async def test_search_says_how_far_it_looked_and_goes_on_from_there(
    server: RunningServer, regular: AdminClient, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_service, "MAX_LOOKED_COUNT", 2)
    monkeypatch.setattr(inbox_service, "_CHUNK_COUNT", 2)
    await hear(server, "Needle")
    clock.advance(HOUR_MS)
    await hear(server, "Hay 1", "Hay 2")

    first = await regular.list_incoming(text="needle", limit=2)
    second = await regular.list_incoming(text="needle", limit=2, before=first.next)

    assert (first.incoming, first.searched_to) == ([], clock.now_ms())
    assert [incoming.text for incoming in second.incoming] == ["Needle"]
    assert (second.next, second.searched_to) == (None, None)


# --- the command line ---


async def test_inbox_is_read_and_answered_by_command(
    server: RunningServer, textko: CommandLine
) -> None:
    await hear(server, "Hi there")
    user = ("--user", REGULAR_EMAIL)

    listed = await textko.json("inbox", "list", "--text", "THERE", "--number", NUMBER)
    reply = await textko.json("inbox", "reply", listed["incoming"][0]["id"], "--text", "Hello")
    conversations = await textko("inbox", "conversations", *user)
    shown = await textko("inbox", "show", NUMBER, *user)
    read = await textko("inbox", "read", NUMBER, *user)

    assert reply["recipients"][0]["phoneNumber"] == NUMBER
    assert "Hi there" in conversations.out
    assert "<-" in shown.out
    assert "->" in shown.out
    assert read.out == "1 were unread\n"
