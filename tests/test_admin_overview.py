"""The admin API: finding and counting messages, sending again, traffic, what needs a hand."""

from collections.abc import AsyncIterator

import pytest

from tests.clocks import START_MS
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.admin_wire import MessageFilter
from textko_server.model import Dialect, State

NUMBER = "+251911222333"


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


async def send(client: AdminClient, text: str = "Hello", **fields: str) -> str:
    body = wire.NewMessage(to=[NUMBER], text=text, **fields)  # type: ignore[arg-type]  # of tests
    return (await client.send_message(body)).id


@pytest.mark.parametrize(
    "wanted",
    [
        MessageFilter(state="queued,failed"),
        MessageFilter(number="+251 911-222"),
        MessageFilter(text="CODE"),
        MessageFilter(dialect=Dialect.ADMIN),
        MessageFilter(from_=START_MS, to=START_MS + 1),
        MessageFilter(user=REGULAR_EMAIL),
    ],
)
async def test_every_filter_finds_lists_and_counts(
    operator: AdminClient, regular: AdminClient, wanted: MessageFilter
) -> None:
    sent = await send(regular, "Your code is 1234")

    page = await operator.list_messages(wanted)
    counts = await operator.count_messages(wanted)

    assert [message.id for message in page.messages] == [sent]
    assert (page.next, page.searched_to) == (None, None)
    assert counts == wire.MessageCounts(by_state={State.QUEUED: 1}, total=1, is_exact=True)


@pytest.mark.parametrize(
    "wanted",
    [
        MessageFilter(state="sent"),
        MessageFilter(number="0911"),
        MessageFilter(text="elsewhere"),
        MessageFilter(dialect=Dialect.TEXTKO),
        MessageFilter(from_=START_MS + 1),
        MessageFilter(to=START_MS),
        MessageFilter(faults=True),
        MessageFilter(user=ADMIN_EMAIL),
    ],
)
async def test_every_filter_leaves_out(
    operator: AdminClient, regular: AdminClient, wanted: MessageFilter
) -> None:
    await send(regular)

    assert (await operator.list_messages(wanted)).messages == []
    assert (await operator.count_messages(wanted)).total == 0


async def test_device_is_a_filter_of_those_who_may_see_it(
    server: RunningServer, regular: AdminClient
) -> None:
    pinned = await send(regular, device_id=server.regular.device_id)
    await send(regular)

    page = await regular.list_messages(MessageFilter(device=server.regular.device_id))
    with pytest.raises(AdminError) as caught:
        await regular.list_messages(MessageFilter(device=server.admin.device_id))

    assert [message.id for message in page.messages] == [pinned]
    assert caught.value.problem.status == 404


@pytest.mark.parametrize(
    ("wanted", "field"),
    [(MessageFilter(state="queued,lost"), "state"), (MessageFilter(number="+"), "number")],
)
async def test_filter_that_makes_no_sense_is_named(
    regular: AdminClient, wanted: MessageFilter, field: str
) -> None:
    with pytest.raises(AdminError) as caught:
        await regular.list_messages(wanted)

    assert (caught.value.problem.status, caught.value.problem.field) == (400, field)


async def test_newer_messages_are_asked_for_by_the_newest_that_is_known(
    regular: AdminClient,
) -> None:
    known = await send(regular)
    new = await send(regular)

    page = await regular.list_messages(after=known)

    assert [message.id for message in page.messages] == [new]


async def test_message_says_what_it_cost_and_how_often_it_was_tried(
    server: RunningServer, regular: AdminClient
) -> None:
    sent = await send(regular, "a" * 200)
    [offer] = (await server.sync(server.regular))["offers"]
    await server.sync(server.regular, claims=[offer["jobId"]], capacity=0)

    message = await regular.get_message(sent)

    assert message.credits == 2
    assert (message.recipients[0].segments, message.recipients[0].attempts) == (2, 1)


async def test_message_is_sent_again_by_whose_it_is(
    server: RunningServer, operator: AdminClient, regular: AdminClient
) -> None:
    first = await send(regular)
    with pytest.raises(AdminError) as caught:
        await regular.resend_message(first)
    again = await regular.resend_message(first, "all")
    theirs = await operator.resend_message(first, "all")

    assert caught.value.problem.code == "wrong_state"
    assert again.id != first
    assert (again.text, again.recipients[0].phone_number) == ("Hello", NUMBER)
    assert theirs.user == REGULAR_EMAIL
    async with AdminClient.at_url(server.url, server.admin.key) as stranger:
        with pytest.raises(AdminError) as caught:
            await stranger.resend_message(first, "all")
    assert caught.value.problem.status == 404


async def test_status_counts_what_is_open(operator: AdminClient, regular: AdminClient) -> None:
    await send(regular)

    status = await operator.status()

    assert status.open_messages == {
        State.SCHEDULED: 0, State.QUEUED: 1, State.OFFERED: 0, State.CLAIMED: 0,
    }  # fmt: skip


async def test_traffic_is_of_all_for_admins_and_of_their_own_for_others(
    server: RunningServer, operator: AdminClient, regular: AdminClient
) -> None:
    await send(regular)
    async with AdminClient.at_url(server.url, server.admin.jwt) as admin:
        await send(admin)

    everybody = await operator.traffic()
    theirs = await operator.traffic(user=REGULAR_EMAIL)
    own = await regular.traffic()
    with pytest.raises(AdminError) as caught:
        await regular.traffic(user=ADMIN_EMAIL)

    assert everybody.since == START_MS
    assert (everybody.minutes[-1].submitted, everybody.minutes[-1].queue_depth) == (2, 2)
    assert theirs == own
    assert own.minutes[-1].submitted == 1
    assert caught.value.problem.status == 404


async def test_attention_names_what_it_is_about(
    server: RunningServer, operator: AdminClient, regular: AdminClient
) -> None:
    await send(regular, device_id=server.regular.device_id)

    [own] = [c for c in (await regular.attention()).concerns if c.severity == "error"]
    [all_] = [c for c in (await operator.attention()).concerns if c.code == "device_offline"]
    others = (await operator.attention(user=ADMIN_EMAIL)).concerns

    assert (own.code, own.device_id, own.user_id, own.count) == (
        "device_offline", server.regular.device_id, server.regular.public_id, 1,
    )  # fmt: skip
    assert own == all_
    assert [concern.code for concern in others] == ["no_message"]
