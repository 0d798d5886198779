"""TextLink as its vendor documents it and its clients read it; see docs/dialects/textlink.md."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import Answer, Person, RunningServer, make_person, running_server
from textko_server.clock import MINUTE_MS
from textko_server.config import MessageSettings, ServerSettings
from textko_server.http.dialects import textlink
from textko_server.model import Role

PHONE = "+251912345678"
SMS = {"phone_number": PHONE, "text": "Hello"}
TAG_PATHS = ["/api/update-contect-tag", "/api/update-contact-tag"]
PATHS = ["/api/send-sms", "/api/send-code", "/api/verify-code", *TAG_PATHS]
NO_VERIFICATION = {"ok": False, "message": "No active verification for this number"}


def bearer(person: Person) -> dict[str, str]:
    return {"Authorization": f"Bearer {person.key}"}


async def post(server: RunningServer, path: str, body: Any, **headers: str) -> Answer:
    """As the regular user's application."""
    return await server.request("POST", path, body, headers=bearer(server.regular) | headers)


async def send(server: RunningServer, **fields: Any) -> Any:
    answer = await post(server, "/api/send-sms", SMS | fields)
    assert answer.status == 200, answer
    return answer.json


async def send_code(server: RunningServer, phone: str = PHONE, **fields: Any) -> str:
    answer = await post(server, "/api/send-code", {"phone_number": phone, **fields})
    assert answer.status == 200, answer
    assert set(answer.json) == {"ok", "code"}, answer
    code: str = answer.json["code"]
    return code


async def verify(server: RunningServer, code: Any, phone: str = PHONE) -> Any:
    answer = await post(server, "/api/verify-code", {"phone_number": phone, "code": code})
    assert answer.status == 200, answer
    return answer.json


async def sent_rows(server: RunningServer, *columns: str) -> list[tuple[Any, ...]]:
    sql = (
        f"SELECT {', '.join(columns)} FROM messages AS m JOIN recipients AS r"  # noqa: S608 - names of columns from tests
        " ON r.message_id = m.id ORDER BY r.id"
    )
    return await server.gateway.db.fetch_all(sql)


async def sim_id_of(server: RunningServer, person: Person) -> int:
    [sim] = await server.gateway.devices.list_sims(person.device.id)
    return sim.id


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


# --- send-sms ---


async def test_text_to_an_account_without_a_phone_online_is_queued(server: RunningServer) -> None:
    answer = await send(server)

    assert answer == {"ok": True, "queued": True}
    columns = ("m.text", "m.dialect", "r.phone_number", "r.state", "m.priority")
    assert await sent_rows(server, *columns) == [("Hello", "textlink", PHONE, "queued", 5)]


async def test_success_says_ok_and_nothing_else_when_a_phone_is_online(
    server: RunningServer,
) -> None:
    await server.sync(server.regular)

    assert await send(server) == {"ok": True}


async def test_phone_of_another_account_or_switched_off_does_not_count_as_online(
    server: RunningServer,
) -> None:
    await server.sync(server.admin)
    first = await send(server)
    await server.sync(server.regular)
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    await server.gateway.devices.update(principal, server.regular.device.id, is_enabled=False)
    second = await send(server)

    assert first == second == {"ok": True, "queued": True}


async def test_phone_takes_the_text_and_custom_id_is_kept(server: RunningServer) -> None:
    await send(server, custom_id="order 7")

    [job] = (await server.sync(server.regular, capacity=5))["offers"]

    assert (job["phoneNumber"], job["text"]) == (PHONE, "Hello")
    assert await sent_rows(server, "m.custom_id") == [("order 7",)]


@pytest.mark.parametrize("as_text", [False, True])
async def test_sim_card_id_pins_the_text_to_that_sim(server: RunningServer, as_text: bool) -> None:
    await server.sync(server.regular)
    sim_id = await sim_id_of(server, server.regular)

    answer = await send(server, sim_card_id=str(sim_id) if as_text else sim_id)

    assert answer == {"ok": True}
    assert await sent_rows(server, "r.sim_id", "r.lane") == [(sim_id, f"s{sim_id}")]


@pytest.mark.parametrize("sim_card_id", [999_999, "999999", -1, 0, "one", 10**30, "9" * 40, " "])
async def test_unknown_sim_card_is_refused(server: RunningServer, sim_card_id: Any) -> None:
    answer = await send(server, sim_card_id=sim_card_id)

    assert answer == {"ok": False, "message": "No such SIM card in your account"}
    assert await sent_rows(server, "1") == []


async def test_sim_card_of_another_account_is_refused_like_an_unknown_one(
    server: RunningServer,
) -> None:
    foreign = await send(server, sim_card_id=await sim_id_of(server, server.admin))
    unknown = await send(server, sim_card_id=999_999)

    assert foreign == unknown


async def test_key_for_some_devices_may_not_name_the_sim_of_another(server: RunningServer) -> None:
    other = await make_person(server.gateway, "other@example.org", Role.REGULAR)
    sim_id = await sim_id_of(server, server.regular)
    await server.gateway.db.write(
        lambda tx: tx.execute(
            "UPDATE devices SET user_id = ? WHERE id = ?",
            (server.regular.user.id, other.device.id),
        )
    )
    _, key = await server.gateway.api_keys.create_key(
        server.regular.user.id, "one device", device_ids=[other.device.id]
    )
    body = SMS | {"sim_card_id": sim_id}

    answer = await server.request(
        "POST", "/api/send-sms", body, headers={"Authorization": f"Bearer {key}"}
    )

    assert answer.json == {"ok": False, "message": "No such SIM card in your account"}


async def second_phone(server: RunningServer, country: str) -> int:
    """Another phone of the regular user, online, with one SIM of that country; its SIM."""
    code = await server.gateway.pairing.create_code(server.regular.user.id)
    sims = [{"slot": 1, "countryIso": country}]
    answer = await server.request(
        "POST", "/device/v1/pair", {"code": code.code, "name": "second", "sims": sims}
    )
    headers = {"Authorization": f"Bearer {answer.json['token']}"}
    await server.request("POST", "/device/v1/sync?wait=0", {}, headers=headers)
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    devices = await server.gateway.devices.list_devices(principal)
    [sim] = await server.gateway.devices.list_sims(devices[-1].id)
    return sim.id


@pytest.mark.parametrize(("country", "is_pinned"), [("DE", True), ("ET", False), ("US", False)])
async def test_source_country_prefers_a_sim_of_it_that_is_online(
    server: RunningServer, country: str, is_pinned: bool
) -> None:
    german_sim_id = await second_phone(server, "de")  # the other phone's, ET, is offline

    answer = await send(server, source_country=country)

    assert answer == {"ok": True}
    # The German SIM is the only one online: there is nothing to prefer it to.
    assert await sent_rows(server, "r.sim_id") == [(None,)]
    await server.sync(server.regular)
    await send(server, source_country=country)
    [_, (sim_id,)] = await sent_rows(server, "r.sim_id")
    ethiopian_sim_id = await sim_id_of(server, server.regular)
    assert sim_id == {"DE": german_sim_id, "ET": ethiopian_sim_id, "US": None}[country]
    assert (sim_id == german_sim_id) is is_pinned


async def test_empty_strings_count_as_absent_and_unknown_fields_are_ignored(
    server: RunningServer,
) -> None:
    answer = await send(
        server, sim_card_id="", custom_id="", source_country="", device_id="x", sim_id=[1]
    )

    assert answer["ok"] is True
    assert await sent_rows(server, "m.custom_id", "r.sim_id") == [(None, None)]


async def test_repeated_request_with_an_idempotency_key_sends_once(server: RunningServer) -> None:
    headers = {"Idempotency-Key": "order-7"}

    answers = [await post(server, "/api/send-sms", SMS, **headers) for _ in range(2)]

    assert [a.json for a in answers] == [{"ok": True, "queued": True}] * 2
    assert len(await sent_rows(server, "1")) == 1
    other = await post(server, "/api/send-sms", SMS | {"text": "Other"}, **headers)
    assert (other.status, other.json["ok"]) == (422, False)


async def test_number_is_stored_in_one_spelling(server: RunningServer) -> None:
    await send(server, phone_number="00251 91-234 (5678)")

    assert await sent_rows(server, "r.phone_number") == [(PHONE,)]


@pytest.mark.parametrize("number", ["+1234567890", "+11234567890", "+123456789", "0712345678"])
async def test_sample_numbers_of_the_documents_are_taken(
    server: RunningServer, number: str
) -> None:
    assert (await send(server, phone_number=number))["ok"] is True


@pytest.mark.parametrize("number", ["abc", "+", "12", "+1234567890123456", "٠١٢٣٤٥٦٧"])
@pytest.mark.parametrize("path", PATHS)
async def test_what_cannot_be_a_number_is_refused(
    server: RunningServer, path: str, number: str
) -> None:
    body = {"phone_number": number, "text": "Hello", "code": "123456", "tag": "VIP"}

    answer = await post(server, path, body)

    assert answer.status == 200
    assert answer.json["ok"] is False
    assert answer.json["message"].startswith("Invalid phone number: ")


async def test_text_too_long_to_send_is_refused(tmp_path: Path) -> None:
    async with running_server(tmp_path, messages=MessageSettings(max_segments=2)) as server:
        refused = await send(server, text="a" * 307)
        accepted = await send(server, text="a" * 306)

    assert refused["ok"] is False
    assert "3 segments" in refused["message"]
    assert accepted["ok"] is True


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("monthly_limit", 0, "monthly limit of 0 messages reached"),
        ("credits", 0, "1 credits needed, 0 left"),
        ("subscription_ends_at", START_MS, "subscription has ended"),
    ],
)
@pytest.mark.parametrize("path", ["/api/send-sms", "/api/send-code"])
async def test_account_that_may_send_no_more_is_refused_with_200(
    server: RunningServer, path: str, column: str, value: int, reason: str
) -> None:
    await server.gateway.db.write(
        lambda tx: tx.execute(
            f"UPDATE users SET {column} = ? WHERE id = ?",  # noqa: S608 - a constant of this test
            (value, server.regular.user.id),
        )
    )

    answer = await post(server, path, SMS)

    assert answer.status == 200
    assert answer.json["ok"] is False
    assert reason in answer.json["message"]
    assert await sent_rows(server, "1") == []


# --- codes ---


async def test_code_is_sent_first_of_all_in_the_vendors_words(server: RunningServer) -> None:
    await send(server)

    code = await send_code(server, service_name="Tribal")

    assert len(code) == 6
    assert code.isascii()
    assert code.isdigit()
    [_, row] = await sent_rows(server, "m.text", "m.priority", "r.expires_at", "m.dialect")
    text = f"Your verification code for Tribal is: {code}"
    assert row == (text, 0, START_MS + 600_000, "textlink")
    [first, _] = (await server.sync(server.regular, capacity=2))["offers"]
    assert first["text"] == text


@pytest.mark.parametrize("service_name", ["", None])
async def test_code_without_a_service_name_has_no_for(
    server: RunningServer, service_name: str | None
) -> None:
    code = await send_code(server, service_name=service_name)

    assert await sent_rows(server, "m.text") == [(f"Your verification code is: {code}",)]


async def test_leading_zeros_of_a_code_are_kept(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _bound: 42)

    code = await send_code(server)

    assert code == "000042"
    assert (await verify(server, "42"))["ok"] is False
    assert (await verify(server, 42)) == {"ok": True}  # as a number it has lost them


async def test_right_code_counts_once(server: RunningServer) -> None:
    code = await send_code(server)

    assert await verify(server, f" {code} ") == {"ok": True}
    assert await verify(server, code) == NO_VERIFICATION


async def test_code_is_stored_only_as_a_hash(server: RunningServer) -> None:
    code = await send_code(server)

    rows = await server.gateway.db.fetch_all("SELECT * FROM verifications")

    assert code not in repr(rows)
    assert [len(row[2]) for row in rows] == [32]


@pytest.mark.parametrize("lifetime_ms", [30_000, "30000", 600_000, 86_400_000])
async def test_code_is_good_for_its_time_and_no_longer(
    server: RunningServer, clock: FrozenClock, lifetime_ms: Any
) -> None:
    numbers = [PHONE, PHONE + "9"]
    codes = [await send_code(server, n, expiration_time=lifetime_ms) for n in numbers]

    clock.advance(int(lifetime_ms) - 1)
    assert await verify(server, codes[0], numbers[0]) == {"ok": True}
    clock.advance(1)
    assert await verify(server, codes[1], numbers[1]) == {"ok": False, "message": "Code expired"}
    assert {at for (at,) in await sent_rows(server, "r.expires_at")} == {
        START_MS + int(lifetime_ms)
    }


@pytest.mark.parametrize("value", [1_000, 29_999, 86_400_001, 0, -5, 10**30, "soon", "1e9", "٣"])
async def test_lifetime_out_of_bounds_sends_nothing(server: RunningServer, value: Any) -> None:
    body = {"phone_number": PHONE, "expiration_time": value}

    answer = await post(server, "/api/send-code", body)

    assert answer.status == 400
    assert "30000 to 86400000" in answer.json["message"]
    assert await sent_rows(server, "1") == []


async def test_fifth_wrong_try_kills_the_code(server: RunningServer) -> None:
    code = await send_code(server)

    tries = [await verify(server, wrong(code)) for _ in range(5)]

    assert tries == [{"ok": False, "message": "Invalid code"}] * 5
    assert await verify(server, code) == {"ok": False, "message": "Too many attempts"}


async def test_fourth_wrong_try_leaves_the_code(server: RunningServer) -> None:
    code = await send_code(server)
    for _ in range(4):
        await verify(server, wrong(code))

    assert await verify(server, code) == {"ok": True}


async def test_new_code_replaces_the_old_one_and_the_tries_at_it(
    server: RunningServer, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = iter([1, 2])
    monkeypatch.setattr("secrets.randbelow", lambda _bound: next(codes))
    old = await send_code(server)
    for _ in range(5):
        await verify(server, "999999")
    clock.advance(30_000)
    new = await send_code(server)

    assert await verify(server, old) == {"ok": False, "message": "Invalid code"}
    assert await verify(server, new) == {"ok": True}


async def test_codes_to_a_number_come_30_seconds_apart(
    server: RunningServer, clock: FrozenClock
) -> None:
    code = await send_code(server)
    clock.advance(29_001)

    refused = await post(server, "/api/send-code", {"phone_number": PHONE})

    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert refused.json["ok"] is False
    assert await send_code(server, PHONE + "9")  # another number is another matter
    clock.advance(999)
    await send_code(server)
    assert len(await sent_rows(server, "1")) == 3
    assert code


async def test_sixth_code_within_an_hour_is_refused(
    server: RunningServer, clock: FrozenClock
) -> None:
    for _ in range(5):
        await send_code(server)
        clock.advance(10 * MINUTE_MS)

    refused = await post(server, "/api/send-code", {"phone_number": PHONE})

    assert (refused.status, refused.headers["Retry-After"]) == (429, "600")
    clock.advance(10 * MINUTE_MS)
    assert await send_code(server)


async def test_refused_code_is_not_counted_and_leaves_the_one_before(
    server: RunningServer, clock: FrozenClock
) -> None:
    code = await send_code(server)
    clock.advance(MINUTE_MS)
    await server.gateway.db.write(lambda tx: tx.execute("UPDATE users SET credits = 0"))

    refused = await post(server, "/api/send-code", {"phone_number": PHONE})

    assert refused.json["ok"] is False
    assert await verify(server, code) == {"ok": True}


async def test_code_of_one_account_means_nothing_in_another(server: RunningServer) -> None:
    code = await send_code(server)
    body = {"phone_number": PHONE, "code": code}

    foreign = await server.request("POST", "/api/verify-code", body, headers=bearer(server.admin))

    assert foreign.json == NO_VERIFICATION
    assert await verify(server, code) == {"ok": True}


async def test_number_is_the_same_in_whatever_spelling(server: RunningServer) -> None:
    code = await send_code(server, "+251 91 234 5678")

    assert await verify(server, code, "00251912345678") == {"ok": True}


async def test_old_codes_are_forgotten_as_new_ones_are_sent(
    server: RunningServer, clock: FrozenClock
) -> None:
    for number in range(12):
        await send_code(server, f"{PHONE}{number}")
    clock.advance(2 * 24 * 60 * MINUTE_MS)

    await send_code(server)
    await send_code(server, PHONE + "99")

    rows = await server.gateway.db.fetch_all("SELECT phone_number FROM verifications")
    assert {number for (number,) in rows} == {PHONE, PHONE + "99"}


async def test_right_code_tried_many_times_at_once_counts_once(server: RunningServer) -> None:
    code = await send_code(server)

    answers = await asyncio.gather(*(verify(server, code) for _ in range(20)))

    assert sorted(answer["ok"] for answer in answers) == [False] * 19 + [True]


async def test_guesses_at_once_are_no_more_than_five(server: RunningServer) -> None:
    code = await send_code(server)

    answers = await asyncio.gather(*(verify(server, wrong(code)) for _ in range(20)))

    told = [answer["message"] for answer in answers]
    assert (told.count("Invalid code"), told.count("Too many attempts")) == (5, 15)


async def test_codes_asked_for_at_once_are_one(server: RunningServer) -> None:
    body = {"phone_number": PHONE}

    answers = await asyncio.gather(*(post(server, "/api/send-code", body) for _ in range(10)))

    assert sorted(answer.status for answer in answers) == [200] + [429] * 9
    assert len(await sent_rows(server, "1")) == 1


# --- tags ---


@pytest.mark.parametrize("path", TAG_PATHS)
async def test_tag_is_kept_and_each_change_of_it_told_once(
    server: RunningServer, path: str
) -> None:
    await server.gateway.webhooks.create(
        server.regular.user.id,
        url="http://127.0.0.1:9/",
        events=["received", "tag"],
        payload_format="textlink",
    )

    for tag in ("cold", "cold", "VIP ✨", "", "", None):
        answer = await post(server, path, {"phone_number": PHONE, "tag": tag})
        assert (answer.status, answer.json) == (200, {"ok": True})

    deliveries = await server.gateway.webhook_log.list_deliveries(server.regular.user.id)
    bodies = [msgspec.json.decode(d.body) for d in reversed(deliveries)]
    assert bodies == [{"phone_number": PHONE, "tag": tag} for tag in ("cold", "VIP ✨", "")]


async def test_received_message_carries_tag_and_name_of_its_contact(server: RunningServer) -> None:
    await server.gateway.webhooks.create(
        server.regular.user.id,
        url="http://127.0.0.1:9/",
        events=["received", "tag"],
        payload_format="textlink",
    )
    await post(server, TAG_PATHS[0], {"phone_number": PHONE, "tag": "cold"})
    await server.gateway.db.write(
        lambda tx: tx.execute("UPDATE contacts SET first_name = 'Ada', last_name = 'L.'")
    )
    await post(server, TAG_PATHS[0], {"phone_number": PHONE, "tag": "warm"})
    incoming = {"id": "1", "from": PHONE, "text": "Hi", "receivedAt": START_MS, "simSlot": 1}
    await server.sync(server.regular, incoming=[incoming])

    deliveries = await server.gateway.webhook_log.list_deliveries(server.regular.user.id)

    assert msgspec.json.decode(deliveries[1].body) == {
        "name": "Ada L.", "phone_number": PHONE, "tag": "warm",
    }  # fmt: skip
    assert list(msgspec.json.decode(deliveries[0].body).items()) == [
        ("phone_number", PHONE),
        ("text", "Hi"),
        ("tag", "warm"),
        ("name", "Ada L."),
        ("sim_card_id", await sim_id_of(server, server.regular)),
        ("timestamp", START_MS),
    ]


async def test_tags_of_two_accounts_are_apart(server: RunningServer) -> None:
    body = {"phone_number": PHONE, "tag": "cold"}
    await post(server, TAG_PATHS[0], body)
    await server.request("POST", TAG_PATHS[0], body | {"tag": "VIP"}, headers=bearer(server.admin))

    rows = await server.gateway.db.fetch_all(
        "SELECT textlink_tag FROM contacts ORDER BY user_id DESC"
    )

    assert rows == [("cold",), ("VIP",)]


# --- who may ---


@pytest.mark.parametrize("path", PATHS)
async def test_whoever_shows_no_good_key_is_told_so(server: RunningServer, path: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {'x' * 64}"},
        {"Authorization": f"Basic {server.regular.key}"},
        {"Authorization": "Bearer"},
        server.regular.jwt_headers,  # a login is no application
    ):
        answer = await server.request("POST", path, SMS, headers=headers)
        assert (answer.status, answer.json) == (
            401, {"ok": False, "message": "API key not found"},
        )  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_key_needs_the_scope_of_what_it_does(server: RunningServer, path: str) -> None:
    scope = "manage_contacts" if path in TAG_PATHS else "send_sms"
    other = "send_sms" if path in TAG_PATHS else "manage_contacts"
    body = {"phone_number": PHONE, "text": "Hi", "code": "1"}

    def with_key(headers: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {headers['x-api-key']}"}

    good = with_key(await server.make_key(server.regular, scope))
    bad = with_key(await server.make_key(server.regular, other))
    allowed = await server.request("POST", path, body, headers=good)
    refused = await server.request("POST", path, body, headers=bad)

    assert allowed.status == 200
    assert (refused.status, refused.json["ok"]) == (403, False)
    assert scope in refused.json["message"]


async def test_revoked_key_is_not_found(server: RunningServer) -> None:
    await server.gateway.api_keys.revoke_key(server.regular.user.id, server.regular.api_key.id)

    answer = await post(server, "/api/send-sms", SMS)

    assert (answer.status, answer.json["message"]) == (401, "API key not found")


# --- the shape of everything ---


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/api/send-sms", {"text": "Hi"}, "You have not specified the recipient phone number."),
        (
            "/api/send-sms",
            {"phone_number": "", "text": "Hi"},
            "You have not specified the recipient phone number.",
        ),
        ("/api/send-sms", {"phone_number": PHONE}, "You have not specified the message body."),
        ("/api/send-sms", SMS | {"text": ""}, "You have not specified the message body."),
        ("/api/send-sms", SMS | {"text": " \n"}, "You have not specified the message body."),
        ("/api/send-code", {}, "You have not specified the recipient phone number."),
        ("/api/verify-code", {"code": "1"}, "You have not specified the recipient phone number."),
        (
            "/api/verify-code",
            {"phone_number": PHONE, "code": ""},
            "You have not specified the verification code.",
        ),
        (TAG_PATHS[0], {"tag": "x"}, "You have not specified the recipient phone number."),
        (TAG_PATHS[0], {"phone_number": PHONE, "tag": "x" * 256}, "tag: may have at most 255"),
        ("/api/send-sms", SMS | {"custom_id": "x" * 256}, "custom_id: may have at most 255"),
        (
            "/api/send-code",
            {"phone_number": PHONE, "service_name": "x" * 101},
            "service_name: may have at most 100",
        ),
        ("/api/send-sms", [SMS], "expected object, got array"),
        ("/api/send-sms", b"", "the body is not valid JSON"),
        ("/api/send-sms", b"{", "the body is not valid JSON"),
        ("/api/send-sms", SMS | {"phone_number": 251}, "phone_number: expected "),
    ],
)
async def test_bad_request_is_named(
    server: RunningServer, path: str, body: Any, message: str
) -> None:
    answer = await post(server, path, body)

    assert answer.status == 400
    assert answer.json["message"].startswith(message)


async def test_path_takes_a_trailing_slash(server: RunningServer) -> None:
    for path in PATHS:
        body = SMS | {"code": "123456"}
        answer = await post(server, path + "/", body)
        assert (answer.status, "ok" in answer.json) == (200, True)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_refused_in_json(
    server: RunningServer, method: str, path: str
) -> None:
    answer = await server.request(method, path, headers=bearer(server.regular))

    assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    assert answer.json["ok"] is False


@pytest.mark.parametrize("tail", ["/queue", "/status", "/get_messages", "/x", "//"])
async def test_unknown_path_below_is_refused_in_json(server: RunningServer, tail: str) -> None:
    for path in PATHS:
        answer = await post(server, path + tail, SMS)
        assert answer.status == 404
        assert set(answer.json) == {"ok", "message"}


async def test_body_over_the_limit_is_refused_in_json(tmp_path: Path) -> None:
    settings = ServerSettings(data_dir=tmp_path, listen="127.0.0.1:0", max_body_bytes=2_000)
    async with running_server(tmp_path, server=settings) as server:
        answer = await post(server, "/api/send-sms", b" " * 2_001)

    assert (answer.status, answer.json["ok"]) == (413, False)


async def test_crash_is_answered_in_json(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def crash(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("a defect")

    monkeypatch.setattr(server.gateway.senders, "choose", crash)

    answer = await post(server, "/api/send-sms", SMS)

    assert (answer.status, answer.json["ok"]) == (500, False)
    assert "a defect" not in answer.content.decode()
    assert "request_crashed" in caplog.text


async def test_body_may_come_in_chunks_and_without_a_content_type(server: RunningServer) -> None:
    async def chunks() -> Any:
        yield b'{"phone_number":"+251912345678",'
        yield b'"text":"Hello"}'

    async with server.http.post(
        server.url + "/api/send-sms",
        data=chunks(),
        headers=bearer(server.regular),
        skip_auto_headers=["User-Agent", "Content-Type"],
    ) as response:
        assert (response.status, (await response.json())["ok"]) == (200, True)


ODD_VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**19, "", " ", "x", "\x00", "\ud83d", "👋", "+251912345678",
    [], [1], {}, {"a": 1}, "9" * 5_000,
]  # fmt: skip
ODD_BODIES = [
    b"", b"null", b"[]", b'"x"', b"5", b"{", b"{}", b"\xff\xfe", b'{"phone_number": "\\ud83d"}',
    b'{"phone_number":"+251912345678","text":"\\ud83d\\u0000"}', b"[" * 5_000, b"{" * 5_000,
    b'{"phone_number":"+251912345678","text":"x","custom_id":' + b"9" * 6_000 + b"}",
    b'{"phone_number":"+251912345678","text":"x","sim_card_id":' + b"9" * 6_000 + b"}",
    b'{"phone_number":"+251912345678","text":"x","code":' + b"9" * 6_000 + b"}",
    b'{"phone_number":"+251912345678","expiration_time":NaN}',
    b'{"phone_number":"+251912345678","expiration_time":1e400}',
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
async def test_no_body_whatever_is_answered_with_a_crash_or_without_ok(
    server: RunningServer, path: str
) -> None:
    chooser = random.Random(7)  # noqa: S311 - the same odd bodies at every run
    names = [
        "phone_number", "text", "sim_card_id", "custom_id", "service_name", "expiration_time",
        "source_country", "code", "tag",
    ]  # fmt: skip
    bodies = [*ODD_BODIES]
    for name in names:
        bodies += [_encoded(SMS | {"code": "123456", name: value}) for value in ODD_VALUES]
    for _ in range(40):
        bodies.append(_encoded({name: chooser.choice(ODD_VALUES) for name in names}))

    for body in bodies:
        answer = await post(server, path, body)
        assert answer.status in (200, 400, 429), (body[:200], answer)
        assert isinstance(answer.json["ok"], bool), answer
        assert ("message" in answer.json) is not answer.json["ok"], answer
        assert answer.headers["Content-Type"].startswith("application/json")


def _encoded(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()


def test_every_endpoint_can_be_described() -> None:
    assert [endpoint.path for endpoint in textlink.ENDPOINTS] == PATHS
    for endpoint in textlink.ENDPOINTS:
        assert endpoint.summary.endswith("."), endpoint.path
        for shape in (endpoint.body, endpoint.answer):
            assert issubclass(shape, msgspec.Struct)
