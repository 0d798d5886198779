"""The admin API: who sees and may do what, over the port and over the socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import ADMIN_EMAIL, PASSWORD, REGULAR_EMAIL, RunningServer, running_server
from tests.webhook_receiver import WebhookReceiver
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError, ServerNotReachable
from textko_server.clock import DAY_MS
from textko_server.config import ServerSettings
from textko_server.model import Role, State
from textko_server.server import Server

NUMBER = "+251911222333"


@pytest.fixture
async def clients(server: RunningServer) -> AsyncIterator["Clients"]:
    async with AsyncExitStack() as stack:
        yield await Clients.open(server, stack)


class Clients:
    """One for each kind of caller."""

    operator: AdminClient
    admin: AdminClient
    regular: AdminClient
    by_key: AdminClient
    nobody: AdminClient

    @classmethod
    async def open(cls, server: RunningServer, stack: AsyncExitStack) -> "Clients":
        clients = cls()
        clients.operator = AdminClient.over_socket(server.server.socket_path)
        clients.admin = AdminClient.at_url(server.url, server.admin.jwt)
        clients.regular = AdminClient.at_url(server.url, server.regular.jwt)
        clients.by_key = AdminClient.at_url(server.url, server.regular.key)
        clients.nobody = AdminClient.at_url(server.url)
        for client in vars(clients).values():
            await stack.enter_async_context(client)
        return clients


def new_message(**changes: Any) -> wire.NewMessage:
    fields: dict[str, Any] = {"to": [NUMBER], "text": "Hello"}
    return wire.NewMessage(**(fields | changes))


# --- who asks ---


async def test_whoever_opens_the_socket_is_the_operator(clients: Clients) -> None:
    me = await clients.operator.me()

    assert me == wire.WhoAmI(is_operator=True, is_admin=True, user=None)


async def test_login_gives_a_token_that_works(server: RunningServer, clients: Clients) -> None:
    logged_in = await clients.nobody.log_in(ADMIN_EMAIL, PASSWORD)

    me = await clients.nobody.me()
    assert logged_in.user.email == ADMIN_EMAIL
    assert me.is_admin
    assert me.user == logged_in.user


async def test_port_asks_for_a_login(clients: Clients) -> None:
    with pytest.raises(AdminError) as caught:
        await clients.nobody.list_devices()

    assert caught.value.problem.status == 401


async def test_api_key_without_all_scopes_is_refused(server: RunningServer) -> None:
    headers = await server.make_key(server.admin, "send_sms", "read_messages")

    refused = await server.request("GET", "/admin/v1/messages", headers=headers)

    assert refused.status == 403
    assert refused.headers["Content-Type"] == "application/problem+json"


async def test_api_key_for_some_devices_is_refused(server: RunningServer) -> None:
    person = server.regular
    _, key = await server.gateway.api_keys.create_key(
        person.user.id, "one phone", device_ids=[person.device.id]
    )

    refused = await server.request("GET", "/admin/v1/devices", headers={"x-api-key": key})

    assert refused.status == 403


@pytest.mark.parametrize("name", ["regular", "by_key"])
async def test_who_is_no_admin_sees_only_their_own(clients: Clients, name: str) -> None:
    client: AdminClient = getattr(clients, name)
    await clients.operator.send_message(new_message(), user=ADMIN_EMAIL)
    own = await client.send_message(new_message())

    users = (await client.list_users()).users
    devices = (await client.list_devices()).devices
    keys = (await client.list_api_keys()).api_keys
    messages = (await client.list_messages()).messages

    assert [u.email for u in users] == [REGULAR_EMAIL]
    assert {d.user for d in devices} == {REGULAR_EMAIL}
    assert {k.user for k in keys} == {REGULAR_EMAIL}
    assert [m.id for m in messages] == [own.id]


async def test_who_is_no_admin_gets_nothing_of_others(
    server: RunningServer, clients: Clients
) -> None:
    theirs = await clients.admin.send_message(new_message())
    [key] = (await clients.operator.list_api_keys(wire.ApiKeyQuery(user=ADMIN_EMAIL))).api_keys
    webhook = await clients.admin.create_webhook(
        wire.NewWebhook(url="http://127.0.0.1:9/", events=["MESSAGE_SENT"])
    )

    client = clients.regular
    for refused in (
        client.get_message(theirs.id),
        client.cancel_message(theirs.id),
        client.get_device(server.admin.device_id),
        client.delete_device(server.admin.device_id),
        client.revoke_api_key(key.id),
        client.get_webhook(webhook.id),
        client.list_deliveries(webhook.id),
        client.get_user(ADMIN_EMAIL),
        client.send_message(new_message(), user=ADMIN_EMAIL),
        client.send_message(new_message(device_id=server.admin.device_id)),
        client.list_messages(wire.MessageFilter(user=ADMIN_EMAIL)),
    ):
        with pytest.raises(AdminError) as caught:
            await refused
        assert caught.value.problem.status == 404


async def test_users_and_the_server_are_for_admins(clients: Clients) -> None:
    new_user = wire.NewUser(email="new@example.org", password=PASSWORD)

    for client in (clients.regular, clients.by_key):
        for refused in (
            client.create_user(new_user),
            client.set_role(REGULAR_EMAIL, Role.ADMIN),
            client.set_limits(REGULAR_EMAIL, wire.LimitChanges(credits=None)),
            client.delete_user(REGULAR_EMAIL),
            client.status(),
            client.list_settings(),
        ):
            with pytest.raises(AdminError) as caught:
                await refused
            assert caught.value.problem.status == 403


# --- users ---


async def test_user_is_made_changed_and_deleted_with_what_is_theirs(clients: Clients) -> None:
    operator = clients.operator
    made = await operator.create_user(wire.NewUser(email="new@example.org", password=PASSWORD))
    await operator.change_user(made.id, wire.UserChanges(name="New"))
    await operator.set_role("NEW@example.org", Role.ADMIN)
    changed = await operator.set_limits(made.id, wire.LimitChanges(credits=5, monthly_limit=7))
    await operator.send_message(new_message(), user=made.id)
    await operator.create_api_key(wire.NewApiKey(name="shop"), user=made.id)

    held = await operator.get_holdings(made.id)
    await operator.delete_user(made.id)

    assert (changed.name, changed.role, changed.credits) == ("New", Role.ADMIN, 5)
    assert held == wire.Holdings(
        devices=0, api_keys=1, webhooks=0, webhook_deliveries=0, messages=1, incoming=0,
        contacts=0, groups=0, templates=0, scheduled=0, opt_outs=0,
    )  # fmt: skip
    with pytest.raises(AdminError) as caught:
        await operator.get_user(made.id)
    assert caught.value.problem.status == 404


async def test_usage_counts_what_was_sent_this_month(clients: Clients) -> None:
    await clients.operator.send_message(new_message(text="x" * 200), user=REGULAR_EMAIL)

    usage = await clients.operator.get_usage(REGULAR_EMAIL)
    earlier = await clients.operator.get_usage(REGULAR_EMAIL, wire.UsageQuery(month="2025-12"))

    assert (usage.month, usage.messages, usage.segments) == ("2026-01", 1, 2)
    assert earlier.messages == 0


async def test_new_password_ends_logins(server: RunningServer, clients: Clients) -> None:
    await clients.operator.set_password(REGULAR_EMAIL, "another one")

    with pytest.raises(AdminError):
        await clients.regular.me()
    assert (await clients.regular.log_in(REGULAR_EMAIL, "another one")).user.email == REGULAR_EMAIL


async def test_first_admin_is_made_once_with_the_printed_token(tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path / "fresh", listen="127.0.0.1:0")
    async with Server(_only(settings), FrozenClock()) as fresh:
        token = fresh.gateway.accounts.make_first_admin_link_token()
        body = wire.FirstAdmin(token=token, email="first@example.org", password=PASSWORD)
        async with AdminClient.at_url(fresh.url) as client:
            logged_in = await client.create_first_admin(body)

            assert logged_in.user.role is Role.ADMIN
            with pytest.raises(AdminError) as caught:
                await client.create_first_admin(body)
            assert caught.value.problem.status == 409


def _only(server_settings: ServerSettings) -> Any:
    from tests.servers import settings_for_tests

    return settings_for_tests(server_settings.data_dir, server=server_settings)


# --- API keys ---


async def test_api_key_lives_from_making_to_deletion(
    server: RunningServer, clients: Clients
) -> None:
    made = await clients.operator.create_api_key(
        wire.NewApiKey(
            name="shop", scopes=["send_sms"], expires_at=START_MS + DAY_MS,
            device_ids=[server.regular.device_id],
        ),
        user=REGULAR_EMAIL,
    )  # fmt: skip
    renamed = await clients.regular.rename_api_key(made.id, "web shop")
    revoked = await clients.regular.revoke_api_key(made.id)
    revoked_keys = await clients.regular.list_api_keys(wire.ApiKeyQuery(status="revoked"))
    await clients.regular.delete_api_key(made.id)

    assert len(made.key) == 64
    assert made.device_ids == [server.regular.device_id]
    assert renamed.name == "web shop"
    assert revoked.revoked_at == START_MS
    assert [k.id for k in revoked_keys.api_keys] == [made.id]
    assert made.id not in [k.id for k in (await clients.regular.list_api_keys()).api_keys]


async def test_token_made_elsewhere_works_after_import(
    server: RunningServer, clients: Clients
) -> None:
    token = "an-old-token-of-another-gateway"
    await clients.regular.import_api_key(wire.ImportedApiKey(name="old", key=token))

    answer = await server.request("GET", "/admin/v1/me", headers={"x-api-key": token})

    assert answer.json["user"]["email"] == REGULAR_EMAIL


async def test_api_keys_come_in_pages(clients: Clients) -> None:
    for number in range(3):
        await clients.regular.create_api_key(wire.NewApiKey(name=f"key {number}"))

    names, after = [], None
    while True:
        page = await clients.regular.list_api_keys(wire.ApiKeyQuery(after=after, limit=2))
        names += [k.name for k in page.api_keys]
        after = page.next
        if after is None:
            break

    assert names == ["everything", "key 0", "key 1", "key 2"]


# --- devices ---


async def test_pairing_code_leads_to_where_the_server_listens(
    server: RunningServer, clients: Clients
) -> None:
    pairing = await clients.operator.create_pairing_code(
        wire.NewPairingCode(user=REGULAR_EMAIL, name="Kitchen")
    )
    paired = await server.request(
        "POST", "/device/v1/pair", {"code": pairing.code, "name": "Pixel", "sims": [{"slot": 1}]}
    )

    assert pairing.url == f"{server.url}/pair#{pairing.code}"
    assert pairing.expires_at == START_MS + 600_000
    device = await clients.regular.get_device(paired.json["deviceId"])
    assert (device.name, device.user) == ("Kitchen", REGULAR_EMAIL)


async def test_pairing_code_leads_to_the_public_url(tmp_path: Path) -> None:
    public = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", public_url="https://sms.example.org"
    )
    async with (
        running_server(tmp_path / "data", server=public) as server,
        AdminClient.over_socket(server.server.socket_path) as operator,
        AdminClient.at_url(server.url, server.regular.jwt) as regular,
    ):
        by_operator = await operator.create_pairing_code(wire.NewPairingCode(user=ADMIN_EMAIL))
        by_login = await regular.create_pairing_code(wire.NewPairingCode())

    assert by_operator.url.startswith("https://sms.example.org/pair#")
    assert by_login.url.startswith("https://sms.example.org/pair#")


async def test_operator_has_to_say_whose_account_is_meant(clients: Clients) -> None:
    with pytest.raises(AdminError) as caught:
        await clients.operator.create_pairing_code(wire.NewPairingCode())

    assert caught.value.problem.field == "user"


async def test_device_shows_presence_and_sims(server: RunningServer, clients: Clients) -> None:
    before = await clients.regular.get_device(server.regular.device_id)
    await server.request(
        "POST", "/device/v1/sync", {"status": {"battery": 81, "charging": True}},
        headers={"Authorization": f"Bearer {server.regular.device_token}"},
    )  # fmt: skip
    after = await clients.regular.get_device(server.regular.device_id)

    assert not before.is_online
    assert after.is_online
    assert (after.battery_percent, after.is_charging) == (81, True)
    assert [(s.slot, s.number) for s in after.sims] == [(1, "+251911000001")]


async def test_device_is_renamed_disabled_paced_and_deleted(
    server: RunningServer, clients: Clients
) -> None:
    device_id = server.regular.device_id
    changed = await clients.regular.change_device(
        device_id, wire.DeviceChanges(name="Shelf", is_enabled=False)
    )
    sim = await clients.regular.set_pace(device_id, 1, wire.Pace(per_minute=20))
    await clients.regular.delete_device(device_id)

    assert (changed.name, changed.is_enabled) == ("Shelf", False)
    assert sim.pace == wire.Pace(per_minute=20)
    assert (await clients.regular.list_devices()).devices == []


# --- messages ---


async def test_time_line_tells_the_whole_story(
    server: RunningServer, clients: Clients, clock: FrozenClock
) -> None:
    phone = {"Authorization": f"Bearer {server.regular.device_token}"}
    sent = await clients.by_key.send_message(new_message(priority="otp"))
    clock.advance(1_000)
    offered = await server.request("POST", "/device/v1/sync", {}, headers=phone)
    [offer] = offered.json["offers"]
    clock.advance(1_000)
    await server.request(
        "POST", "/device/v1/sync", {"claims": [offer["jobId"]], "capacity": 0}, headers=phone
    )
    report = {"jobId": offer["jobId"], "state": "sent", "at": START_MS + 3_000}
    clock.advance(1_000)
    await server.request(
        "POST", "/device/v1/sync", {"reports": [report], "capacity": 0}, headers=phone
    )

    message = await clients.by_key.get_message(sent.id)

    [recipient] = message.recipients
    name = server.regular.device.name
    assert (message.state, message.priority, message.api_key) == (State.SENT, "otp", "everything")
    assert (recipient.device, recipient.sim_slot) == (name, 1)
    assert [(e.at - START_MS, e.state, e.by, e.device, e.detail) for e in recipient.time_line] == [
        (0, "queued", "key everything", None, "submitted through the admin API"),
        (1_000, "offered", "phone", name, f"offered to {name}"),
        (2_000, "claimed", "phone", name, f"{name} took it"),
        (3_000, "sent", "phone", name, f"{name} handed it to the network"),
    ]


async def test_message_is_cancelled_and_queued_again(clients: Clients) -> None:
    message = await clients.regular.send_message(new_message(to=[NUMBER, "+251911222444"]))

    cancelled = await clients.regular.cancel_message(message.id)
    requeued = await clients.operator.requeue_message(message.id)

    after = await clients.regular.get_message(message.id)
    assert (cancelled.count, requeued.count) == (2, 2)
    assert [(e.state, e.by) for e in after.recipients[0].time_line] == [
        ("queued", f"user {REGULAR_EMAIL}"),
        ("cancelled", f"user {REGULAR_EMAIL}"),
        ("queued", "operator"),
    ]


async def test_message_waits_for_its_time(clients: Clients) -> None:
    message = await clients.regular.send_message(new_message(send_at=START_MS + DAY_MS))

    assert message.state is State.SCHEDULED
    assert message.recipients[0].time_line[0].state is State.SCHEDULED
    assert "2026-01-16T10:00:00.000Z" in message.recipients[0].time_line[0].detail


async def test_message_is_pinned_to_a_sim_of_the_account(
    server: RunningServer, clients: Clients
) -> None:
    pinned = new_message(device_id=server.regular.device_id, sim_slot=1)

    message = await clients.operator.send_message(pinned, user=REGULAR_EMAIL)

    assert message.recipients[0].device_id == server.regular.device_id
    assert message.recipients[0].sim_slot == 1
    with pytest.raises(AdminError) as caught:
        await clients.operator.send_message(pinned, user=ADMIN_EMAIL)
    assert caught.value.problem.status == 404


async def test_messages_come_in_pages_newest_first(clients: Clients) -> None:
    made = [await clients.regular.send_message(new_message()) for _ in range(3)]

    first = await clients.regular.list_messages(limit=2)
    second = await clients.regular.list_messages(limit=2, before=first.next)
    cancelled = await clients.regular.list_messages(wire.MessageFilter(state="cancelled"))

    assert [m.id for m in first.messages + second.messages] == [m.id for m in reversed(made)]
    assert second.next is None
    assert cancelled.messages == []
    recipient = first.messages[0].first_recipient
    assert recipient is not None
    assert recipient.phone_number == NUMBER


async def test_wrong_number_is_named_by_its_place(clients: Clients) -> None:
    with pytest.raises(AdminError) as caught:
        await clients.regular.send_message(new_message(to=[NUMBER, "letters"]))

    assert caught.value.problem.field == "to[1]"


async def test_incoming_messages_are_listed(server: RunningServer, clients: Clients) -> None:
    told = {"id": "1", "from": NUMBER, "text": "Hi", "receivedAt": START_MS, "simSlot": 1}
    await server.request(
        "POST", "/device/v1/sync", {"incoming": [told]},
        headers={"Authorization": f"Bearer {server.regular.device_token}"},
    )  # fmt: skip

    [incoming] = (await clients.regular.list_incoming(device=server.regular.device_id)).incoming

    assert (incoming.sender, incoming.text, incoming.sim_slot) == (NUMBER, "Hi", 1)
    assert (incoming.device, incoming.user) == (server.regular.device.name, REGULAR_EMAIL)
    assert await clients.operator.get_incoming(incoming.id) == incoming
    assert (await clients.admin.list_incoming(user=ADMIN_EMAIL)).incoming == []


# --- webhooks ---


async def test_webhook_is_made_tested_redelivered_and_deleted(clients: Clients) -> None:
    async with WebhookReceiver() as receiver, clients.regular.events() as events:
        webhook = await clients.regular.create_webhook(
            wire.NewWebhook(url=receiver.url(), events=["MESSAGE_RECEIVED"], name="shop")
        )
        started = await clients.regular.test_webhook(webhook.id)
        async for event in events:
            if event.event == "webhook_attempted":
                break
        delivery = await clients.regular.get_delivery(started.delivery_id)
        await clients.regular.redeliver(delivery.id)
        page = await clients.regular.list_deliveries(webhook.id)
        failed = await clients.regular.redeliver_failed(webhook.id)
        rotated = await clients.regular.rotate_webhook_secret(webhook.id)
        disabled = await clients.regular.change_webhook(
            webhook.id, wire.WebhookChanges(is_enabled=False)
        )
        await clients.regular.delete_webhook(webhook.id)

    assert event.delivery_id == started.delivery_id
    assert (event.status, event.state, event.webhook_id) == (200, "delivered", webhook.id)
    assert delivery.state == "delivered"
    assert [a.status for a in delivery.attempts] == [200]
    assert '"test":true' in delivery.body
    assert [d.id for d in page.deliveries] == [delivery.id]
    assert failed.count == 0
    assert rotated.secret != webhook.secret
    assert not disabled.is_enabled
    assert (await clients.regular.list_webhooks()).webhooks == []


# --- the server ---


async def test_status_tells_how_the_server_is_doing(
    server: RunningServer, clients: Clients, clock: FrozenClock
) -> None:
    await clients.regular.send_message(new_message())
    clock.advance(5_000)

    status = await clients.operator.status()

    assert (status.queue_depth, status.oldest_queued_at) == (1, START_MS)
    assert status.uptime_s == 5
    assert status.url == server.url
    assert status.database_bytes > 0
    assert status.data_dir == str(server.server.settings.server.data_dir)


async def test_settings_show_value_and_source(tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path / "data", listen="127.0.0.1:0")
    sources = {"server.listen": "flag --listen"}
    async with (
        Server(_only(settings), sources=sources) as server,
        AdminClient.over_socket(server.socket_path) as operator,
    ):
        shown = {s.name: s for s in (await operator.list_settings()).settings}

    assert shown["server.listen"].source == "flag --listen"
    assert shown["webhooks.timeout_s"] == wire.Setting(
        name="webhooks.timeout_s", value=10.0, default=10.0, source="default"
    )
    assert shown["server.data_dir"].value == str(tmp_path / "data")


# --- wrong requests ---


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "field"),
    [
        ("POST", "/messages", {"to": ["+251911222333"], "txt": "x"}, 400, ""),
        ("POST", "/messages", {"to": "x", "text": "x"}, 400, "to"),
        ("GET", "/messages?stat=failed", None, 400, ""),
        ("GET", "/messages?state=lost", None, 400, "state"),
        ("GET", "/messages?limit=0", None, 400, "limit"),
        ("GET", "/messages/nonsense", None, 404, None),
        ("GET", "/messages?before=nonsense", None, 404, None),
        ("GET", "/nothing", None, 404, None),
        ("PUT", "/messages", None, 405, None),
        ("PUT", "/devices/000000000000000000000000/sims/x/pace", {}, 404, None),
    ],
)
async def test_wrong_request_gets_problem_details(
    server: RunningServer, method: str, path: str, body: Any, status: int, field: str | None
) -> None:
    answer = await server.request(
        method, f"/admin/v1{path}", body, headers=server.admin.jwt_headers
    )

    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json.get("field") == field


async def test_client_says_when_nobody_answers(tmp_path: Path) -> None:
    async with AdminClient.over_socket(tmp_path / "textko.sock") as nowhere:
        with pytest.raises(ServerNotReachable, match="no server is running on"):
            await nowhere.status()
    async with AdminClient.at_url("http://127.0.0.1:9") as nowhere:
        with pytest.raises(ServerNotReachable, match=r"127\.0\.0\.1:9"):
            await nowhere.status()


# --- metrics ---


async def test_metrics_are_for_admins_and_collectors_on_this_machine(
    server: RunningServer,
) -> None:
    from_outside = {"X-Forwarded-For": "203.0.113.7"}
    may_read = await server.make_key(server.admin, "read_analytics")
    may_not = await server.make_key(server.admin, "send_sms")

    statuses = [
        (await server.request("GET", "/metrics", headers=headers)).status
        for headers in (
            {},
            from_outside,
            from_outside | server.admin.jwt_headers,
            from_outside | server.regular.jwt_headers,
            from_outside | may_read,
            from_outside | may_not,
            from_outside | server.regular.key_headers,
        )
    ]

    assert statuses == [200, 401, 200, 403, 200, 403, 403]
