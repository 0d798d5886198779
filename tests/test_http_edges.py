"""What no handler answers, and what the log must not hold."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import Answer, RunningServer, running_server
from textko_server.config import LogSettings, ServerSettings
from textko_server.logs import LineFormatter

TEXT = "the secret of the message"
PHONE = "+251912345678"

PROBLEM = {"type", "title", "status", "detail", "code"}
ANYBODY = {"ok", "status", "error", "message", "code"}
SELFHOSTED = {"error", "code"}
TEXTKO = {"error", "message"}


def shape_of(answer: Answer) -> set[str]:
    assert "json" in answer.headers["Content-Type"]
    return set(answer.json)


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/nothing", ANYBODY),
        ("/", ANYBODY),
        ("/api", ANYBODY),
        ("/api/nothing", ANYBODY),
        ("/api/v1/nothing", ANYBODY),
        ("/api/v1/", ANYBODY),
        ("/api/v1/status", ANYBODY),
        ("/api/v1/gateway/nothing", TEXTKO),
        ("/api/v1/users/nothing/at/all", TEXTKO),
        ("/device/v1/nothing", PROBLEM),
        ("/admin/v1/nothing", PROBLEM),
        ("/%00", ANYBODY),
        ("/%ff%fe", ANYBODY),
        ("/" + "x" * 7_000, ANYBODY),
    ],
)
async def test_unknown_path_is_404_in_the_shape_of_its_owner(
    server: RunningServer, path: str, shape: set[str]
) -> None:
    for method in ("GET", "POST"):
        answer = await server.request(method, path)

        assert answer.status == 404
        assert shape_of(answer) >= shape


@pytest.mark.parametrize(
    ("method", "path", "allow", "shape"),
    [
        ("GET", "/device/v1/sync", "POST", PROBLEM),
        ("GET", "/api/token/queue", "POST", SELFHOSTED),
        ("DELETE", "/api/token/get_messages", "GET", SELFHOSTED),
        ("GET", "/api/v1/gateway/send-sms", "POST", TEXTKO),
        ("POST", "/healthz", "GET,HEAD", ANYBODY),
        ("OPTIONS", "/healthz", "GET,HEAD", ANYBODY),
    ],
)
async def test_wrong_method_is_405_and_says_which_are_right(
    server: RunningServer, method: str, path: str, allow: str, shape: set[str]
) -> None:
    answer = await server.request(method, path)

    assert answer.status == 405
    assert set(answer.headers["Allow"].replace(" ", "").split(",")) == set(allow.split(","))
    assert shape_of(answer) >= shape


async def test_body_over_the_setting_is_413_in_every_shape(tmp_path: Path) -> None:
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", max_body_bytes=1_024
    )
    async with running_server(tmp_path / "data", server=settings) as server:
        token = {"Authorization": f"Bearer {server.regular.device_token}"}
        for path, headers, shape in (
            (f"/api/{server.regular.key}/queue", {}, SELFHOSTED),
            ("/api/v1/gateway/send-sms", server.regular.key_headers, TEXTKO),
            ("/device/v1/sync", token, PROBLEM),
        ):
            answer = await server.request("POST", path, b"[" + b" " * 2_000, headers=headers)

            assert answer.status == 413
            assert shape_of(answer) >= shape


async def crash(*_: Any, **__: Any) -> Any:
    raise RuntimeError(f"{TEXT} to {PHONE}")


async def test_crash_is_500_in_every_shape_and_tells_the_client_nothing(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server.gateway.fetches, "fetch", crash)
    monkeypatch.setattr(server.gateway.sync, "sync", crash)
    monkeypatch.setattr(server.gateway.messages, "queue_depth", crash)
    token = {"Authorization": f"Bearer {server.regular.device_token}"}

    for method, path, headers, shape in (
        ("GET", f"/api/{server.regular.key}/get_messages", {}, SELFHOSTED),
        ("POST", "/device/v1/sync", token, PROBLEM),
        ("GET", "/metrics", {}, ANYBODY),
    ):
        answer = await server.request(method, path, {}, headers=headers)

        assert answer.status == 500
        assert shape_of(answer) >= shape
        assert answer.json["code"] == "internal"
        for secret in (TEXT.encode(), PHONE.encode(), b"RuntimeError", b"Traceback"):
            assert secret not in answer.content
    crashes = [r for r in caplog.records if r.getMessage() == "request_crashed"]
    assert len(crashes) == 3
    assert all(r.exc_info for r in crashes)


async def send_raw(server: RunningServer, data: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    try:
        writer.write(data)
        await writer.drain()
        writer.write_eof()
        return await asyncio.wait_for(reader.read(), 30)
    finally:
        writer.close()
        await writer.wait_closed()


BROKEN = [
    b"GET /api/{key}/get messages HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /api/{key}/get_messages HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /api/{key}/get_messages\r\n\r\n",
    b"G\x00T /api/{key}/get_messages HTTP/1.1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\x00\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nx-api-key {key}\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {key}\r\n\r\n",
    b"POST /api/{key}/queue HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{key}\r\n",
    b"GET /" + b"{key}" * 2_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nx-api-key: " + b"{key}" * 2_000 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00{key}",
]


@pytest.mark.parametrize("request_bytes", BROKEN, ids=range(len(BROKEN)))
async def test_request_that_is_no_http_is_refused_and_its_secrets_stay_out_of_the_log(
    server: RunningServer, caplog: pytest.LogCaptureFixture, request_bytes: bytes
) -> None:
    caplog.set_level(logging.DEBUG)

    answered = await send_raw(server, request_bytes.replace(b"{key}", server.regular.key.encode()))

    assert answered == b"" or answered.split(b" ")[1].startswith(b"4")
    assert server.regular.key not in formatted(caplog)
    assert (await server.request("GET", "/healthz")).status == 200


def formatted(caplog: pytest.LogCaptureFixture) -> str:
    formatter = LineFormatter()
    return "\n".join(formatter.format(record) for record in caplog.records)


async def test_log_holds_no_token_no_text_and_no_whole_number(
    tmp_path: Path, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with running_server(
        tmp_path / "data", clock=clock, log=LogSettings(access=True, level="info")
    ) as server:
        person = server.regular
        device = {"Authorization": f"Bearer {person.device_token}"}
        shs = f"/api/{person.key}"
        message = {"message": TEXT, "recipients": [PHONE]}
        incoming = {"id": "1", "from": PHONE, "text": TEXT, "receivedAt": clock.now_ms()}
        for method, path, body, headers in (
            ("POST", f"{shs}/queue", [{"phone": PHONE, "message": TEXT}], {}),
            ("POST", f"{shs}/queue", [{"phone": PHONE, "message": 7}], {}),
            ("GET", f"{shs}/get_messages?limit=1", None, {}),
            ("POST", f"{shs}/status", b"nonsense", {}),
            ("POST", f"{shs}/queue/more", b"", {}),
            ("PUT", f"{shs}/queue", b"", {}),
            ("GET", f"/api/{person.key}%2F/queue", None, {}),
            ("GET", f"/nothing/{person.key}?token={person.key}", None, {}),
            ("POST", "/api/v1/gateway/send-sms", message, person.key_headers),
            ("POST", "/api/v1/gateway/send-sms", message | {"recipients": [7]}, person.jwt_headers),
            ("POST", "/device/v1/sync", {"incoming": [incoming]}, device),
            ("POST", "/device/v1/sync", {"incoming": [incoming | {"id": 7}]}, device),
            ("POST", "/device/v1/sync?wait=x", {}, device),
        ):
            await server.request(method, path, body, headers=headers)
        clock.advance(4 * 86_400_000)
        while await server.gateway.sweep.sweep_once():
            pass
    log = formatted(caplog)

    assert "route=/api/{token}/queue" in log
    for secret in (person.key, person.jwt, person.device_token, TEXT, PHONE, PHONE[1:]):
        assert secret not in log
    assert "nothing/" not in log


async def test_headers_of_64_kilobytes_are_refused_and_the_server_goes_on(
    server: RunningServer,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 65_536 + b"\r\n\r\n")
    status_line = await asyncio.wait_for(reader.readline(), 30)
    writer.close()

    assert status_line.split()[1] in (b"400", b"431")
    assert (await server.request("GET", "/healthz")).status == 200
