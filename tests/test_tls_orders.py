"""What a public authority says about time: renew earlier, wait longer; and answers that none should
give. Played by a web server of ours, since Pebble says none of it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from textko_server.clock import DAY_MS, HOUR_MS, MINUTE_MS
from textko_server.tls.local import make_local
from textko_server.tls.orders import Authority, OrderFailed, order_certificate, suggested_time
from textko_server.tls.places import LocalPlaces
from textko_server.tls.reading import Certificate
from textko_server.tls.renewal import LONGEST_ASKED_MS, LONGEST_WAIT_MS, renews_at, wait_ms

NOW_MS = 1_768_471_200_000
WINDOW = {"suggestedWindow": {"start": "2099-02-01T00:00:00Z", "end": "2099-02-02T00:00:00Z"}}
WINDOW_MS = (4_073_587_200_000, 4_073_673_600_000)

Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def authority(folder: Path, handler: Handler) -> AsyncIterator[Authority]:
    """`handler` answers all but the directory. Without TLS, which the settings would not allow."""

    async def answer(request: web.Request) -> web.Response:
        if request.path != "/dir":
            return await handler(request)
        paths = ("newNonce", "newAccount", "newOrder", "renewalInfo")
        return web.json_response({path: str(request.url.with_path(f"/{path}")) for path in paths})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield Authority(
            directory=f"http://127.0.0.1:{runner.addresses[0][1]}/dir",
            trust="",
            email="",
            account_key=folder / "data/tls/acme/account.key",
        )
    finally:
        await runner.cleanup()


def certificate_in(folder: Path) -> bytes:
    """One that is good now, whenever that is."""
    places = LocalPlaces(folder / "data")
    make_local(places, ["pi.lan"], time.time_ns() // 1_000_000, with_new_authority=False)
    return places.certificate.read_bytes()


async def test_authority_says_when_a_certificate_is_renewed_and_when_to_ask_again(
    tmp_path: Path,
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.path.startswith("/renewalInfo/")
        return web.json_response(WINDOW, headers={"Retry-After": "7200"})

    pem = certificate_in(tmp_path)
    async with authority(tmp_path, answer) as known:
        renew_at, ask_at = await asyncio.to_thread(suggested_time, known, pem)

    assert renew_at is not None
    assert WINDOW_MS[0] <= renew_at <= WINDOW_MS[1]
    assert HOUR_MS < ask_at - time.time_ns() // 1_000_000 <= 2 * HOUR_MS


async def test_authority_that_asks_to_wait_is_heard(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/newNonce":
            return web.Response(headers={"Replay-Nonce": "AAAA"})
        return web.json_response(
            {"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many"},
            status=429,
            headers={"Retry-After": "7200", "Replay-Nonce": "AAAA"},
            content_type="application/problem+json",
        )

    async with authority(tmp_path, answer) as known:
        with pytest.raises(OrderFailed, match="this authority's limit is reached") as refused:
            await asyncio.to_thread(order_certificate, known, ["a.org"], ["http-01"], nobody)

    asked_s = refused.value.asked_s
    assert asked_s is not None
    assert 7000 < asked_s <= 7200
    assert wait_ms(1, asked_s) == int(asked_s * 1000)


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"\xff", b'{"status": 7}', b'{"type": [], "detail": 3}', b"<html>"]
)
@pytest.mark.parametrize("status", [200, 201, 400, 500])
async def test_strange_answers_end_in_a_sentence(
    tmp_path: Path, answer: bytes, status: int
) -> None:
    async def give(request: web.Request) -> web.Response:
        headers = {"Replay-Nonce": "AAAA"}
        return web.Response(
            body=answer, status=status, headers=headers, content_type="application/json"
        )

    async with authority(tmp_path, give) as known:
        with pytest.raises(OrderFailed):
            await asyncio.to_thread(order_certificate, known, ["a.org"], ["http-01"], nobody)


def nobody(_: object) -> AbstractContextManager[None]:
    raise AssertionError("nothing is to be proved")


# --- when ---


def certificate(begins_at: int, ends_at: int, fingerprint: str = "00" * 32) -> Certificate:
    return Certificate(
        names=(), begins_at=begins_at, ends_at=ends_at, issuer="", fingerprint=fingerprint,
        is_self_signed=False, chain_fault="",
    )  # fmt: skip


def test_renewal_begins_at_two_thirds_and_spreads() -> None:
    of_all = [
        renews_at(certificate(NOW_MS, NOW_MS + 90 * DAY_MS, first + "00" * 28)) - NOW_MS
        for first in ("00000000", "80000000", "ffffffff")
    ]

    assert [round(ms / DAY_MS, 1) for ms in of_all] == [60.0, 61.5, 63.0]


def test_waits_double_up_to_half_a_day() -> None:
    waits = [wait_ms(count, None) for count in range(1, 12)]

    for count, wait in enumerate(waits[:8]):
        assert 5 * MINUTE_MS * 2**count <= wait <= 6 * MINUTE_MS * 2**count + 1
    assert LONGEST_WAIT_MS <= waits[-1] <= LONGEST_WAIT_MS * 1.2
    # Five failures an hour are what Let's Encrypt allows: this makes four.
    assert sum(waits[:4]) > HOUR_MS


def test_authority_cannot_put_it_off_for_ever() -> None:
    assert wait_ms(1, 10.0**9) == LONGEST_ASKED_MS
    assert wait_ms(1, 1.0) >= 5 * MINUTE_MS
