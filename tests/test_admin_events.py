"""The live events of the admin API: who hears what, and how a stream ends."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clocks import START_MS
from tests.servers import ADMIN_EMAIL, REGULAR_EMAIL, RunningServer, running_server
from tests.texify import Texify
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.gateway.events import AccountChanged, EventStream
from textko_server.http.admin import live_events
from textko_server.model import Role

NUMBER = "+251911222333"
WAIT_LIMIT_S = 30.0


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


async def next_event(events: AsyncIterator[wire.Event], name: str) -> wire.Event:
    async with asyncio.timeout(WAIT_LIMIT_S):
        async for event in events:
            if event.event == name:
                return event
    raise AssertionError("the stream ended")


async def heard_until(events: AsyncIterator[wire.Event], names: set[str]) -> dict[str, wire.Event]:
    """The first event of each name, until all of `names` were heard."""
    heard: dict[str, wire.Event] = {}
    async with asyncio.timeout(WAIT_LIMIT_S):
        while not names <= heard.keys():
            event = await anext(events)
            heard.setdefault(event.event, event)
    return heard


async def send(admin: AdminClient, user: str) -> wire.MessageDetail:
    return await admin.send_message(wire.NewMessage(to=[NUMBER], text="Hello"), user)


async def sync(server: RunningServer, body: dict[str, object]) -> None:
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    await server.request("POST", "/device/v1/sync", body, headers=headers)


async def test_events_carry_the_ids_that_the_api_shows(
    server: RunningServer, operator: AdminClient
) -> None:
    async with operator.events() as events:
        message = await send(operator, REGULAR_EMAIL)
        told = {"id": "1", "from": NUMBER, "text": "Hi", "receivedAt": START_MS}
        await sync(server, {"incoming": [told]})
        heard = await heard_until(
            events, {"incoming_received", "recipient_changed", "device_changed"}
        )

    [incoming] = (await operator.list_incoming()).incoming
    assert heard["message_submitted"] == wire.Event(
        event="message_submitted",
        at=START_MS,
        user_id=server.regular.public_id,
        message_id=message.id,
        state="queued",
    )
    online, offered = heard["device_changed"], heard["recipient_changed"]
    assert (online.device_id, online.what) == (server.regular.device_id, "online")
    assert heard["incoming_received"].incoming_id == incoming.id
    assert (offered.message_id, offered.recipient_id) == (message.id, message.recipients[0].id)
    assert (offered.state, offered.device_id) == ("offered", server.regular.device_id)


async def test_scheduled_messages_and_low_credits_are_told_of(
    server: RunningServer, operator: AdminClient
) -> None:
    application = Texify(server)
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=100)
    async with operator.events() as events:
        scheduled_id = await application.schedule()
        await application.send()
        heard = await heard_until(events, {"scheduled_changed", "credits_low"})

    scheduled, low = heard["scheduled_changed"], heard["credits_low"]
    assert (scheduled.scheduled_id, scheduled.state) == (scheduled_id, "pending")
    assert (low.user_id, low.count) == (server.regular.public_id, 99)


async def test_deleted_device_is_named_by_the_id_it_had(
    server: RunningServer, operator: AdminClient
) -> None:
    async with operator.events() as events:
        await operator.delete_device(server.regular.device_id)
        deleted = await next_event(events, "device_changed")

    assert (deleted.device_id, deleted.what) == (server.regular.device_id, "deleted")


async def test_who_is_no_admin_hears_only_of_their_own(
    operator: AdminClient, regular: AdminClient
) -> None:
    async with regular.events() as events:
        await send(operator, ADMIN_EMAIL)
        own = await send(operator, REGULAR_EMAIL)
        heard = await next_event(events, "message_submitted")

    assert heard.message_id == own.id
    with pytest.raises(AdminError):
        async with regular.events(ADMIN_EMAIL):
            pass


async def test_admin_may_listen_to_one_account(operator: AdminClient) -> None:
    async with operator.events(REGULAR_EMAIL) as events:
        await send(operator, ADMIN_EMAIL)
        wanted = await send(operator, REGULAR_EMAIL)
        heard = await next_event(events, "message_submitted")

    assert heard.message_id == wanted.id


async def test_quiet_stream_beats(operator: AdminClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_events, "HEARTBEAT_S", 0.01)

    async with operator.events() as events:
        heartbeat = await next_event(events, "heartbeat")

    assert heartbeat == wire.Event(event="heartbeat")


async def test_reader_who_was_too_slow_is_told_how_many_are_missing(
    server: RunningServer, operator: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: list[object] = [
        AccountChanged(server.regular.user.id, "limits", START_MS + number)
        for number in range(1_007)
    ]
    async with operator.events() as events:
        # All at once: the stream keeps a thousand.
        server.gateway.events.publish(changes)
        lost = await next_event(events, "lost")
        first_kept = await next_event(events, "account_changed")

    assert lost.count == 7
    assert first_kept.at == START_MS + 7


@pytest.mark.parametrize("what", ["password", "role", "deleted"])
async def test_stream_ends_when_the_login_does(
    operator: AdminClient, regular: AdminClient, what: str
) -> None:
    async with regular.events() as events:
        if what == "password":
            await operator.set_password(REGULAR_EMAIL, "another one")
        elif what == "role":
            await operator.set_role(REGULAR_EMAIL, Role.ADMIN)
        else:
            await operator.delete_user(REGULAR_EMAIL)
        async with asyncio.timeout(WAIT_LIMIT_S):
            heard = [event.event async for event in events]

    assert "account_changed" not in heard


async def test_stream_ends_when_its_api_key_is_revoked(
    server: RunningServer, operator: AdminClient
) -> None:
    async with AdminClient.at_url(server.url, server.regular.key) as by_key:
        [key] = (await by_key.list_api_keys()).api_keys
        async with by_key.events() as events:
            await operator.revoke_api_key(key.id)
            async with asyncio.timeout(WAIT_LIMIT_S):
                heard = [event.event async for event in events]

    assert heard == []


async def test_streams_end_at_once_when_the_server_stops(tmp_path: Path) -> None:
    async with (
        AdminClient.over_socket(tmp_path / "data" / "textko.sock") as operator,
        asyncio.TaskGroup() as tasks,
    ):
        async with running_server(tmp_path / "data"):
            listening = asyncio.Event()

            async def listen() -> list[wire.Event]:
                async with operator.events() as events:
                    listening.set()
                    return [event async for event in events]

            heard = tasks.create_task(listen())
            await listening.wait()
            started = time.monotonic()
        stop_s = time.monotonic() - started

    assert stop_s < 10  # the next heartbeat would be after 15
    assert "lost" not in [event.event for event in heard.result()]


async def test_reader_who_leaves_is_forgotten(
    server: RunningServer, operator: AdminClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_events, "HEARTBEAT_S", 0.01)
    streams: list[EventStream] = []
    left = asyncio.Event()
    pump = live_events._pump

    async def counted(*arguments: object) -> None:
        streams.append(arguments[2])  # type: ignore[arg-type]  # its third parameter
        try:
            await pump(*arguments)  # type: ignore[arg-type]  # passed on as they came
        finally:
            left.set()

    monkeypatch.setattr(live_events, "_pump", counted)
    async with operator.events():
        pass

    async with asyncio.timeout(WAIT_LIMIT_S):
        await left.wait()
    assert len(streams) == 1
