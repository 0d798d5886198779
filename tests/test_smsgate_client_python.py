"""SMSGate's own client for Python, 4.3.3, every method of it, on requests and on aiohttp."""

import datetime
import inspect
from datetime import UTC
from typing import Any

import android_sms_gateway as smsgate  # type: ignore[import-untyped]  # it brings no types
import pytest
from android_sms_gateway import domain, enums, errors

from tests.servers import PASSWORD, RunningServer
from tests.smsgate_clients import (
    PYTHON_CLIENTS,
    Make,
    PythonClient,
    async_client,
    blocking_client,
    receive_over_the_air,
    send_over_the_air,
)
from textko_server.clock import HOUR_MS
from textko_server.gateway.events import InboxExportWished

PHONE, ANOTHER = "+251912345678", "+251912345679"
HOOK = "https://shop.example.org/sms"


@pytest.fixture(params=list(PYTHON_CLIENTS))
def make(request: pytest.FixtureRequest) -> Make:
    return PYTHON_CLIENTS[request.param]


@pytest.fixture
def client(make: Make, server: RunningServer) -> PythonClient:
    """Logged in with e-mail and password."""
    return make(server.url, server.regular.user.email, PASSWORD)


def text(words: str, *phones: str, **fields: Any) -> domain.Message:
    content = domain.TextMessage(text=words)
    return domain.Message(phone_numbers=list(phones) or [PHONE], text_message=content, **fields)


def moment(server: RunningServer, plus_ms: int = 0) -> datetime.datetime:
    return datetime.datetime.fromtimestamp((server.clock.now_ms() + plus_ms) / 1000, UTC)


TRIED = {
    "send", "get_state", "get_messages", "cancel_message", "get_webhooks", "create_webhook",
    "delete_webhook", "list_devices", "remove_device", "get_settings", "update_settings",
    "patch_settings", "get_logs", "export_inbox", "refresh_inbox", "list_inbox_messages",
    "download_attachment", "generate_token", "refresh_token", "revoke_token", "health_check",
    "liveness_check", "readiness_check", "startup_check",
}  # fmt: skip


def test_every_method_of_the_client_is_tried_here() -> None:
    for kind in (smsgate.APIClient, smsgate.AsyncAPIClient):
        methods = {
            name for name, _ in inspect.getmembers(kind, inspect.isfunction) if name[0] != "_"
        }
        assert methods == TRIED


async def test_client_sends_and_follows_a_text(server: RunningServer, client: PythonClient) -> None:
    sent = await client("send", text("Say “hi” 👋", PHONE, ANOTHER))
    await send_over_the_air(server, "sent", "delivered")
    state = await client("get_state", sent.id)

    assert sent.state is enums.ProcessState.Pending
    assert [r.phone_number for r in sent.recipients] == [PHONE, ANOTHER]
    assert sent.created_at == moment(server)
    assert state.state is enums.ProcessState.Delivered
    assert {r.state for r in state.recipients} == {enums.ProcessState.Delivered}
    assert state.device_id == server.regular.device_id
    assert list(state.states) == ["Pending", "Processed", "Sent", "Delivered"]
    assert not state.is_encrypted
    assert not state.is_hashed


async def test_client_chooses_id_device_sim_priority_and_end(
    server: RunningServer, client: PythonClient
) -> None:
    message = text(
        "Code 1",
        id="order-17",
        device_id=server.regular.device_id,
        sim_number=1,
        priority=enums.MessagePriority.BYPASS_THRESHOLD,
        valid_until=moment(server, HOUR_MS),
    )

    sent = await client("send", message, skip_phone_validation=True, device_active_within=1)

    assert sent.id == "order-17"
    assert sent.device_id == server.regular.device_id
    assert (await client("get_state", "order-17")).id == "order-17"
    [row] = await server.gateway.db.fetch_all(
        "SELECT m.priority, m.expires_at, r.device_id, r.sim_id IS NOT NULL"
        " FROM messages AS m JOIN recipients AS r ON r.message_id = m.id"
    )
    assert row == (0, server.clock.now_ms() + HOUR_MS, server.regular.device.id, 1)


async def test_client_lists_messages(server: RunningServer, client: PythonClient) -> None:
    sent = [(await client("send", text(f"Text {n}"))).id for n in range(3)]
    await send_over_the_air(server, "sent")
    last = (await client("send", text("Text 3"))).id
    query = domain.MessagesQueryFilter

    everything = await client("get_messages")
    page = await client(
        "get_messages",
        pagination=domain.QueryPagination(limit=2, offset=1),
        sort="created_at",
    )
    pending = await client("get_messages", query=query(state="Pending"))
    by_device = await client("get_messages", query=query(device_id=server.regular.device_id))
    later = await client("get_messages", query=query(from_=moment(server, 1)))

    assert [one.id for one in everything] == [last, *sent[::-1]]
    assert [one.id for one in page] == sent[1:]
    assert [one.id for one in pending] == [last]
    assert [one.id for one in by_device] == sent[::-1]
    assert later == []


async def test_client_cancels_a_text(server: RunningServer, client: PythonClient) -> None:
    sent = await client("send", text("Never mind"))

    await client("cancel_message", sent.id)

    state = await client("get_state", sent.id)
    assert state.state is enums.ProcessState.Cancelled


async def test_client_has_webhooks(server: RunningServer, client: PythonClient) -> None:
    event = enums.WebhookEvent.SMS_RECEIVED
    own = await client("create_webhook", domain.Webhook("mine", HOOK, event))
    of_device = domain.Webhook(None, HOOK, enums.WebhookEvent.SMS_SENT, server.regular.device_id)
    ours = await client("create_webhook", of_device)

    listed = await client("get_webhooks")
    await client("delete_webhook", "mine")

    assert own == domain.Webhook("mine", HOOK, event)
    assert ours.id
    assert ours.device_id == server.regular.device_id
    assert listed == [own, ours]
    assert await client("get_webhooks") == [ours]


async def test_client_may_subscribe_to_every_event_it_knows(client: PythonClient) -> None:
    for event in enums.WebhookEvent:
        made = await client("create_webhook", domain.Webhook(event.value, HOOK, event))
        assert made.event is event


async def test_client_lists_and_removes_devices(
    server: RunningServer, client: PythonClient
) -> None:
    [device] = await client("list_devices")

    await client("remove_device", device.id)

    assert (device.id, device.name) == (server.regular.device_id, "Phone of regular")
    assert device.created_at == device.last_seen == moment(server)
    assert device.deleted_at is None
    assert await client("list_devices") == []


async def test_client_reads_and_writes_settings(client: PythonClient) -> None:
    settings = domain.DeviceSettings(
        encryption=domain.SettingsEncryption(passphrase="secret"),
        messages=domain.SettingsMessages(
            limit_period=enums.LimitPeriod.PER_HOUR,
            limit_value=30,
            processing_order=enums.MessagesProcessingOrder.FIFO,
            sim_selection_mode=enums.SimSelectionMode.ROUND_ROBIN,
        ),
    )
    more = domain.DeviceSettings(
        ping=domain.SettingsPing(interval_seconds=60),
        webhooks=domain.SettingsWebhooks(signing_key="key", retry_count=3),
    )

    before = await client("get_settings")
    await client("update_settings", settings)
    await client("patch_settings", more)
    after = await client("get_settings")

    assert before == domain.DeviceSettings()
    assert after.messages == settings.messages
    assert after.ping == more.ping
    assert after.webhooks == domain.SettingsWebhooks(retry_count=3)
    assert after.encryption == domain.SettingsEncryption()


async def test_client_reads_the_log(server: RunningServer, client: PythonClient) -> None:
    sent = await client("send", text("Hello"))
    await receive_over_the_air(server, "Hi")

    lines = await client(
        "get_logs", from_=moment(server).isoformat(), to=moment(server, 1).isoformat()
    )

    assert {line.module for line in lines} == {"messages", "inbox"}
    assert {line.priority for line in lines} == {enums.LogEntryPriority.INFO}
    assert sent.id in {line.context["messageId"] for line in lines}
    assert all("Hello" not in line.message for line in lines)


async def test_client_reads_the_inbox(server: RunningServer, client: PythonClient) -> None:
    await receive_over_the_air(server, "First", "Second", "Third")
    wanted = domain.InboxQueryFilter(
        message_type="SMS",
        from_=moment(server),
        to=moment(server, 1),
        device_id=server.regular.device_id,
        include_attachments=True,
    )

    everything = await client("list_inbox_messages", inbox_filter=wanted)
    page = await client("list_inbox_messages", pagination=domain.QueryPagination(limit=1, offset=1))

    assert [one.content_preview for one in everything] == ["Third", "Second", "First"]
    assert [one.content_preview for one in page] == ["Second"]
    [second] = page
    assert (second.message_type, second.sender) == ("SMS", "+251922000000")
    assert (second.recipient, second.sim_number) == ("+251911000001", 1)
    assert second.created_at == moment(server)


async def test_client_is_told_that_there_are_no_attachments(client: PythonClient) -> None:
    with pytest.raises(errors.NotFoundError):
        await client("download_attachment", "0" * 24, 1)


async def test_client_asks_phones_for_their_inbox(
    server: RunningServer, client: PythonClient
) -> None:
    await server.gateway.db.write(lambda tx: tx.execute("UPDATE devices SET app_name = 'SMSGate'"))
    wishes: list[InboxExportWished] = []
    server.gateway.events.listen(wishes.append, InboxExportWished)
    since, until = moment(server, -HOUR_MS), moment(server)

    exported = await client(
        "export_inbox", domain.MessagesExportRequest(server.regular.device_id, since, until)
    )
    refreshed = await client(
        "refresh_inbox",
        domain.InboxRefreshRequest(
            since, until, message_types=["SMS", "MMS"],
            webhook_delivery=enums.WebhookDelivery.DISABLED,
        ),
    )  # fmt: skip

    assert (exported, refreshed) == ({}, {})
    now_ms, user_id, device_id = (
        server.clock.now_ms(), server.regular.user.id, server.regular.device.id,
    )  # fmt: skip
    assert wishes == [
        InboxExportWished(user_id, device_id, now_ms - HOUR_MS, now_ms, (), True, None),
        InboxExportWished(
            user_id, device_id, now_ms - HOUR_MS, now_ms, ("SMS", "MMS"), False, "Disabled"
        ),
    ]


@pytest.mark.parametrize(
    "method", ["health_check", "liveness_check", "readiness_check", "startup_check"]
)
async def test_client_sees_a_healthy_server(client: PythonClient, method: str) -> None:
    health = await client(method)

    assert health.status is enums.HealthStatus.PASS
    assert health.version
    assert health.release_id > 0


# --- tokens ---


async def test_client_works_with_a_token_in_place_of_the_password(
    server: RunningServer, make: Make, client: PythonClient
) -> None:
    request = domain.TokenRequest(scopes=["messages:send", "devices:list"], ttl=60)

    token = await client("generate_token", request)
    bearer = make(server.url, None, token.access_token)
    await bearer("send", text("Hello"))

    assert token.token_type == "Bearer"
    assert len(await bearer("list_devices")) == 1
    with pytest.raises(errors.ForbiddenError):
        await bearer("get_messages")
    await client("revoke_token", token.id)
    with pytest.raises(errors.UnauthorizedError):
        await bearer("list_devices")


async def test_client_refreshes_a_token(server: RunningServer) -> None:
    client = blocking_client(server.url, server.regular.user.email, PASSWORD)
    token = await client("generate_token", domain.TokenRequest(scopes=["devices:list"]))

    refreshed = await client("refresh_token", token.refresh_token)

    bearer = blocking_client(server.url, None, refreshed.access_token)
    assert len(await bearer("list_devices")) == 1
    with pytest.raises(errors.UnauthorizedError):
        await client("refresh_token", token.refresh_token)
    with pytest.raises(errors.UnauthorizedError):
        await bearer("list_devices")


async def test_refreshing_breaks_in_the_async_client_itself(server: RunningServer) -> None:
    """It posts without a body, which its own HTTP client asks for: 4.3.3 cannot do it anywhere."""
    client = async_client(server.url, server.regular.user.email, PASSWORD)
    token = await client("generate_token", domain.TokenRequest(scopes=["devices:list"]))

    with pytest.raises(TypeError, match="payload"):
        await client("refresh_token", token.refresh_token)


# --- who asks ---


async def test_api_key_does_for_a_password(server: RunningServer, make: Make) -> None:
    by_basic = make(server.url, server.regular.user.email, server.regular.key)
    by_bearer = make(server.url, None, server.regular.key)

    assert len(await by_basic("list_devices")) == 1
    assert len(await by_bearer("list_devices")) == 1


async def test_client_reads_every_refusal(
    server: RunningServer, make: Make, client: PythonClient
) -> None:
    stranger = make(server.url, server.regular.user.email, "wrong phrase")
    await client("send", text("Hello", id="order-17"))

    with pytest.raises(errors.UnauthorizedError):
        await stranger("list_devices")
    with pytest.raises(errors.BadRequestError):
        await client("send", text("Hello", "nobody"))
    with pytest.raises(errors.NotFoundError):
        await client("get_state", "order-18")
    with pytest.raises(errors.APIError) as repeated:
        await client("send", text("Hello again", id="order-17"))
    assert repeated.value.status_code == 409
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=0)
    with pytest.raises(errors.ServiceUnavailableError):
        await client("send", text("Hello"))
