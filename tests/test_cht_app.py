"""The played CHT Gateway keeps to the app's source, against a server that says what it is told."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.clocks import START_MS, FrozenClock
from textko_server.emulated.cht_app import ChtApp, Outcome, Step, UrlRefused

NUMBER = "+251911000001"


class Webapp:
    """Its one endpoint."""

    def __init__(self) -> None:
        self.verdict: Any = {"medic-gateway": True}
        self.status = 200
        self.answers: list[Any] = []
        """To requests in turn; then nothing is to be sent."""
        self.requests: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://gateway:top!Se+cret@127.0.0.1:{self.port}/api"

    async def get(self, request: web.Request) -> web.Response:
        self.headers = dict(request.headers)
        return web.json_response(self.verdict, status=self.status)

    async def post(self, request: web.Request) -> web.Response:
        self.requests.append(await request.json())
        answer = self.answers.pop(0) if self.answers else {"messages": []}
        if isinstance(answer, web.Response):
            return answer
        return web.json_response(answer)


@pytest.fixture
async def webapp() -> AsyncIterator[Webapp]:
    made = Webapp()
    app = web.Application()
    app.add_routes([web.get("/api", made.get), web.post("/api", made.post)])
    async with TestServer(app) as server:
        made.port = server.port or 0
        yield made


@pytest.fixture
async def phone(webapp: Webapp, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[ChtApp]:
    async with ChtApp(webapp.url, tmp_path / "phone", clock=clock, polls=False) as app:
        yield app


def message(number: int = 1, to: str = NUMBER) -> dict[str, str]:
    return {"id": f"job-{number}", "to": to, "content": f"Text {number}"}


def statuses(request: dict[str, Any]) -> list[tuple[str, str]]:
    return [(update["id"], update["status"]) for update in request["updates"]]


async def test_login_is_in_the_address_with_its_password_encoded(
    webapp: Webapp, phone: ChtApp
) -> None:
    login = base64.b64encode(b"gateway:top!Se%2Bcret").decode()

    assert webapp.headers["Authorization"] == f"Basic {login}"
    assert webapp.headers["User-Agent"].endswith(" medic.gateway.alert.generic/1.8.2")


@pytest.mark.parametrize(
    ("status", "verdict", "words"),
    [
        (401, {}, "authorisation failed"),
        (404, {}, "URL not responding in expected way"),
        (200, {"ok": True}, "URL not responding in expected way"),
        (200, ["medic-gateway"], "URL not responding in expected way"),
    ],
)
async def test_address_that_does_not_do_is_not_saved(
    webapp: Webapp, tmp_path: Path, status: int, verdict: Any, words: str
) -> None:
    webapp.status, webapp.verdict = status, verdict

    with pytest.raises(UrlRefused, match=words):
        async with ChtApp(webapp.url, tmp_path, polls=False):
            pass


async def test_address_that_nothing_answers_at_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(UrlRefused, match="unable to contact server"):
        async with ChtApp("http://a:b@127.0.0.1:1/api", tmp_path, polls=False):
            pass


async def test_message_is_sent_once_and_every_state_is_told(webapp: Webapp, phone: ChtApp) -> None:
    webapp.answers = [{"messages": [message()]}]

    await phone.poll()
    await phone.poll()
    await phone.poll()

    assert [text.text for text in phone.on_air] == ["Text 1"]
    assert [statuses(request) for request in webapp.requests] == [
        [],
        [("job-1", "UNSENT"), ("job-1", "PENDING"), ("job-1", "SENT"), ("job-1", "DELIVERED")],
        [],
    ]


async def test_message_given_again_is_not_sent_again_but_told_again(
    webapp: Webapp, phone: ChtApp
) -> None:
    webapp.answers = [{"messages": [message()]}] * 2

    for _ in range(3):
        await phone.poll()

    assert len(phone.on_air) == 1
    assert statuses(webapp.requests[-1]) == [("job-1", "DELIVERED")]


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=500, text="oops"),
        web.Response(status=204),
        web.Response(text="<html>"),
        web.json_response({"error": True, "message": "no"}, status=401),
    ],
    ids=["500", "204", "no JSON", "401"],
)
async def test_what_was_not_taken_is_told_again(
    webapp: Webapp, phone: ChtApp, answer: web.Response
) -> None:
    webapp.answers = [answer]

    await phone.receive("+251922000001", "Hello")
    await phone.poll()
    await phone.poll()

    first, second, third = webapp.requests
    assert first["messages"] == second["messages"] != []
    assert third["messages"] == []
    assert phone.log[0].startswith(f"Received error from server: {answer.status}: ")


async def test_log_holds_the_message_of_an_error(webapp: Webapp, phone: ChtApp) -> None:
    webapp.answers = [web.json_response({"error": True, "message": "pair again"}, status=401)]

    await phone.poll()

    assert phone.log == ["Received error from server: 401: pair again"]


async def test_incoming_text_is_told_at_once(
    webapp: Webapp, phone: ChtApp, clock: FrozenClock
) -> None:
    await phone.receive("Bank", "Your code is 1")

    [told] = webapp.requests[0]["messages"]
    assert told.pop("id")
    assert told == {
        "from": "Bank", "content": "Your code is 1", "sms_sent": START_MS, "sms_received": START_MS,
    }  # fmt: skip


async def test_it_goes_on_asking_while_it_has_more_to_tell(webapp: Webapp, phone: ChtApp) -> None:
    webapp.answers = [web.Response(status=503) for _ in range(25)]
    for index in range(25):
        await phone.receive(NUMBER, f"Text {index}")
    webapp.requests.clear()

    await phone.poll()

    assert [len(request["messages"]) for request in webapp.requests] == [10, 10, 5]


async def test_ten_are_sent_after_each_request(webapp: Webapp, phone: ChtApp) -> None:
    webapp.answers = [{"messages": [message(n) for n in range(25)]}]

    await phone.poll()

    assert len(phone.on_air) == 10


async def test_one_broken_message_does_not_keep_the_others(webapp: Webapp, phone: ChtApp) -> None:
    webapp.answers = [{"messages": [{"id": "x"}, None, message(2)]}]

    await phone.poll()

    assert [text.message_id for text in phone.on_air] == ["job-2"]


@pytest.mark.parametrize(
    ("number", "outcome", "last", "reason"),
    [
        (NUMBER, Outcome.GENERIC, "FAILED", "generic; no errorCode supplied"),
        (NUMBER, Outcome.LIMIT, "FAILED", "unknown; resultCode=5"),
        ("+251 911-00x", Outcome.DELIVERED, "FAILED", "destination.invalid"),
        (NUMBER, Outcome.SENT, "SENT", None),
        # Its report handler fails only what is still PENDING.
        (NUMBER, Outcome.UNDELIVERED, "SENT", None),
    ],
)
async def test_states_end_as_the_radio_has_it(
    webapp: Webapp, phone: ChtApp, number: str, outcome: Outcome, last: str, reason: str | None
) -> None:
    phone.radio.outcomes[NUMBER] = outcome
    webapp.answers = [{"messages": [message(to=number)]}]

    await phone.poll()
    await phone.poll()

    update = webapp.requests[-1]["updates"][-1]
    assert (update["status"], update.get("reason")) == (last, reason)


async def test_without_service_it_tries_twenty_times_over_hours(
    webapp: Webapp, phone: ChtApp, clock: FrozenClock
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.NO_SERVICE
    webapp.answers = [{"messages": [message()]}]
    minutes = 0
    updates: list[dict[str, str]] = []

    while not updates or updates[-1]["status"] != "FAILED":
        await phone.poll()
        updates += webapp.requests[-1]["updates"]
        clock.advance(60_000)
        minutes += 1

    assert [u["status"] for u in updates].count("PENDING") == 21
    assert updates[-1]["reason"] == "no-service"
    assert 12 * 60 < minutes < 14 * 60


async def test_message_given_again_waits_anew_with_its_retry(
    webapp: Webapp, phone: ChtApp, clock: FrozenClock
) -> None:
    phone.radio.outcomes[NUMBER] = Outcome.RADIO_OFF
    webapp.answers = [{"messages": [message()]}] * 10
    for _ in range(10):
        await phone.poll()
        clock.advance(59_000)

    states = [status for request in webapp.requests for _, status in statuses(request)]
    assert states.count("PENDING") == 1


async def test_killed_app_goes_on_with_what_it_had_written_down(
    webapp: Webapp, tmp_path: Path, clock: FrozenClock
) -> None:
    webapp.answers = [{"messages": [message()]}]
    reached = asyncio.Event()

    async def stop(step: Step) -> None:
        if step is Step.ON_AIR:
            reached.set()
            await asyncio.Event().wait()

    killed = ChtApp(webapp.url, tmp_path, clock=clock, at_step=stop)
    async with killed:
        async with asyncio.timeout(10):
            await reached.wait()
    async with ChtApp(webapp.url, tmp_path, clock=clock, polls=False) as again:
        await again.poll()

        assert len(again.on_air) == 1
    assert [status for _, status in statuses(webapp.requests[-1])][-1] == "DELIVERED"
