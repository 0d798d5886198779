"""Who says STOP is written to no more: by nobody of that account, and nobody is charged for it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import FrozenClock
from tests.commands import CommandLine
from tests.gateways import check_invariants
from tests.servers import RunningServer, running_server, settings_for_tests
from textko_server.config import DispatchSettings, MessageSettings, OptOutSettings
from textko_server.gateway.opt_out_words import Wish, wish_of
from textko_server.server import Server

PHONE = "+251912345678"
OTHER = "+251912345679"
GOODBYE = "You get no more texts from us."


@pytest.fixture
async def server(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[RunningServer]:
    """With a confirmation, in Ethiopia."""
    async with running_server(
        tmp_path / "data",
        clock=clock,
        opt_out=OptOutSettings(confirmation=GOODBYE),
        messages=MessageSettings(default_region="ET"),
        dispatch=DispatchSettings(prefer_last_sim_s=0),
    ) as running:
        yield running


async def hear(server: RunningServer, text: str, sender: str = PHONE, reference: str = "") -> Any:
    """The person's phone receives a text."""
    incoming = {
        "id": reference or text, "from": sender, "text": text,
        "receivedAt": server.clock.now_ms(), "simSlot": 1,
    }  # fmt: skip
    return await server.sync(server.regular, incoming=[incoming], capacity=0)


async def send(server: RunningServer, *numbers: str, text: str = "Hello", **fields: Any) -> str:
    """Returns the message's id."""
    body = {"recipients": list(numbers), "message": text, **fields}
    answer = await server.request(
        "POST", "/api/v1/gateway/send-sms", body, headers=server.regular.key_headers
    )
    assert answer.status == 200, answer
    message_id: str = answer.json["data"]["smsBatchId"]
    return message_id


async def recipients(server: RunningServer) -> list[tuple[str, str, str | None]]:
    """(number, state, error code) of all, in order."""
    await check_invariants(server.gateway.db)
    rows = await server.gateway.db.fetch_all(
        "SELECT phone_number, state, error_code FROM recipients ORDER BY id"
    )
    return [(number, state, code) for number, state, code in rows]


async def opted_out(server: RunningServer) -> list[str]:
    page = await server.gateway.opt_outs.list_page(server.regular.user.id)
    return [opt_out.phone_number for opt_out in page]


# --- the words ---


@pytest.mark.parametrize(
    "text",
    [
        "STOP", "stop", " Stop. ", "Stop!!!", "STOP.\n", "Stop. Thank you", "stop, thanks",
        "\u201cSTOP\u201d",
        "Please stop", "STOP 🛑", "ＳＴＯＰ", "Unsubscribe", "opt-out", "Opt out", "arrêt", "ARRET",
        "baja", "Stopp bitte", "СТОП", "አቁም", "توقف", "停止。", "Dừng", "stop s'il vous plaît",
    ],
)  # fmt: skip
def test_text_that_is_a_word_for_stopping_is_one(text: str) -> None:
    assert wish_of(text) is Wish.STOP


@pytest.mark.parametrize(
    "text",
    [
        "", "STOP 12345", "12345", "Stop by at noon", "Do not stop", "I will not stop, thank you",
        "the last stop", "stopping", "STOPP 1", "thank you", "please", "End of the week?",
        "Can you cancel my order", "stop" * 50, "🛑",
    ],
)  # fmt: skip
def test_other_texts_are_answers(text: str) -> None:
    assert wish_of(text) is None


@pytest.mark.parametrize("text", ["START", "Start, please!", "unstop", "старт", "ጀምር"])
def test_text_that_is_a_word_for_starting_is_one(text: str) -> None:
    assert wish_of(text) is Wish.START


@given(st.text())
def test_any_text_has_a_wish_or_none(text: str) -> None:
    assert wish_of(text) in (Wish.STOP, Wish.START, None)


# --- what they do ---


async def test_text_to_who_opted_out_fails_and_no_phone_gets_it(server: RunningServer) -> None:
    await hear(server, "Stop. Thank you")
    await server.sync(server.regular, capacity=10)  # the confirmation

    await send(server, PHONE)

    assert (await recipients(server))[1:] == [(PHONE, "failed", "opted_out")]
    assert (await server.sync(server.regular, capacity=10))["offers"] == []


async def test_other_recipients_of_the_message_get_it(server: RunningServer) -> None:
    await server.gateway.opt_outs.add(server.regular.user.id, PHONE)

    message_id = await send(server, OTHER, PHONE)

    assert await recipients(server) == [(OTHER, "queued", None), (PHONE, "failed", "opted_out")]
    offers = (await server.sync(server.regular, capacity=10))["offers"]
    assert [offer["phoneNumber"] for offer in offers] == [OTHER]
    shown = await server.request(
        "GET", f"/admin/v1/messages/{message_id}", headers=server.regular.jwt_headers
    )
    failed = next(r for r in shown.json["recipients"] if r["state"] == "failed")
    assert failed["error"] == "the recipient asked not to be written to"


async def test_it_is_not_charged(server: RunningServer) -> None:
    user_id = server.regular.user.id
    await server.gateway.opt_outs.add(user_id, PHONE)
    await server.gateway.accounts.set_limits(user_id, credits=3, monthly_limit=1)

    await send(server, PHONE)
    await send(server, PHONE, OTHER)

    [(left,)] = await server.gateway.db.fetch_all(
        "SELECT credits FROM users WHERE id = ?", (user_id,)
    )
    assert left == 2
    usage = await server.gateway.db.fetch_all("SELECT messages, segments FROM usage")
    assert usage == [(1, 1)]
    assert await server.gateway.db.fetch_all("SELECT credits FROM messages ORDER BY id") == [
        (0,),
        (1,),
    ]


async def test_subscribers_hear_that_it_failed(server: RunningServer) -> None:
    await server.gateway.webhooks.create(
        server.regular.user.id, url="http://127.0.0.1:9/x", events=["MESSAGE_FAILED"], name=""
    )
    await server.gateway.opt_outs.add(server.regular.user.id, PHONE)

    await send(server, PHONE)

    [(event, body)] = await server.gateway.db.fetch_all(
        "SELECT event, body FROM webhook_deliveries"
    )
    assert event == "MESSAGE_FAILED"
    assert b'"errorCode":"opted_out"' in body


@pytest.mark.parametrize("spelling", ["0912345678", "00251912345678", "+251 91 234 5678"])
async def test_other_spellings_of_the_number_are_the_same_number(
    server: RunningServer, spelling: str
) -> None:
    await hear(server, "STOP", sender=spelling)
    assert await opted_out(server) == [PHONE]
    before = len(await recipients(server))

    await send(server, PHONE)
    if spelling.isdigit():
        body = [{"phone": spelling, "message": "Hi"}]
        answer = await server.request("POST", f"/api/{server.regular.key}/queue", body)
        assert answer.json["queued"] == 1

    states = {(state, code) for _, state, code in (await recipients(server))[before:]}
    assert states == {("failed", "opted_out")}


async def test_confirmation_goes_once_by_the_sim_that_heard_it(server: RunningServer) -> None:
    await hear(server, "STOP", reference="1")
    await hear(server, "STOP", reference="1")  # the phone tells of it again
    await hear(server, "STOP", reference="2")

    offers = (await server.sync(server.regular, capacity=10))["offers"]

    assert [(o["phoneNumber"], o["text"], o["simSlot"]) for o in offers] == [(PHONE, GOODBYE, 1)]


async def test_confirmation_that_the_account_cannot_pay_does_not_undo_the_wish(
    server: RunningServer,
) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=0)

    await hear(server, "STOP")

    assert await opted_out(server) == [PHONE]
    assert await recipients(server) == []


async def test_start_lets_the_account_write_again(server: RunningServer) -> None:
    await server.gateway.opt_outs.add(server.regular.user.id, PHONE)

    await hear(server, "START")
    await send(server, PHONE)

    assert await recipients(server) == [(PHONE, "queued", None)]


async def test_other_accounts_may_still_write(server: RunningServer) -> None:
    await server.gateway.opt_outs.add(server.admin.user.id, PHONE)

    await send(server, PHONE)

    assert await recipients(server) == [(PHONE, "queued", None)]


async def test_scheduled_text_fails_when_its_time_comes(
    server: RunningServer, clock: FrozenClock
) -> None:
    await send(server, PHONE, scheduledAt="2026-01-15T12:00:00Z")
    await server.gateway.opt_outs.add(server.regular.user.id, PHONE)
    await send(server, PHONE, scheduledAt="2026-01-15T12:00:00Z")
    states = [state for _, state, _ in await recipients(server)]
    assert states == ["scheduled", "failed"]

    clock.advance(3 * 3_600_000)
    while await server.gateway.sweep.sweep_once():
        pass

    assert await recipients(server) == [(PHONE, "failed", "opted_out")] * 2


async def test_failed_text_is_not_queued_again_until_they_may_be_written_to(
    server: RunningServer,
) -> None:
    await server.gateway.opt_outs.add(server.regular.user.id, PHONE)
    message_id = await send(server, PHONE)
    path = f"/admin/v1/messages/{message_id}/requeue"

    refused = await server.request("POST", path, headers=server.regular.jwt_headers)
    assert refused.status == 409
    await server.gateway.opt_outs.remove(server.regular.user.id, PHONE)
    assert (await server.request("POST", path, headers=server.regular.jwt_headers)).status < 300

    assert await recipients(server) == [(PHONE, "queued", None)]


async def test_names_and_ordinary_texts_opt_nobody_out(server: RunningServer) -> None:
    await hear(server, "STOP", sender="ETHIOTEL")
    await hear(server, "STOP 12345")

    assert await opted_out(server) == []


async def test_opt_outs_are_known_after_a_restart(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        await server.gateway.opt_outs.add(server.regular.user.id, PHONE)
        user_id = server.regular.user.id
    async with Server(settings_for_tests(tmp_path / "data"), FrozenClock()) as restarted:
        assert restarted.gateway.opt_outs.may_have(user_id)
        assert not restarted.gateway.opt_outs.may_have(user_id + 100)


async def test_setting_turns_the_words_off(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data", opt_out=OptOutSettings(recognize=False)) as server:
        await hear(server, "STOP")

        assert await opted_out(server) == []


# --- by hand ---


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def test_commands_list_add_and_remove(server: RunningServer, textko: CommandLine) -> None:
    user = ("--user", server.regular.user.email)
    added = await textko("opt-out", "add", "0912345678", *user)
    assert added.out == f"{server.regular.user.email} writes to {PHONE} no more\n"
    again = await textko("opt-out", "add", PHONE, *user)
    assert (again.code, again.err) == (1, f"textko: {PHONE} has opted out already\n")

    [line] = (await textko("opt-out", "list")).out.splitlines()[1:]
    assert line.split()[-2:] == [PHONE, "entered"]
    page = await textko.json("opt-out", "list", *user)
    assert [(o["phoneNumber"], o["source"]) for o in page["optOuts"]] == [(PHONE, "operator")]

    removed = await textko("opt-out", "remove", PHONE, *user)
    assert removed.out == f"{PHONE} may be written to again\n"
    assert (await textko("opt-out", "remove", PHONE, *user)).code == 1


async def test_users_see_and_change_only_their_own(server: RunningServer) -> None:
    await server.gateway.opt_outs.add(server.admin.user.id, PHONE)
    await server.gateway.opt_outs.add(server.regular.user.id, OTHER)
    mine = server.regular.jwt_headers

    listed = await server.request("GET", "/admin/v1/opt-outs", headers=mine)
    removed = await server.request("DELETE", f"/admin/v1/opt-outs/{PHONE}", headers=mine)
    named = await server.request(
        "POST", f"/admin/v1/opt-outs?user={server.admin.user.email}",
        {"phoneNumber": OTHER}, headers=mine,
    )  # fmt: skip

    assert [o["phoneNumber"] for o in listed.json["optOuts"]] == [OTHER]
    assert removed.status == 404
    assert named.status == 404
    everybodys = await server.request(
        "GET", "/admin/v1/opt-outs?limit=1", headers=server.admin.jwt_headers
    )
    assert [o["phoneNumber"] for o in everybodys.json["optOuts"]] == [OTHER]
    rest = await server.request(
        "GET",
        f"/admin/v1/opt-outs?limit=1&before={everybodys.json['next']}",
        headers=server.admin.jwt_headers,
    )
    assert [o["phoneNumber"] for o in rest.json["optOuts"]] == [PHONE]
