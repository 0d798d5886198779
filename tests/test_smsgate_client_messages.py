"""SMSGate's API for applications: sending, lists and cancels, request by request."""

import asyncio
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import Answer, RunningServer
from tests.smsgate_clients import BASE, basic, receive_over_the_air, send_over_the_air
from textko_server.clock import HOUR_MS, MINUTE_MS, iso_utc_ms
from textko_server.gateway.principals import of_user

PHONE, ANOTHER = "+251912345678", "+251912345679"
HELLO = {"textMessage": {"text": "Hello"}, "phoneNumbers": [PHONE]}


async def ask(server: RunningServer, method: str, path: str, body: Any = None) -> Answer:
    headers = basic(server.regular)
    return await server.request(method, BASE + path, body, headers=headers)


async def send(server: RunningServer, query: str = "", **fields: Any) -> Answer:
    return await ask(server, "POST", f"/messages{query}", HELLO | fields)


async def state_of(server: RunningServer, message_id: str) -> Any:
    return (await ask(server, "GET", f"/messages/{message_id}")).json


async def stored(server: RunningServer, *columns: str) -> Any:
    """Of the only recipient there is, with its message."""
    [row] = await server.gateway.db.fetch_all(
        f"SELECT {', '.join(columns)}"  # noqa: S608 - names of columns from tests
        " FROM messages AS m JOIN recipients AS r ON r.message_id = m.id"
    )
    return row[0] if len(columns) == 1 else row


async def test_message_is_accepted_with_the_place_to_ask_for_it(server: RunningServer) -> None:
    answer = await send(server)

    assert answer.status == 202
    message_id = answer.json["id"]
    assert answer.headers["Location"] == f"{BASE}/messages/{message_id}"
    assert answer.json == {
        "id": message_id,
        "deviceId": "",
        "state": "Pending",
        "isHashed": False,
        "isEncrypted": False,
        "recipients": [{"phoneNumber": PHONE, "state": "Pending"}],
        "states": {"Pending": iso_utc_ms(server.clock.now_ms())},
        "textMessage": {"text": "Hello"},
        "createdAt": iso_utc_ms(server.clock.now_ms()),
    }
    assert (await state_of(server, message_id)) == answer.json


@pytest.mark.parametrize("prefix", ["/api/3rdparty/v1", "/3rdparty/v1", "/api/3rdparty/v1/"])
@pytest.mark.parametrize("path", ["/message", "/messages", "/messages/"])
async def test_every_spelling_of_the_path_sends(
    server: RunningServer, prefix: str, path: str
) -> None:
    body = {"message": "Hello", "phoneNumbers": [PHONE]}

    sent = await server.request("POST", prefix + path, body, headers=basic(server.regular))
    where = sent.headers["Location"]
    read = await server.request("GET", where, headers=basic(server.regular))

    assert (sent.status, read.status) == (202, 200)
    assert read.json["textMessage"] == {"text": "Hello"}


async def test_id_of_the_application_sends_once(server: RunningServer) -> None:
    first = await send(server, id="order-17")
    second = await send(server, id="order-17", textMessage={"text": "Another"})

    assert first.json["id"] == "order-17"
    assert (second.status, second.json["message"]) == (409, "duplicate id")
    assert (await state_of(server, "order-17"))["textMessage"] == {"text": "Hello"}
    assert await stored(server, "m.text") == "Hello"


async def test_one_of_many_at_once_with_an_id_is_sent(server: RunningServer) -> None:
    answers = await asyncio.gather(*(send(server, id="order-17") for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [202] + [409] * 19
    assert await stored(server, "m.text") == "Hello"


async def test_accounts_do_not_meet_in_an_id(server: RunningServer) -> None:
    await send(server, id="order-17")

    theirs = await server.request("GET", f"{BASE}/messages/order-17", headers=basic(server.admin))
    sent = await server.request(
        "POST", f"{BASE}/messages", HELLO | {"id": "order-17"}, headers=basic(server.admin)
    )

    assert (theirs.status, sent.status) == (404, 202)


async def test_message_of_another_account_is_absent_even_for_an_admin(
    server: RunningServer,
) -> None:
    message_id = (await send(server)).json["id"]

    for method in ("GET", "DELETE"):
        answer = await server.request(
            method, f"{BASE}/messages/{message_id}", headers=basic(server.admin)
        )
        assert answer.status == 404


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"textMessage": None}, "textMessage"),
        ({"message": "twice"}, "textMessage"),
        ({"textMessage": {"text": "  "}}, "message"),
        ({"textMessage": None, "mmsMessage": {"text": "Hi"}}, "mmsMessage"),
        ({"phoneNumbers": []}, "phoneNumbers"),
        ({"phoneNumbers": ["nobody"]}, "phoneNumbers[0]"),
        ({"phoneNumbers": [PHONE, "+251 91 234 5678"]}, "phoneNumbers"),
        ({"phoneNumbers": [f"+2519{n:08}" for n in range(101)]}, "phoneNumbers"),
        ({"id": "x" * 37}, "id"),
        ({"deviceId": "0" * 24}, "deviceId"),
        ({"simNumber": 0}, "simNumber"),
        ({"simNumber": 2}, "simNumber"),
        ({"priority": 128}, "priority"),
        ({"ttl": 4}, "ttl"),
        ({"ttl": 60, "validUntil": "2030-01-01T00:00:00Z"}, "ttl"),
        ({"validUntil": "2020-01-01T00:00:00Z"}, "validUntil"),
        ({"validUntil": "2030-01-01T00:00:00"}, "validUntil"),
        ({"scheduleAt": "tomorrow"}, "scheduleAt"),
        ({"scheduleAt": "2020-01-01T00:00:00Z"}, "scheduleAt"),
        ({"scheduleAt": "2026-01-16T00:00:00Z", "ttl": 5}, "scheduleAt"),
        ({"isEncrypted": True}, "deviceId"),
        (
            {"textMessage": None, "dataMessage": {"data": "aGk=", "port": 53739}},
            "deviceId",
        ),
        ({"textMessage": None, "dataMessage": {"data": "?", "port": 1}}, "dataMessage.data"),
        ({"textMessage": None, "dataMessage": {"data": "aGk=", "port": 0}}, "dataMessage.port"),
    ],
)
async def test_wrong_message_is_refused_naming_the_field(
    server: RunningServer, fields: dict[str, Any], field: str
) -> None:
    answer = await send(server, **fields)

    assert answer.status == 400
    assert answer.json["code"] == 400
    assert answer.json["message"].startswith(f"{field}: ")


async def test_account_without_a_device_is_told_so(server: RunningServer) -> None:
    await ask(server, "DELETE", f"/devices/{server.regular.device_id}")

    answer = await send(server)

    assert answer.status == 400
    assert "no device" in answer.json["message"]


async def test_account_whose_last_device_goes_is_told_so(server: RunningServer) -> None:
    before = await send(server)
    await ask(server, "DELETE", f"/devices/{server.regular.device_id}")
    after = await send(server)

    assert (before.status, after.status) == (202, 400)


async def test_account_whose_last_device_is_switched_off_is_told_so(
    server: RunningServer,
) -> None:
    before = await send(server)
    await server.gateway.devices.update(
        of_user(server.regular.user), server.regular.device.id, is_enabled=False
    )
    after = await send(server)

    assert (before.status, after.status) == (202, 400)


async def test_number_that_opted_out_has_failed_at_once(server: RunningServer) -> None:
    incoming = {
        "id": "1", "from": ANOTHER, "text": "STOP", "receivedAt": server.clock.now_ms(),
    }  # fmt: skip
    await server.sync(server.regular, incoming=[incoming], capacity=0)

    answer = await send(server, phoneNumbers=[PHONE, ANOTHER])

    assert [r["state"] for r in answer.json["recipients"]] == ["Pending", "Failed"]
    assert answer.json["recipients"][1]["error"]
    assert answer.json == await state_of(server, answer.json["id"])


async def test_key_of_one_device_sends_through_it_and_says_so(server: RunningServer) -> None:
    _, key = await server.gateway.api_keys.create_key(
        server.regular.user.id, "one", device_ids=[server.regular.device.id]
    )

    answer = await server.request("POST", f"{BASE}/messages", HELLO, headers={"x-api-key": key})

    assert answer.json["deviceId"] == server.regular.device_id


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "order-17", "withDeliveryReport": False},
        {"simNumber": 1, "priority": 100, "ttl": 60},
        {"scheduleAt": "2026-01-16T00:00:00Z"},
        {"phoneNumbers": [PHONE, ANOTHER], "textMessage": {"text": "a" * 300}},
    ],
)
async def test_answer_to_a_send_is_what_reading_it_shows(
    server: RunningServer, fields: dict[str, Any]
) -> None:
    answer = await send(server, **fields)

    assert answer.json == await state_of(server, answer.json["id"])


async def test_message_waits_for_a_device_that_was_heard_of(
    server: RunningServer, clock: FrozenClock
) -> None:
    clock.advance(2 * HOUR_MS)

    silent = await send(server, "?deviceActiveWithin=1")
    await server.sync(server.regular)
    heard = await send(server, "?deviceActiveWithin=1")

    assert (silent.status, heard.status) == (400, 202)
    assert silent.json["message"].startswith("deviceActiveWithin: ")


async def test_sim_binds_a_message_to_a_device_that_has_it(server: RunningServer) -> None:
    answer = await send(server, simNumber=1)

    assert answer.json["deviceId"] == server.regular.device_id
    sims = await server.gateway.devices.list_sims(server.regular.device.id)
    assert await stored(server, "r.sim_id") == sims[0].id


@pytest.mark.parametrize(
    ("given", "ours"), [(127, 0), (100, 0), (99, 3), (1, 3), (0, 5), (-1, 8), (-128, 8)]
)
async def test_priority_is_one_of_our_four(server: RunningServer, given: int, ours: int) -> None:
    await send(server, priority=given)

    assert await stored(server, "m.priority") == ours


async def test_ttl_counts_from_now(server: RunningServer, clock: FrozenClock) -> None:
    message_id = (await send(server, ttl=60)).json["id"]
    assert await stored(server, "m.expires_at") == clock.now_ms() + MINUTE_MS
    clock.advance(MINUTE_MS)
    await server.gateway.sweep.sweep_once()

    state = await state_of(server, message_id)

    assert state["state"] == "Failed"
    assert state["recipients"][0]["error"]
    assert set(state["states"]) == {"Pending", "Failed"}


async def test_scheduled_message_is_pending_until_its_time(
    server: RunningServer, clock: FrozenClock
) -> None:
    at = iso_utc_ms(clock.now_ms() + HOUR_MS)
    message_id = (await send(server, scheduleAt=at)).json["id"]

    before = (await server.sync(server.regular))["offers"]
    clock.advance(HOUR_MS)
    await server.gateway.sweep.sweep_once()
    after = (await server.sync(server.regular))["offers"]

    assert (len(before), len(after)) == (0, 1)
    assert (await state_of(server, message_id))["state"] == "Pending"


async def test_limits_of_the_account_read_as_a_full_queue(server: RunningServer) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, monthly_limit=0)

    answer = await send(server)

    assert answer.status == 503
    assert answer.json["message"].startswith("queue limits exceeded: monthly limit")


# --- states ---


@pytest.mark.parametrize(
    ("reports", "states"),
    [
        ([], ["Pending", "Processed"]),
        (["sent"], ["Pending", "Processed", "Sent"]),
        (["sent", "delivered"], ["Pending", "Processed", "Sent", "Delivered"]),
    ],
)
async def test_states_tell_when_it_came_to_each(
    server: RunningServer, reports: list[str], states: list[str]
) -> None:
    message_id = (await send(server)).json["id"]
    await send_over_the_air(server, *reports)

    state = await state_of(server, message_id)

    assert list(state["states"]) == states
    assert state["state"] == states[-1]
    assert state["recipients"] == [{"phoneNumber": PHONE, "state": states[-1]}]
    assert state["deviceId"] == server.regular.device_id


async def test_failed_recipient_says_why(server: RunningServer) -> None:
    message_id = (await send(server)).json["id"]
    [offer] = (await server.sync(server.regular))["offers"]
    await server.sync(server.regular, claims=[offer["jobId"]], capacity=0)
    report = {
        "jobId": offer["jobId"], "state": "failed", "at": server.clock.now_ms(),
        "errorCode": "generic_failure", "error": "no credit",
    }  # fmt: skip
    await server.sync(server.regular, reports=[report], capacity=0)

    state = await state_of(server, message_id)

    assert state["state"] == "Failed"
    assert state["recipients"] == [{"phoneNumber": PHONE, "state": "Failed", "error": "no credit"}]


async def test_cancel_says_cancelling_and_then_cancelled(server: RunningServer) -> None:
    message_id = (await send(server)).json["id"]

    cancelled = await ask(server, "DELETE", f"/message/{message_id}")
    again = await ask(server, "DELETE", f"/messages/{message_id}")

    assert (cancelled.status, cancelled.json["state"]) == (200, "Cancelling")
    assert (await state_of(server, message_id))["state"] == "Cancelled"
    assert again.status == 409


async def test_message_that_a_phone_holds_is_cancelling_until_it_answers(
    server: RunningServer,
) -> None:
    message_id = (await send(server)).json["id"]
    await send_over_the_air(server)

    cancelled = await ask(server, "DELETE", f"/messages/{message_id}")
    state = await state_of(server, message_id)
    await send_over_the_air(server)

    assert cancelled.json["recipients"] == [{"phoneNumber": PHONE, "state": "Cancelling"}]
    assert state["state"] == "Cancelling"
    assert list(state["states"]) == ["Pending", "Processed", "Cancelling"]


async def test_sent_message_cannot_be_cancelled(server: RunningServer) -> None:
    message_id = (await send(server)).json["id"]
    await send_over_the_air(server, "sent")

    answer = await ask(server, "DELETE", f"/messages/{message_id}")

    assert (answer.status, answer.json["error"]) == (409, "wrong_state")


# --- lists ---


async def listed(server: RunningServer, query: str = "") -> tuple[list[str], int]:
    """(ids, the total that is told)"""
    answer = await ask(server, "GET", f"/messages{query}")
    assert answer.status == 200, answer
    return [one["id"] for one in answer.json], int(answer.headers["X-Total-Count"])


async def test_list_has_pages_order_and_a_total(server: RunningServer) -> None:
    for number in range(5):
        await send(server, id=f"m{number}")

    assert await listed(server) == (["m4", "m3", "m2", "m1", "m0"], 5)
    assert await listed(server, "?limit=2&offset=1") == (["m3", "m2"], 5)
    assert await listed(server, "?limit=2&sort=created_at") == (["m0", "m1"], 5)
    assert await listed(server, "?offset=5") == ([], 5)


async def test_list_is_filtered_by_state_time_and_device(
    server: RunningServer, clock: FrozenClock
) -> None:
    await send(server, id="m0")
    await send_over_the_air(server, "sent")
    clock.advance(HOUR_MS)
    now = iso_utc_ms(clock.now_ms())
    await send(server, id="m1")
    await send(server, id="m2", scheduleAt=iso_utc_ms(clock.now_ms() + HOUR_MS))
    device = f"deviceId={server.regular.device_id}"

    assert await listed(server, "?state=Pending") == (["m2", "m1"], 2)
    assert await listed(server, "?state=Pending&sort=created_at&limit=1") == (["m1"], 2)
    assert await listed(server, "?state=Sent") == (["m0"], 1)
    assert await listed(server, "?state=Cancelling") == ([], 0)
    assert await listed(server, f"?from={now}") == (["m2", "m1"], 2)
    assert await listed(server, f"?to={now}") == (["m2", "m1", "m0"], 3)
    assert await listed(server, f"?{device}") == (["m0"], 1)
    assert await listed(server, f"?{device}&state=Pending") == ([], 0)
    assert await listed(server, f"?deviceId={'0' * 24}") == ([], 0)


async def test_list_shows_content_only_on_request(server: RunningServer) -> None:
    await send(server)

    [without] = (await ask(server, "GET", "/messages")).json
    [shown] = (await ask(server, "GET", "/messages?includeContent=true")).json

    assert "textMessage" not in without
    assert shown["textMessage"] == {"text": "Hello"}


async def test_list_shows_what_other_apis_sent(server: RunningServer) -> None:
    body = {"recipients": [PHONE, ANOTHER], "message": "From Textko"}
    sent = await server.request(
        "POST", "/api/v1/gateway/send-sms", body, headers=server.regular.key_headers
    )

    [shown] = (await ask(server, "GET", "/messages")).json

    assert shown["id"] == sent.json["data"]["smsBatchId"]
    assert [r["phoneNumber"] for r in shown["recipients"]] == [PHONE, ANOTHER]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "offset=-1", "state=Lost", "sort=id", "from=yesterday"]
)
async def test_wrong_query_is_refused(server: RunningServer, query: str) -> None:
    answer = await ask(server, "GET", f"/messages?{query}")

    assert answer.status == 400
    assert answer.json["message"].startswith(query.partition("=")[0])


# --- inbox ---


async def test_inbox_has_pages_and_a_total(server: RunningServer) -> None:
    await receive_over_the_air(server, "First", "Second", "Third")

    answer = await ask(server, "GET", "/inbox?limit=1&offset=1")

    assert answer.headers["X-Total-Count"] == "3"
    [second] = answer.json
    assert second.pop("id")
    assert second == {
        "type": "SMS",
        "deviceId": server.regular.device_id,
        "sender": "+251922000000",
        "recipient": "+251911000001",
        "simNumber": 1,
        "contentPreview": "Second",
        "createdAt": iso_utc_ms(server.clock.now_ms()),
    }


@pytest.mark.parametrize("query", ["type=MMS", f"deviceId={'0' * 24}", "to=2020-01-01T00:00:00Z"])
async def test_inbox_filter_that_finds_nothing_answers_an_empty_list(
    server: RunningServer, query: str
) -> None:
    await receive_over_the_air(server, "First")

    answer = await ask(server, "GET", f"/inbox?{query}")

    assert (answer.json, answer.headers["X-Total-Count"]) == ([], "0")


@pytest.mark.parametrize("path", ["/inbox/refresh", "/inbox/export", "/messages/inbox/export"])
async def test_wish_for_an_export_is_taken_as_json(server: RunningServer, path: str) -> None:
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"}

    answer = await ask(server, "POST", path, span)

    assert (answer.status, answer.json) == (202, {})


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"since": "2026-01-03T00:00:00Z"}, "until"),
        ({"until": "soon"}, "until"),
        ({"deviceId": "0" * 24}, "deviceId"),
    ],
)
async def test_wish_that_makes_no_sense_is_refused(
    server: RunningServer, fields: dict[str, str], field: str
) -> None:
    span = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z"} | fields

    answer = await ask(server, "POST", "/inbox/refresh", span)

    assert answer.status == 400
    assert answer.json["message"].startswith(f"{field}: ")


async def test_log_tells_failures_as_errors_and_no_texts(
    server: RunningServer, clock: FrozenClock
) -> None:
    message_id = (await send(server, ttl=60)).json["id"]
    await receive_over_the_air(server, "Secret")
    clock.advance(MINUTE_MS)
    await server.gateway.sweep.sweep_once()

    lines = (await ask(server, "GET", "/logs")).json

    assert {line["priority"] for line in lines} == {"INFO", "ERROR"}
    [error] = [line for line in lines if line["priority"] == "ERROR"]
    assert error["context"] == {
        "messageId": message_id, "phoneNumber": PHONE, "state": "expired",
    }  # fmt: skip
    assert not any("Secret" in str(line) or "Hello" in str(line) for line in lines)
    assert len({line["id"] for line in lines}) == 2
