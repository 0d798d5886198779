"""How a phone with SMSGate's app registers, and what it is told when it may not."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import (
    ADMIN_EMAIL,
    PASSWORD,
    REGULAR_EMAIL,
    Answer,
    RunningServer,
    running_server,
)
from tests.smsgate_phones import BASE, SIMS, AppPhone, app_phone, basic, bearer, register
from textko_server.admin_settings import list_settings
from textko_server.config import Settings, SmsgateServerSettings
from textko_server.gateway.principals import operator
from textko_server.model import Device
from textko_server.store import devices as device_store

PRIVATE_TOKEN = "a-private-token"


@pytest.fixture
async def private(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """Phones with the private token have accounts of their own."""
    smsgate = SmsgateServerSettings(private_token=PRIVATE_TOKEN)
    async with running_server(tmp_path / "data", clock=clock, smsgate=smsgate) as running:
        yield running


async def device_of(phone: AppPhone) -> Device:
    return await phone.server.gateway.devices.get(operator(), phone.device_id)


def codes(server: RunningServer) -> set[str]:
    """Why phones were refused."""
    return {refusal.code for refusal in server.gateway.refusals.list_refusals(None)}


async def test_phone_registers_by_login_and_joins_that_account(server: RunningServer) -> None:
    answer = await register(server, basic(REGULAR_EMAIL, PASSWORD), simCards=SIMS)

    assert answer.status == 201
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(answer.json) == {"id", "token", "login"}
    assert answer.json["login"] == REGULAR_EMAIL
    phone = AppPhone(server, answer.json["id"], answer.json["token"])
    device = await device_of(phone)
    assert device.user_id == server.regular.user.id
    assert (device.name, device.app_name, device.app_version) == (
        "Google/oriole", "SMSGate", "1.68.0",
    )  # fmt: skip
    [sim] = await device_store.list_sims(server.gateway.db, device.id)
    assert (sim.slot, sim.carrier) == (1, "*thio")


async def test_phone_registers_by_a_code_from_the_operator(server: RunningServer) -> None:
    made = await server.gateway.pairing.create_code(server.regular.user.id, "Drawer")

    answer = await register(server, {"Authorization": f"Code {made.code}"})

    assert answer.status == 201
    assert answer.json["login"] == REGULAR_EMAIL
    phone = AppPhone(server, answer.json["id"], answer.json["token"])
    assert (await device_of(phone)).name == "Drawer"


async def test_phone_of_an_account_makes_the_code_for_the_next(server: RunningServer) -> None:
    made = await server.request("GET", f"{BASE}/user/code", headers=basic(REGULAR_EMAIL, PASSWORD))
    assert made.status == 200
    assert made.json["validUntil"] == "2026-01-15T10:10:00.000Z"
    assert re.fullmatch("[0-9]{10}", made.json["code"])  # the app takes nothing else

    answer = await register(server, {"Authorization": f"Code {made.json['code']}"})
    again = await register(server, {"Authorization": f"Code {made.json['code']}"})

    assert (answer.status, again.status) == (201, 401)
    assert "pairing_used" in codes(server)


async def test_code_is_made_for_nobody_without_a_password(server: RunningServer) -> None:
    path = f"{BASE}/user/code"

    for headers in ({}, basic(REGULAR_EMAIL, "wrong"), basic(REGULAR_EMAIL, server.regular.key)):
        assert (await server.request("GET", path, headers=headers)).status == 401


async def test_private_token_makes_an_account_for_each_phone(private: RunningServer) -> None:
    first = await register(private, bearer(PRIVATE_TOKEN))
    second = await register(private, bearer(PRIVATE_TOKEN))

    assert (first.status, second.status) == (201, 201)
    assert first.json["login"] != second.json["login"]
    assert len(first.json["password"]) == 14
    logged_in = await private.request(
        "GET", f"{BASE}/user/code", headers=basic(first.json["login"], first.json["password"])
    )
    assert logged_in.status == 200
    user = await private.gateway.accounts.find_user_by_email(first.json["login"])
    assert user is not None
    assert user.role == "REGULAR"


async def test_private_token_may_lead_to_one_account(tmp_path: Path, clock: FrozenClock) -> None:
    smsgate = SmsgateServerSettings(
        private_token=PRIVATE_TOKEN, private_token_user=ADMIN_EMAIL.upper()
    )
    async with running_server(tmp_path / "data", clock=clock, smsgate=smsgate) as server:
        answer = await register(server, bearer(PRIVATE_TOKEN))

        assert answer.status == 201
        assert set(answer.json) == {"id", "token", "login"}
        phone = AppPhone(server, answer.json["id"], answer.json["token"])
        assert (await device_of(phone)).user_id == server.admin.user.id


async def test_account_that_is_not_there_is_named_to_the_operator(
    tmp_path: Path, clock: FrozenClock
) -> None:
    smsgate = SmsgateServerSettings(
        private_token=PRIVATE_TOKEN, private_token_user="nobody@example.org"
    )
    async with running_server(tmp_path / "data", clock=clock, smsgate=smsgate) as server:
        assert (await register(server, bearer(PRIVATE_TOKEN))).status == 401

        assert codes(server) == {"private_token_user_unknown"}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "no_registration"),
        (bearer("another-token"), "private_token_wrong"),
        (basic(REGULAR_EMAIL, "wrong"), "wrong_login"),
        ({"Authorization": "Code ZZZZ-ZZZZ"}, "pairing_unknown"),
        ({"Authorization": "Basic !"}, "no_token"),
    ],
)
async def test_wrong_registration_is_401_and_the_operator_reads_why(
    private: RunningServer, headers: dict[str, str], code: str
) -> None:
    answer = await register(private, headers)

    assert answer.status == 401
    assert answer.json["message"]
    [refusal] = private.gateway.refusals.list_refusals(None)
    assert (refusal.code, refusal.path) == (code, f"POST {BASE}/device")


async def test_private_token_counts_for_nothing_unless_it_is_set(server: RunningServer) -> None:
    assert (await register(server, bearer(""))).status == 401
    assert (await register(server, bearer("anything"))).status == 401

    assert codes(server) == {"no_registration", "private_token_off"}


def test_private_token_is_not_among_the_settings_that_are_shown() -> None:
    smsgate = SmsgateServerSettings(private_token=PRIVATE_TOKEN)

    shown = {one.name: one.value for one in list_settings(Settings(smsgate=smsgate), {})}
    unset = {one.name: one.value for one in list_settings(Settings(), {})}

    assert PRIVATE_TOKEN not in str(shown)
    assert (bool(shown["smsgate.private_token"]), unset["smsgate.private_token"]) == (True, "")


@pytest.mark.parametrize("scheme", ["Bearer", "Code"])
async def test_guessing_is_slowed_down(private: RunningServer, scheme: str) -> None:
    for _ in range(60):
        assert (await register(private, {"Authorization": f"{scheme} ZZZZZZZZ"})).status == 401

    answer = await register(private, bearer(PRIVATE_TOKEN))

    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0


async def test_api_key_is_no_login_of_a_phone(server: RunningServer) -> None:
    answer = await register(server, basic(REGULAR_EMAIL, server.regular.key))

    assert answer.status == 401


@pytest.mark.parametrize(
    "fields",
    [{"name": "x" * 129}, {"name": 5}, {"simCards": "none"}, {"simCards": [{"slotIndex": 0}]}],
)
async def test_registration_of_another_form_is_400(
    server: RunningServer, fields: dict[str, Any]
) -> None:
    answer = await register(server, basic(REGULAR_EMAIL, PASSWORD), **fields)

    assert answer.status == 400


async def test_name_and_sims_beyond_what_we_keep_are_cut(server: RunningServer) -> None:
    cards = [{"simNumber": number} for number in (0, 1, 1, 9)]
    answer = await register(
        server, basic(REGULAR_EMAIL, PASSWORD), name=" " + "x" * 100, simCards=cards
    )

    phone = AppPhone(server, answer.json["id"], answer.json["token"])
    assert (await device_of(phone)).name == "x" * 64
    sims = await device_store.list_sims(server.gateway.db, phone.device_id)
    assert [sim.slot for sim in sims] == [1]


# --- PATCH and GET ---


async def test_patch_of_a_known_phone_is_204_and_takes_over_sims_and_version(
    server: RunningServer,
) -> None:
    phone = await app_phone(server, "1.66.2")
    newer = AppPhone(server, phone.id, phone.token, "1.68.0")

    answer = await newer.ask("PATCH", "/device", {"id": phone.id, "simCards": SIMS})

    assert (answer.status, answer.content) == (204, b"")
    assert (await device_of(phone)).app_version == "1.68.0"
    assert len(await device_store.list_sims(server.gateway.db, phone.device_id)) == 1


async def test_app_that_may_not_read_its_sims_keeps_those_it_told_of(
    server: RunningServer,
) -> None:
    phone = await app_phone(server, simCards=SIMS)

    await phone.ask("PATCH", "/device", {"id": phone.id, "simCards": []})

    [sim] = await device_store.list_sims(server.gateway.db, phone.device_id)
    assert sim.is_present


async def test_patch_with_the_id_of_another_phone_is_403(server: RunningServer) -> None:
    phone = await app_phone(server)

    assert (await phone.ask("PATCH", "/device", {"id": server.regular.device_id})).status == 403


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/device"), ("GET", "/message"), ("PATCH", "/message"), ("GET", "/webhooks"),
        ("GET", "/settings"), ("GET", "/events"), ("PATCH", "/user/password"),
    ],
)  # fmt: skip
async def test_unknown_token_is_401_everywhere(
    server: RunningServer, method: str, path: str
) -> None:
    headers = bearer("txd_" + "0" * 60)
    assert (await server.request(method, BASE + path, headers=headers)).status == 401
    assert (await server.request(method, BASE + path)).status == 401
    # Of a phone, but not of this app.
    other = bearer(server.regular.device_token)
    assert (await server.request(method, BASE + path, headers=other)).status == 401

    assert codes(server) == {"restart_app", "no_token"}


async def test_phone_whose_device_was_deleted_is_401_and_named(server: RunningServer) -> None:
    phone = await app_phone(server)
    await server.gateway.devices.delete(operator(), phone.device_id)

    answer = await phone.ask("PATCH", "/device", {"id": phone.id})

    assert answer.status == 401
    [refusal] = server.gateway.refusals.list_refusals(server.regular.user.id)
    assert (refusal.code, refusal.phone.device_name) == ("restart_app", "Google/oriole")


async def test_anybody_may_ask_where_they_come_from(server: RunningServer) -> None:
    phone = await app_phone(server)

    stranger = await server.request("GET", f"{BASE}/device")
    unknown = await server.request("GET", f"{BASE}/device", headers=bearer("x"))
    known = await phone.ask("GET", "/device")

    assert stranger.json == unknown.json == {"externalIp": "127.0.0.1"}
    assert known.json["device"] == {"id": phone.id, "name": "Google/oriole"}


async def test_phone_with_a_push_token_is_noted_as_one_that_waits_for_google(
    server: RunningServer,
) -> None:
    phone = await app_phone(server, pushToken="token-of-google")

    [refusal] = server.gateway.refusals.list_refusals(server.regular.user.id)

    assert (refusal.code, refusal.phone.device_id) == ("waits_for_push", phone.device_id)
    assert "stopped and started" in refusal.reason


# --- the password ---


async def test_password_is_changed_from_the_phone(server: RunningServer) -> None:
    phone = await app_phone(server)
    body = {"currentPassword": PASSWORD, "newPassword": "a longer password"}

    assert (await phone.ask("PATCH", "/user/password", body)).status == 204

    assert (await register(server, basic(REGULAR_EMAIL, PASSWORD))).status == 401
    assert (await register(server, basic(REGULAR_EMAIL, "a longer password"))).status == 201
    assert await phone.messages() == []  # its token stays


@pytest.mark.parametrize(
    ("current", "new", "status"), [("wrong", "a longer password", 401), (PASSWORD, "short", 400)]
)
async def test_password_is_not_changed_without_the_old_one_or_to_a_short_one(
    server: RunningServer, current: str, new: str, status: int
) -> None:
    phone = await app_phone(server)

    body = {"currentPassword": current, "newPassword": new}

    assert (await phone.ask("PATCH", "/user/password", body)).status == status


# --- the API URL ---


@pytest.mark.parametrize(
    "base",
    ["/mobile/v1", "/api/mobile/v1/", "/mobile/v1/", "", "/", "/api", "/api/mobile", "/mobile"],
)
async def test_api_url_with_a_slip_of_the_pen_works(server: RunningServer, base: str) -> None:
    answer = await register(server, basic(REGULAR_EMAIL, PASSWORD), base=base)
    assert answer.status == 201
    phone = AppPhone(server, answer.json["id"], answer.json["token"])

    assert (await phone.ask("GET", "/message?order=lifo", base=base)).json == []
    assert (await phone.ask("GET", "/messages", base=base)).json == []
    assert (await phone.ask("GET", "/user/code", base=base)).status == 401


def is_of_smsgate(answer: Answer) -> bool:
    return {"message", "code"} <= set(answer.json)


@pytest.mark.parametrize(
    "path", ["/api/mobile/v2/device", "/api/mobile/v1/nothing", "/mobile/v1", "/api/mobile/v1/a/b"]
)
async def test_wrong_path_says_what_is_right(server: RunningServer, path: str) -> None:
    answer = await server.request("POST", path, {})

    assert (answer.status, is_of_smsgate(answer)) == (404, True)
    assert "/api/mobile/v1" in answer.json["message"]
    [refusal] = server.gateway.refusals.list_refusals(None)
    assert (refusal.code, refusal.path) == ("wrong_path", f"POST {BASE}/…")


async def test_app_gives_itself_away_wherever_it_knocks(server: RunningServer) -> None:
    agent = {"User-Agent": "me.capcom.smsgateway/1.68.0"}

    answer = await server.request("POST", "/sms/secret-folder/device", {}, headers=agent)

    assert answer.status == 404
    [refusal] = server.gateway.refusals.list_refusals(None)
    assert (refusal.code, refusal.path) == ("wrong_path", f"POST {BASE}/…")


async def test_wrong_method_is_405_in_this_shape(server: RunningServer) -> None:
    answer = await server.request("DELETE", f"{BASE}/device")

    assert (answer.status, is_of_smsgate(answer)) == (405, True)
