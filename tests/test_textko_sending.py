"""Textko: sending, by the seed document's own line, with good and bad bodies, and once only."""

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.clocks import START_MS, FrozenClock
from tests.servers import Person, RunningServer
from textko_server.clock import DAY_MS, iso_utc_ms
from textko_server.http.dialects.textko.parameters import read_moment

# textko.netguard.fun/docs, "Your first API call": host, device and key are what a reader replaces.
FIRST_CALL = r"""curl -X POST https://api.textko.dev/api/v1/gateway/devices/YOUR_DEVICE_ID/send-sms \
-H "Authorization: Bearer YOUR_JWT_OR_API_KEY" \
-H "Content-Type: application/json" \
-d '{"recipients": ["+251912345678"], "message": "Hello from Textko!"}'"""  # noqa: E501 - quoted as published

SEND = {"recipients": ["+251912345678"], "message": "Hello"}
ANYWHERE = "/api/v1/gateway/send-sms"


def send_path(person: Person, tail: str = "send-sms") -> str:
    return f"/api/v1/gateway/devices/{person.device_id}/{tail}"


async def list_sent(server: RunningServer) -> Any:
    answer = await server.request(
        "GET", "/api/v1/gateway/messages", headers=server.regular.key_headers
    )
    return answer.json["data"]


@pytest.mark.parametrize("credential", ["jwt", "key"])
async def test_first_call_of_the_document_sends(server: RunningServer, credential: str) -> None:
    owner = server.regular
    line = (
        FIRST_CALL.replace("https://api.textko.dev", server.url)
        .replace("YOUR_DEVICE_ID", owner.device_id)
        .replace("YOUR_JWT_OR_API_KEY", getattr(owner, credential))
    )

    curl = await asyncio.create_subprocess_exec(
        "bash", "-c", line, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    output, _ = await curl.communicate()

    answer = msgspec.json.decode(output)
    batch_id = answer["data"].pop("smsBatchId")
    assert answer == {
        "data": {
            "success": True,
            "message": "SMS added to queue for processing",
            "recipientCount": 1,
        }
    }
    assert len(batch_id) == 24
    [offer] = (await server.sync(owner))["offers"]
    assert (offer["phoneNumber"], offer["text"]) == ("+251912345678", "Hello from Textko!")


@pytest.mark.parametrize(
    "body",
    [
        {"receivers": ["+251 91-234.5678"], "smsBody": "Hello"},
        {"recipients": ["+251912345678", "00251912345678"], "message": "Hello", "extra": [1]},
        SEND | {"simSubscriptionId": 7},
        SEND | {"simSubscriptionId": None, "scheduledAt": None},
    ],
)
async def test_other_spellings_send_the_same(server: RunningServer, body: Any) -> None:
    owner = server.regular

    answer = await server.request("POST", send_path(owner), body, headers=owner.key_headers)

    assert answer.status == 201
    assert answer.json["data"]["recipientCount"] == 1
    [offer] = (await server.sync(owner))["offers"]
    assert (offer["phoneNumber"], offer["text"]) == ("+251912345678", "Hello")


BAD_BODIES: list[tuple[Any, str]] = [
    (b"", "the body is not valid JSON"),
    (b"{", "the body is not valid JSON"),
    (b'{"message":' + b"[" * 100_000, "the body is not valid JSON"),
    (b'{"message": "\xff"}', "the body is not valid JSON"),
    ([], "expected object, got array"),
    ("text", "expected object, got str"),
    (None, "the body is not valid JSON"),
    ({}, "Message cannot be blank"),
    (SEND | {"message": ""}, "Message cannot be blank"),
    (SEND | {"message": " \n\t"}, "Message cannot be blank"),
    (SEND | {"message": 5}, "message must be a string"),
    (SEND | {"message": ["a"]}, "message must be a string"),
    (SEND | {"message": "x" * 100_000}, "message: takes"),
    ({"message": "Hello"}, "Invalid recipients"),
    (SEND | {"recipients": []}, "Invalid recipients"),
    (SEND | {"recipients": "+251912345678"}, "Invalid recipients"),
    (SEND | {"recipients": {}}, "Invalid recipients"),
    (SEND | {"recipients": [None]}, "Invalid recipients: each must be a string"),
    (SEND | {"recipients": ["+251912345678", 5]}, "Invalid recipients: each must be a string"),
    (SEND | {"recipients": ["+251912345678", "x"]}, "Invalid recipients: must be 3 to 15"),
    (SEND | {"recipients": [""]}, "Invalid recipients: is empty"),
    (SEND | {"recipients": ["1" * 1_000]}, "Invalid recipients: is longer"),
    (SEND | {"recipients": [str(10_000 + n) for n in range(1_001)]}, "recipients: at most 1000"),
    (SEND | {"simSubscriptionId": "7"}, "simSubscriptionId must be a number"),
    (SEND | {"simSubscriptionId": True}, "simSubscriptionId must be a number"),
    (SEND | {"simSubscriptionId": 10**30}, "No such SIM in this device"),
    (SEND | {"scheduledAt": "tomorrow"}, "Invalid scheduledAt format"),
    (SEND | {"scheduledAt": ""}, "Invalid scheduledAt format"),
    (SEND | {"scheduledAt": 5}, "Invalid scheduledAt format"),
    (SEND | {"scheduledAt": "2026-02-01T10:00:00"}, "Invalid scheduledAt format"),
    (SEND | {"scheduledAt": "2026-01-01T10:00:00Z"}, "scheduledAt must be a future date"),
    (SEND | {"scheduledAt": iso_utc_ms(START_MS)}, "scheduledAt must be a future date"),
    (SEND | {"scheduledAt": "2027-12-31T23:59:59Z"}, "scheduledAt must be within a year"),
    (SEND | {"scheduledAt": "9999-12-31T23:59:59-23:59"}, "Invalid scheduledAt format"),
]


@pytest.mark.parametrize("path", ["pinned", "anywhere"])
@pytest.mark.parametrize(("body", "reason"), BAD_BODIES)
async def test_bad_body_is_named_and_stores_nothing(
    server: RunningServer, body: Any, reason: str, path: str
) -> None:
    owner = server.regular
    target = send_path(owner) if path == "pinned" else ANYWHERE
    if path == "anywhere" and "SIM" in reason:
        reason = "simSubscriptionId needs a device"

    answer = await server.request("POST", target, body, headers=owner.key_headers)

    assert answer.status == 400
    assert reason in answer.json["error"]
    assert await list_sent(server) == []


@pytest.mark.parametrize(
    ("device_id", "status", "error"),
    [
        ("x", 400, "Invalid device id"),
        ("YOUR_DEVICE_ID", 400, "Invalid device id"),
        ("6968BAA0cbc00c03f3e695b0", 400, "Invalid device id"),
        ("6968baa0cbc00c03f3e695b01", 400, "Invalid device id"),
        ("%00", 400, "Invalid device id"),
        ("6968baa0cbc00c03f3e695b0", 404, "Device not found"),
        ("f" * 24, 404, "Device not found"),
    ],
)
async def test_device_id_that_names_no_device(
    server: RunningServer, device_id: str, status: int, error: str
) -> None:
    path = f"/api/v1/gateway/devices/{device_id}/send-sms"

    answer = await server.request("POST", path, SEND, headers=server.regular.key_headers)

    assert (answer.status, answer.json["error"]) == (status, error)


@pytest.mark.parametrize("device_id", [5, "", [], "x", True])
async def test_device_id_in_the_body_is_checked_the_same(
    server: RunningServer, device_id: Any
) -> None:
    body = SEND | {"deviceId": device_id}

    answer = await server.request("POST", ANYWHERE, body, headers=server.regular.key_headers)

    assert (answer.status, answer.json["error"]) == (400, "Invalid device id")


async def test_disabled_device_is_refused_as_soon_as_it_is_disabled(
    server: RunningServer,
) -> None:
    owner = server.regular
    path = send_path(owner)
    assert (await server.request("POST", path, SEND, headers=owner.key_headers)).status == 201
    device = f"/api/v1/gateway/devices/{owner.device_id}"

    await server.request("PATCH", device, {"enabled": False}, headers=owner.jwt_headers)
    refused = await server.request("POST", path, SEND, headers=owner.key_headers)
    await server.request("PATCH", device, {"enabled": True}, headers=owner.jwt_headers)
    taken = await server.request("POST", path, SEND, headers=owner.key_headers)

    assert refused.status == 400
    assert refused.json == {
        "success": False,
        "error": "Device does not exist or is not enabled",
    }
    assert taken.status == 201


async def test_deleted_device_is_gone_for_sending(server: RunningServer) -> None:
    owner = server.regular
    path = send_path(owner)
    assert (await server.request("POST", path, SEND, headers=owner.key_headers)).status == 201

    device = f"/api/v1/gateway/devices/{owner.device_id}"
    await server.request("DELETE", device, headers=owner.jwt_headers)
    answer = await server.request("POST", path, SEND, headers=owner.key_headers)

    assert (answer.status, answer.json["error"]) == (404, "Device not found")


async def test_monthly_limit_is_told_and_stores_nothing(server: RunningServer) -> None:
    owner = server.regular
    await server.gateway.accounts.set_limits(owner.user.id, monthly_limit=1)
    body = SEND | {"recipients": ["+251912345678", "+251912345679"]}

    answer = await server.request("POST", send_path(owner), body, headers=owner.key_headers)

    assert answer.status == 429
    assert answer.json["hasReachedLimit"] is True
    assert (answer.json["monthlyLimit"], answer.json["monthlyRemaining"]) == (1, 1)
    assert await list_sent(server) == []


async def test_scheduled_message_waits_for_its_time(
    server: RunningServer, clock: FrozenClock
) -> None:
    owner = server.regular
    body = SEND | {"scheduledAt": iso_utc_ms(START_MS + DAY_MS)}

    answer = await server.request("POST", send_path(owner), body, headers=owner.key_headers)

    assert answer.status == 201
    assert (await server.sync(owner))["offers"] == []
    [sms] = await list_sent(server)
    assert (sms["status"], sms["dispatchDueAt"]) == ("pending", body["scheduledAt"])
    clock.advance(DAY_MS)
    await server.gateway.sweep.sweep_once()
    assert len((await server.sync(owner))["offers"]) == 1


# --- bulk ---


async def test_bulk_is_stored_as_one_and_waits_behind_single_messages(
    server: RunningServer,
) -> None:
    owner = server.regular
    bulk = {
        "messageTemplate": "Hi {{name}}",
        "messages": [
            {"message": "Hi A", "recipients": ["+251911000001"]},
            {"smsBody": "Hi B", "receivers": ["+251911000002", "+251911000003"]},
        ],
    }

    answer = await server.request(
        "POST", send_path(owner, "send-bulk-sms"), bulk, headers=owner.key_headers
    )
    await server.request("POST", send_path(owner), SEND, headers=owner.key_headers)

    told = answer.json["data"]
    assert answer.status == 201
    assert told["message"] == "Bulk SMS added to queue for processing"
    assert (told["success"], told["recipientCount"]) == (True, 3)
    assert told["smsBatchId"] == told["smsBatchIds"][0]
    offers = (await server.sync(owner, capacity=10))["offers"]
    assert [offer["text"] for offer in offers] == ["Hello", "Hi A", "Hi B", "Hi B"]


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        (None, "Invalid message list"),
        ([], "Invalid message list"),
        ({}, "Invalid message list"),
        ([5], "Invalid message list: each must be an object"),
        ([SEND, {}], "Message cannot be blank"),
        ([SEND, SEND | {"recipients": ["x"]}], "Invalid recipients"),
        ([SEND, SEND | {"message": "x" * 100_000}], "message: takes"),
        ([SEND] * 1_001, "Invalid message list: at most 1000"),
        (
            [SEND | {"recipients": [str(10_000 + n) for n in range(900)]}] * 6,
            "Invalid recipients: at most 5000",
        ),
    ],
)
async def test_bulk_with_one_bad_message_stores_none(
    server: RunningServer, messages: Any, reason: str
) -> None:
    owner = server.regular

    answer = await server.request(
        "POST",
        send_path(owner, "send-bulk-sms"),
        {"messages": messages},
        headers=owner.key_headers,
    )

    assert answer.status == 400
    assert reason in answer.json["error"]
    assert await list_sent(server) == []


# --- once only ---


@pytest.mark.parametrize("tail", ["send-sms", "send-bulk-sms"])
async def test_same_key_and_body_send_once(server: RunningServer, tail: str) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": "order-17"}
    quoted = owner.key_headers | {"Idempotency-Key": '"order-17"'}
    body = SEND if tail == "send-sms" else {"messages": [SEND, SEND | {"message": "Two"}]}
    respelled = msgspec.json.format(msgspec.json.encode(body, order="deterministic"), indent=2)

    first = await server.request("POST", send_path(owner, tail), body, headers=headers)
    second = await server.request("POST", send_path(owner, tail), respelled, headers=quoted)

    assert (first.status, second.status) == (201, 201)
    assert first.content == second.content
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(await list_sent(server)) == (1 if tail == "send-sms" else 2)


async def test_requests_at_once_with_one_key_send_once(server: RunningServer) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": "k"}

    answers = await asyncio.gather(
        *(server.request("POST", send_path(owner), SEND, headers=headers) for _ in range(10))
    )

    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 9
    assert len(await list_sent(server)) == 1


async def test_key_with_another_body_is_refused(server: RunningServer) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": "k"}
    await server.request("POST", send_path(owner), SEND, headers=headers)

    other_text = await server.request(
        "POST", send_path(owner), SEND | {"message": "Other"}, headers=headers
    )
    other_device = await server.request("POST", ANYWHERE, SEND, headers=headers)

    assert (other_text.status, other_device.status) == (422, 422)
    assert other_text.json["code"] == "idempotency_mismatch"
    assert len(await list_sent(server)) == 1


async def test_key_is_of_whoever_asks_and_for_a_day(
    server: RunningServer, clock: FrozenClock
) -> None:
    owner = server.regular
    by_key = owner.key_headers | {"Idempotency-Key": "k"}
    by_login = owner.jwt_headers | {"Idempotency-Key": "k"}

    for headers in (by_key, by_login):
        answer = await server.request("POST", send_path(owner), SEND, headers=headers)
        assert "Idempotent-Replayed" not in answer.headers
    clock.advance(DAY_MS - 1)
    late = await server.request("POST", send_path(owner), SEND, headers=by_key)
    clock.advance(1)
    too_late = await server.request("POST", send_path(owner), SEND, headers=by_key)

    assert "Idempotent-Replayed" in late.headers
    assert "Idempotent-Replayed" not in too_late.headers
    assert len(await list_sent(server)) == 3


async def test_replay_is_answered_when_the_request_would_now_be_refused(
    server: RunningServer, clock: FrozenClock
) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": "k"}
    body = SEND | {"scheduledAt": iso_utc_ms(START_MS + 60_000)}
    first = await server.request("POST", send_path(owner), body, headers=headers)

    clock.advance(120_000)
    await server.gateway.accounts.set_limits(owner.user.id, monthly_limit=0)
    second = await server.request("POST", send_path(owner), body, headers=headers)

    assert (second.status, second.content) == (201, first.content)


async def test_refused_request_leaves_the_key_free(server: RunningServer) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": "k"}
    await server.gateway.accounts.set_limits(owner.user.id, monthly_limit=0)
    refused = await server.request("POST", send_path(owner), SEND, headers=headers)

    await server.gateway.accounts.set_limits(owner.user.id, monthly_limit=5)
    taken = await server.request("POST", send_path(owner), SEND, headers=headers)

    assert (refused.status, taken.status) == (429, 201)
    assert "Idempotent-Replayed" not in taken.headers


@pytest.mark.parametrize("key", ["", " ", '""', "a b", "k" * 256, "ключ", '"a b"'])
async def test_malformed_key_is_refused(server: RunningServer, key: str) -> None:
    owner = server.regular
    headers = owner.key_headers | {"Idempotency-Key": key}

    answer = await server.request("POST", send_path(owner), SEND, headers=headers)

    assert answer.status == 400
    assert "1 to 255 visible ASCII characters" in answer.json["error"]
    assert await list_sent(server) == []


async def test_self_hosted_queue_takes_a_key_too(server: RunningServer) -> None:
    owner = server.regular
    path = f"/api/{owner.key}/queue"
    headers = {"Idempotency-Key": "k"}
    body = [{"phone": "+251912345678", "text": "Hello"}, {"phone": "x", "text": "Hello"}]

    first = await server.request("POST", path, body, headers=headers)
    second = await server.request("POST", path, body, headers=headers)
    other = await server.request("POST", path, body[:1], headers=headers)

    assert (first.status, second.status, other.status) == (200, 200, 422)
    assert first.content == second.content
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(await list_sent(server)) == 1


# --- times ---


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("2026-01-15T10:00:00Z", START_MS),
        ("2026-01-15T12:00:00+02:00", START_MS),
        ("2026-01-15T10:00:00.250Z", START_MS + 250),
        ("2026-01-15", START_MS - 10 * 3_600_000),
        ("1900-01-01", 0),
        ("2026-01-15T10:00:00", None),
        ("15.01.2026", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_moment_needs_its_zone_unless_it_is_a_date(text: Any, at_ms: int | None) -> None:
    assert read_moment(text) == at_ms


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.text() | st.datetimes(timezones=st.timezones()).map(str))
def test_moment_is_one_that_can_be_shown_or_none(text: str) -> None:
    at_ms = read_moment(text)

    if at_ms is not None:
        assert iso_utc_ms(at_ms).endswith("Z")
