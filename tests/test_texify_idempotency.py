"""Texify: a repeated request with its Idempotency-Key sends once, whatever happens in between."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.clocks import FrozenClock
from tests.servers import Answer, RunningServer, running_server, settings_for_tests
from tests.texify import JANE, JOHN, Texify
from textko_server.clock import DAY_MS
from textko_server.errors import StillRunning
from textko_server.gateway.idempotency import Answer as SavedAnswer
from textko_server.gateway.idempotency import IdempotencyKey
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect
from textko_server.server import Server, local_url
from textko_server.store.database import Transaction

SEND: dict[str, Any] = {"message": "Hello!", "recipients": [JOHN]}
KEY = {"Idempotency-Key": "order-17"}
SCHEDULE: dict[str, Any] = {
    "message": "Soon",
    "scheduledFor": "2026-01-15T11:00:00Z",
    "recipientType": "phones",
    "phones": [JOHN],
}


@pytest.fixture
def application(server: RunningServer) -> Texify:
    return Texify(server)


async def send(application: Texify, body: Any = SEND, key: str = "order-17") -> Answer:
    return await application.ask("POST", "/messages/send", body, **{"Idempotency-Key": key})


async def message_count(application: Texify) -> int:
    total: int = (await application.get("/messages"))["meta"]["total"]
    return total


def is_replay(answer: Answer) -> bool:
    return answer.headers.get("Idempotent-Replayed") == "true"


async def test_replay_has_the_bytes_of_the_first_answer_and_says_so(application: Texify) -> None:
    first = await send(application)
    await application.carry_out("delivered")
    second = await send(application)

    assert (first.status, second.status) == (200, 200)
    assert second.content == first.content
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert await message_count(application) == 1


async def test_order_of_keys_and_spaces_make_no_other_body(application: Texify) -> None:
    await send(application)

    body = b'{ "recipients" : ["%s"],\n "message": "Hello!" }' % JOHN.encode()
    assert is_replay(await send(application, body))


async def test_quoted_key_is_the_bare_one(application: Texify) -> None:
    await send(application)

    assert is_replay(await send(application, key='"order-17"'))


async def test_other_body_is_refused_with_422(application: Texify) -> None:
    await send(application)

    answer = await send(application, SEND | {"message": "Other"})

    assert (answer.status, answer.json["code"]) == (422, "idempotency_mismatch")
    assert await message_count(application) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "a b", "ключ"])
async def test_key_that_cannot_be_one_is_refused(application: Texify, key: str) -> None:
    answer = await send(application, key=key)

    assert (answer.status, answer.json["errors"][0]["field"]) == (400, "Idempotency-Key")


async def test_refusals_before_any_work_are_not_remembered(
    server: RunningServer, application: Texify
) -> None:
    later = await application.make_template("Hi {{name}}")
    body = {"templateId": later, "recipients": ["+233244000009x"]}
    assert (await send(application, body)).status == 400
    await server.gateway.accounts.set_limits(server.regular.user.id, monthly_limit=0)
    assert (await send(application)).status == 429
    await server.gateway.accounts.set_limits(server.regular.user.id, monthly_limit=5)

    assert (await send(application)).status == 200


async def test_402_is_repeated_even_after_a_top_up(
    server: RunningServer, application: Texify
) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=0)
    first = await send(application)
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=10)

    second = await send(application)

    assert (first.status, second.status) == (402, 402)
    assert first.content == second.content
    assert (first.json["required"], first.json["available"]) == (1, 0)
    assert is_replay(second)
    assert (await send(application, key="another")).status == 200


async def test_key_is_free_again_after_a_day(application: Texify, clock: FrozenClock) -> None:
    await send(application)
    clock.advance(DAY_MS - 1)
    assert is_replay(await send(application))
    clock.advance(1)

    assert not is_replay(await send(application))
    assert await message_count(application) == 2


async def test_key_belongs_to_its_api_key_and_endpoint(
    server: RunningServer, application: Texify
) -> None:
    await send(application)
    _, other_key = await server.gateway.api_keys.create_key(server.regular.user.id, "other")

    other = Texify(server, {"x-api-key": other_key})

    assert not is_replay(await send(other))
    assert (await application.ask("POST", "/scheduled", SCHEDULE, **KEY)).status == 200


async def test_scheduling_is_repeated_too_even_once_its_time_has_passed(
    application: Texify, clock: FrozenClock
) -> None:
    first = await application.ask("POST", "/scheduled", SCHEDULE, **KEY)
    clock.advance(2 * 3_600_000)

    second = await application.ask("POST", "/scheduled", SCHEDULE, **KEY)

    assert (second.status, second.content) == (200, first.content)
    assert (await application.get("/scheduled"))["meta"]["total"] == 1


async def test_of_many_at_once_one_sends_and_the_others_are_told_to_wait(
    application: Texify,
) -> None:
    answers = await asyncio.gather(*(send(application) for _ in range(10)))

    fresh = [a for a in answers if a.status == 200 and not is_replay(a)]
    assert len(fresh) == 1
    for answer in answers:
        assert answer.status in (200, 409)
        if answer.status == 409:
            assert answer.json["code"] == "request_in_flight"
            assert answer.headers["Retry-After"] == "1"
    assert await message_count(application) == 1


async def test_second_request_is_refused_while_the_first_runs(server: RunningServer) -> None:
    idempotency = server.gateway.idempotency
    key = IdempotencyKey("key:1", "k", "POST /x", b"f")
    with (
        idempotency.running(key),
        pytest.raises(StillRunning),
        idempotency.running(key),
    ):
        pass
    with idempotency.running(key):
        pass


async def test_after_a_crash_there_are_key_and_messages_or_neither(tmp_path: Path) -> None:
    """A write that dies at its very end leaves nothing; one that is done is found again."""
    async with running_server(tmp_path / "data") as server:
        gateway = server.gateway
        application = Texify(server)
        await gateway.accounts.set_limits(server.regular.user.id, credits=10)
        principal = await gateway.api_keys.authenticate_key(server.regular.key)
        key = IdempotencyKey(f"key:{server.regular.api_key.id}", "k", "POST /x", b"f")
        submission = Submission("Hi", [JOHN, JANE], Dialect.TEXIFY)

        def make(tx: Transaction) -> SavedAnswer:
            gateway.messages.insert(tx, principal, [submission])
            return SavedAnswer(200, b"{}")

        def die(tx: Transaction) -> SavedAnswer:
            make(tx)
            raise RuntimeError

        with pytest.raises(RuntimeError):
            await gateway.idempotency.write_once(key, die)
        assert await gateway.idempotency.find_answer(key) is None
        assert await message_count(application) == 0
        assert (await application.get("/balance"))["data"]["credits"] == 10

        assert await gateway.idempotency.write_once(key, make) == (SavedAnswer(200, b"{}"), False)
        assert await gateway.idempotency.write_once(key, make) == (SavedAnswer(200, b"{}"), True)
        assert (await application.get("/balance"))["data"]["credits"] == 8


async def test_answer_is_found_again_after_a_restart(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        first = await send(Texify(server))
        headers = server.regular.key_headers | KEY

    settings = settings_for_tests(tmp_path / "data")
    async with Server(settings, FrozenClock()) as again, aiohttp.ClientSession() as http:
        url = f"{local_url(again.port)}/api/v1/messages/send"
        async with http.post(url, json=SEND, headers=headers) as second:
            assert second.headers["Idempotent-Replayed"] == "true"
            assert await second.read() == first.content
