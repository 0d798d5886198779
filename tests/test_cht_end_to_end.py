"""The app CHT Gateway, as its source plays it, and a real server: there and back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cht import ChtPhone, add_phone
from tests.clocks import FrozenClock
from tests.servers import RunningServer
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.emulated.cht_app import ChtApp, Outcome
from textko_server.model import State

NUMBER = "+251912345678"


@pytest.fixture
async def added(server: RunningServer) -> ChtPhone:
    return await add_phone(server, server.regular)


@pytest.fixture
async def phone(added: ChtPhone, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[ChtApp]:
    async with ChtApp(added.url, tmp_path / "phone", clock=clock, polls=False) as app:
        yield app


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


async def send(regular: AdminClient, text: str = "Hello", to: str = NUMBER) -> str:
    return (await regular.send_message(wire.NewMessage(to=[to], text=text))).id


async def test_message_goes_out_and_its_delivery_comes_back(
    regular: AdminClient, phone: ChtApp
) -> None:
    message_id = await send(regular)

    await phone.poll()
    await phone.poll()

    detail = await regular.get_message(message_id)
    assert [(text.phone_number, text.text) for text in phone.on_air] == [(NUMBER, "Hello")]
    assert detail.state is State.DELIVERED
    [recipient] = detail.recipients
    assert recipient.device == "Drawer"


async def test_many_messages_go_out_ten_a_minute(regular: AdminClient, phone: ChtApp) -> None:
    sent = [await send(regular, f"Text {number}") for number in range(25)]
    on_air_counts = []

    for _ in range(4):
        await phone.poll()
        on_air_counts.append(len(phone.on_air))

    assert on_air_counts == [10, 20, 25, 25]
    states = {(await regular.get_message(message_id)).state for message_id in sent}
    assert states == {State.DELIVERED}


async def test_incoming_text_reaches_inbox_and_webhook_at_once(
    server: RunningServer, regular: AdminClient, phone: ChtApp
) -> None:
    async with WebhookReceiver() as receiver:
        await server.request(
            "POST",
            "/api/v1/webhooks",
            {"deliveryUrl": receiver.url(), "events": ["MESSAGE_RECEIVED"]},
            headers=server.regular.jwt_headers,
        )

        await phone.receive("+251922000001", "Are you open?")

        [told] = await receiver.wait_for(1)
    [incoming] = (await regular.list_incoming()).incoming
    assert (incoming.sender, incoming.text, incoming.device) == (
        "+251922000001", "Are you open?", "Drawer",
    )  # fmt: skip
    assert "Are you open?" in told.body.decode()


async def test_answer_goes_through_the_phone_that_was_written_to(
    server: RunningServer, regular: AdminClient, phone: ChtApp
) -> None:
    await phone.receive(NUMBER, "Are you open?")
    await send(regular, "Yes")

    others = await server.sync(server.regular, capacity=10)
    await phone.poll()

    assert others["offers"] == []
    assert [text.text for text in phone.on_air] == ["Yes"]


async def test_number_that_android_refuses_ends_with_a_reason(
    regular: AdminClient, phone: ChtApp
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.GENERIC
    message_id = await send(regular)

    await phone.poll()
    await phone.poll()

    [recipient] = (await regular.get_message(message_id)).recipients
    assert (recipient.state, recipient.error) == (State.FAILED, "Android could not send it")


async def test_text_beyond_androids_limit_goes_through_another_phone(
    server: RunningServer, regular: AdminClient, phone: ChtApp, clock: FrozenClock
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.LIMIT
    await send(regular)
    await phone.poll()
    await phone.poll()

    clock.advance(300_000)
    await server.gateway.sweep.sweep_once()

    [offer] = (await server.sync(server.regular, capacity=10))["offers"]
    assert offer["text"] == "Hello"
    assert phone.on_air == []


async def test_phone_without_service_keeps_what_it_has_and_sends_it_later(
    server: RunningServer, regular: AdminClient, phone: ChtApp, clock: FrozenClock
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.NO_SERVICE
    message_id = await send(regular)
    for _ in range(30):
        await phone.poll()
        clock.advance(60_000)
        await server.gateway.sweep.sweep_once()

    phone.radio.outcomes.clear()
    for _ in range(40):
        await phone.poll()
        clock.advance(60_000)

    assert len(phone.on_air) == 1
    assert (await regular.get_message(message_id)).state is State.DELIVERED


async def test_report_that_the_text_never_arrived_is_lost_in_the_app(
    regular: AdminClient, phone: ChtApp
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.UNDELIVERED
    message_id = await send(regular)

    await phone.poll()
    await phone.poll()

    assert (await regular.get_message(message_id)).state is State.SENT


async def test_app_that_is_wiped_before_its_first_word_sends_again(
    added: ChtPhone, tmp_path: Path, clock: FrozenClock, regular: AdminClient
) -> None:
    # The one hole, and docs/dialects/cht.md says so: nobody knows that the message went out.
    await send(regular)
    async with ChtApp(added.url, tmp_path / "phone", clock=clock, polls=False) as before:
        await before.poll()
        assert len(before.on_air) == 1

    (tmp_path / "phone" / "medic_gateway.db").unlink()
    async with ChtApp(added.url, tmp_path / "phone", clock=clock, polls=False) as wiped:
        await wiped.poll()

        assert len(wiped.on_air) == 2


async def test_app_that_is_wiped_after_its_first_word_sends_nothing_again(
    added: ChtPhone, tmp_path: Path, clock: FrozenClock, regular: AdminClient
) -> None:
    await send(regular)
    async with ChtApp(added.url, tmp_path / "phone", clock=clock, polls=False) as before:
        await before.poll()
        await before.poll()

    (tmp_path / "phone" / "medic_gateway.db").unlink()
    async with ChtApp(added.url, tmp_path / "phone", clock=clock, polls=False) as wiped:
        await wiped.poll()

        assert len(wiped.on_air) == 1
