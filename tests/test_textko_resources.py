"""Textko: logins, keys, devices, webhooks and users, with the keys that upstream's clients read."""

import random
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import PASSWORD, REGULAR_EMAIL, RunningServer, running_server
from textko_server.config import AccountSettings, ServerSettings
from textko_server.errors import NotFound
from textko_server.gateway.devices import NewDevice
from textko_server.gateway.public_ids import Kind
from textko_server.http.dialects import textko
from textko_server.model import Role

UTC_START = "2026-01-15T10:00:00.000Z"
AUTH = "/api/v1/auth"
KEYS = "/api/v1/auth/api-keys"
DEVICES = "/api/v1/gateway/devices"
WEBHOOKS = "/api/v1/webhooks"
SECRET = "s" * 20
HOOK = {
    "name": "Shop",
    "deliveryUrl": "http://127.0.0.1:9/hook",
    "signingSecret": SECRET,
    "events": ["MESSAGE_RECEIVED", "MESSAGE_SENT"],
}


async def call(
    server: RunningServer, method: str, path: str, body: Any = None, status: int = 200
) -> Any:
    """As the regular user, logged in."""
    answer = await server.request(method, path, body, headers=server.regular.jwt_headers)
    assert answer.status == status, answer
    return answer.json


# --- auth ---


async def test_login_answers_token_and_user(server: RunningServer) -> None:
    body = {"email": REGULAR_EMAIL.upper(), "password": PASSWORD, "turnstileToken": "x"}

    answer = await server.request("POST", AUTH + "/login", body)

    assert answer.status == 200
    token = answer.json["data"]["accessToken"]
    user = answer.json["data"]["user"]
    assert user == {
        "_id": server.regular.public_id,
        "name": "regular",
        "email": REGULAR_EMAIL,
        "role": "REGULAR",
        "createdAt": UTC_START,
        "updatedAt": UTC_START,
    }
    headers = {"Authorization": f"Bearer {token}"}
    who = await server.request("GET", AUTH + "/who-am-i", headers=headers)
    assert who.json == {"data": user}


async def test_wrong_password_and_unknown_email_answer_alike(server: RunningServer) -> None:
    bodies = [
        {"email": REGULAR_EMAIL, "password": "wrong"},
        {"email": "nobody@example.org", "password": PASSWORD},
    ]

    answers = [await server.request("POST", AUTH + "/login", body) for body in bodies]

    assert [(a.status, a.json) for a in answers] == [(401, {"error": "Invalid credentials"})] * 2


async def test_guessing_passwords_is_slowed_down(server: RunningServer) -> None:
    body = {"email": REGULAR_EMAIL, "password": "wrong"}

    for _ in range(server.gateway.settings.accounts.failed_logins_per_quarter_hour):
        await server.request("POST", AUTH + "/login", body)
    answer = await server.request("POST", AUTH + "/login", body | {"password": PASSWORD})

    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_registering_makes_a_regular_user(server: RunningServer) -> None:
    body = {
        "name": "New", "email": "new@example.org", "password": "long enough", "phone": "+251",
        "role": "ADMIN",
    }  # fmt: skip

    answer = await server.request("POST", AUTH + "/register", body)

    assert answer.status == 201
    user = answer.json["data"]["user"]
    assert (user["name"], user["email"], user["role"]) == ("New", "new@example.org", "REGULAR")
    headers = {"Authorization": f"Bearer {answer.json['data']['accessToken']}"}
    assert (await server.request("GET", DEVICES, headers=headers)).json == {"data": []}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"email": REGULAR_EMAIL}, "User already exists, please login instead"),
        ({"email": "no address"}, "Invalid email"),
        ({"email": 5}, "email: expected str, got int"),
        ({"password": "short"}, "password: "),
        ({"password": "x" * 73}, "password: "),
        ({"password": None}, "password: expected str, got null"),
        ({"name": "x" * 101}, "name: "),
        ({"name": "a\u0007b"}, "name: "),
    ],
)
async def test_registering_names_what_is_wrong(
    server: RunningServer, changes: Any, error: str
) -> None:
    body = {"name": "New", "email": "new@example.org", "password": "long enough"} | changes

    answer = await server.request("POST", AUTH + "/register", body)

    assert answer.status == 400
    assert answer.json["error"].startswith(error)


async def test_registration_is_closed_by_default(tmp_path: Path) -> None:
    accounts = AccountSettings(bcrypt_rounds=4)
    body = {"name": "New", "email": "new@example.org", "password": "long enough"}

    async with running_server(tmp_path, accounts=accounts) as server:
        answer = await server.request("POST", AUTH + "/register", body)

    assert answer.status == 403
    assert "closed" in answer.json["error"]


async def test_changed_password_ends_other_logins(server: RunningServer) -> None:
    path = AUTH + "/change-password"
    wrong = await call(
        server, "POST", path, {"oldPassword": "x", "newPassword": "long enough"}, 400
    )
    assert wrong["error"] == "Invalid old password"

    body = {"oldPassword": PASSWORD, "newPassword": "long enough"}
    changed = await call(server, "POST", path, body, 201)

    await call(server, "GET", AUTH + "/who-am-i", status=401)
    headers = {"Authorization": f"Bearer {changed['data']['accessToken']}"}
    answer = await server.request("GET", AUTH + "/who-am-i", headers=headers)
    assert answer.status == 200


async def test_profile_has_a_new_name(server: RunningServer) -> None:
    changed = await call(server, "PATCH", AUTH + "/update-profile", {"name": "Åsa", "phone": "1"})

    assert changed["data"]["name"] == "Åsa"
    assert await call(server, "PATCH", AUTH + "/update-profile", {}) == changed


# --- API keys ---


async def test_key_is_shown_once_and_listed_masked(server: RunningServer) -> None:
    made = await call(server, "POST", KEYS, {"name": "Shop", "scopes": ["send_sms"]}, 201)
    listed = await call(server, "GET", KEYS)

    key = made["data"]
    assert made["message"] == "Save this key, it wont be shown again ;)"
    record = listed["data"][-1]
    assert made["apiKey"] == record
    assert record.pop("_id")
    shown = record.pop("apiKey")
    assert key.startswith(shown.rstrip("*"))
    assert len(shown.rstrip("*")) < 20
    assert record == {
        "name": "Shop",
        "user": server.regular.public_id,
        "scopes": ["send_sms"],
        "expiresAt": None,
        "lastUsedAt": None,
        "revokedAt": None,
        "createdAt": UTC_START,
        "updatedAt": UTC_START,
    }


async def test_key_without_a_body_may_do_all(server: RunningServer) -> None:
    made = await call(server, "POST", KEYS, None, 201)

    answer = await server.request("GET", WEBHOOKS, headers={"x-api-key": made["data"]})

    assert answer.status == 200
    assert made["apiKey"]["name"] == "API Key"


async def test_key_is_revoked_and_then_deleted(server: RunningServer) -> None:
    made = await call(server, "POST", KEYS, {"name": "Old"}, 201)
    key_id = made["apiKey"]["_id"]
    headers = {"x-api-key": made["data"]}
    assert (await server.request("GET", DEVICES, headers=headers)).status == 200

    too_early = await call(server, "DELETE", f"{KEYS}/{key_id}", None, 400)
    revoked = await call(server, "POST", f"{KEYS}/{key_id}/revoke", None, 201)

    assert too_early["error"] == "Revoke this API key before you can delete it"
    assert revoked == {"message": "API Key Revoked"}
    assert (await server.request("GET", DEVICES, headers=headers)).status == 401
    names = {
        status: [k["name"] for k in (await call(server, "GET", f"{KEYS}?status={status}"))["data"]]
        for status in ("active", "revoked", "all")
    }
    assert names == {
        "active": ["everything"], "revoked": ["Old"], "all": ["everything", "Old"],
    }  # fmt: skip
    assert await call(server, "DELETE", f"{KEYS}/{key_id}") == {"message": "API Key Deleted"}
    gone = await call(server, "DELETE", f"{KEYS}/{key_id}", None, 404)
    assert gone["error"] == "API key not found"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"name": ""}, "name: "),
        ({"name": 5}, "name: "),
        ({"scopes": []}, "scopes: "),
        ({"scopes": ["fly"]}, "scopes[0]: "),
        ({"scopes": "send_sms"}, "scopes: "),
        ({"expiresAt": "2020-01-01"}, "expires_at: must be in the future"),
        ({"expiresAt": "soon"}, "expiresAt must be"),
        ({"deviceIds": []}, "device_ids: "),
        ({"deviceIds": ["x"]}, "Invalid device id"),
        ([], "expected object"),
    ],
)
async def test_key_names_what_is_wrong(server: RunningServer, body: Any, error: str) -> None:
    answer = await call(server, "POST", KEYS, body, 400)

    assert answer["error"].startswith(error)
    assert len((await call(server, "GET", KEYS))["data"]) == 1


async def test_key_for_somebody_elses_device_is_not_made(server: RunningServer) -> None:
    body = {"deviceIds": [server.admin.device_id]}

    answer = await call(server, "POST", KEYS, body, 404)

    assert answer["error"] == "Device not found"


# --- devices ---


async def test_device_has_upstreams_keys(server: RunningServer) -> None:
    listed = await call(server, "GET", DEVICES)

    assert listed["data"] == [
        {
            "_id": server.regular.device_id,
            "enabled": True,
            "brand": "Google",
            "model": "Pixel 8",
            "user": server.regular.public_id,
            "name": "Phone of regular",
            "isDefault": True,
            "appVersionName": "1.0",
            "lastHeartbeat": UTC_START,
            "isOnline": False,
            "simInfo": {
                "sims": [
                    {
                        "subscriptionId": 7,
                        "simSlotIndex": 0,
                        "carrierName": "Ethio",
                        "countryIso": "et",
                        "phoneNumber": "+251911000001",
                    }
                ]
            },
            "createdAt": UTC_START,
            "updatedAt": UTC_START,
        }
    ]
    one = await call(server, "GET", f"{DEVICES}/{server.regular.device_id}")
    assert one == {"data": listed["data"][0]}


async def test_registered_device_keeps_what_upstream_sends(server: RunningServer) -> None:
    body = {
        "brand": "samsung", "model": "SM-A546B", "enabled": False, "fcmToken": "x", "os": "android",
        "appVersionName": "2.7", "buildId": "UP1A", "simInfo": {
            "lastUpdated": 5,
            "sims": [{"subscriptionId": 3, "displayName": "Safaricom", "simSlotIndex": 1}],
        },
    }  # fmt: skip

    made = (await call(server, "POST", DEVICES, body, 201))["data"]

    assert made["name"] == "samsung SM-A546B"
    assert (made["brand"], made["model"], made["enabled"]) == ("samsung", "SM-A546B", False)
    assert made["isDefault"] is False
    assert made["simInfo"]["sims"] == [
        {"subscriptionId": 3, "simSlotIndex": 1, "carrierName": "Safaricom"}
    ]


async def test_default_moves_to_another_device(server: RunningServer) -> None:
    made = (await call(server, "POST", DEVICES, {"model": "Two"}, 201))["data"]
    first = f"{DEVICES}/{server.regular.device_id}"
    assert (await call(server, "GET", first))["data"]["isDefault"] is True

    changed = await call(server, "POST", f"{DEVICES}/{made['_id']}/set-default")

    assert changed["data"]["isDefault"] is True
    assert (await call(server, "GET", first))["data"]["isDefault"] is False


async def test_heartbeat_is_kept(server: RunningServer, clock: FrozenClock) -> None:
    device = f"{DEVICES}/{server.regular.device_id}"
    await call(server, "GET", device)
    clock.advance(60_000)
    body = {
        "batteryPercentage": 55, "isCharging": True, "networkType": "wifi", "timezone": "UTC",
    }  # fmt: skip

    told = await call(server, "POST", device + "/heartbeat", body)

    assert told == {
        "success": True,
        "fcmTokenUpdated": False,
        "lastHeartbeat": "2026-01-15T10:01:00.000Z",
        "name": "Phone of regular",
    }
    found = (await call(server, "GET", device))["data"]
    assert found["batteryInfo"] == {"percentage": 55, "isCharging": True}
    assert found["networkInfo"] == {"type": "wifi"}
    assert found["lastHeartbeat"] == told["lastHeartbeat"]


async def test_device_is_renamed_and_deleted(server: RunningServer) -> None:
    device = f"{DEVICES}/{server.regular.device_id}"

    renamed = (await call(server, "PATCH", device, {"name": " Kitchen\nphone "}))["data"]
    deleted = await call(server, "DELETE", device)

    assert (renamed["name"], renamed["enabled"]) == ("Kitchen phone", True)
    assert deleted == {"data": {"success": True}}
    assert (await call(server, "GET", device, None, 404))["error"] == "Device not found"
    assert await call(server, "GET", DEVICES) == {"data": []}


async def test_devices_of_a_deleted_user_are_forgotten(server: RunningServer) -> None:
    gateway = server.gateway
    user = await gateway.accounts.create_user("gone@example.org", "long enough")
    _, key = await gateway.api_keys.create_key(user.id, "key")
    principal = await gateway.api_keys.authenticate_key(key)
    device = await gateway.devices.register(user.id, NewDevice("phone"))
    assert (await gateway.devices.get(principal, device.id)).name == "phone"

    path = f"/api/v1/users/{gateway.public_ids.encode(Kind.USER, user.id, user.created_at)}"
    deleted = await server.request("DELETE", path, headers=server.admin.jwt_headers)

    assert deleted.json == {"data": {"success": True}}
    answer = await server.request(
        "GET",
        f"{DEVICES}/{gateway.public_ids.encode(Kind.DEVICE, device.id, device.created_at)}",
        headers={"x-api-key": key},
    )
    assert answer.status == 401
    with pytest.raises(NotFound):
        await gateway.devices.get(principal, device.id)


# --- webhooks ---


async def test_webhook_has_upstreams_keys(server: RunningServer) -> None:
    made = (await call(server, "POST", WEBHOOKS, HOOK, 201))["data"]
    path = f"{WEBHOOKS}/{made['_id']}"

    assert (await call(server, "GET", path))["data"] == made
    assert (await call(server, "GET", WEBHOOKS))["data"] == [made]
    assert made.pop("_id")
    assert made == {
        "user": server.regular.public_id,
        "name": "Shop",
        "isActive": True,
        "events": ["MESSAGE_RECEIVED", "MESSAGE_SENT"],
        "deliveryUrl": "http://127.0.0.1:9/hook",
        "signingSecret": SECRET,
        "successfulDeliveryCount": 0,
        "deliveryFailureCount": 0,
        "deliveryAttemptCount": 0,
        "createdAt": UTC_START,
        "updatedAt": UTC_START,
    }
    changes = {"isActive": False, "events": ["MESSAGE_FAILED", "UNKNOWN_STATE"], "name": "Other"}
    changed = (await call(server, "PATCH", path, changes))["data"]
    assert (changed["isActive"], changed["events"]) == (False, changes["events"])
    assert (changed["name"], changed["signingSecret"]) == ("Other", SECRET)
    assert await call(server, "DELETE", path) == {"data": {"success": True}}
    assert (await call(server, "GET", path, None, 404))["error"] == "Subscription not found"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"deliveryUrl": "ftp://example.org"}, "Invalid delivery URL: "),
        ({"deliveryUrl": ""}, "Invalid delivery URL: "),
        ({"deliveryUrl": "http://169.254.169.254/"}, "Invalid delivery URL: "),
        ({"deliveryUrl": None}, "deliveryUrl: "),
        ({"signingSecret": "short"}, "Invalid signing secret: "),
        ({"events": []}, "Choose atleast one event to receive"),
        ({"events": ["NO_SUCH"]}, "Invalid event type: "),
        ({"events": ["SMS_STATUS_UPDATED"]}, "Invalid event type: "),
        ({"events": "MESSAGE_SENT"}, "events: "),
        ({"events": [5]}, "events[0]: "),
        ({"name": "x" * 65}, "Invalid name: "),
    ],
)
async def test_webhook_names_what_is_wrong(server: RunningServer, changes: Any, error: str) -> None:
    made = await call(server, "POST", WEBHOOKS, HOOK, 201)

    refused = await call(server, "POST", WEBHOOKS, HOOK | changes, 400)
    unchanged = await call(server, "PATCH", f"{WEBHOOKS}/{made['data']['_id']}", changes, 400)

    assert refused["error"].startswith(error)
    assert unchanged["error"].startswith(error)
    assert (await call(server, "GET", WEBHOOKS))["data"] == [made["data"]]


async def test_notifications_tell_of_each_delivery(server: RunningServer) -> None:
    gateway, owner = server.gateway, server.regular
    made = (await call(server, "POST", WEBHOOKS, HOOK, 201))["data"]
    other = await gateway.webhooks.create(
        owner.user.id, url="http://127.0.0.1:9/", events=["MESSAGE_FAILED"]
    )
    for number in range(5):
        told = {"id": f"r{number}", "from": "+251922", "text": f"In {number}", "simSlot": 1}
        await server.sync(owner, incoming=[told | {"receivedAt": START_MS}])
    path = WEBHOOKS + "/notifications"

    first = (await call(server, "GET", f"{path}?limit=2&webhookSubscriptionId={made['_id']}"))[
        "data"
    ]
    rest = (await call(server, "GET", f"{path}?cursor={first['meta']['nextCursor']}"))["data"]
    second = (await call(server, "GET", f"{path}?limit=2&page=2"))["data"]

    shown = [n["payload"]["message"] for n in first["data"] + rest["data"]]
    assert shown == ["In 4", "In 3", "In 2", "In 1", "In 0"]
    assert [n["payload"]["message"] for n in second["data"]] == ["In 2", "In 1"]
    assert first["data"][0]["event"] == "MESSAGE_RECEIVED"
    assert first["data"][0]["_id"] == first["data"][0]["payload"]["idempotencyKey"]
    other_id = gateway.public_ids.encode(Kind.WEBHOOK, other.id, other.created_at)
    for query in (f"webhookSubscriptionId={other_id}", "eventType=MESSAGE_SENT"):
        found = await call(server, "GET", f"{path}?{query}")
        assert found["data"] == {
            "data": [],
            "meta": {
                "page": 1, "limit": 10, "total": 0, "totalPages": 0, "nextCursor": None,
                "hasMore": False,
            },
        }  # fmt: skip
    assert (await call(server, "GET", path + "?status=lost", None, 400))["field"] == "status"
    assert (await call(server, "GET", path + "?cursor=x", None, 400))["field"] == "cursor"


# --- users ---


async def test_admin_lists_promotes_and_deletes_users(server: RunningServer) -> None:
    admin = server.admin.jwt_headers
    listed = await server.request("GET", "/api/v1/users", headers=admin)
    path = f"/api/v1/users/{server.regular.public_id}"
    promoted = await server.request("PATCH", path + "/role", {"role": "ADMIN"}, headers=admin)
    deleted = await server.request("DELETE", path, headers=admin)

    assert [u["email"] for u in listed.json["data"]] == ["admin@example.org", REGULAR_EMAIL]
    assert set(listed.json["data"][0]) == {"_id", "name", "email", "role", "createdAt", "updatedAt"}
    assert promoted.json["data"]["role"] == "ADMIN"
    assert deleted.json == {"data": {"success": True}}
    again = await server.request("DELETE", path, headers=admin)
    assert (again.status, again.json["error"]) == (404, "User not found")
    gone = await server.request("GET", DEVICES, headers=server.regular.key_headers)
    assert gone.status == 401


async def test_last_admin_stays(server: RunningServer) -> None:
    admin = server.admin.jwt_headers
    path = f"/api/v1/users/{server.admin.public_id}"

    demoted = await server.request("PATCH", path + "/role", {"role": "REGULAR"}, headers=admin)
    deleted = await server.request("DELETE", path, headers=admin)

    assert (demoted.status, deleted.status) == (409, 409)
    user = await server.gateway.accounts.get_user(server.admin.user.id)
    assert user.role is Role.ADMIN


@pytest.mark.parametrize("body", [{}, {"role": "admin"}, {"role": None}, {"role": "OWNER"}, []])
async def test_role_is_one_of_two(server: RunningServer, body: Any) -> None:
    path = f"/api/v1/users/{server.regular.public_id}/role"

    answer = await server.request("PATCH", path, body, headers=server.admin.jwt_headers)

    assert answer.status == 400


async def test_users_go_on_by_cursor(server: RunningServer) -> None:
    admin = server.admin.jwt_headers
    emails = []
    cursor = ""

    for _ in range(3):
        path = f"/api/v1/users?limit=1&cursor={cursor}"
        answer = (await server.request("GET", path, headers=admin)).json
        emails += [user["email"] for user in answer["data"]]
        cursor = answer["meta"]["nextCursor"] or ""

    assert emails == ["admin@example.org", REGULAR_EMAIL]
    for query in ("limit=0", "limit=x", "cursor=x"):
        refused = await server.request("GET", f"/api/v1/users?{query}", headers=admin)
        assert refused.status == 400


# --- every endpoint ---


async def test_no_body_and_no_id_makes_the_server_fail(server: RunningServer) -> None:
    """Nor does any of them end in a plain-text answer."""
    odd = random.Random(7)  # noqa: S311 - repeatable, guards nothing
    bodies: list[Any] = [
        None, b"", b"\xff\xfe", b"{", b'"\\ud800"', b'{"name":"\\ud800\\u0000"}', b"[[[[", [], {},
        5, "x", True, {"name": None}, {"name": "\u0000"}, {"name": "x" * 70_000}, {"name": {}},
        {"enabled": "yes"}, {"events": [None]}, {"sims": 5}, {"simInfo": {"sims": [{}]}},
        {"simInfo": {"sims": [{"simSlotIndex": 10**20}]}}, {"batteryPercentage": 101},
        {"batteryPercentage": 1e300}, {"email": "\u0000", "password": "\u0000"},
        {"oldPassword": "", "newPassword": ""}, {"role": "ADMIN", "x": 1}, {"scopes": [None]},
        {"expiresAt": "9999-12-31T23:59:59-23:59"}, {"messages": [[]]}, {"recipients": {"a": 1}},
        {"deliveryUrl": "http://[", "events": ["MESSAGE_SENT"]},
        {"deliveryUrl": "http://\u0000/", "events": ["MESSAGE_SENT"]},
    ]  # fmt: skip
    ids = ["x", "0" * 24, "f" * 24, "%00", "..%2f", "é", "a" * 2_000, server.regular.device_id]
    queries = ["", "?limit=99999999999", "?cursor=%00", "?page=1&page=2", "?from=%F0%9F"]

    for route in textko.routes():
        for body in bodies:
            path = route.path
            for name in ("device_id", "sms_id", "batch_id", "id"):
                path = path.replace("{" + name + "}", odd.choice(ids))
            headers = odd.choice([server.regular.jwt_headers, server.admin.jwt_headers])
            if path.endswith(f"users/{server.regular.device_id}"):
                continue
            answer = await server.request(
                route.method, path + odd.choice(queries), body, headers=headers
            )

            assert answer.status < 500, (route, path, body, answer)
            assert answer.headers["Content-Type"].startswith("application/json")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/gateway/nothing", 404),
        ("GET", "/api/v1/auth/login", 405),
        ("PUT", "/api/v1/webhooks", 405),
        ("POST", "/api/v1/users", 405),
    ],
)
async def test_what_is_not_there_answers_as_upstreams_framework(
    server: RunningServer, method: str, path: str, status: int
) -> None:
    answer = await server.request(method, path)

    assert answer.status == status
    assert answer.json["statusCode"] == status
    assert {"message", "error"} <= set(answer.json)


async def test_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    limits = ServerSettings(data_dir=tmp_path, listen="127.0.0.1:0", max_body_bytes=1_000)
    body = {"recipients": ["+251912345678"], "message": "x" * 1_000}

    async with running_server(tmp_path, server=limits) as server:
        path = f"{DEVICES}/{server.regular.device_id}/send-sms"
        answer = await server.request("POST", path, body, headers=server.regular.key_headers)

    assert (answer.status, answer.json["statusCode"]) == (413, 413)
