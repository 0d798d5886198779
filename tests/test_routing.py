"""Four dialects on one port: every path that two of them could mean, and whose it is."""

from typing import Any

import pytest

from tests.dialect_shapes import is_of
from tests.servers import RunningServer

ID = "0123456789abcdef01234567"

# Method, path, status, Allow, whose shape. No key is shown: a route that is reached says 401, in
# the words of its own dialect.
COLLISIONS = [
    # "v1" and the other first segments of dialects are never tokens.
    ("POST", "/api/v1/queue", 404, None, "anybody's"),
    ("GET", "/api/v1/get_messages", 404, None, "anybody's"),
    ("POST", "/api/v1/status", 404, None, "anybody's"),
    ("GET", "/api/v1/status", 404, None, "anybody's"),
    ("POST", "/api/v2/queue", 404, None, "selfhosted"),
    ("GET", "/api/download/get_messages", 404, None, "selfhosted"),
    ("POST", "/api/download/status", 405, "GET,HEAD", "selfhosted"),
    ("POST", "/api/download/queue", 405, "GET,HEAD", "selfhosted"),
    ("POST", "/api/app-version/queue", 404, None, "selfhosted"),
    ("POST", "/api/send-sms/queue", 404, None, "textlink"),
    ("GET", "/api/send-code/get_messages", 404, None, "textlink"),
    ("POST", "/api/verify-code/status", 404, None, "textlink"),
    ("POST", "/api/update-contect-tag/status", 404, None, "textlink"),
    ("POST", "/api/update-contact-tag/status", 404, None, "textlink"),
    # Tokens of any length are tokens, and wrong ones.
    ("POST", "/api/x/queue", 401, None, "selfhosted"),
    ("GET", f"/api/{'y' * 64}/get_messages", 401, None, "selfhosted"),
    ("POST", f"/api/{'y' * 200}/status", 401, None, "selfhosted"),
    ("POST", "/api/v1x/queue", 401, None, "selfhosted"),
    # A slash that is encoded does not make two segments of one.
    ("POST", "/api/v1%2Fusers/queue", 401, None, "selfhosted"),
    ("GET", "/api/v1%2Fgateway/get_messages", 401, None, "selfhosted"),
    # Words beside ids.
    ("GET", "/api/v1/messages/send", 405, "POST", "texify"),
    ("GET", f"/api/v1/messages/{ID}", 401, None, "texify"),
    ("GET", "/api/v1/templates/preview", 405, "POST", "texify"),
    ("POST", "/api/v1/templates/preview/render", 404, None, "texify"),
    ("POST", f"/api/v1/templates/{ID}/render", 401, None, "texify"),
    # Who owns what neither document names.
    ("GET", "/api/v1/users", 401, None, "textko"),
    ("POST", "/api/v1/auth/nothing", 404, None, "textko"),
    ("GET", "/api/v1/webhooks", 401, None, "textko"),
    ("GET", "/api/v1/webhooks/a/b/c/d", 404, None, "textko"),
    ("GET", "/api/v1/balance/nothing", 404, None, "texify"),
    ("GET", "/api/v1/xyz", 404, None, "anybody's"),
    ("GET", "/api/v1/", 404, None, "anybody's"),
    ("GET", "/api/foo", 404, None, "anybody's"),
    ("POST", "/api/foo", 404, None, "anybody's"),
    ("GET", "/api", 404, None, "anybody's"),
    # The same last words, of different dialects.
    ("GET", "/api/v1/messages", 401, None, "texify"),
    ("GET", "/api/v1/gateway/messages", 401, None, "textko"),
    ("POST", "/api/v1/messages/send", 401, None, "texify"),
    ("POST", "/api/v1/gateway/send-sms", 401, None, "textko"),
    ("POST", "/api/send-sms", 401, None, "textlink"),
    # The misspelt one is the contract, the other works too.
    ("POST", "/api/update-contect-tag", 401, None, "textlink"),
    ("POST", "/api/update-contact-tag", 401, None, "textlink"),
    # HEAD is no GET where a GET changes something.
    ("PUT", "/api/x/get_messages", 405, "GET", "selfhosted"),
    # At the root are our own things.
    ("GET", "/download/nothing", 404, None, "selfhosted"),
    ("GET", "/download/app.apk", 404, None, "selfhosted"),
    ("GET", "/admin/v1/users", 401, None, "ours"),
    ("GET", "/device/v1/nothing", 404, None, "ours"),
]


@pytest.mark.parametrize(("method", "path", "status", "allow", "owner"), COLLISIONS)
async def test_path_belongs_to_one_dialect(
    server: RunningServer, method: str, path: str, status: int, allow: str | None, owner: str
) -> None:
    answer = await server.request(method, path, {} if method == "POST" else None)

    assert (answer.status, is_of(answer, owner)) == (status, True), answer
    if allow is not None:
        assert set(answer.headers["Allow"].replace(" ", "").split(",")) == set(allow.split(","))


def routes_of(server: RunningServer) -> list[tuple[str, str]]:
    """(method, template) of every route of a dialect."""
    app = server.server._runners[0].app
    return [
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None
        and route.resource.canonical.startswith(("/api/", "/download/", "/postman"))
    ]


def filled(template: str) -> str:
    for name, value in (("token", "y" * 64), ("version_code", "5")):
        template = template.replace("{" + name + "}", value)
    while "{" in template:
        start, end = template.index("{"), template.index("}")
        template = template[:start] + ID + template[end + 1 :]
    return template


async def test_slash_at_the_end_changes_nothing_and_redirects_nobody(
    server: RunningServer,
) -> None:
    plain = [(m, t) for m, t in routes_of(server) if not t.endswith("/") and m != "HEAD"]
    assert len(plain) > 60
    for method, template in plain:
        path = filled(template)
        body: Any = {} if method in ("POST", "PUT", "PATCH") else None

        without = await server.request(method, path, body)
        with_slash = await server.request(method, path + "/", body)

        assert (with_slash.status, set(with_slash.headers)) == (
            without.status,
            set(without.headers),
        ), (method, path)
        assert with_slash.status not in (301, 302, 307, 308)


async def test_paths_are_routed_by_themselves_and_not_by_host(server: RunningServer) -> None:
    for host in ("api.texify.org", "textlinksms.com", "selfhostedsms.com"):
        headers = server.regular.key_headers | {"Host": host}
        answer = await server.request("GET", "/api/v1/gateway/devices", headers=headers)
        assert answer.status == 200


async def test_head_takes_no_messages_and_counts_no_download(server: RunningServer) -> None:
    key = server.regular.key
    body = [{"phone": "+251912345678", "message": "Hi"}]
    assert (await server.request("POST", f"/api/{key}/queue", body)).status == 200

    for tail in ("get_messages", "get_messages/"):
        assert (await server.request("HEAD", f"/api/{key}/{tail}")).status == 405

    assert await server.gateway.db.fetch_all("SELECT state FROM recipients") == [("queued",)]


async def test_head_is_answered_only_where_a_get_only_reads(server: RunningServer) -> None:
    heads = {template.rstrip("/") for method, template in routes_of(server) if method == "HEAD"}

    assert "/api/{token}/get_messages" not in heads
    before = [
        (table, await server.gateway.db.fetch_all(f"SELECT * FROM {table}"))  # noqa: S608 - names
        for table in ("messages", "recipients", "webhooks", "devices", "api_keys", "contacts")
    ]
    for template in sorted(heads):
        await server.request("HEAD", filled(template), headers=server.regular.key_headers)
    for table, rows in before:
        assert await server.gateway.db.fetch_all(f"SELECT * FROM {table}") == rows  # noqa: S608
