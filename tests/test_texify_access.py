"""Texify: every endpoint, asked by everybody who may and may not, and asked wrongly."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.servers import RunningServer, running_server
from tests.texify import JANE, JOHN, Texify
from textko_server.config import ServerSettings
from textko_server.http.dialects import texify
from textko_server.model import Scope

CONTACT = {"phoneNumber": JANE}
SCHEDULE = {
    "message": "Hi",
    "scheduledFor": "2026-01-20T09:00:00Z",
    "recipientType": "phones",
    "phones": [JOHN],
}


class Endpoint(msgspec.Struct, frozen=True):
    request: str
    scopes: tuple[Scope, ...]
    """Each of them alone is enough."""
    body: Any = None

    @property
    def method(self) -> str:
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.request.partition(" ")[2]


READ, MANAGE = (Scope.READ_CONTACTS,), (Scope.MANAGE_CONTACTS,)
TEMPLATES = (Scope.USE_TEMPLATES,)
CREATE_SCHEDULED, READ_SCHEDULED = (Scope.CREATE_SCHEDULED,), (Scope.READ_SCHEDULED,)
ENDPOINTS = [
    Endpoint("POST /messages/send", (Scope.SEND_SMS,), {"message": "Hi", "recipients": [JOHN]}),
    Endpoint("GET /messages", (Scope.READ_MESSAGES,)),
    Endpoint("GET /messages/{message}", (Scope.READ_MESSAGES, Scope.READ_DELIVERY)),
    Endpoint("GET /balance", (Scope.READ_BALANCE,)),
    Endpoint("POST /contacts", MANAGE, CONTACT),
    Endpoint("GET /contacts", READ),
    Endpoint("GET /contacts/{contact}", READ),
    Endpoint("PATCH /contacts/{contact}", MANAGE, {"firstName": "Jo"}),
    Endpoint("DELETE /contacts/{contact}", MANAGE),
    Endpoint("POST /groups", MANAGE, {"name": "VIP"}),
    Endpoint("GET /groups", READ),
    Endpoint("POST /templates", TEMPLATES, {"name": "T", "message": "Hi"}),
    Endpoint("GET /templates", TEMPLATES),
    Endpoint("GET /templates/{template}", TEMPLATES),
    Endpoint("POST /templates/preview", TEMPLATES, {"message": "Hi"}),
    Endpoint("POST /templates/{template}/render", TEMPLATES, {}),
    Endpoint("POST /scheduled", CREATE_SCHEDULED, SCHEDULE),
    Endpoint("GET /scheduled", READ_SCHEDULED),
    Endpoint("GET /scheduled/{scheduled}", READ_SCHEDULED),
    Endpoint("PATCH /scheduled/{scheduled}", CREATE_SCHEDULED, {"message": "Ho"}),
    Endpoint("POST /scheduled/{scheduled}/cancel", CREATE_SCHEDULED),
    Endpoint("GET /analytics", (Scope.READ_ANALYTICS,)),
    Endpoint("GET /analytics/credits", (Scope.READ_ANALYTICS, Scope.READ_BALANCE)),
]
IDS = [endpoint.request for endpoint in ENDPOINTS]
NAMING = [endpoint for endpoint in ENDPOINTS if "{" in endpoint.path]
WITH_BODY = [endpoint for endpoint in ENDPOINTS if endpoint.body is not None]


async def things(server: RunningServer) -> dict[str, str]:
    """Public ids of things of the regular user."""
    owner = Texify(server)
    return {
        "message": (await owner.send())["results"][0]["messageId"],
        "contact": await owner.make_contact(),
        "template": await owner.make_template("Hello"),
        "scheduled": await owner.schedule(),
    }


async def traces(server: RunningServer) -> list[int]:
    """How much there is of everything."""
    tables = ("messages", "contacts", "contact_groups", "templates", "scheduled_messages")
    counts = []
    for table in tables:
        sql = f"SELECT count(*) FROM {table}"  # noqa: S608 - names of tables from this test
        [(count,)] = await server.gateway.db.fetch_all(sql)
        counts.append(count)
    return counts


def test_table_has_every_endpoint_with_its_scopes() -> None:
    def name(request: str) -> str:
        return "/".join("*" if "{" in part else part for part in request.split("/"))

    served = {name(f"{e.method} {e.path}"): e.scopes for e in texify.ENDPOINTS}
    assert {name(e.request): e.scopes for e in ENDPOINTS} == served


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
async def test_nobody_and_no_login_gets_in(server: RunningServer, endpoint: Endpoint) -> None:
    path = endpoint.path.format_map(await things(server))
    before = await traces(server)
    strangers = [
        {},
        {"x-api-key": "txf_unknown_key_unknown_key"},
        {"x-api-key": ""},
        {"Authorization": "Basic abc"},
        server.regular.jwt_headers,
        server.admin.jwt_headers,
    ]

    for headers in strangers:
        answer = await server.request(
            endpoint.method, f"/api/v1{path}", endpoint.body, headers=headers
        )
        assert answer.status == 401, headers
        assert answer.json["status"] == "error"
        assert answer.json["code"] == "unauthenticated"
    assert await traces(server) == before


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=IDS)
async def test_key_needs_the_scope_and_no_other(server: RunningServer, endpoint: Endpoint) -> None:
    path = endpoint.path.format_map(await things(server))
    others = [scope for scope in Scope if scope not in endpoint.scopes]
    before = await traces(server)

    without = Texify(server, await server.make_key(server.regular, *others))
    answer = await without.ask(endpoint.method, path, endpoint.body)

    assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")
    assert answer.json["requiredScope"] == endpoint.scopes[0]
    assert await traces(server) == before
    # Deleting comes last: what is named is gone then.
    with_it = Texify(server, await server.make_key(server.regular, endpoint.scopes[-1]))
    assert (await with_it.ask(endpoint.method, path, endpoint.body)).status == 200


@pytest.mark.parametrize("endpoint", NAMING, ids=[e.request for e in NAMING])
async def test_other_accounts_things_do_not_exist(
    server: RunningServer, endpoint: Endpoint
) -> None:
    ids = await things(server)

    for owner in (server.admin, server.regular):
        path = endpoint.path.format_map(
            ids if owner is server.admin else dict.fromkeys(ids, "0123456789abcdef01234567")
        )
        answer = await Texify(server, owner.key_headers).ask(endpoint.method, path, endpoint.body)
        assert (answer.status, answer.json["code"]) == (404, "not_found")


async def test_other_accounts_names_cannot_be_used(server: RunningServer) -> None:
    ids = await things(server)
    group = await Texify(server).make_group()
    stranger = Texify(server, server.admin.key_headers)

    for name in (ids["contact"], group):
        answer = await stranger.ask(
            "POST", "/messages/send", {"message": "Hi", "recipients": [name]}
        )
        assert answer.json["invalidRecipients"] == [{"recipient": name, "reason": "not_found"}]
    answer = await stranger.ask("POST", "/contacts", CONTACT | {"groups": [group]})
    assert answer.status == 404
    body = {"templateId": ids["template"], "recipients": [JOHN]}
    assert (await stranger.ask("POST", "/messages/send", body)).status == 404
    assert (await stranger.get(f"/contacts?groups={group}"))["data"]["contacts"] == []
    assert (await stranger.get("/contacts"))["data"]["contacts"] == []


async def test_bearer_takes_an_api_key_too(server: RunningServer) -> None:
    application = Texify(server, {"Authorization": f"Bearer {server.regular.key}"})

    assert await application.get("/balance")


async def test_revoked_key_is_out_at_once(server: RunningServer) -> None:
    application = Texify(server)
    await application.get("/balance")
    await server.gateway.api_keys.revoke_key(server.regular.user.id, server.regular.api_key.id)

    assert (await application.ask("GET", "/balance")).status == 401


async def test_trailing_slash_changes_nothing(server: RunningServer) -> None:
    assert await Texify(server).send() is not None
    assert (await Texify(server).get("/messages/"))["meta"]["total"] == 1


# --- what is wrong ---

BODIES: list[Any] = [
    b"", b"{", b"null", b"[]", b'"text"', b"12", b"\xff\xfe", b'{"a":' * 2_000,
    {}, {"message": None}, {"message": 5, "recipients": 5, "name": 5, "phoneNumber": 5},
    {"message": ["x"], "recipients": [1], "name": {}, "phoneNumber": []},
    {"message": "x", "recipients": [None], "name": None, "scheduledFor": 12},
    {"message": "x", "recipients": "+233244000000", "name": "\x07", "phones": "x"},
    {"message": "  ", "recipients": [JOHN], "name": " ", "phoneNumber": " "},
    {"message": "x" * 20_000, "recipients": [JOHN], "name": "x" * 200, "phoneNumber": "9" * 99},
    {"templateId": "x", "message": "x", "recipients": [JOHN]},
    {"templateId": "nope", "recipients": [JOHN]},
    {"message": "{{a}}", "variables": {"a": {"b": 1}}, "recipients": [JOHN], "name": "", },
    {"message": "{{a}}", "variables": [], "recipients": [JOHN], "name": "x" * 101},
    {"message": "{{a}}", "variables": {"a": "x" * 3_000}, "recipients": [JOHN], "name": "\n"},
    {"phoneNumber": JANE, "email": "no address", "message": "", "name": "\u202e" * 200},
    {"phoneNumber": JANE, "tags": [""], "message": "", "name": "", "variables": 1},
    {"phoneNumber": JANE, "customFields": {"a": {}}, "message": "", "name": "", "variables": "x"},
    {"phoneNumber": JANE, "status": "dead", "message": "", "name": "", "variables": [1]},
    {"phoneNumber": JANE, "groups": "x", "message": "", "name": "", "variables": False},
]  # fmt: skip
# Whole bodies that say nothing wrong to endpoints which ask for little.
HARMLESS = frozenset({"PATCH /contacts/{contact}", "POST /templates/{template}/render"})


@pytest.mark.parametrize("endpoint", WITH_BODY, ids=[e.request for e in WITH_BODY])
async def test_wrong_bodies_are_refused_without_a_crash_or_a_trace(
    server: RunningServer, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    path = endpoint.path.format_map(await things(server))
    before = await traces(server)

    for body in BODIES:
        answer = await Texify(server).ask(endpoint.method, path, body)
        if answer.status == 200 and _may_pass(endpoint, body):
            continue
        assert answer.status in (400, 404), (body, answer)
        assert answer.json["status"] == "error", body
        assert answer.json["code"] in ("invalid", "not_found"), body
        assert answer.json["message"], body
        if answer.status == 400:
            assert answer.json["errors"], body
    assert "request_crashed" not in caplog.text
    assert await traces(server) == before


def _may_pass(endpoint: Endpoint, body: Any) -> bool:
    """What is wrong elsewhere may be right here, where it leaves no trace."""
    if not isinstance(body, dict):
        return False
    return (
        endpoint.request in HARMLESS
        or endpoint.path == "/templates/preview"
        or (endpoint.method == "PATCH")
    )


QUERIES = [
    "page=x", "limit=1.5", "page=%00", "limit=-5&page=-5", "limit=999999&page=999999999999",
    "page=" + "9" * 60, "status=nope", "dateFrom=nope", "dateTo=2026-13-45",
    "dateFrom=2026-01-15T10:00:00", "search=%25_%5C'%22%00%ED%A0%80", "tags=,,,",
    "groups=x", "tags=" + ",".join(map(str, range(200))), "search=" + "x" * 3_000,
    "dateFrom=0001-01-01&dateTo=9999-12-31",
]  # fmt: skip


@pytest.mark.parametrize("path", ["/messages", "/contacts", "/groups", "/templates", "/scheduled"])
async def test_odd_queries_are_answered_or_refused(
    server: RunningServer, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for query in QUERIES:
        answer = await Texify(server).ask("GET", f"{path}?{query}")
        assert answer.status in (200, 400), (query, answer)
        assert answer.json["status"] == ("success" if answer.status == 200 else "error")
    assert "request_crashed" not in caplog.text


@pytest.mark.parametrize(
    ("request_line", "status", "code"),
    [
        ("GET /messages/send", 405, "method_not_allowed"),
        ("GET /templates/preview", 405, "method_not_allowed"),
        ("POST /templates/preview/render", 404, "not_found"),
        ("DELETE /messages/6968baa0428b07726adf4fbb", 405, "method_not_allowed"),
        ("GET /messages/not-an-id", 404, "not_found"),
        ("GET /contacts/not-an-id", 404, "not_found"),
        ("GET /analytics/nothing", 404, "not_found"),
    ],
)
async def test_paths_that_are_none_are_told_in_this_shape(
    server: RunningServer, request_line: str, status: int, code: str
) -> None:
    method, _, path = request_line.partition(" ")

    answer = await Texify(server).ask(method, path)

    assert (answer.status, answer.json["status"], answer.json["code"]) == (status, "error", code)


async def test_body_over_the_limit_is_told_in_this_shape(tmp_path: Path) -> None:
    small = ServerSettings(data_dir=tmp_path / "small", listen="127.0.0.1:0", max_body_bytes=1_024)
    async with running_server(small.data_dir, server=small) as server:
        body = {"message": "x" * 1_024, "recipients": [JOHN]}
        answer = await Texify(server).ask("POST", "/messages/send", body)

    assert (answer.status, answer.json["code"]) == (413, "too_large")


async def test_half_an_emoji_is_replaced_and_sent(server: RunningServer) -> None:
    application = Texify(server)
    body = b'{"message":"Hi \\ud83d\\u0000","recipients":["%s"]}' % JOHN.encode()
    await application.ask("POST", "/messages/send", body)

    assert await application.carry_out() == ["Hi \ufffd\ufffd"]
