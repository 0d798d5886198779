"""Requests a minute for each API key: counted in every dialect, told in headers."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clocks import FrozenClock
from tests.servers import Answer, RunningServer, running_server
from textko_server.config import RateSettings

DEVICES = "/api/v1/gateway/devices"


@pytest.fixture
async def server(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """Three requests a minute."""
    async with running_server(
        tmp_path / "data", clock=clock, rates=RateSettings(requests_per_minute=3)
    ) as running:
        yield running


async def call(server: RunningServer, headers: dict[str, str], path: str = DEVICES) -> Answer:
    return await server.request("GET", path, headers=headers)


async def test_answers_say_what_is_left(server: RunningServer) -> None:
    answer = await call(server, server.regular.key_headers)

    assert answer.status == 200
    assert answer.headers["RateLimit-Policy"] == '"default";q=3;w=60'
    assert answer.headers["RateLimit"].startswith('"default";r=2;t=')
    assert answer.headers["X-RateLimit-Limit"] == "3"
    assert answer.headers["X-RateLimit-Remaining"] == "2"


async def test_request_over_the_limit_is_429_until_the_minute_is_over(
    server: RunningServer, clock: FrozenClock
) -> None:
    for _ in range(3):
        assert (await call(server, server.regular.key_headers)).status == 200

    refused = await call(server, server.regular.key_headers)
    assert refused.status == 429
    assert refused.json == {"error": "Too many requests", "code": "rate_limited"}
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    wait_s = int(refused.headers["Retry-After"])
    assert refused.headers["RateLimit"] == f'"default";r=0;t={wait_s}'

    clock.advance(wait_s * 1000)
    assert (await call(server, server.regular.key_headers)).status == 200


async def test_refused_requests_count_and_a_wrong_body_does_too(server: RunningServer) -> None:
    for _ in range(3):
        answer = await server.request(
            "POST", "/api/v1/gateway/send-sms", b"{", headers=server.regular.key_headers
        )
        assert answer.status == 400

    assert (await call(server, server.regular.key_headers)).status == 429


async def test_every_key_has_its_own_and_logins_have_no_limit(server: RunningServer) -> None:
    for _ in range(4):
        await call(server, server.regular.key_headers)
    for _ in range(5):
        assert (await call(server, server.regular.jwt_headers)).status == 200

    assert (await call(server, server.admin.key_headers)).status == 200


async def test_admin_api_does_not_count(server: RunningServer) -> None:
    for _ in range(5):
        answer = await call(server, server.regular.key_headers, "/admin/v1/me")
        assert answer.status == 200
        assert "RateLimit" not in answer.headers


async def test_without_a_limit_nothing_is_said_of_one(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        answer = await call(server, server.regular.key_headers)

    assert answer.status == 200
    assert not any("ratelimit" in name.lower() for name in answer.headers)
