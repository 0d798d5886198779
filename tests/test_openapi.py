"""`/openapi.json`: complete, valid, and true of real requests and answers."""

import re
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from aiohttp import web
from openapi_spec_validator import validate

from tests.servers import PASSWORD, Person, RunningServer
from textko_server.http.app import make_app, make_metrics
from textko_server.http.app_keys import About
from textko_server.http.dialects.textko import wire as textko_wire
from textko_server.http.openapi.document import all_operations, document

# What is for people and programs that look after the server, not for those of an API.
NOT_OF_AN_API = {
    "/healthz": "for load balancers: its status says all",
    "/readyz": "the same",
    "/metrics": "text of Prometheus",
    "/t/{code}": "a program",
    "/tls": "a page",
    "/tls/ca.crt": "a file for phones",
    "/openapi.json": "this document",
    "/docs": "pages",
    "/docs/{tag}": "pages",
    "/dashboard": "pages",
    "/dashboard/admin": "pages",
    "/dashboard/login": "a page",
    "/dashboard/logout": "its button",
    "/dashboard/first-admin": "a page",
    "/dashboard/static/{name}": "what the pages load",
    "/dashboard/ws": "between a page and its program",
    "/dashboard/admin/ws": "between a page and its program",
    "/dashboard/download/{key}": "between a page and its program",
    "/postman": "pages",
    "/postman/collection": "a file for another program",
    "/postman/environment": "a file for another program",
}
SEND = {"recipients": ["+251912345678"], "message": "Hello"}


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document("http://localhost:8480")


def test_document_is_valid_openapi(described: dict[str, Any]) -> None:
    validate(described)


def test_operation_ids_are_unique(described: dict[str, Any]) -> None:
    ids = [one["operationId"] for path in described["paths"].values() for one in path.values()]

    assert len(ids) == len(set(ids))


def test_notes_below_fields_are_published(described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]

    offer = schemas["device.WireOffer"]["properties"]
    assert offer["deliveryReport"]["description"] == "Ask the network for one."
    assert "description" not in offer["segments"]
    # Also those of a struct that this one extends.
    created = schemas["admin.CreatedApiKey"]["properties"]
    assert created["deviceIds"]["description"] == "The only devices it may use; null: all."


def test_every_operation_says_what_it_does() -> None:
    for operation in all_operations():
        assert operation.summary.endswith("."), operation.path


async def test_every_route_is_described_and_nothing_else(server: RunningServer) -> None:
    app = make_app(server.gateway, make_metrics(server.gateway), About())
    routes = {
        (route.method, route.resource.canonical.rstrip("/"))
        for route in app.router.routes()
        if route.resource is not None and is_of_a_described_api(route)
    }

    described = {
        (operation.method, path)
        for operation in all_operations()
        for path in (operation.path, *operation.aliases)
    }

    assert {route for route in routes if route[1] not in NOT_OF_AN_API} == described


def is_of_a_described_api(route: web.AbstractRoute) -> bool:
    """Of a dialect that is described, or of none: HEAD and preflights come with other routes."""
    if route.method in ("HEAD", "OPTIONS", "*"):
        return False
    if route.resource is not None and "//" in route.resource.canonical:
        return False  # for who typed a slash too many
    dialect = re.match(r"textko_server\.http\.dialects\.(\w+)", route.handler.__module__)
    described = {operation.tag.name for operation in all_operations()}
    return dialect is None or any(tag.partition("-")[0] == dialect[1] for tag in described)


async def test_document_is_served_with_the_address_it_was_asked_at(server: RunningServer) -> None:
    answer = await server.request("GET", "/openapi.json")

    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.json["openapi"] == "3.1.0"
    assert answer.json["servers"] == [{"url": server.url}]


# --- the types, against what is really said ---


def schema_of(described: dict[str, Any], method: str, path: str, status: int) -> Any:
    operation = described["paths"][path][method.lower()]
    response = operation["responses"].get(str(status), operation["responses"]["default"])
    [content] = response["content"].values()
    return content["schema"] | {"components": described["components"]}


class Checked(msgspec.Struct, frozen=True):
    """Makes requests, and holds each answer against the schema of its operation."""

    server: RunningServer
    described: dict[str, Any]

    async def call(
        self,
        method: str,
        template: str,
        status: int,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        query: str = "",
        **values: str,
    ) -> Any:
        path = template.format(**values) + query
        headers = self.server.regular.jwt_headers if headers is None else headers
        answer = await self.server.request(method, path, body, headers=headers)
        assert answer.status == status, answer
        schema = schema_of(self.described, method, template, status)
        jsonschema_rs.Draft202012Validator(schema).validate(answer.json)
        return answer.json


@pytest.fixture
def checked(server: RunningServer, described: dict[str, Any]) -> Checked:
    return Checked(server, described)


async def deliver_all(server: RunningServer, person: Person) -> None:
    """The phone of that person sends what is there."""
    offers = (await server.sync(person))["offers"]
    job_ids = [offer["jobId"] for offer in offers]
    await server.sync(person, claims=job_ids, capacity=0)
    at = server.clock.now_ms()
    reports = [{"jobId": j, "state": "delivered", "at": at} for j in job_ids]
    await server.sync(person, reports=reports, capacity=0)


async def test_messages_of_textko_are_as_described(checked: Checked) -> None:
    server, owner = checked.server, checked.server.regular
    gateway = "/api/v1/gateway"
    device = gateway + "/devices/{device_id}"
    device_id = owner.device_id

    sent = await checked.call("POST", device + "/send-sms", 201, SEND, device_id=device_id)
    await checked.call("POST", gateway + "/send-sms", 200, SEND)
    bulk = {"messages": [SEND, {"receivers": ["+251911000002"], "smsBody": "Hi"}]}
    await checked.call("POST", device + "/send-bulk-sms", 201, bulk, device_id=device_id)
    await checked.call("POST", gateway + "/send-bulk-sms", 200, bulk)
    await deliver_all(server, owner)
    incoming = {"id": "1", "from": "+251911", "text": "Hey", "receivedAt": server.clock.now_ms()}
    await server.sync(owner, incoming=[incoming])
    listed = await checked.call("GET", gateway + "/messages", 200)
    assert {sms["type"] for sms in listed["data"]} == {"SENT", "RECEIVED"}
    await checked.call("GET", gateway + "/messages", 200, query="?limit=1")
    await checked.call("GET", device + "/messages", 200, device_id=device_id)
    await checked.call("GET", device + "/get-received-sms", 200, device_id=device_id)
    for sms in listed["data"]:
        one = await checked.call(
            "GET", device + "/sms/{sms_id}", 200, device_id=device_id, sms_id=sms["_id"]
        )
        assert one["data"]["_id"] == sms["_id"]
    batch_id = sent["data"]["smsBatchId"]
    await checked.call(
        "GET", device + "/sms-batch/{batch_id}", 200, device_id=device_id, batch_id=batch_id
    )
    await checked.call("GET", gateway + "/stats", 200)


async def test_resources_of_textko_are_as_described(checked: Checked) -> None:
    server, owner = checked.server, checked.server.regular
    devices, hooks, auth = "/api/v1/gateway/devices", "/api/v1/webhooks", "/api/v1/auth"
    status = {"battery": 80, "charging": True, "network": "wifi"}
    await server.sync(owner, status=status)

    await checked.call("GET", devices, 200)
    made = await checked.call("POST", devices, 201, {"brand": "Google", "model": "Pixel"})
    device_id = made["data"]["_id"]
    device = devices + "/{device_id}"
    await checked.call("GET", device, 200, device_id=owner.device_id)
    await checked.call("PATCH", device, 200, {"enabled": False}, device_id=device_id)
    await checked.call("POST", device + "/set-default", 200, device_id=device_id)
    beat = {"batteryPercentage": 5}
    await checked.call("POST", device + "/heartbeat", 200, beat, device_id=device_id)
    await checked.call("DELETE", device, 200, device_id=device_id)
    new_hook = {"deliveryUrl": "http://127.0.0.1:9/x", "events": ["MESSAGE_SENT"]}
    hook = (await checked.call("POST", hooks, 201, new_hook))["data"]["_id"]
    await checked.call("GET", hooks, 200)
    await checked.call("GET", hooks + "/{id}", 200, id=hook)
    await server.request("POST", f"/admin/v1/webhooks/{hook}/test", {}, headers=owner.jwt_headers)
    log = await checked.call("GET", hooks + "/notifications", 200)
    assert len(log["data"]["data"]) == 1
    await checked.call("PATCH", hooks + "/{id}", 200, {"isActive": False}, id=hook)
    await checked.call("DELETE", hooks + "/{id}", 200, id=hook)
    key = (await checked.call("POST", auth + "/api-keys", 201))["apiKey"]["_id"]
    await checked.call("GET", auth + "/api-keys", 200)
    await checked.call("PATCH", auth + "/api-keys/{id}/rename", 200, {"name": "a"}, id=key)
    await checked.call("POST", auth + "/api-keys/{id}/revoke", 201, id=key)
    await checked.call("DELETE", auth + "/api-keys/{id}", 200, id=key)
    await checked.call("GET", auth + "/who-am-i", 200)
    await checked.call("PATCH", auth + "/update-profile", 200, {"name": "Me"})
    login = {"email": owner.user.email, "password": PASSWORD}
    await checked.call("POST", auth + "/login", 200, login)
    passwords = {"oldPassword": PASSWORD, "newPassword": "battery staple"}
    await checked.call("POST", auth + "/change-password", 201, passwords)
    by_admin = server.admin.jwt_headers
    await checked.call("GET", "/api/v1/users", 200, headers=by_admin)


async def test_refusals_are_as_described(checked: Checked) -> None:
    gateway = "/api/v1/gateway"
    await checked.call("POST", gateway + "/send-sms", 400, {})
    await checked.call("POST", gateway + "/send-sms", 401, SEND, headers={})
    await checked.server.gateway.accounts.set_limits(
        checked.server.regular.user.id, monthly_limit=0
    )
    await checked.call("POST", gateway + "/send-sms", 429, SEND)
    token = checked.server.regular.key
    good = [{"phone": "+251912345678", "message": "Hi"}]
    await checked.call("POST", "/api/{token}/queue", 429, good, token=token)
    await checked.call("POST", "/api/{token}/queue", 401, good, token="nobody")
    await checked.call("POST", "/api/{token}/queue", 422, [{}], token=token)
    await checked.call("POST", "/api/{token}/status", 422, {}, token=token)
    await checked.call("POST", "/device/v1/sync", 401, {}, headers={})
    await checked.call("POST", "/admin/v1/users", 400, {}, headers=checked.server.admin.jwt_headers)
    await checked.call("GET", "/admin/v1/devices/{id}", 404, id="x")


async def test_self_hosted_is_as_described(checked: Checked) -> None:
    base, token = "/api/{token}", checked.server.regular.key
    items = [{"phone": "+251912345678", "text": "Hi"}, {"phone": "x", "text": "Hi"}]

    queued = await checked.call("POST", base + "/queue", 200, items, token=token)
    assert (queued["queued"], queued["failed"]) == (1, 1)
    [fetched] = await checked.call("GET", base + "/get_messages", 200, token=token)
    body = {"device": "Pixel", "messages": [{"hash": fetched["hash"], "status": 2}]}
    await checked.call("POST", base + "/status", 200, body, token=token)


async def test_phones_and_operators_are_answered_as_described(checked: Checked) -> None:
    server, owner = checked.server, checked.server.regular
    by_phone = {"Authorization": f"Bearer {owner.device_token}"}
    await checked.call("POST", "/api/v1/gateway/send-sms", 200, SEND)

    offered = await checked.call("POST", "/device/v1/sync", 200, {}, headers=by_phone)
    job_id = offered["offers"][0]["jobId"]
    more = {"claims": [job_id, "nonsense"], "reports": []}
    await checked.call("POST", "/device/v1/sync", 200, more, headers=by_phone)
    code = await server.gateway.pairing.create_code(owner.user.id, None)
    pair = {"code": code.code, "name": "Another"}
    await checked.call("POST", "/device/v1/pair", 201, pair, headers={})
    by_admin = server.admin.jwt_headers
    for path in (
        "users",
        "api-keys",
        "devices",
        "messages",
        "incoming",
        "webhooks",
        "status",
        "me",
    ):
        await checked.call("GET", f"/admin/v1/{path}", 200, headers=by_admin)
    listed = await checked.call("GET", "/admin/v1/messages", 200)
    message_id = listed["messages"][0]["id"]
    await checked.call("GET", "/admin/v1/messages/{id}", 200, id=message_id)


# --- bodies that are read leniently: what the structs say is what is taken ---


@pytest.mark.parametrize("operation", all_operations(), ids=lambda one: f"{one.method} {one.path}")
def test_example_of_a_body_is_of_its_type(operation: Any) -> None:
    if operation.body is not None and operation.body_example is not None:
        msgspec.convert(operation.body_example, operation.body)
    for field in operation.query_example:
        assert field in operation.query.__struct_encode_fields__


@pytest.mark.parametrize(
    "body",
    [
        SEND,
        {"receivers": ["+251912345678"], "smsBody": "Hello"},
        SEND | {"simSubscriptionId": 7},
        SEND | {"scheduledAt": "2026-01-16T10:00:00Z"},
        SEND | {"simSubscriptionId": None, "scheduledAt": None},
    ],
)
async def test_described_send_is_taken(server: RunningServer, body: Any) -> None:
    msgspec.convert(body, textko_wire.SendBody)
    path = f"/api/v1/gateway/devices/{server.regular.device_id}/send-sms"

    answer = await server.request("POST", path, body, headers=server.regular.key_headers)

    assert answer.status == 201
