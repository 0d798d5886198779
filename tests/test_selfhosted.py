"""Self Hosted SMS as its vendor documents it, and as docs/dialects/selfhosted.md fills its gaps."""

import asyncio
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.gateways import LIMIT_S, check_invariants, until
from tests.servers import Answer, RunningServer, running_server
from textko_server.config import RateSettings
from textko_server.http.dialects.selfhosted import RESERVED
from textko_server.model import State

PHONE = "+251912345678"


@pytest.fixture
async def server(tmp_path: Path, clock: FrozenClock) -> Any:
    """Without the rate limit, which has tests of its own."""
    async with running_server(
        tmp_path / "data", clock=clock, rates=RateSettings(selfhosted_per_minute=0)
    ) as running:
        yield running


async def call(server: RunningServer, method: str, tail: str, body: Any = None) -> Answer:
    return await server.request(method, f"/api/{server.regular.key}/{tail}", body)


async def queue(server: RunningServer, *items: Any) -> Answer:
    return await call(server, "POST", "queue", list(items))


async def queue_texts(server: RunningServer, *texts: str) -> list[str]:
    """Returns their hashes."""
    answer = await queue(server, *({"phone": PHONE, "message": text} for text in texts))
    return [item["hash"] for item in answer.json["items"]]


async def get_messages(server: RunningServer, query: str = "") -> list[dict[str, str]]:
    answer = await call(server, "GET", f"get_messages{query}")
    assert answer.status == 200
    messages: list[dict[str, str]] = answer.json
    return messages


async def report(server: RunningServer, *pairs: tuple[str, Any], device: str = "Pixel") -> Answer:
    messages = [{"hash": value, "status": status} for value, status in pairs]
    return await call(server, "POST", "status", {"device": device, "messages": messages})


async def states(server: RunningServer) -> list[str]:
    await check_invariants(server.gateway.db)
    rows = await server.gateway.db.fetch_all("SELECT state FROM recipients ORDER BY id")
    return [state for (state,) in rows]


async def sweep(server: RunningServer, clock: FrozenClock, seconds: float) -> None:
    clock.advance(int(seconds * 1000))
    while await server.gateway.sweep.sweep_once():
        pass


async def limit_account(server: RunningServer, column: str, value: int) -> None:
    await server.gateway.db.write(
        lambda tx: tx.execute(
            f"UPDATE users SET {column} = ? WHERE id = ?",  # noqa: S608 - a constant of a test
            (value, server.regular.user.id),
        )
    )


# --- the three steps ---


async def test_message_goes_from_queue_over_get_messages_to_status(server: RunningServer) -> None:
    queued = await queue(server, {"phone": PHONE, "message": "Hello"})
    [item] = queued.json["items"]
    assert queued.status == 200
    assert queued.json == {
        "ok": True, "queued": 1, "failed": 0,
        "items": [{"index": 0, "hash": item["hash"], "phone": PHONE}], "errors": [],
    }  # fmt: skip
    assert re.fullmatch(r"[0-9a-f]{16}", item["hash"])

    fetched = await call(server, "GET", "get_messages")
    assert fetched.json == [{"phone": PHONE, "text": "Hello", "hash": item["hash"]}]
    assert fetched.headers["Cache-Control"] == "no-store"
    assert fetched.headers["Referrer-Policy"] == "no-referrer"
    assert await states(server) == ["claimed"]

    reported = await report(server, (item["hash"], 2))
    assert (reported.status, reported.json) == (200, {"ok": True, "updated": 1})
    assert await states(server) == ["delivered"]


async def test_failed_message_says_which_phone_said_so(server: RunningServer) -> None:
    [value] = await queue_texts(server, "Hi")
    await get_messages(server)

    assert (await report(server, (value, 3), device="Drawer")).json["updated"] == 1

    assert await states(server) == ["failed"]
    [(actor,)] = await server.gateway.db.fetch_all(
        "SELECT actor FROM recipient_events WHERE state = 'failed'"
    )
    assert actor == "phone:Drawer"


async def test_trailing_slash_is_taken(server: RunningServer) -> None:
    answer = await call(server, "POST", "queue/", [{"phone": PHONE, "message": "Hi"}])

    assert answer.status == 200
    assert len((await call(server, "GET", "get_messages/")).json) == 1


# --- queue: what the vendor leaves open ---


async def test_good_items_are_queued_and_bad_ones_named(server: RunningServer) -> None:
    answer = await queue(
        server, {"phone": "12", "message": "a"}, {"phone": PHONE, "message": "b"},
        {"phone": PHONE}, "text",
    )  # fmt: skip

    assert answer.status == 200
    assert answer.json["ok"] is True
    assert (answer.json["queued"], answer.json["failed"]) == (1, 3)
    assert [i["index"] for i in answer.json["items"]] == [1]
    assert answer.json["errors"] == [
        {"index": 0, "error": "Invalid phone format"},
        {"index": 2, "error": "Message is required"},
        {"index": 3, "error": "Each item must be an object"},
    ]


async def test_single_object_is_an_array_of_one(server: RunningServer) -> None:
    answer = await call(server, "POST", "queue", {"phone": PHONE, "text": "Hi"})

    assert answer.json["queued"] == 1


async def test_all_bad_items_are_the_documented_422(server: RunningServer) -> None:
    answer = await queue(server, {"phone": "123", "message": "Hi"})

    assert answer.status == 422
    assert answer.json == {
        "ok": False, "queued": 0, "failed": 1, "items": [],
        "errors": [{"index": 0, "error": "Invalid phone format"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", [[], "text", 7, None, b"", b"nonsense", b"[" * 100_000, b"\xff", [{}] * 1_001]
)
async def test_body_that_is_no_array_of_messages_is_422(server: RunningServer, body: Any) -> None:
    body = b"null" if body is None else body

    answer = await call(server, "POST", "queue", body)

    assert answer.status == 422
    assert answer.json["ok"] is False
    [error] = answer.json["errors"]
    assert error["index"] == 0
    assert error["error"]


async def test_message_wins_over_text(server: RunningServer) -> None:
    await queue(server, {"phone": PHONE, "message": "first", "text": "second"})

    assert [m["text"] for m in await get_messages(server)] == ["first"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "Message is required"),
        (" \n", "Message is required"),
        (7, "Message must be a string"),
        ("x" * 1_001, "Message may not be longer than 1000 characters"),
    ],
)
async def test_texts_that_are_refused(server: RunningServer, text: Any, error: str) -> None:
    answer = await queue(server, {"phone": PHONE, "message": text})

    assert answer.json["errors"] == [{"index": 0, "error": error}]


async def test_limit_counts_characters_and_not_bytes(server: RunningServer) -> None:
    for text in ("ሰ" * 1_000, "😀" * 300 + "a" * 700):
        assert (await queue(server, {"phone": PHONE, "message": text})).status == 200


@pytest.mark.parametrize("phone", ["123456", "+123456", "1" * 20, "+" + "1" * 20, "0911000001"])
async def test_phone_is_kept_as_it_was_given(server: RunningServer, phone: str) -> None:
    await queue(server, {"phone": phone, "message": "Hi"})

    assert [m["phone"] for m in await get_messages(server)] == [phone]


@pytest.mark.parametrize(
    "phone",
    ["12345", "1" * 21, "+251 911", "0911-000", "++123456", "123456\n", "١٢٣٤٥٦", "", 911_000_001],
)
async def test_other_forms_of_a_phone_are_refused(server: RunningServer, phone: Any) -> None:
    answer = await queue(server, {"phone": phone, "message": "Hi"})

    assert answer.status == 422
    assert answer.json["errors"] == [{"index": 0, "error": "Invalid phone format"}]


async def test_hashes_are_unique_and_nobody_guesses_the_next(server: RunningServer) -> None:
    hashes = await queue_texts(server, *(str(n) for n in range(100)))

    assert len(set(hashes)) == 100
    assert sorted(hashes) != hashes


# --- limits ---


async def test_month_limit_refuses_the_whole_array_with_the_documented_429(
    server: RunningServer,
) -> None:
    await limit_account(server, "monthly_limit", 2)
    await queue_texts(server, "one")

    answer = await queue(server, *[{"phone": PHONE, "message": "x"}] * 2)

    assert answer.status == 429
    assert answer.json == {
        "error": "SMS limit exceeded for this month", "code": "limit_exceeded", "limit": 2,
        "used": 1,
    }  # fmt: skip
    assert await states(server) == ["queued"]


async def test_ended_subscription_is_the_documented_403_but_may_still_report(
    server: RunningServer, clock: FrozenClock
) -> None:
    [value] = await queue_texts(server, "one")
    await get_messages(server)
    await limit_account(server, "subscription_ends_at", clock.now_ms())
    refusal = {"error": "No active subscription", "code": "subscription_required"}

    for answer in (
        await queue(server, {"phone": PHONE, "message": "x"}),
        await queue(server, {"phone": "bad"}),
        await call(server, "POST", "queue", b"nonsense"),
        await call(server, "GET", "get_messages"),
        await call(server, "GET", "get_messages?wait=60"),
    ):
        assert (answer.status, answer.json) == (403, refusal)
    assert (await report(server, (value, 2))).json == {"ok": True, "updated": 1}


@pytest.mark.parametrize("token", ["x", "txk_" + "0" * 60, "a" * 64, "%00", "..%2F", "v1%2Fusers"])
@pytest.mark.parametrize(
    ("method", "tail"), [("POST", "queue"), ("GET", "get_messages"), ("POST", "status")]
)
async def test_unknown_token_is_the_documented_401_before_anything_else(
    server: RunningServer, token: str, method: str, tail: str
) -> None:
    answer = await server.request(method, f"/api/{token}/{tail}", b"nonsense")

    assert (answer.status, answer.json) == (401, {"error": "Invalid API token"})


async def test_login_and_revoked_key_are_no_tokens(server: RunningServer) -> None:
    assert (await call(server, "GET", "get_messages")).status == 200
    await server.gateway.api_keys.revoke_key(server.regular.user.id, server.regular.api_key.id)

    assert (await call(server, "GET", "get_messages")).status == 401
    login = await server.request("GET", f"/api/{server.regular.jwt}/get_messages")
    assert (login.status, login.json) == (401, {"error": "Invalid API token"})


async def test_key_without_the_scope_may_not_send_or_fetch(server: RunningServer) -> None:
    key = (await server.make_key(server.regular, "read_messages"))["x-api-key"]

    answer = await server.request("GET", f"/api/{key}/get_messages")

    assert (answer.status, answer.json["code"]) == (403, "insufficient_scope")


async def test_sixty_first_request_in_a_minute_is_refused_with_headers(
    tmp_path: Path, clock: FrozenClock
) -> None:
    async with running_server(tmp_path / "data", clock=clock) as server:
        answers = [await call(server, "GET", "get_messages") for _ in range(60)]
        answers += [await call(server, "POST", "queue", b"nonsense")]
        other = await server.request("GET", f"/api/{server.admin.key}/get_messages")
        clock.advance(60_000)
        later = await call(server, "GET", "get_messages")

    assert {a.status for a in answers[:60]} == {200}
    assert answers[0].headers["X-RateLimit-Limit"] == "60"
    assert answers[0].headers["X-RateLimit-Remaining"] == "59"
    refused = answers[60]
    assert refused.status == 429
    assert refused.json == {"error": "Too many requests", "code": "rate_limited"}
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["RateLimit-Policy"] == '"default";q=60;w=60'
    assert (other.status, later.status) == (200, 200)


# --- get_messages ---


async def test_messages_come_first_in_first_out(server: RunningServer) -> None:
    for text in "abc":
        await queue_texts(server, text, text.upper())

    texts = [m["text"] for m in await get_messages(server, "?limit=4")]
    texts += [m["text"] for m in await get_messages(server)]

    assert "".join(texts) == "aAbBcC"


@pytest.mark.parametrize(
    ("limit", "count"),
    [("", 20), ("?limit=3", 3), ("?limit=0", 1), ("?limit=-5", 1), ("?limit=201", 200),
     ("?limit=999999999999999999999", 200), ("?limit=x", 20), ("?limit=", 20), ("?limit=1.5", 20),
     ("?limit=" + "9" * 4_500, 20)],
)  # fmt: skip
async def test_limit_is_clamped(server: RunningServer, limit: str, count: int) -> None:
    await queue_texts(server, *(str(n) for n in range(210)))

    assert len(await get_messages(server, limit)) == count


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
async def test_other_methods_take_nothing_away(server: RunningServer, method: str) -> None:
    await queue_texts(server, "Hi")

    answer = await call(server, method, "get_messages")

    assert answer.status == 405
    assert answer.headers["Allow"] == "GET"
    assert await states(server) == ["queued"]


async def test_wait_holds_the_request_until_there_is_a_message(server: RunningServer) -> None:
    held = asyncio.create_task(get_messages(server, "?wait=60"))
    await until(lambda: server.gateway.polls.open_count == 1)

    await queue_texts(server, "Hi")

    assert [m["text"] for m in await asyncio.wait_for(held, LIMIT_S)] == ["Hi"]


async def test_without_wait_nothing_is_an_empty_array_at_once(server: RunningServer) -> None:
    assert await asyncio.wait_for(get_messages(server), LIMIT_S) == []


async def test_messages_for_a_named_device_are_not_handed_out(server: RunningServer) -> None:
    body = {"message": "Hi", "recipients": [PHONE]}
    path = f"/api/v1/gateway/devices/{server.regular.device_id}/send-sms"
    sent = await server.request("POST", path, body, headers=server.regular.key_headers)
    assert sent.status == 201

    assert await get_messages(server) == []


async def test_other_accounts_messages_are_not_handed_out(server: RunningServer) -> None:
    [value] = await queue_texts(server, "Hi")
    admin = f"/api/{server.admin.key}"

    assert (await server.request("GET", f"{admin}/get_messages")).json == []
    body = {"messages": [{"hash": value, "status": 2}]}
    assert (await server.request("POST", f"{admin}/status", body)).json["updated"] == 0
    assert await states(server) == ["queued"]


async def test_two_pollers_never_get_the_same_message(server: RunningServer) -> None:
    await queue_texts(server, *(str(n) for n in range(1_000)))
    got: list[str] = []

    async def run() -> None:
        while messages := await get_messages(server, "?limit=37"):
            got.extend(m["hash"] for m in messages)

    await asyncio.gather(run(), run())

    assert len(got) == len(set(got)) == 1_000


# --- leases and reports ---


async def test_message_not_reported_on_goes_back_in_place_twice_and_then_fails(
    server: RunningServer, clock: FrozenClock
) -> None:
    await queue_texts(server, "old")
    for _ in range(3):
        assert [m["text"] for m in await get_messages(server, "?limit=1")] == ["old"]
        await queue_texts(server, "new")
        await sweep(server, clock, 600)

    assert (await states(server))[0] == "failed"
    [(code,)] = await server.gateway.db.fetch_all("SELECT error_code FROM recipients WHERE id = 1")
    assert code == "lease_expired"


@pytest.mark.parametrize("again", [False, True])
async def test_late_success_wins_and_stops_the_second_send(
    server: RunningServer, clock: FrozenClock, again: bool
) -> None:
    [value] = await queue_texts(server, "Hi")
    for _ in range(3 if again else 1):
        await get_messages(server)
        await sweep(server, clock, 600)
    assert await states(server) == ["failed" if again else "queued"]

    assert (await report(server, (value, 2))).json["updated"] == 1

    assert await states(server) == ["delivered"]
    assert await get_messages(server) == []


async def test_late_failure_lets_the_message_be_tried_again(
    server: RunningServer, clock: FrozenClock
) -> None:
    [value] = await queue_texts(server, "Hi")
    await get_messages(server)
    await sweep(server, clock, 600)

    await report(server, (value, 3))

    assert await states(server) == ["queued"]


async def test_late_failure_does_not_touch_what_a_device_has_claimed_since(
    server: RunningServer, clock: FrozenClock
) -> None:
    [value] = await queue_texts(server, "Hi")
    await get_messages(server)
    await sweep(server, clock, 600)
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    [offer] = (await server.request("POST", "/device/v1/sync", {}, headers=headers)).json["offers"]
    await server.request("POST", "/device/v1/sync", {"claims": [offer["jobId"]]}, headers=headers)

    assert (await report(server, (value, 3))).json["updated"] == 0

    assert await states(server) == ["claimed"]


async def test_repeated_report_counts_and_a_contradiction_does_not(server: RunningServer) -> None:
    good, bad = await queue_texts(server, "a", "b")
    await get_messages(server)
    await report(server, (good, 2), (bad, 3))

    assert (await report(server, (good, 2), (bad, 3))).json["updated"] == 2
    assert (await report(server, (good, 3), (bad, 2))).json["updated"] == 0
    assert await states(server) == ["delivered", "failed"]


async def test_unknown_hashes_are_not_counted(server: RunningServer) -> None:
    answer = await report(server, ("0" * 16, 2), ("short", 2), ("x" * 5_000, 3))

    assert (answer.status, answer.json) == (200, {"ok": True, "updated": 0})


async def test_message_that_was_never_fetched_cannot_be_reported_on(server: RunningServer) -> None:
    [value] = await queue_texts(server, "Hi")

    assert (await report(server, (value, 2))).json["updated"] == 0

    assert await states(server) == [State.QUEUED]


@pytest.mark.parametrize("status", [0, 1, 4, -2, "2", None, True, 2.5, [], {}])
async def test_other_statuses_are_refused_and_nothing_is_applied(
    server: RunningServer, status: Any
) -> None:
    first, second = await queue_texts(server, "a", "b")
    await get_messages(server)

    answer = await report(server, (first, 2), (second, status))

    assert answer.status == 422
    assert answer.json == {
        "ok": False, "updated": 0, "errors": [{"index": 1, "error": "Invalid status"}],
    }  # fmt: skip
    assert await states(server) == ["claimed", "claimed"]


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", [], {}, {"messages": []}, {"messages": "x"}, {"messages": ["x"]},
     {"messages": [{"status": 2}]}, {"messages": [{"hash": 7, "status": 2}]},
     {"device": "x" * 16, "messages": [{"hash": "0" * 16, "status": 2}]},
     {"device": 7, "messages": [{"hash": "0" * 16, "status": 2}]}],
)  # fmt: skip
async def test_bad_status_body_is_422_in_the_shape_of_status(
    server: RunningServer, body: Any
) -> None:
    answer = await call(server, "POST", "status", body)

    assert answer.status == 422
    assert set(answer.json) == {"ok", "updated", "errors"}
    assert (answer.json["ok"], answer.json["updated"]) == (False, 0)


# --- addresses ---


@pytest.mark.parametrize("word", RESERVED)
async def test_reserved_word_is_never_a_token(server: RunningServer, word: str) -> None:
    for method, tail in (("POST", "queue"), ("GET", "get_messages"), ("POST", "status")):
        answer = await server.request(method, f"/api/{word}/{tail}", [])

        # /api/download/queue is a download of a version called "queue", for those who GET it.
        is_download = word == "download" and method == "POST"
        assert answer.status == (405 if is_download else 404)
        assert answer.json.get("error") or answer.json["message"]  # of the word's own dialect


async def test_body_over_the_limit_is_413_in_json(server: RunningServer) -> None:
    url = f"{server.url}/api/{server.regular.key}/queue"
    async with server.http.post(url, data=io.BytesIO(b" " * 3_000_000)) as response:
        assert response.status == 413
        assert (await response.json())["code"] == "too_large"
