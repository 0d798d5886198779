"""The stream that wakes a phone with SMSGate's app, as okhttp reads it."""

import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.clocks import FrozenClock
from tests.gateways import until
from tests.servers import RunningServer, running_server
from tests.smsgate_phones import (
    BASE,
    app_phone,
    event_stream,
    recipient_of,
    submit,
)
from textko_server.gateway.events import InboxExportWished
from textko_server.gateway.phone_streams import MAX_STREAM_COUNT
from textko_server.gateway.principals import of_user, operator
from textko_server.gateway.smsgate_settings import Ping, SmsgateSettings
from textko_server.http.dialects.smsgate.mobile import events
from textko_server.model import State


async def listening(server: RunningServer, count: int = 1) -> None:
    """Until that many streams wait for jobs."""
    await until(lambda: server.gateway.polls.open_count == count)


async def test_new_message_wakes_the_phone_with_data_that_is_null(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        await listening(server)
        await submit(server)

        assert await stream.wait_for("MessageEnqueued") is None
        assert len(await phone.messages()) == 1


async def test_message_that_waits_already_wakes_the_phone_when_it_opens_its_stream(
    server: RunningServer,
) -> None:
    phone = await app_phone(server)
    await submit(server)

    async with event_stream(phone) as stream:
        assert await stream.wait_for("MessageEnqueued") is None


async def test_first_stream_since_the_start_has_the_phone_fetch_webhooks_and_settings(
    server: RunningServer,
) -> None:
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        first = [await stream.next_event(), await stream.next_event()]
    async with event_stream(phone) as stream:
        await submit(server)
        again = await stream.next_event()

    assert first == [("WebhooksUpdated", None), ("SettingsUpdated", None)]
    assert again == ("MessageEnqueued", None)


async def test_quiet_stream_has_comments_that_keep_it_open(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "KEEPALIVE_S", 0.05)
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        blocks = [await stream.next_block() for _ in range(4)]

    assert blocks[2:] == [[":keepalive"], [":keepalive"]]


async def test_many_messages_wake_the_phone_once(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        await listening(server)
        for index in range(20):
            await submit(server, f"+25191200{index:04d}")
        await stream.wait_for("MessageEnqueued")
        assert len(await phone.messages()) == 20
        await submit(server)

        assert await stream.next_event() == ("MessageEnqueued", None)


async def test_phone_with_a_stream_is_online_and_shares_the_work(server: RunningServer) -> None:
    phone, other = await app_phone(server), await app_phone(server)
    async with event_stream(phone) as first, event_stream(other) as second:
        await listening(server, 2)
        assert server.gateway.presence.is_online(phone.device_id)
        await submit(server)
        await first.wait_for("MessageEnqueued")
        await submit(server)

        await second.wait_for("MessageEnqueued")


async def test_phone_that_does_not_come_loses_the_message_to_another(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone, other = await app_phone(server), await app_phone(server)
    async with event_stream(phone) as stream:
        await listening(server)
        submitted = await submit(server)
        await stream.wait_for("MessageEnqueued")
        assert (await recipient_of(server, submitted)).state is State.OFFERED
        assert await other.messages() == []
        clock.advance(61_000)
        while await server.gateway.sweep.sweep_once():
            pass

        assert len(await other.messages()) == 1
        assert await phone.messages() == []


@pytest.mark.parametrize(("version", "is_told"), [("1.67.0", True), ("1.66.1", False)])
async def test_cancel_is_told_to_apps_that_know_it(
    server: RunningServer, version: str, is_told: bool
) -> None:
    phone = await app_phone(server, version)
    submitted = await submit(server)
    [message] = await phone.messages()
    async with event_stream(phone) as stream:
        await listening(server)
        principal = of_user(server.regular.user)
        await server.gateway.messages.cancel(principal, submitted.message_id, actor="operator")
        await submit(server)

        seen: list[tuple[str, object]] = []
        while "MessageEnqueued" not in dict(seen):
            seen.append(await stream.next_event())

    told = [data for name, data in seen if name == "MessageCancelled"]
    assert told == ([{"messageId": message["id"]}] if is_told else [])


async def test_other_settings_are_told_to_the_phones_of_that_account(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        await stream.wait_for("SettingsUpdated")

        await server.gateway.smsgate_settings.merge(
            server.regular.user.id, SmsgateSettings(ping=Ping(interval_seconds=60))
        )

        assert await stream.next_event() == ("SettingsUpdated", None)


async def test_phone_is_asked_for_the_texts_it_received(server: RunningServer) -> None:
    phone = await app_phone(server)
    wished = InboxExportWished(
        server.regular.user.id,
        phone.device_id,
        server.clock.now_ms() - 3_600_000,
        server.clock.now_ms(),
        ("SMS", "MMS"),
        True,
        "Individual",
    )
    async with event_stream(phone) as stream:
        await stream.wait_for("SettingsUpdated")

        server.gateway.events.publish([wished])

        name, data = await stream.next_event()
    assert name == "MessagesExportRequested"
    assert data == {
        "since": "2026-01-15T09:00:00.000Z",
        "until": "2026-01-15T10:00:00.000Z",
        "messageTypes": "SMS,MMS",
        "triggerWebhooks": "true",
        "webhookDelivery": "Individual",
    }


async def test_phone_with_two_streams_is_told_on_both(server: RunningServer) -> None:
    # Its app opens another when it registers anew, and closes all when one is closed.
    phone = await app_phone(server)
    async with event_stream(phone) as first, event_stream(phone) as second:
        await submit(server)

        assert await second.next_event() == ("MessageEnqueued", None)
        await first.wait_for("MessageEnqueued")
    assert len(await phone.messages()) == 1


async def test_streams_of_a_phone_are_not_without_number(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(event_stream(phone))
            for _ in range(MAX_STREAM_COUNT + 1)
        ]

        assert await streams[0].has_ended()
        await submit(server)
        await streams[-1].wait_for("MessageEnqueued")


async def test_stream_of_a_deleted_phone_ends(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with event_stream(phone) as stream:
        await listening(server)

        await server.gateway.devices.delete(operator(), phone.device_id)

        assert await stream.has_ended()


async def test_stream_ends_at_once_when_the_server_stops(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as http:
        async with running_server(tmp_path / "data") as server:
            phone = await app_phone(server)
            headers = {"Authorization": f"Bearer {phone.token}"}
            response = await http.get(f"{server.url}{BASE}/events", headers=headers)
            await listening(server)
            started = time.monotonic()
        rest = await response.content.read()
        stop_s = time.monotonic() - started

    assert rest.startswith(b"event: WebhooksUpdated\ndata: null\n\n")
    assert stop_s < 10  # the next comment would be after 15


async def test_phone_that_hangs_up_is_leased_nothing_more(server: RunningServer) -> None:
    phone = await app_phone(server)
    async with event_stream(phone):
        await listening(server)
    other = await app_phone(server)
    # The server has answered since, so it has seen the end of the connection before that, too.
    await other.messages()
    submitted = await submit(server)

    assert len(await other.messages()) == 1
    assert (await recipient_of(server, submitted)).state is State.CLAIMED


async def test_stream_ends_what_was_told_of_a_phone_that_waits_for_google(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone = await app_phone(server, pushToken="token-of-google")
    refusals = server.gateway.refusals
    assert [r.code for r in refusals.list_hindrances(None)] == ["waits_for_push"]
    clock.advance(1)

    async with event_stream(phone):
        assert refusals.list_hindrances(None) == []
