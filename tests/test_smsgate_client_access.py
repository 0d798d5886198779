"""Who may what in SMSGate's API for applications."""

import asyncio
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import PASSWORD, RunningServer, running_server
from tests.smsgate_clients import BASE, basic
from textko_server.clock import MINUTE_MS
from textko_server.config import RateSettings

SPAN = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}
SEND = {"message": "Hello", "phoneNumbers": ["+251912345678"]}
HOOK = {"url": "https://shop.example.org/sms", "event": "sms:received"}
AN_ID = "0" * 24
# (method, path, body, scope, status for who may)
CALLS: list[tuple[str, str, Any, str, int]] = [
    ("POST", "/messages", SEND, "messages:send", 202),
    ("GET", "/messages", None, "messages:list", 200),
    ("GET", f"/messages/{AN_ID}", None, "messages:read", 404),
    ("DELETE", f"/messages/{AN_ID}", None, "messages:cancel", 404),
    ("POST", "/messages/inbox/export", SPAN, "inbox:refresh", 202),
    ("POST", "/messages/inbox/export", SPAN, "messages:export", 202),
    ("GET", "/inbox", None, "inbox:list", 200),
    ("GET", f"/inbox/{AN_ID}/attachments/1", None, "inbox:read", 404),
    ("GET", "/devices", None, "devices:list", 200),
    ("DELETE", f"/devices/{AN_ID}", None, "devices:delete", 404),
    ("GET", "/webhooks", None, "webhooks:list", 200),
    ("POST", "/webhooks", HOOK, "webhooks:write", 201),
    ("DELETE", f"/webhooks/{AN_ID}", None, "webhooks:delete", 404),
    ("GET", "/settings", None, "settings:read", 200),
    ("PUT", "/settings", {}, "settings:write", 200),
    ("PATCH", "/settings", {}, "settings:write", 200),
    ("GET", "/logs", None, "logs:read", 200),
    ("POST", "/auth/token", {"scopes": ["tokens:manage"]}, "tokens:manage", 201),
    ("DELETE", f"/auth/token/{AN_ID}", None, "tokens:manage", 204),
]
IDS = [f"{method} {path} by {scope}" for method, path, _, scope, _ in CALLS]


async def token(server: RunningServer, *scopes: str) -> dict[str, str]:
    """Headers of a new token with these scopes."""
    answer = await server.request(
        "POST", f"{BASE}/auth/token", {"scopes": scopes}, headers=basic(server.regular)
    )
    assert answer.status == 201, answer
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


@pytest.mark.parametrize(("method", "path", "body", "scope", "status"), CALLS, ids=IDS)
async def test_token_with_the_scope_may(
    server: RunningServer, method: str, path: str, body: Any, scope: str, status: int
) -> None:
    headers = await token(server, scope)

    answer = await server.request(method, BASE + path, body, headers=headers)

    assert answer.status == status, answer


@pytest.mark.parametrize(("method", "path", "body", "scope", "status"), CALLS, ids=IDS)
async def test_token_without_the_scope_is_told_which(
    server: RunningServer, method: str, path: str, body: Any, scope: str, status: int
) -> None:
    lacking = "logs:read" if scope != "logs:read" else "devices:list"
    headers = await token(server, lacking)

    answer = await server.request(method, BASE + path, body, headers=headers)

    assert (answer.status, answer.json["code"]) == (403, 403)
    named = answer.json["message"].removeprefix("scope required: ")
    wanted = {wants for m, p, _, wants, _ in CALLS if (m, p) == (method, path)}
    assert named in wanted | {"inbox:read", "inbox:list"}


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (["send_sms"], {"messages:send", "messages:cancel", "devices:list"}),
        (["read_delivery"], {"messages:read", "devices:list"}),
        (
            ["read_messages"],
            {
                "messages:read", "messages:list", "messages:export", "inbox:list", "inbox:read",
                "inbox:refresh", "logs:read", "devices:list",
            },
        ),
        (["read_balance"], {"devices:list"}),
    ],
)  # fmt: skip
async def test_api_key_may_what_its_own_scopes_say(
    server: RunningServer, scopes: list[str], allowed: set[str]
) -> None:
    headers = await server.make_key(server.regular, *scopes)

    for method, path, body, scope, status in CALLS:
        answer = await server.request(method, BASE + path, body, headers=headers)
        assert answer.status == (status if scope in allowed or _other(path, allowed) else 403), path


def _other(path: str, allowed: set[str]) -> bool:
    """Another scope of the same path is enough."""
    return path == "/messages/inbox/export" and "messages:export" in allowed


async def test_whole_api_key_may_all_but_devices_and_tokens(server: RunningServer) -> None:
    refused = set()
    for method, path, body, scope, _ in CALLS:
        answer = await server.request(method, BASE + path, body, headers=server.regular.key_headers)
        if answer.status == 403:
            refused.add(scope)

    assert refused == {"devices:delete", "tokens:manage"}


async def test_key_of_one_device_may_not_change_what_is_the_accounts(
    server: RunningServer,
) -> None:
    _, key = await server.gateway.api_keys.create_key(
        server.regular.user.id, "one", device_ids=[server.regular.device.id]
    )

    answer = await server.request("GET", f"{BASE}/webhooks", headers={"x-api-key": key})

    assert answer.status == 403


async def test_every_way_to_prove_who_asks_works(server: RunningServer) -> None:
    person = server.regular
    for headers in (
        basic(person),
        basic(person, person.key),
        person.jwt_headers,
        person.key_headers,
        {"Authorization": f"Bearer {person.key}"},
        await token(server, "devices:list"),
    ):
        answer = await server.request("GET", f"{BASE}/devices", headers=headers)
        assert [device["id"] for device in answer.json] == [person.device_id]


@pytest.mark.parametrize(
    "authorization",
    ["Basic", "Basic !", "Basic bm9jb2xvbg==", "Basic /w==", "Digest x", "Bearer a.b.c"],
)
async def test_what_proves_nothing_is_refused(server: RunningServer, authorization: str) -> None:
    headers = {"Authorization": authorization}

    answer = await server.request("GET", f"{BASE}/devices", headers=headers)

    assert (answer.status, answer.json["code"]) == (401, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


async def test_client_that_waits_to_be_asked_for_its_password_is_let_in(
    server: RunningServer,
) -> None:
    def read() -> bytes:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, server.url, server.regular.user.email, PASSWORD)
        handler = urllib.request.HTTPBasicAuthHandler(passwords)
        with urllib.request.build_opener(handler).open(f"{server.url}{BASE}/devices") as answer:
            content: bytes = answer.read()
            return content

    assert server.regular.device_id.encode() in await asyncio.to_thread(read)


async def test_guessed_passwords_are_throttled_as_logins_are(server: RunningServer) -> None:
    statuses = []
    for attempt in range(11):
        wrong = basic(server.regular, f"guess number {attempt}")
        answer = await server.request("GET", f"{BASE}/devices", headers=wrong)
        statuses.append(answer.status)

    assert statuses == [401] * 10 + [429]
    assert int(answer.headers["Retry-After"]) > 0
    login = {"email": server.regular.user.email, "password": PASSWORD}
    answer = await server.request("POST", "/api/v1/auth/login", login)
    assert answer.status == 429


async def test_expired_token_says_so(server: RunningServer, clock: FrozenClock) -> None:
    headers = await token(server, "devices:list")
    clock.advance(15 * MINUTE_MS)

    answer = await server.request("GET", f"{BASE}/devices", headers=headers)

    assert (answer.status, answer.json["message"]) == (401, "the token has expired")


async def test_tokens_are_answered_in_both_spellings(server: RunningServer) -> None:
    answer = await server.request(
        "POST", f"{BASE}/auth/token", {"scopes": ["all:any"]}, headers=basic(server.regular)
    )

    body = answer.json
    assert body["token_type"] == body["tokenType"] == "Bearer"
    assert body["access_token"] == body["accessToken"]
    assert body["refresh_token"] == body["refreshToken"]
    assert body["expires_at"] == body["expiresAt"]


@pytest.mark.parametrize("prefix", ["", BASE, "/3rdparty/v1"])
@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/health/startup"])
async def test_health_is_open_to_everybody(server: RunningServer, prefix: str, path: str) -> None:
    answer = await server.request("GET", prefix + path)

    assert (answer.status, answer.json["status"]) == (200, "pass")


async def test_monitors_may_ask_for_health_without_a_body(server: RunningServer) -> None:
    assert (await server.request("HEAD", "/health")).status == 200


async def test_requests_of_an_api_key_are_counted_under_both_prefixes(tmp_path: Path) -> None:
    rates = RateSettings(requests_per_minute=2)
    async with running_server(tmp_path, rates=rates) as server:
        statuses = []
        for prefix in (BASE, "/3rdparty/v1", BASE):
            answer = await server.request(
                "GET", f"{prefix}/devices", headers=server.regular.key_headers
            )
            statuses.append(answer.status)

    assert statuses == [200, 200, 429]


async def test_settings_are_an_accounts_own_and_hide_secrets(server: RunningServer) -> None:
    given = {"encryption": {"passphrase": "secret"}, "gateway": {"privateToken": "secret"}}
    patched = await server.request(
        "PATCH", f"{BASE}/settings", given, headers=basic(server.regular)
    )
    theirs = await server.request("GET", f"{BASE}/settings", headers=basic(server.admin))

    assert patched.json == {"encryption": {}, "gateway": {}}
    assert theirs.json == {}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": None}, "messages"),
        ({"messages": {"limitPeriod": "PerYear"}}, "messages.limit_period"),
        ({"gateway": {"cloud_url": "http://10.0.0.1"}}, "gateway.cloud_url"),
        ({"webhooks": {"signing_key": "whsec_?"}}, "webhooks.signing_key"),
        ([], ""),
    ],
)
async def test_wrong_settings_are_refused(server: RunningServer, body: Any, field: str) -> None:
    answer = await server.request("PUT", f"{BASE}/settings", body, headers=basic(server.regular))

    assert answer.status == 400
    assert answer.json["message"].startswith(field)
