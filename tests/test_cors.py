"""Web pages of other origins may call the dialects, and nothing else of the server."""

from pathlib import Path
from typing import Any

import pytest

from tests.servers import RunningServer, running_server
from textko_server.config import ServerSettings

PAGE = "https://app.example.org"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "x-api-key,content-type",
}
ALLOW = "Access-Control-Allow-Origin"


async def choosy_server(tmp_path: Path) -> Any:
    listen = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", cors_origins=(PAGE, "http://b.example")
    )
    return running_server(tmp_path / "data", server=listen)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/gateway/send-sms",
        "/api/v1/messages/send",
        "/api/send-sms",
        "/api/abc/queue",
        "/api/v1/nothing/here",
        "/download/app.apk",
    ],
)
async def test_browser_may_ask_before_any_request_to_a_dialect(
    server: RunningServer, path: str
) -> None:
    answer = await server.request("OPTIONS", path, headers=PREFLIGHT)

    assert (answer.status, answer.content) == (204, b"")
    assert answer.headers[ALLOW] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "X-API-Key" in answer.headers["Access-Control-Allow-Headers"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_answers_and_refusals_may_be_read_by_the_page(server: RunningServer) -> None:
    headers = {"Origin": PAGE, **server.regular.key_headers}

    devices = await server.request("GET", "/api/v1/gateway/devices", headers=headers)
    refused = await server.request("GET", "/api/v1/gateway/devices", headers={"Origin": PAGE})
    absent = await server.request("GET", "/download/app.apk", headers={"Origin": PAGE})

    assert [devices.status, refused.status, absent.status] == [200, 401, 404]
    for answer in (devices, refused, absent):
        assert answer.headers[ALLOW] == "*"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


async def test_only_the_origins_of_the_setting_are_allowed(tmp_path: Path) -> None:
    async with await choosy_server(tmp_path) as server:
        known = await server.request("OPTIONS", "/api/send-sms", headers=PREFLIGHT)
        strange = await server.request(
            "OPTIONS", "/api/send-sms", headers=PREFLIGHT | {"Origin": "https://evil.example"}
        )

    assert known.headers[ALLOW] == PAGE
    assert ALLOW not in strange.headers
    assert known.headers["Vary"] == strange.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/admin/v1/users", "/device/v1/sync", "/metrics"])
async def test_pages_may_not_call_the_admin_api_or_play_a_phone(
    server: RunningServer, path: str
) -> None:
    preflight = await server.request("OPTIONS", path, headers=PREFLIGHT)
    answer = await server.request("GET", path, headers={"Origin": PAGE})

    assert preflight.status == 405
    assert ALLOW not in preflight.headers
    assert ALLOW not in answer.headers


async def test_options_that_is_no_preflight_is_405(server: RunningServer) -> None:
    answer = await server.request("OPTIONS", "/api/v1/gateway/send-sms")

    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"
