"""What proxies say of their callers counts when the operator trusts them, and only then."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.servers import RunningServer, running_server
from textko_server.config import ServerSettings

TRUSTED = ("127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32")


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[RunningServer]:
    """A server that trusts TRUSTED, among them the address that tests come from."""
    settings = ServerSettings(data_dir=tmp_path, listen="127.0.0.1:0", trusted_proxies=TRUSTED)
    async with running_server(tmp_path, server=settings) as running:
        yield running


async def address_seen(server: RunningServer, headers: dict[str, str]) -> str | None:
    """Of a phone that was turned away."""
    await server.request("POST", "/device/v1/sync", {}, headers=headers)
    [refusal] = server.gateway.refusals.list_refusals(None)
    return refusal.address


async def url_seen(server: RunningServer, headers: dict[str, str]) -> str:
    described = await server.request("GET", "/openapi.json", headers=headers)
    return str(described.json["servers"][0]["url"])


@pytest.mark.parametrize(
    ("forwarded_for", "address"),
    [
        ("", "127.0.0.1"),
        ("203.0.113.7", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("203.0.113.7,2001:db8::5 , 10.1.2.3", "203.0.113.7"),
        ("2001:db9::1", "2001:db9::1"),
        ("10.1.2.3", "10.1.2.3"),
        ("203.0.113.7, unknown", "127.0.0.1"),
        ("203.0.113.7, <script>, 10.1.2.3", "10.1.2.3"),
        (",,,", "127.0.0.1"),
    ],
)
async def test_caller_is_the_last_one_that_no_trusted_proxy_is(
    behind: RunningServer, forwarded_for: str, address: str
) -> None:
    assert await address_seen(behind, {"X-Forwarded-For": forwarded_for}) == address


async def test_stranger_is_not_believed(server: RunningServer) -> None:
    headers = {
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "sms.example.org",
    }

    assert await address_seen(server, headers) == "127.0.0.1"
    assert await url_seen(server, headers) == server.url


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        (
            {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sms.example.org"},
            "https://sms.example.org",
        ),
        (
            {
                "X-Forwarded-Proto": "http, https",
                "X-Forwarded-Host": "evil.example, a.example:8443",
            },
            "https://a.example:8443",
        ),
        ({"X-Forwarded-Proto": "HTTPS", "Host": "b.example"}, "https://b.example"),
        ({"X-Forwarded-Proto": "ftp", "Host": "b.example"}, "http://b.example"),
        ({"X-Forwarded-Host": "a" * 300, "Host": "b.example"}, "http://b.example"),
    ],
)
async def test_trusted_proxy_tells_the_address_that_was_asked_for(
    behind: RunningServer, headers: dict[str, str], url: str
) -> None:
    assert await url_seen(behind, headers) == url


async def test_login_behind_a_proxy_gets_a_cookie_for_https_only(behind: RunningServer) -> None:
    form = f"email={behind.admin.user.email}&password=correct+horse".encode()
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "sms.example.org",
        "Content-Type": "application/x-www-form-urlencoded",
    }

    answer = await behind.request("POST", "/dashboard/login", form, headers=headers)

    assert "Secure" in answer.headers["Set-Cookie"]
