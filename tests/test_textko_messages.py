"""Textko: what became of messages, as upstream's clients read it, page by page."""

import sqlite3
from typing import Any
from urllib.parse import quote

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.servers import RunningServer
from textko_server.clock import iso_utc_ms

LIST = "/api/v1/gateway/messages"
UTC_START = "2026-01-15T10:00:00.000Z"


async def send(server: RunningServer, *numbers: str, text: str = "Hello") -> str:
    """The batch id."""
    owner = server.regular
    path = f"/api/v1/gateway/devices/{owner.device_id}/send-sms"
    body = {"recipients": numbers or ["+251912345678"], "message": text}
    answer = await server.request("POST", path, body, headers=owner.key_headers)
    return str(answer.json["data"]["smsBatchId"])


async def claim(server: RunningServer) -> list[str]:
    """The phone takes all that waits; the job ids."""
    offers = (await server.sync(server.regular, capacity=100))["offers"]
    jobs = [offer["jobId"] for offer in offers]
    assert (await server.sync(server.regular, claims=jobs))["granted"] == jobs
    return jobs


async def report(server: RunningServer, job: str, state: str, **more: Any) -> None:
    told = {"jobId": job, "state": state, "at": server.clock.now_ms(), **more}
    await server.sync(server.regular, reports=[told])


async def receive(server: RunningServer, number: int) -> None:
    told = {"id": f"in{number}", "from": f"+25192{number:04}", "text": f"In {number}"}
    await server.sync(
        server.regular, incoming=[{**told, "receivedAt": server.clock.now_ms(), "simSlot": 1}]
    )


async def get(server: RunningServer, path: str, status: int = 200) -> Any:
    answer = await server.request("GET", path, headers=server.regular.key_headers)
    assert answer.status == status, answer
    return answer.json


async def get_batch(server: RunningServer, batch_id: str) -> Any:
    device = server.regular.device_id
    found = await get(server, f"/api/v1/gateway/devices/{device}/sms-batch/{batch_id}")
    return found["data"]


async def test_sms_goes_through_upstreams_states(server: RunningServer, clock: FrozenClock) -> None:
    batch_id = await send(server)
    device = {
        "_id": server.regular.device_id,
        "enabled": True,
        "brand": "Google",
        "model": "Pixel 8",
    }

    [pending] = (await get_batch(server, batch_id))["messages"]
    clock.advance(1_000)
    [job] = await claim(server)
    [dispatched] = (await get_batch(server, batch_id))["messages"]
    clock.advance(1_000)
    await report(server, job, "sent")
    [sent] = (await get_batch(server, batch_id))["messages"]
    clock.advance(1_000)
    await report(server, job, "delivered")
    path = f"/api/v1/gateway/devices/{server.regular.device_id}/sms/{pending['_id']}"
    delivered = (await get(server, path))["data"]

    statuses = [sms["status"] for sms in (pending, dispatched, sent, delivered)]
    assert statuses == ["pending", "dispatched", "sent", "delivered"]
    assert delivered == {
        "_id": pending["_id"],
        "message": "Hello",
        "device": device,
        "type": "SENT",
        "direction": "sent",
        "channel": "sms",
        "status": "delivered",
        "recipient": "+251912345678",
        "smsBatch": batch_id,
        "encrypted": False,
        "requestedAt": UTC_START,
        "dispatchedAt": "2026-01-15T10:00:01.000Z",
        "sentAt": "2026-01-15T10:00:02.000Z",
        "deliveredAt": "2026-01-15T10:00:03.000Z",
        "createdAt": UTC_START,
        "updatedAt": "2026-01-15T10:00:03.000Z",
    }


async def test_failed_sms_says_why(server: RunningServer) -> None:
    batch_id = await send(server)
    [job] = await claim(server)
    await report(server, job, "failed", errorCode="generic_failure", error="No balance")

    found = await get_batch(server, batch_id)

    [sms] = found["messages"]
    assert (sms["status"], sms["failedAt"]) == ("failed", UTC_START)
    assert (sms["errorCode"], sms["errorMessage"]) == ("generic_failure", "No balance")
    assert found["batch"]["status"] == "failed"


async def test_sms_of_a_silent_phone_is_unknown(server: RunningServer, clock: FrozenClock) -> None:
    batch_id = await send(server)
    await claim(server)
    clock.advance(server.gateway.settings.dispatch.claim_timeout_s * 1000 + 1)
    await server.gateway.sweep.sweep_once()

    found = await get_batch(server, batch_id)

    assert [sms["status"] for sms in found["messages"]] == ["unknown"]
    assert found["batch"]["status"] == "unknown"
    assert len((await get(server, LIST + "?status=unknown"))["data"]) == 1


async def test_batch_adds_up_its_recipients(server: RunningServer) -> None:
    batch_id = await send(server, "+251911000001", "+251911000002", "+251911000003")

    pending = (await get_batch(server, batch_id))["batch"]
    jobs = await claim(server)
    await report(server, jobs[0], "sent")
    processing = (await get_batch(server, batch_id))["batch"]
    await report(server, jobs[1], "failed", errorCode="generic_failure")
    await report(server, jobs[2], "delivered")
    found = await get_batch(server, batch_id)

    assert pending["status"] == "pending"
    assert (processing["status"], processing["successCount"]) == ("processing", 1)
    assert found["batch"] == {
        "_id": batch_id,
        "device": found["messages"][0]["device"],
        "message": "Hello",
        "recipientCount": 3,
        "recipientPreview": "+251911000001, +251911000002, and 1 others",
        "successCount": 2,
        "failureCount": 1,
        "status": "partial_success",
        "completedAt": UTC_START,
        "createdAt": UTC_START,
        "updatedAt": UTC_START,
    }
    assert [sms["status"] for sms in found["messages"]] == ["sent", "failed", "delivered"]


async def test_received_sms_has_a_sender(server: RunningServer) -> None:
    await receive(server, 1)
    device = f"/api/v1/gateway/devices/{server.regular.device_id}"

    found = await get(server, device + "/get-received-sms")

    [sms] = found["data"]
    assert found["meta"] == {
        "page": 1, "limit": 50, "total": 1, "totalPages": 1, "nextCursor": None, "hasMore": False,
    }  # fmt: skip
    assert (await get(server, f"{device}/sms/{sms['_id']}"))["data"] == sms
    assert sms.pop("device")["_id"] == server.regular.device_id
    assert sms.pop("_id")
    assert sms == {
        "message": "In 1",
        "type": "RECEIVED",
        "direction": "received",
        "channel": "sms",
        "status": "received",
        "sender": "+251920001",
        "encrypted": False,
        "receivedAt": UTC_START,
        "createdAt": UTC_START,
        "updatedAt": UTC_START,
    }


async def fill(server: RunningServer, clock: FrozenClock) -> list[str]:
    """Ten sent and five received, a second apart; their texts in that order."""
    texts = []
    for number in range(15):
        if number % 3 == 2:
            await receive(server, number)
            texts.append(f"In {number}")
        else:
            await send(server, text=f"Out {number}")
            texts.append(f"Out {number}")
        clock.advance(1_000)
    return texts


async def walk(server: RunningServer, query: str) -> list[str]:
    """All texts, as the SDK's iterateMessages follows nextCursor."""
    texts: list[str] = []
    cursor = ""
    for _ in range(50):
        found = await get(server, f"{LIST}?{query}{cursor}")
        texts += [sms["message"] for sms in found["data"]]
        next_cursor = found["meta"]["nextCursor"]
        assert found["meta"]["hasMore"] == (next_cursor is not None)
        if next_cursor is None:
            return texts
        cursor = f"&cursor={quote(next_cursor)}"
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("limit", [1, 2, 7, 14, 15, 100])
@pytest.mark.parametrize("order", ["desc", "asc"])
async def test_cursor_shows_each_once_in_order(
    server: RunningServer, clock: FrozenClock, limit: int, order: str
) -> None:
    texts = await fill(server, clock)

    walked = await walk(server, f"limit={limit}&order={order}")

    assert walked == (texts if order == "asc" else texts[::-1])


async def test_pages_end_where_their_total_says(server: RunningServer, clock: FrozenClock) -> None:
    texts = await fill(server, clock)
    walked: list[str] = []
    page = pages = 1

    while page <= pages:
        found = await get(server, f"{LIST}?limit=4&page={page}")
        walked += [sms["message"] for sms in found["data"]]
        pages, total = found["meta"]["totalPages"], found["meta"]["total"]
        page += 1

    assert walked == texts[::-1]
    assert (pages, total) == (4, 15)
    beyond = await get(server, f"{LIST}?limit=4&page=9")
    assert (beyond["data"], beyond["meta"]["total"]) == ([], 15)


async def test_cursor_is_not_moved_by_what_comes_later(
    server: RunningServer, clock: FrozenClock
) -> None:
    texts = await fill(server, clock)
    first = await get(server, f"{LIST}?limit=5")
    await send(server, text="Later")

    second = await get(server, f"{LIST}?limit=100&cursor={quote(first['meta']['nextCursor'])}")

    shown = [sms["message"] for sms in first["data"] + second["data"]]
    assert shown == texts[::-1]
    assert second["meta"] == {"limit": 100, "nextCursor": None, "hasMore": False}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("direction=received", [2, 5, 8, 11, 14]),
        ("type=RECEIVED", [2, 5, 8, 11, 14]),
        ("status=received", [2, 5, 8, 11, 14]),
        ("direction=sent&search=out%201", [1, 10, 12, 13]),
        ("search=%2B251920005", [5]),
        ("search=%25", []),
        ("status=delivered", []),
        ("from=2026-01-15T10:00:05Z&to=2026-01-15T10:00:08Z", [5, 6, 7]),
        ("from=2026-01-15T12:00:13%2B02:00", [13, 14]),
        ("from=2026-01-15T12:00:13+02:00", [13, 14]),
        ("to=2026-01-15T10:00:00.001Z", [0]),
        ("to=2026-01-15", []),
        ("from=2026-01-15&to=2026-01-16", list(range(15))),
        ("from=2027-01-01", []),
        ("deviceIds=6968baa0cbc00c03f3e695b0", []),
    ],
)
async def test_filters(
    server: RunningServer, clock: FrozenClock, query: str, numbers: list[int]
) -> None:
    texts = await fill(server, clock)

    for limit in (2, 50):
        for order in ("asc", "desc"):
            walked = await walk(server, f"{query}&limit={limit}&order={order}")
            expected = [texts[number] for number in numbers]
            assert walked == (expected if order == "asc" else expected[::-1])


async def test_messages_of_one_device_and_of_one_batch(server: RunningServer) -> None:
    owner = server.regular
    await send(server, text="Pinned")
    await receive(server, 1)
    anywhere = await server.request(
        "POST",
        "/api/v1/gateway/send-sms",
        {"recipients": ["+251911", "+251912"], "message": "Open"},
        headers=owner.key_headers,
    )
    batch_id = anywhere.json["data"]["smsBatchId"]

    of_device = await get(server, f"/api/v1/gateway/devices/{owner.device_id}/messages")
    same = await get(server, f"{LIST}?deviceIds={owner.device_id}")
    of_batch = await walk(server, f"smsBatchId={batch_id}&limit=1")

    assert {sms["message"] for sms in of_device["data"]} == {"Pinned", "In 1"}
    assert of_device["data"] == same["data"]
    assert of_batch == ["Open", "Open"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=x", "limit=-1", "limit=1e3", "limit=%00", "page=0", "page=3001&limit=1",
        "page=999999999", "cursor=x", "cursor=.", "cursor=-", "cursor=00.-", "direction=both",
        "status=lost", "order=up", "from=yesterday", "from=2026-01-15T10:00:00", "to=%ff",
        "deviceIds=x", "deviceIds=,", "deviceIds=" + ",".join(["6968baa0cbc00c03f3e695b0"] * 101),
    ],
)  # fmt: skip
async def test_bad_query_is_named(server: RunningServer, query: str) -> None:
    answer = await get(server, f"{LIST}?{query}", 400)

    assert answer["field"] in {query.partition("=")[0], "deviceId"}


async def test_batch_and_sms_that_are_none_of_theirs(server: RunningServer) -> None:
    device = f"/api/v1/gateway/devices/{server.regular.device_id}"
    batch_id = await send(server)

    for name in ("x", "f" * 24, server.regular.device_id, batch_id + "0"):
        assert (await get(server, f"{device}/sms/{name}", 404))["error"] == "SMS not found"
        answer = await get(server, f"{device}/sms-batch/{name}", 404)
        assert answer["error"] == "SMS batch not found"
        await get(server, f"{LIST}?smsBatchId={name}", 404)


async def test_statistics_count_what_there_is(server: RunningServer) -> None:
    await send(server, "+251911000001", "+251911000002")
    await receive(server, 1)

    found = await get(server, "/api/v1/gateway/stats")

    assert found == {
        "data": {
            "totalSentSMSCount": 2,
            "totalReceivedSMSCount": 1,
            "totalDeviceCount": 1,
            "totalApiKeyCount": 1,
        }
    }


async def test_long_history_is_read_in_bounded_pieces(server: RunningServer) -> None:
    """A filter that finds one in 6,000 still ends, and no request reads all."""
    owner = server.regular
    await send(server, text="needle")
    path = server.server.settings.server.data_dir / "textko.db"
    connection = sqlite3.connect(path)
    rows = [(n, owner.user.id, START_MS + n) for n in range(2, 6_002)]
    connection.executemany(
        "INSERT INTO messages (id, user_id, dialect, text, encoding, segments, recipient_count,"
        " state, priority, created_at, updated_at)"
        " VALUES (?1, ?2, 'textko', 'hay', 'GSM-7', 1, 1, 'sent', 5, ?3, ?3)",
        rows,
    )
    connection.executemany(
        "INSERT INTO recipients (message_id, user_id, phone_number, state, home_lane, priority,"
        " segments, created_at) VALUES (?1, ?2, '+251', 'sent', 'a0', 5, 1, ?3)",
        rows,
    )
    connection.commit()
    connection.close()

    first = await get(server, f"{LIST}?search=needle")

    assert (first["data"], first["meta"]["hasMore"]) == ([], True)
    assert await walk(server, "search=needle") == ["needle"]
    to = iso_utc_ms(START_MS + 2)
    assert await walk(server, f"search=needle&to={to}") == ["needle"]
