"""Why a phone could not connect: what is remembered, who sees it, and what it may not cost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import REGULAR_EMAIL, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.gateway.refusals import (
    MAX_CHARACTERS,
    MAX_LOGGED_A_MINUTE,
    MAX_STRANGER_COUNT,
    REASONS,
    Phone,
    Refusals,
)

PAIR, SYNC = "/device/v1/pair", "/device/v1/sync"


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


async def only_refusal(admin: AdminClient) -> wire.Refusal:
    [refusal] = (await admin.list_refusals()).refusals
    return refusal


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def pair(server: RunningServer, code: str) -> int:
    answer = await server.request("POST", PAIR, {"code": code, "name": "New phone"})
    return answer.status


async def sync(server: RunningServer, body: Any = None) -> int:
    headers = bearer(server.regular.device_token)
    return (await server.request("POST", SYNC, body or {}, headers=headers)).status


async def test_phone_of_a_deleted_device_is_named(
    server: RunningServer, operator: AdminClient, regular: AdminClient
) -> None:
    await operator.delete_device(server.regular.device_id)
    assert await sync(server) == 401

    refusal = await only_refusal(regular)

    assert (refusal.code, refusal.user) == ("deleted_device", REGULAR_EMAIL)
    assert refusal.device == server.regular.device.name
    assert refusal.path == f"POST {SYNC}"
    assert refusal.address == "127.0.0.1"


@pytest.mark.parametrize(
    ("headers", "code"), [(bearer("txd_" + "0" * 60), "unknown_token"), ({}, "no_token")]
)
async def test_stranger_is_told_of_to_the_operator_only(
    server: RunningServer,
    operator: AdminClient,
    regular: AdminClient,
    headers: dict[str, str],
    code: str,
) -> None:
    await server.request("POST", SYNC, {}, headers=headers)

    refusal = await only_refusal(operator)

    assert (refusal.code, refusal.user, refusal.device) == (code, None, None)
    assert (await regular.list_refusals()).refusals == []


async def test_pairing_codes_that_fail_say_why_to_their_owner(
    server: RunningServer, operator: AdminClient, regular: AdminClient, clock: FrozenClock
) -> None:
    used = await regular.create_pairing_code(wire.NewPairingCode())
    late = await regular.create_pairing_code(wire.NewPairingCode())
    assert await pair(server, used.code) == 201
    assert await pair(server, used.code) == 403
    clock.advance(11 * 60_000)
    assert await pair(server, late.code) == 403
    assert await pair(server, "ZZZZ-ZZZZ") == 403

    own = (await regular.list_refusals()).refusals
    everything = (await operator.list_refusals()).refusals

    assert [r.code for r in own] == ["pairing_expired", "pairing_used"]
    assert {r.code for r in everything} == {
        "pairing_expired", "pairing_used", "pairing_unknown",
    }  # fmt: skip
    assert len((await operator.list_refusals(REGULAR_EMAIL)).refusals) == 2


async def test_disabled_phone_that_asks_is_listed_and_counted(
    server: RunningServer, operator: AdminClient, regular: AdminClient, clock: FrozenClock
) -> None:
    changes = wire.DeviceChanges(is_enabled=False)
    await operator.change_device(server.regular.device_id, changes)
    for _ in range(3):
        assert await sync(server) == 200
        clock.advance(1_000)

    refusal = await only_refusal(regular)

    assert (refusal.code, refusal.count) == ("disabled_device", 3)
    assert (refusal.first_at, refusal.last_at) == (START_MS, START_MS + 2_000)
    assert refusal.device_id == server.regular.device_id


async def test_body_that_breaks_the_protocol_is_explained(
    server: RunningServer, regular: AdminClient
) -> None:
    assert await sync(server, {"capacity": "many"}) == 400

    refusal = await only_refusal(regular)

    assert refusal.code == "invalid"
    assert "capacity" in refusal.reason
    assert refusal.device_id == server.regular.device_id


@pytest.mark.parametrize(
    ("method", "path", "shown", "code"),
    [
        ("GET", SYNC, f"GET {SYNC}", "method_not_allowed"),
        ("POST", "/device/v2/sync", "POST /device/v2/sync", "not_found"),
        ("POST", "/device/v1/pair/K7QM-2XWD", "POST /device/v1/pair/…", "not_found"),
        ("POST", "/device/v1/bcdfghjk", "POST /device/v1/…", "not_found"),
        ("POST", "/device/txd_" + "a" * 60, "POST /device/…", "not_found"),
    ],
)
async def test_wrong_address_is_shown_without_what_may_be_secret(
    server: RunningServer, operator: AdminClient, method: str, path: str, shown: str, code: str
) -> None:
    await server.request(method, path, {})

    refusal = await only_refusal(operator)

    assert (refusal.path, refusal.code) == (shown, code)


async def test_phone_of_another_api_with_a_bad_token_is_listed_without_it(
    server: RunningServer, operator: AdminClient
) -> None:
    token = "txk_" + "y" * 60
    await server.request("GET", f"/api/{token}/get_messages")
    await server.request("POST", f"/api/{token}/status", {})

    refusals = (await operator.list_refusals()).refusals

    assert [(r.path, r.code) for r in refusals] == [
        ("POST /api/{token}/status", "unknown_key"),
        ("GET /api/{token}/get_messages", "unknown_key"),
    ]
    assert token not in str(refusals)


async def test_report_that_api_does_not_understand_is_its_owners(
    server: RunningServer, regular: AdminClient
) -> None:
    await server.request("POST", f"/api/{server.regular.key}/status", {"messages": "none"})

    assert (await only_refusal(regular)).code == "invalid"


async def test_applications_and_people_are_no_phones(
    server: RunningServer, operator: AdminClient
) -> None:
    key = "txk_" + "y" * 60
    for path in (f"/api/{key}/queue", "/admin/v1/login", "/api/v1/gateway/send-sms", "/nothing"):
        await server.request("POST", path, {}, headers={"x-api-key": key})

    assert (await operator.list_refusals()).refusals == []


def test_strangers_push_out_neither_memory_nor_what_is_known(clock: FrozenClock) -> None:
    refusals = Refusals(clock)
    known = Phone(7, 1, "Kitchen")
    refusals.note("disabled_device", address="10.0.0.1", path="p", message="", phone=known)
    for number in range(3 * MAX_STRANGER_COUNT):
        clock.advance(1)
        refusals.note("unknown_token", address=f"10.0.{number}.1", path="p", message="")

    everything = refusals.list_refusals(None)

    assert len(everything) == MAX_STRANGER_COUNT + 1
    assert everything[0].address == f"10.0.{3 * MAX_STRANGER_COUNT - 1}.1"
    assert everything[-1].phone == known


def test_phone_that_roams_has_one_line(clock: FrozenClock) -> None:
    refusals = Refusals(clock)
    for number in range(5):
        address = f"2001:db8::{number}"
        refusals.note("invalid", address=address, path="p", message="m", phone=Phone(7, 1))

    [refusal] = refusals.list_refusals(7)

    assert (refusal.count, refusal.address) == (5, "2001:db8::4")


def test_log_has_what_is_new_and_not_too_much_of_it(
    clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    refusals = Refusals(clock)
    for number in (*range(3 * MAX_LOGGED_A_MINUTE), 0):
        refusals.note("no_token", address=f"10.0.0.{number}", path="POST /x", message="")
    assert len(caplog.records) == MAX_LOGGED_A_MINUTE
    clock.advance(60_000)
    refusals.note("wrong_path", address="10.0.0.1", path="POST /x", message="")

    line = caplog.records[-1]
    assert (line.getMessage(), vars(line)["code"]) == ("phone_refused", "wrong_path")
    assert "/api/mobile/v1" in vars(line)["reason"]


def test_reasons_fit_where_they_are_shown() -> None:
    assert all(len(reason) <= MAX_CHARACTERS for reason in REASONS.values())
