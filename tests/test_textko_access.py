"""Textko: every endpoint, asked by everybody who may and may not."""

import itertools
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from tests.servers import RunningServer
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.submissions import Submission
from textko_server.http.dialects import textko
from textko_server.model import Dialect, Role, Scope
from textko_server.store.devices import NewSim

SEND = {"recipients": ["+251912345678"], "message": "Hello"}
BULK = {"messages": [SEND]}
HOOK = {"deliveryUrl": "https://example.org/hook", "events": ["MESSAGE_SENT"]}

_numbers = itertools.count()


class Endpoint(msgspec.Struct, frozen=True):
    """Statuses that callers get; 401 for nobody and for a wrong key everywhere."""

    method: str
    path: str
    body: Any = None
    login: int = 200
    """The owner, logged in."""
    full_key: int = 200
    """An API key of all scopes."""
    scopes: tuple[Scope, ...] = ()
    """Each of them alone is enough; () with `any_key`: every key."""
    any_key: bool = False
    stranger: int = 404
    """Somebody else's login and key, an admin's too; 0: the path names nothing of anybody's."""


DEVICE = "/api/v1/gateway/devices/{device}"
READ = (Scope.READ_MESSAGES,)
READ_ONE = (Scope.READ_MESSAGES, Scope.READ_DELIVERY)
SENDS = (Scope.SEND_SMS,)

ENDPOINTS = [
    Endpoint("POST", DEVICE + "/send-sms", SEND, 201, 201, SENDS),
    Endpoint("POST", DEVICE + "/sendSMS", SEND, 201, 201, SENDS),
    Endpoint("POST", DEVICE + "/send-bulk-sms", BULK, 201, 201, SENDS),
    Endpoint("POST", DEVICE + "/sendBulkSMS", BULK, 201, 201, SENDS),
    Endpoint("POST", "/api/v1/gateway/send-sms", SEND, 200, 200, SENDS, stranger=0),
    Endpoint("POST", "/api/v1/gateway/send-bulk-sms", BULK, 200, 200, SENDS, stranger=0),
    Endpoint("GET", "/api/v1/gateway/messages", None, 200, 200, READ, stranger=0),
    Endpoint("GET", "/api/v1/gateway/messages?smsBatchId={batch}", None, 200, 200, READ),
    Endpoint(
        "GET", "/api/v1/gateway/stats", None, 200, 200, (*READ, Scope.READ_ANALYTICS), stranger=0
    ),
    Endpoint("GET", DEVICE + "/messages", None, 200, 200, READ),
    Endpoint("GET", DEVICE + "/get-received-sms", None, 200, 200, READ),
    Endpoint("GET", DEVICE + "/getReceivedSMS", None, 200, 200, READ),
    Endpoint("GET", DEVICE + "/sms/{sms}", None, 200, 200, READ_ONE),
    Endpoint("GET", "/api/v1/gateway/devices/{phone}/sms/{incoming}", None, 200, 200, READ),
    Endpoint("GET", DEVICE + "/sms-batch/{batch}", None, 200, 200, READ_ONE),
    Endpoint("GET", "/api/v1/gateway/devices", any_key=True, stranger=0),
    Endpoint("POST", "/api/v1/gateway/devices", {"model": "Pixel"}, 201, 403, stranger=0),
    Endpoint("GET", DEVICE, any_key=True),
    Endpoint("PATCH", DEVICE, {"name": "Other"}, 200, 403),
    Endpoint("DELETE", DEVICE, None, 200, 403),
    Endpoint("POST", DEVICE + "/set-default"),
    Endpoint("POST", DEVICE + "/heartbeat", {}),
    Endpoint("GET", "/api/v1/webhooks", stranger=0),
    Endpoint("POST", "/api/v1/webhooks", HOOK, 201, 201, stranger=0),
    Endpoint("GET", "/api/v1/webhooks/notifications", stranger=0),
    Endpoint("GET", "/api/v1/webhooks/notifications?webhookSubscriptionId={webhook}"),
    Endpoint("GET", "/api/v1/webhooks/{webhook}"),
    Endpoint("PATCH", "/api/v1/webhooks/{webhook}", {"name": "Other"}),
    Endpoint("DELETE", "/api/v1/webhooks/{webhook}"),
    Endpoint("GET", "/api/v1/auth/who-am-i", any_key=True, stranger=0),
    Endpoint("PATCH", "/api/v1/auth/update-profile", {"name": "Other"}, 200, 403, stranger=0),
    Endpoint(
        "POST",
        "/api/v1/auth/change-password",
        {"oldPassword": "not this one", "newPassword": "long enough"},
        400,
        403,
        stranger=0,
    ),
    Endpoint("POST", "/api/v1/auth/api-keys", {"name": "New"}, 201, 403, stranger=0),
    Endpoint("GET", "/api/v1/auth/api-keys", None, 200, 403, stranger=0),
    Endpoint("DELETE", "/api/v1/auth/api-keys/{revoked_key}", None, 200, 403),
    Endpoint("POST", "/api/v1/auth/api-keys/{key}/revoke", None, 201, 403),
    Endpoint("PATCH", "/api/v1/auth/api-keys/{key}/rename", {"name": "Other"}, 200, 403),
]
ADMIN_ENDPOINTS = [
    Endpoint("GET", "/api/v1/users", stranger=200),
    Endpoint("PATCH", "/api/v1/users/{user}/role", {"role": "REGULAR"}, stranger=200),
    Endpoint("DELETE", "/api/v1/users/{user}", stranger=200),
]
OPEN_PATHS = {("POST", "/api/v1/auth/login"), ("POST", "/api/v1/auth/register")}
IDS = [f"{e.method} {e.path}" for e in ENDPOINTS]


async def make_things(server: RunningServer) -> dict[str, str]:
    """Public ids of fresh things of the regular user, by their name in the paths above."""
    gateway, owner = server.gateway, server.regular
    encode = gateway.public_ids.encode
    number = next(_numbers)
    device = await gateway.devices.register(
        owner.user.id, NewDevice(f"phone {number}", sims=[NewSim(1)])
    )
    principal = await gateway.api_keys.authenticate_key(owner.key)
    [submitted] = await gateway.messages.submit(
        principal, [Submission("Hi", ["+251911"], Dialect.TEXTKO, device_id=device.id)]
    )
    told = {"id": f"r{number}", "from": "+251922", "text": "Back", "receivedAt": 1_000}
    await server.sync(owner, incoming=[told], capacity=0)
    [incoming] = (await gateway.inbox.list_page(principal, limit=1)).messages
    key, _ = await gateway.api_keys.create_key(owner.user.id, "one")
    revoked, _ = await gateway.api_keys.create_key(owner.user.id, "two")
    await gateway.api_keys.revoke_key(owner.user.id, revoked.id)
    webhook = await gateway.webhooks.create(
        owner.user.id, url="https://example.org/", events=["MESSAGE_SENT"]
    )
    user = await gateway.accounts.create_user(f"u{number}@example.org", "long enough")
    return {
        "phone": owner.device_id,
        "device": encode(Kind.DEVICE, device.id, device.created_at),
        "sms": encode(Kind.RECIPIENT, submitted.recipient_ids[0], submitted.created_at),
        "batch": encode(Kind.MESSAGE, submitted.message_id, submitted.created_at),
        "incoming": encode(Kind.INCOMING, incoming.id, incoming.created_at),
        "key": encode(Kind.API_KEY, key.id, key.created_at),
        "revoked_key": encode(Kind.API_KEY, revoked.id, revoked.created_at),
        "webhook": encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
        "user": encode(Kind.USER, user.id, user.created_at),
    }


async def status_for(server: RunningServer, endpoint: Endpoint, headers: Mapping[str, str]) -> int:
    path = endpoint.path.format_map(await make_things(server))
    answer = await server.request(endpoint.method, path, endpoint.body, headers=dict(headers))
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.status < 400 or isinstance(answer.json["error"], str)
    return answer.status


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
async def test_nobody_and_wrong_keys_are_refused(server: RunningServer, endpoint: Endpoint) -> None:
    wrong_key = server.regular.key[:-1] + "!"

    for headers in (
        {},
        {"x-api-key": wrong_key},
        {"Authorization": f"Bearer {wrong_key}"},
        {"Authorization": f"Bearer {server.regular.jwt}x"},
        {"Authorization": f"Basic {server.regular.key}"},
        {"Authorization": f"Bearer {server.regular.device_token}"},
    ):
        assert await status_for(server, endpoint, headers) == 401


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
async def test_owner_gets_in_by_login_and_by_key(server: RunningServer, endpoint: Endpoint) -> None:
    owner = server.regular

    assert await status_for(server, endpoint, owner.jwt_headers) == endpoint.login
    assert await status_for(server, endpoint, owner.key_headers) == endpoint.full_key
    bearer = {"Authorization": f"Bearer {owner.key}"}
    assert await status_for(server, endpoint, bearer) == endpoint.full_key


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
async def test_key_needs_the_scope(server: RunningServer, endpoint: Endpoint) -> None:
    for scope in Scope:
        headers = await server.make_key(server.regular, scope)
        is_enough = endpoint.any_key or scope in endpoint.scopes
        expected = endpoint.full_key if is_enough else 403

        assert await status_for(server, endpoint, headers) == expected, scope


@pytest.mark.parametrize(
    "endpoint", [e for e in ENDPOINTS if e.stranger], ids=lambda e: f"{e.method} {e.path}"
)
async def test_what_is_somebody_elses_answers_as_if_it_were_absent(
    server: RunningServer, endpoint: Endpoint
) -> None:
    """An admin is a stranger too: administration has its own API."""
    stranger = server.admin
    absent = endpoint.path
    for name in ("phone", "device", "sms", "batch", "incoming", "key", "revoked_key", "webhook"):
        absent = absent.replace("{" + name + "}", "6968baa0" + "0" * 16)

    callers = [stranger.jwt_headers]
    if endpoint.full_key != 403:
        callers.append(stranger.key_headers)
    for headers in callers:
        path = endpoint.path.format_map(await make_things(server))
        foreign = await server.request(endpoint.method, path, endpoint.body, headers=dict(headers))
        missing = await server.request(
            endpoint.method, absent, endpoint.body, headers=dict(headers)
        )
        assert foreign.status == endpoint.stranger
        assert (foreign.status, foreign.json) == (missing.status, missing.json)


@pytest.mark.parametrize("endpoint", ADMIN_ENDPOINTS, ids=lambda e: f"{e.method} {e.path}")
async def test_users_are_for_an_admin_who_is_logged_in(
    server: RunningServer, endpoint: Endpoint
) -> None:
    admin, regular = server.admin, server.regular

    assert await status_for(server, endpoint, {}) == 401
    assert await status_for(server, endpoint, regular.jwt_headers) == 403
    assert await status_for(server, endpoint, regular.key_headers) == 403
    assert await status_for(server, endpoint, admin.key_headers) == 403
    assert await status_for(server, endpoint, admin.jwt_headers) == 200


async def test_demoted_admin_is_out_at_once(server: RunningServer) -> None:
    gateway = server.gateway
    other = await gateway.accounts.create_user("two@example.org", "long enough", Role.ADMIN)
    _, jwt = await gateway.accounts.login("two@example.org", "long enough", None)
    headers = {"Authorization": f"Bearer {jwt}"}
    assert (await server.request("GET", "/api/v1/users", headers=headers)).status == 200

    await gateway.accounts.set_role(other.id, Role.REGULAR)

    assert (await server.request("GET", "/api/v1/users", headers=headers)).status == 401


async def test_key_of_one_device_reaches_no_other(server: RunningServer) -> None:
    gateway, owner = server.gateway, server.regular
    things = await make_things(server)
    _, text = await gateway.api_keys.create_key(
        owner.user.id, "one device", device_ids=[owner.device.id]
    )
    headers = {"x-api-key": text}
    other = f"/api/v1/gateway/devices/{things['device']}"

    listed = await server.request("GET", "/api/v1/gateway/devices", headers=headers)
    sent = await server.request("POST", "/api/v1/gateway/send-sms", SEND, headers=headers)
    hooks = await server.request("GET", "/api/v1/webhooks", headers=headers)
    refused = await server.request("POST", other + "/send-sms", SEND, headers=headers)

    assert [d["_id"] for d in listed.json["data"]] == [owner.device_id]
    assert (refused.status, hooks.status, sent.status) == (404, 403, 200)
    [offer] = (await server.sync(owner, capacity=5))["offers"]
    assert offer["text"] == "Hello"


def test_every_route_is_in_the_tables() -> None:
    def normal(path: str) -> str:
        pieces = path.partition("?")[0].split("/")
        return "/".join("{}" if piece.startswith("{") else piece for piece in pieces)

    routes = {(r.method, normal(r.path)) for r in textko.routes()} - OPEN_PATHS
    tables = {(e.method, normal(e.path)) for e in ENDPOINTS + ADMIN_ENDPOINTS}

    assert tables == routes
