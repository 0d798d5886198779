"""Every refusal on a dialect's path has that dialect's shape, whatever went wrong."""

import gzip
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clocks import FrozenClock
from tests.dialect_shapes import is_of
from tests.servers import Answer, RunningServer, running_server
from textko_server.config import RateSettings, ServerSettings


class Door(msgspec.Struct, frozen=True):
    """One request that each dialect takes."""

    dialect: str
    path: str
    """{key} is an API key."""
    body: Any
    method: str = "POST"

    def headers_of(self, server: RunningServer) -> dict[str, str]:
        person = server.regular
        if self.dialect in ("textlink", "textko"):
            return {"Authorization": f"Bearer {person.key}"}
        return person.key_headers if self.dialect == "texify" else {}


SENDING = [
    Door("textko", "/api/v1/gateway/send-sms", {"recipients": ["+251912345678"], "message": "Hi"}),
    Door(
        "texify", "/api/v1/messages/send", {"recipients": ["+251912345678"], "message": "Hi"}
    ),
    Door("textlink", "/api/send-sms", {"phone_number": "+251912345678", "text": "Hi"}),
    Door("selfhosted", "/api/{key}/queue", [{"phone": "+251912345678", "message": "Hi"}]),
]  # fmt: skip
UNKNOWN = {
    "textko": "/api/v1/gateway/nothing",
    "texify": "/api/v1/messages/nothing/here",
    "textlink": "/api/send-sms/nothing",
    "selfhosted": "/api/download/nothing",
}
# Self Hosted SMS calls what is wrong with a body 422.
BAD_BODY = {"selfhosted": 422}


@pytest.fixture
async def server(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    settings = ServerSettings(
        data_dir=tmp_path / "data", listen="127.0.0.1:0", max_body_bytes=2_000
    )
    async with running_server(
        tmp_path / "data",
        clock=clock,
        server=settings,
        rates=RateSettings(selfhosted_per_minute=20, requests_per_minute=20),
    ) as running:
        yield running


async def knock(server: RunningServer, door: Door, body: Any = None, **more_headers: str) -> Answer:
    headers = door.headers_of(server) | {k.replace("_", "-"): v for k, v in more_headers.items()}
    path = door.path.replace("{key}", server.regular.key)
    return await server.request(
        door.method, path, door.body if body is None else body, headers=headers
    )


doors = pytest.mark.parametrize("door", SENDING, ids=lambda door: door.dialect)


@doors
async def test_door_is_open(server: RunningServer, door: Door) -> None:
    assert (await knock(server, door)).status == 200


@doors
async def test_unknown_path_is_404(server: RunningServer, door: Door) -> None:
    answer = await server.request("GET", UNKNOWN[door.dialect], headers=door.headers_of(server))

    assert (answer.status, is_of(answer, door.dialect)) == (404, True)


@doors
async def test_wrong_method_is_405_and_names_the_right_one(
    server: RunningServer, door: Door
) -> None:
    path = door.path.replace("{key}", server.regular.key)
    answer = await server.request("PUT", path, {}, headers=door.headers_of(server))

    assert (answer.status, is_of(answer, door.dialect)) == (405, True)
    assert answer.headers["Allow"] == "POST"


@doors
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 1000, b'"text"', b"null", b"[]"])
async def test_body_that_is_no_request_is_refused(
    server: RunningServer, door: Door, body: bytes
) -> None:
    answer = await knock(server, door, body)

    assert (answer.status, is_of(answer, door.dialect)) == (BAD_BODY.get(door.dialect, 400), True)


@doors
async def test_body_over_the_limit_is_413(server: RunningServer, door: Door) -> None:
    path = door.path.replace("{key}", server.regular.key)

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 1_000

    for body in (io.BytesIO(b" " * 5_000), pieces()):
        async with server.http.post(
            server.url + path, data=body, headers=door.headers_of(server)
        ) as response:
            answer = Answer(response.status, dict(response.headers), await response.read())
        assert (answer.status, is_of(answer, door.dialect)) == (413, True)


@doors
async def test_body_in_an_unknown_compression_is_415_and_gzip_is_read(
    server: RunningServer, door: Door
) -> None:
    packed = gzip.compress(msgspec.json.encode(door.body))

    refused = await knock(server, door, packed, Content_Encoding="snappy")
    taken = await knock(server, door, packed, Content_Encoding="gzip")

    assert (refused.status, is_of(refused, door.dialect)) == (415, True)
    assert taken.status == 200


@doors
async def test_body_is_read_whatever_type_it_says_it_has(server: RunningServer, door: Door) -> None:
    answer = await knock(server, door, Content_Type="text/plain; charset=latin-1")

    assert answer.status == 200


@doors
async def test_too_many_requests_are_429_with_the_time_to_wait(
    server: RunningServer, door: Door
) -> None:
    for _ in range(20):
        assert (await knock(server, door)).status == 200

    answer = await knock(server, door)

    assert (answer.status, is_of(answer, door.dialect)) == (429, True)
    wait_s = int(answer.headers["Retry-After"])
    assert answer.headers["RateLimit-Policy"] == '"default";q=20;w=60'
    assert answer.headers["RateLimit"] == f'"default";r=0;t={wait_s}'
    assert answer.headers["X-RateLimit-Limit"] == "20"
    assert answer.headers["X-RateLimit-Remaining"] == "0"


@doors
async def test_crash_is_500_and_tells_nothing(
    server: RunningServer, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise RuntimeError("a secret")

    monkeypatch.setattr(server.gateway.api_keys, "cached_principal", crash)

    answer = await knock(server, door)

    assert (answer.status, is_of(answer, door.dialect)) == (500, True)
    assert b"secret" not in answer.content
    assert b"RuntimeError" not in answer.content
