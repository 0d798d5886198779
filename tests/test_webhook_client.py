"""The client that posts webhooks: what it reads, what it refuses, how it fails."""

import socket
import threading

import pytest
from aiohttp import web

from tests.clocks import START_MS, FrozenClock
from tests.webhook_receiver import WebhookReceiver
from textko_server.clock import iso_utc_ms
from textko_server.config import WebhookSettings
from textko_server.errors import Invalid
from textko_server.gateway.webhook_delivery import WebhookUnreachable
from textko_server.gateway.webhook_targets import check_url, refusal_of
from textko_server.http.webhook_client import WebhookClient

SETTINGS = WebhookSettings(timeout_s=5.0)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.0.1",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "100.100.100.200",
        "168.63.129.16",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "ff02::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ],
)
def test_link_local_and_metadata_addresses_are_never_targets(address: str) -> None:
    assert refusal_of(address, allow_private=True) is not None
    assert refusal_of(address, allow_private=False) is not None


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_targets_only_when_the_setting_allows_them(address: str) -> None:
    assert refusal_of(address, allow_private=True) is None
    assert refusal_of(address, allow_private=False) is not None


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::808:808"])
def test_public_addresses_are_always_targets(address: str) -> None:
    assert refusal_of(address, allow_private=False) is None


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "example.com/hook",
        "http://",
        "https:///path",
        "http://user:secret@example.com/",
        "http://user@example.com/",
        "http://example.com:99999/",
        "http://[::1/",
        "http://exa mple.com/",
        "http://example.com/\n",
        "http://example.com/" + "a" * 2_000,
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "",
    ],
)
def test_url_that_cannot_be_a_target_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        check_url(url, allow_private=True)


async def test_answer_is_read_up_to_a_thousand_bytes(clock: FrozenClock) -> None:
    async with WebhookReceiver() as receiver, WebhookClient(SETTINGS, clock) as client:
        receiver.answer(500, text="é" * 900)

        answer = await client.post(receiver.url(), {"X-Test": "1"}, b"body")

    assert answer.status == 500
    assert answer.answer_excerpt == "é" * 500
    assert receiver.received[0].body == b"body"
    assert receiver.received[0].headers["x-test"] == "1"


async def test_endless_answer_is_cut_off(clock: FrozenClock) -> None:
    async with WebhookReceiver() as receiver, WebhookClient(SETTINGS, clock) as client:
        receiver.answer_without_end()

        answer = await client.post(receiver.url(), {}, b"")
        await receiver.wait_until_idle()

    assert answer.status == 200
    assert answer.answer_excerpt == "x" * 1_000


async def test_body_that_stalls_does_not_take_the_status_back(clock: FrozenClock) -> None:
    async with (
        WebhookReceiver() as receiver,
        WebhookClient(WebhookSettings(timeout_s=0.3), clock) as client,
    ):

        async def stall(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(status=202)
            await response.prepare(request)
            await response.write(b"partly")
            await receiver._released.wait()
            return response

        receiver.behave(stall)
        answer = await client.post(receiver.url(), {}, b"")

    assert (answer.status, answer.answer_excerpt) == (202, "partly")


async def test_redirects_are_not_followed(clock: FrozenClock) -> None:
    async with WebhookReceiver() as receiver, WebhookClient(SETTINGS, clock) as client:
        receiver.answer(302, headers={"Location": receiver.url("/elsewhere")})

        answer = await client.post(receiver.url(), {}, b"")

    assert answer.status == 302
    assert [w.path for w in receiver.received] == ["/"]


@pytest.mark.parametrize(
    ("value", "expected_s"),
    [
        ("120", 120),
        ("Thu, 15 Jan 2026 10:01:00 GMT", 60),
        ("Thu, 15 Jan 2026 09:00:00 GMT", 0),
        ("soon", None),
        ("-5", None),
        ("1" * 40, None),
    ],
)
async def test_retry_after_is_seconds_or_a_date(
    clock: FrozenClock, value: str, expected_s: int | None
) -> None:
    assert iso_utc_ms(START_MS) == "2026-01-15T10:00:00.000Z"
    async with WebhookReceiver() as receiver, WebhookClient(SETTINGS, clock) as client:
        receiver.answer(429, headers={"Retry-After": value})

        answer = await client.post(receiver.url(), {}, b"")

    assert answer.retry_after_s == expected_s


async def test_receiver_that_hangs_is_left_after_the_timeout(clock: FrozenClock) -> None:
    settings = WebhookSettings(timeout_s=0.2)
    async with WebhookReceiver() as receiver, WebhookClient(settings, clock) as client:
        receiver.hang()

        with pytest.raises(WebhookUnreachable, match=r"no answer within 0\.2 s"):
            await client.post(receiver.url(), {}, b"")


async def test_closed_port_and_unknown_name_are_unreachable(clock: FrozenClock) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with WebhookClient(SETTINGS, clock) as client:
        with pytest.raises(WebhookUnreachable):
            await client.post(f"http://127.0.0.1:{port}/", {}, b"")
        with pytest.raises(WebhookUnreachable):
            await client.post("http://" + "a" * 70 + ".example/", {}, b"")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1", "2130706433"])
async def test_loopback_in_any_spelling_is_refused_when_private_targets_are(
    clock: FrozenClock, host: str
) -> None:
    settings = WebhookSettings(timeout_s=5.0, allow_private_targets=False)
    async with WebhookReceiver() as receiver, WebhookClient(settings, clock) as client:
        with pytest.raises(WebhookUnreachable, match=r"refused|not a canonical IPv4 address"):
            await client.post(receiver.url(host=host), {}, b"")

    assert receiver.received == []


@pytest.mark.parametrize("host", ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0"])
async def test_metadata_addresses_are_refused_at_the_socket(clock: FrozenClock, host: str) -> None:
    async with WebhookClient(SETTINGS, clock) as client:
        with pytest.raises(WebhookUnreachable, match="refused"):
            await client.post(f"http://{host}/latest/meta-data", {}, b"")


async def test_name_is_looked_up_once_and_off_the_event_loop(
    clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[tuple[str, str]] = []
    answers = iter(["127.0.0.1", "169.254.169.254"])

    def look_up(host: str, port: int, **_: object) -> list[object]:
        looked_up.append((host, threading.current_thread().name))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    async with WebhookReceiver() as receiver, WebhookClient(SETTINGS, clock) as client:
        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        answer = await client.post(receiver.url(host="rebinding.example"), {}, b"")

    assert answer.status == 200
    assert looked_up == [("rebinding.example", "textko-webhook-dns")]
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"
