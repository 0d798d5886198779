"""The device protocol over HTTP, as docs/device-protocol.md has it."""

import asyncio
import gzip
import io
import sqlite3
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from tests.clocks import FrozenClock
from tests.gateways import LIMIT_S, everything_committed, until
from tests.servers import Answer, RunningServer
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect
from textko_server.store.database import Database

SYNC = "/device/v1/sync"
PAIR = "/device/v1/pair"


async def sync(
    server: RunningServer, body: Any = None, *, wait: int | str | None = None, token: str = ""
) -> Answer:
    headers = {"Authorization": f"Bearer {token or server.regular.device_token}"}
    query = "" if wait is None else f"?wait={wait}"
    body = {} if body is None else body
    return await server.request("POST", SYNC + query, body, headers=headers)


async def submit(server: RunningServer, text: str = "Hello", **fields: Any) -> int:
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)
    submission = Submission(text, ["+251912345678"], Dialect.TEXTKO, **fields)
    [submitted] = await server.gateway.messages.submit(principal, [submission])
    return submitted.message_id


async def pairing_code(server: RunningServer) -> str:
    return (await server.gateway.pairing.create_code(server.regular.user.id)).code


async def dump(db: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    await everything_committed(db)
    tables = await db.fetch_all("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {
        name: await db.fetch_all(f"SELECT * FROM {name}")  # noqa: S608 - names from the schema
        for (name,) in tables
    }


# --- the worked exchange ---


async def test_worked_exchange_of_the_document(server: RunningServer, clock: FrozenClock) -> None:
    code = await pairing_code(server)
    await server.gateway.devices.delete(
        await server.gateway.accounts.authenticate_jwt(server.regular.jwt), server.regular.device.id
    )
    paired = await server.request(
        "POST", PAIR, {"code": code, "name": "Drawer", "sims": [{"slot": 1}]}
    )
    assert paired.status == 201
    assert set(paired.json) == {"deviceId", "token", "pollUrl", "settings"}
    assert len(paired.json["token"]) == 64
    assert paired.json["pollUrl"] == f"{server.url}{SYNC}"
    assert paired.json["settings"] == {
        "enabled": True, "syncIntervalS": 50, "leaseS": 60, "claimTimeoutS": 1800,
    }  # fmt: skip
    token = paired.json["token"]

    poll = asyncio.create_task(sync(server, {"status": {"battery": 80}}, wait=50, token=token))
    await until(lambda: server.gateway.polls.open_count == 1)
    await submit(server)
    polled = await asyncio.wait_for(poll, LIMIT_S)
    [offer] = polled.json["offers"]
    assert offer == {
        "jobId": offer["jobId"], "phoneNumber": "+251912345678", "text": "Hello", "simSlot": 1,
        "segments": 1, "priority": 5, "expiresAt": clock.now_ms() + 259_200_000,
        "deliveryReport": True,
    }  # fmt: skip
    assert {k: v for k, v in polled.json.items() if k != "offers"} == {
        "granted": [], "refused": [], "cancels": [], "ignored": [],
        "accepted": {"reports": [], "incoming": []},
        "settings": paired.json["settings"], "serverTime": clock.now_ms(),
    }  # fmt: skip

    job_id = offer["jobId"]
    claimed = await sync(server, {"capacity": 9, "claims": [job_id]}, token=token)
    assert claimed.json["granted"] == [job_id]
    for state in ("sent", "delivered"):
        report = {"jobId": job_id, "state": state, "at": clock.now_ms()}
        reported = await sync(server, {"reports": [report]}, token=token)
        assert reported.json["accepted"] == {"reports": [job_id], "incoming": []}
    states = await server.gateway.db.fetch_all("SELECT state FROM messages")
    assert states == [("delivered",)]


async def test_unknown_fields_are_ignored(server: RunningServer) -> None:
    answer = await sync(server, {"status": {"battery": 80, "mood": "good"}, "later": [1]})

    assert answer.status == 200


async def test_incoming_text_is_stored_once_however_often_it_is_told(
    server: RunningServer, clock: FrozenClock
) -> None:
    told = {"id": "17", "from": "+251911", "text": "Hi", "receivedAt": clock.now_ms(), "simSlot": 1}

    for _ in range(3):
        answer = await sync(server, {"incoming": [told, told]})
        assert answer.json["accepted"]["incoming"] == ["17", "17"]

    rows = await server.gateway.db.fetch_all("SELECT sender, text FROM incoming_messages")
    assert rows == [("+251911", "Hi")]


async def test_halves_of_characters_and_nul_are_stored_as_replacement(
    server: RunningServer, clock: FrozenClock
) -> None:
    body = (
        rb'{"incoming": [{"id": "\u0000a", "from": "+2519\u0000", "text": "a\ud83d b\u0000 \ud83d'
        rb'\ude00", "receivedAt": 1}], "sims": [{"slot": 1, "carrier": "x\u0000\udc00"}],'
        rb' "status": {"network": "wi\u0000fi"}}'
    )

    answer = await sync(server, body)

    assert answer.status == 200
    db = server.gateway.db
    assert await db.fetch_all("SELECT sender, text FROM incoming_messages") == [
        ("+2519\ufffd", "a\ufffd b\ufffd \U0001f600")
    ]
    [(carrier, network)] = await db.fetch_all(
        "SELECT carrier, network FROM sims JOIN devices ON devices.id = device_id"
        " WHERE devices.id = ?",
        (server.regular.device.id,),
    )
    assert (carrier, network) == ("x\ufffd\ufffd", "wi\ufffdfi")


async def test_time_line_says_what_was_inferred(server: RunningServer, clock: FrozenClock) -> None:
    await submit(server)
    [offer] = (await sync(server)).json["offers"]
    job_id = offer["jobId"]
    await sync(server, {"claims": [job_id]})
    sent = {"jobId": job_id, "state": "sent", "at": clock.now_ms(), "partsSent": 2}

    await sync(server, {"reports": [sent | {"inferred": True}]})

    query = "SELECT detail FROM recipient_events WHERE state = 'sent'"
    assert await server.gateway.db.fetch_all(query) == [
        ("2 parts, inferred from the phone's own list",)
    ]


async def test_phone_without_delivery_reports_is_not_asked_for_them(server: RunningServer) -> None:
    body = {"code": await pairing_code(server), "name": "Termux", "sims": [{"slot": 1}]}
    paired = (await server.request("POST", PAIR, body | {"deliveryReports": False})).json
    shown = await server.request(
        "GET", f"/admin/v1/devices/{paired['deviceId']}", headers=server.regular.jwt_headers
    )
    await submit(server)

    [offer] = (await sync(server, token=paired["token"])).json["offers"]

    assert offer["deliveryReport"] is False
    assert shown.json["tellsDelivered"] is False


async def test_phone_that_could_not_tell_may_find_out_later(
    server: RunningServer, clock: FrozenClock
) -> None:
    await submit(server)
    [offer] = (await sync(server)).json["offers"]
    report = {"jobId": offer["jobId"], "at": clock.now_ms()}
    await sync(server, {"claims": [offer["jobId"]]})
    unknown = report | {"state": "failed", "errorCode": "unknown_whether_sent"}
    await sync(server, {"reports": [unknown]})

    await sync(server, {"reports": [report | {"state": "sent", "inferred": True}]})

    assert await server.gateway.db.fetch_all("SELECT state FROM recipients") == [("sent",)]


# --- the hold ---


async def test_without_wait_an_answer_comes_at_once(server: RunningServer) -> None:
    assert (await asyncio.wait_for(sync(server), LIMIT_S)).json["offers"] == []


async def test_hold_ends_after_the_wait_with_nothing(server: RunningServer) -> None:
    started = time.monotonic()

    answer = await sync(server, wait=1)

    assert answer.json["offers"] == []
    assert 0.9 <= time.monotonic() - started < LIMIT_S


@pytest.mark.parametrize(
    "said",
    [
        {"claims": ["nonsense"]},
        {"reports": [{"jobId": "x", "state": "sent", "at": 1}]},
        {"incoming": [{"id": "1", "from": "x", "text": "", "receivedAt": 1}]},
    ],
)
async def test_request_that_says_something_is_never_held(
    server: RunningServer, said: dict[str, Any]
) -> None:
    answer = await asyncio.wait_for(sync(server, said, wait=60), LIMIT_S)

    assert answer.status == 200


async def test_cancel_ends_a_poll_once_and_is_repeated_in_every_answer(
    server: RunningServer,
) -> None:
    message_id = await submit(server)
    [offer] = (await sync(server)).json["offers"]
    job_id = offer["jobId"]
    await sync(server, {"claims": [job_id]})
    poll = asyncio.create_task(sync(server, wait=60))
    await until(lambda: server.gateway.polls.open_count == 1)
    principal = await server.gateway.api_keys.authenticate_key(server.regular.key)

    await server.gateway.messages.cancel(principal, message_id, actor="key:x")

    assert (await asyncio.wait_for(poll, LIMIT_S)).json["cancels"] == [job_id]
    assert (await sync(server)).json["cancels"] == [job_id]
    held = asyncio.create_task(sync(server, wait=60))
    await until(lambda: server.gateway.polls.open_count == 1)
    server.gateway.polls.stop()
    assert (await asyncio.wait_for(held, LIMIT_S)).json["cancels"] == [job_id]


async def test_disabled_device_may_still_report_and_is_told(
    server: RunningServer, clock: FrozenClock
) -> None:
    await submit(server)
    [offer] = (await sync(server)).json["offers"]
    await sync(server, {"claims": [offer["jobId"]]})
    principal = await server.gateway.accounts.authenticate_jwt(server.regular.jwt)
    await server.gateway.devices.update(principal, server.regular.device.id, is_enabled=False)
    await submit(server)

    report = {"jobId": offer["jobId"], "state": "sent", "at": clock.now_ms()}
    answer = await sync(server, {"reports": [report]})

    assert answer.json["accepted"]["reports"] == [offer["jobId"]]
    assert answer.json["offers"] == []
    assert answer.json["settings"]["enabled"] is False


# --- pairing ---


async def test_pairing_code_may_be_typed_without_dashes_in_small_letters(
    server: RunningServer,
) -> None:
    code = (await pairing_code(server)).replace("-", " ").lower()

    assert (await server.request("POST", PAIR, {"code": code, "name": "x"})).status == 201


async def test_pairing_code_works_once(server: RunningServer) -> None:
    code = await pairing_code(server)
    await server.request("POST", PAIR, {"code": code, "name": "x"})

    again = await server.request("POST", PAIR, {"code": code, "name": "x"})

    assert again.status == 403
    assert again.json["code"] == "pairing_refused"


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "\u0131" * 60])
async def test_unknown_pairing_code_is_refused(server: RunningServer, code: str) -> None:
    answer = await server.request("POST", PAIR, {"code": code, "name": "x"})

    assert (answer.status, answer.json["code"]) == (403, "pairing_refused")


async def test_pairing_code_expires_after_ten_minutes(
    server: RunningServer, clock: FrozenClock
) -> None:
    code = await pairing_code(server)
    clock.advance(600_000)

    assert (await server.request("POST", PAIR, {"code": code, "name": "x"})).status == 403


async def test_paired_device_vouches_for_more_while_the_code_lasts(
    server: RunningServer, clock: FrozenClock
) -> None:
    code = await pairing_code(server)
    first = (await server.request("POST", PAIR, {"code": code, "name": "1"})).json
    voucher = {"Authorization": f"Bearer {first['token']}"}
    stranger = {"Authorization": f"Bearer {server.regular.device_token}"}
    body = {"code": code, "name": "2"}

    assert (await server.request("POST", PAIR, body, headers=stranger)).status == 403
    assert (await server.request("POST", PAIR, body, headers=voucher)).status == 201
    clock.advance(600_000)
    assert (await server.request("POST", PAIR, body, headers=voucher)).status == 403


async def test_guessing_pairing_codes_is_slowed_down(server: RunningServer) -> None:
    for _ in range(60):
        answer = await server.request("POST", PAIR, {"code": "AAAA-AAAA", "name": "x"})
        assert answer.status == 403

    answer = await server.request("POST", PAIR, {"code": "AAAA-AAAA", "name": "x"})

    assert (answer.status, answer.json["code"]) == (429, "rate_limited")
    assert int(answer.headers["Retry-After"]) >= 1


# --- errors ---


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["type"] == "about:blank"
    assert answer.json["status"] == status
    assert answer.json["code"] == code
    assert answer.json["title"]
    assert answer.json["detail"]


@pytest.mark.parametrize("token", ["txd_unknown", "x", "\u00e9"])
async def test_unknown_token_is_unauthenticated(server: RunningServer, token: str) -> None:
    assert_problem(await sync(server, token=token), 401, "unauthenticated")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic eDp5"])
async def test_missing_token_is_unauthenticated(server: RunningServer, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}

    answer = await server.request("POST", SYNC, {}, headers=headers)

    assert_problem(answer, 401, "unauthenticated")


async def test_token_of_a_removed_device_is_unauthenticated(server: RunningServer) -> None:
    assert (await sync(server)).status == 200
    principal = await server.gateway.accounts.authenticate_jwt(server.regular.jwt)

    await server.gateway.devices.delete(principal, server.regular.device.id)

    assert_problem(await sync(server), 401, "unauthenticated")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", SYNC, 405, "method_not_allowed"),
        ("HEAD", SYNC, 405, ""),
        ("DELETE", PAIR, 405, "method_not_allowed"),
        ("POST", "/device/v1/nothing", 404, "not_found"),
        ("GET", "/device/v2", 404, "not_found"),
    ],
)
async def test_wrong_addresses(
    server: RunningServer, method: str, path: str, status: int, code: str
) -> None:
    answer = await server.request(method, path)

    if method == "HEAD":
        assert answer.status == status
    else:
        assert_problem(answer, status, code)
    if status == 405:
        assert answer.headers["Allow"] == "POST"


async def test_body_over_the_limit_is_too_large(server: RunningServer) -> None:
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    body = io.BytesIO(msgspec.json.encode(incoming(text="x" * 10_000_000)))

    async with server.http.post(server.url + SYNC, data=body, headers=headers) as response:
        answer = Answer(response.status, dict(response.headers), await response.read())

    assert_problem(answer, 413, "too_large")


async def test_body_sent_in_chunks_is_measured_while_reading(server: RunningServer) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    async with server.http.post(server.url + SYNC, data=chunks(), headers=headers) as response:
        assert response.status == 413


async def test_small_body_that_unpacks_to_a_large_one_is_too_large(server: RunningServer) -> None:
    headers = {
        "Authorization": f"Bearer {server.regular.device_token}", "Content-Encoding": "gzip",
    }  # fmt: skip

    answer = await server.request("POST", SYNC, gzip.compress(b" " * 50_000_000), headers=headers)

    assert_problem(answer, 413, "too_large")


async def test_locked_database_is_unavailable_with_a_time_to_come_back(
    server: RunningServer,
) -> None:
    await server.gateway.db.write(lambda tx: tx.execute("PRAGMA busy_timeout = 10").fetchone())
    path = server.server.settings.server.data_dir / "textko.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = await sync(server, {"status": {"battery": 1}})
    finally:
        other.execute("ROLLBACK")
        other.close()

    assert_problem(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await sync(server, {"status": {"battery": 1}})).status == 200


def report(**fields: Any) -> dict[str, Any]:
    return {"reports": [{"jobId": "x", "state": "sent", "at": 1} | fields]}


def incoming(**fields: Any) -> dict[str, Any]:
    return {"incoming": [{"id": "1", "from": "x", "text": "x", "receivedAt": 1} | fields]}


BAD = [
    (b"", ""),
    (b"[]", ""),
    (b"nonsense", ""),
    (b'{"capacity": 1', ""),
    (b"\xff\xfe", ""),
    (b'{"claims": ["\xff"]}', ""),
    (b"[" * 100_000, ""),
    (b'{"later": ' + b"[" * 100_000, ""),
    (b'{"later": "\\ud800", "x": ' + b'{"x":' * 50 + b"1" + b"}" * 50 + b"}", ""),
    (b'{"capacity": ' + b"1" * 5_000 + b"}", "capacity"),
    (b'{"capacity": 1e999}', "capacity"),
    (b'{"capacity": NaN}', ""),
    ({"capacity": 101}, "capacity"),
    ({"capacity": -1}, "capacity"),
    ({"capacity": "10"}, "capacity"),
    ({"capacity": None}, "capacity"),
    ({"capacity": True}, "capacity"),
    ({"claims": "x"}, "claims"),
    ({"claims": [1]}, "claims[0]"),
    ({"claims": ["x"] * 101}, "claims"),
    ({"reports": [{"state": "sent", "at": 1}]}, "reports[0].jobId"),
    (report(state="queued"), "reports[0].state"),
    (report(state="SENT"), "reports[0].state"),
    (report(at=-1), "reports[0].at"),
    (report(at=1 << 60), "reports[0].at"),
    (report(at="now"), "reports[0].at"),
    (report(errorCode="No Service"), "reports[0].errorCode"),
    (report(errorCode=""), "reports[0].errorCode"),
    (report(errorCode="x" * 65), "reports[0].errorCode"),
    (report(error="x" * 1_001), "reports[0].error"),
    (report(partsSent=256), "reports[0].partsSent"),
    ({"reports": report()["reports"] * 501}, "reports"),
    (incoming(id=""), "incoming[0].id"),
    (incoming(id="x" * 129), "incoming[0].id"),
    (incoming(**{"from": ""}), "incoming[0].from"),
    (incoming(**{"from": "x" * 65}), "incoming[0].from"),
    (incoming(text="x" * 20_001), "incoming[0].text"),
    (incoming(text=None), "incoming[0].text"),
    (incoming(simSlot=0), "incoming[0].simSlot"),
    (incoming(simSlot=9), "incoming[0].simSlot"),
    ({"incoming": incoming()["incoming"] * 101}, "incoming"),
    ({"status": []}, "status"),
    ({"status": {"battery": 101}}, "status.battery"),
    ({"status": {"battery": 1.5}}, "status.battery"),
    ({"status": {"signal": -1}}, "status.signal"),
    ({"status": {"charging": 1}}, "status.charging"),
    ({"status": {"network": "x" * 65}}, "status.network"),
    ({"sims": [{}]}, "sims[0].slot"),
    ({"sims": [{"slot": 0}]}, "sims[0].slot"),
    ({"sims": [{"slot": 9}]}, "sims[0].slot"),
    ({"sims": [{"slot": 1 << 70}]}, "sims[0].slot"),
    ({"sims": [{"slot": 1}, {"slot": 1}]}, "sims"),
    ({"sims": [{"slot": 1, "carrier": "x" * 65}]}, "sims[0].carrier"),
    ({"sims": [{"slot": 1, "subscriptionId": 1 << 40}]}, "sims[0].subscriptionId"),
]


@pytest.mark.parametrize(("body", "field"), BAD, ids=range(len(BAD)))
async def test_bad_sync_is_refused_by_field_and_nothing_of_it_is_stored(
    server: RunningServer, body: Any, field: str
) -> None:
    good = incoming()["incoming"]
    if isinstance(body, dict) and "incoming" not in body:
        body = {"incoming": good, "status": {"battery": 50}} | body
    elif body == {"sims": [{"slot": 1 << 70}]}:
        body = b'{"sims": [{"slot": 1180591620717411303424}]}'
    before = await dump(server.gateway.db)

    answer = await sync(server, _encoded(body))

    assert_problem(answer, 400, "invalid")
    assert answer.json["field"] == field
    assert await dump(server.gateway.db) == before


def _encoded(body: Any) -> bytes:
    try:
        return body if isinstance(body, bytes) else msgspec.json.encode(body)
    except OverflowError:
        return b'{"sims": [{"slot": 1180591620717411303424}]}'


@pytest.mark.parametrize("wait", ["61", "-1", "1.5", "x", "", "\u0661", "9" * 5_000])
async def test_bad_wait_is_refused(server: RunningServer, wait: str) -> None:
    answer = await sync(server, {}, wait=wait)

    assert_problem(answer, 400, "invalid")
    assert answer.json["field"] == "wait"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": " \n "}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"code": 7}, "code"),
        ({"code": "x" * 65}, "code"),
        ({"model": 1}, "model"),
        ({"app": "x"}, "app"),
        ({"sims": [{"slot": 9}]}, "sims[0].slot"),
        ({"sims": None}, "sims"),
    ],
)
async def test_bad_pairing_is_refused_by_field_and_keeps_the_code(
    server: RunningServer, fields: dict[str, Any], field: str
) -> None:
    code = await pairing_code(server)
    good = {"code": code, "name": "x"}
    before = await dump(server.gateway.db)

    answer = await server.request("POST", PAIR, good | fields)

    assert_problem(answer, 400, "invalid")
    assert answer.json["field"] == field
    assert await dump(server.gateway.db) == before
    assert (await server.request("POST", PAIR, good)).status == 201


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "nonsense"])
async def test_body_that_is_not_encoded_as_it_says_is_refused(
    server: RunningServer, encoding: str
) -> None:
    headers = {
        "Authorization": f"Bearer {server.regular.device_token}", "Content-Encoding": encoding,
    }  # fmt: skip

    answer = await server.request("POST", SYNC, b"\x00garbage", headers=headers)

    assert 400 <= answer.status < 500


async def test_slow_body_is_not_waited_for(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textko_server.http.bodies.BODY_LIMIT_S", 0.05)
    never = asyncio.Event()

    async def drip() -> Any:
        yield b"{"
        await never.wait()

    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    request = server.http.post(server.url + SYNC, data=drip(), headers=headers)
    async with asyncio.timeout(LIMIT_S):
        response = await request
    never.set()

    assert response.status == 408
    assert (await response.json(content_type=None))["code"] == "request_timeout"
    response.close()


async def test_phone_that_hangs_up_mid_poll_is_noticed_when_a_job_comes(
    server: RunningServer, tmp_path: Path
) -> None:
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    async with aiohttp.ClientSession() as leaving:
        poll = asyncio.create_task(
            leaving.post(f"{server.url}{SYNC}?wait=60", data=b"{}", headers=headers)
        )
        await until(lambda: server.gateway.polls.open_count == 1)
        poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)

    await submit(server)

    await until(lambda: server.gateway.polls.open_count == 0)
    [offer] = (await sync(server)).json["offers"]
    assert offer["text"] == "Hello"
