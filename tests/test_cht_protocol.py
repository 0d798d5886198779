"""`/api/cht`, request by request: what CHT Gateway's README and source say it asks and reads."""

from typing import Any

import pytest

from tests.cht import PATH, ChtPhone, add_phone, login
from tests.clocks import START_MS, FrozenClock
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient
from textko_server.gateway.principals import of_user
from textko_server.gateway.submissions import Submission
from textko_server.model import Dialect, Recipient, State
from textko_server.store import messages as message_store

NUMBER = "+251912345678"


@pytest.fixture
async def phone(server: RunningServer) -> ChtPhone:
    return await add_phone(server, server.regular)


async def submit(server: RunningServer, *texts: str, **fields: Any) -> list[int]:
    """Keys of the recipients."""
    submissions = [Submission(text, [NUMBER], Dialect.TEXTKO, **fields) for text in texts]
    submitted = await server.gateway.messages.submit(of_user(server.regular.user), submissions)
    return [key for one in submitted for key in one.recipient_ids]


async def recipient(server: RunningServer, key: int) -> Recipient:
    found = await message_store.find_recipient(server.gateway.db, key)
    assert found is not None
    return found


async def state(server: RunningServer, key: int) -> State:
    return (await recipient(server, key)).state


# --- who asks ---


async def test_right_login_is_told_that_this_is_a_gateway(phone: ChtPhone) -> None:
    answer = await phone.get()

    assert (answer.status, answer.json) == (200, {"medic-gateway": True})


async def test_slash_at_the_end_of_the_address_does_no_harm(phone: ChtPhone) -> None:
    answer = await phone.server.request("POST", PATH + "/", {}, headers=phone.headers)

    assert answer.json == {"messages": []}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "headers",
    [{}, login("a", "b"), login("a", ""), {"Authorization": "Basic %%%"}],
    ids=["none", "wrong", "empty", "broken"],
)
async def test_wrong_login_is_refused_in_words_for_the_log_of_the_app(
    server: RunningServer, method: str, headers: dict[str, str]
) -> None:
    answer = await server.request(method, PATH, headers=headers)

    assert answer.status == 401
    assert answer.json["error"] is True
    assert answer.json["message"]
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="textko"'


async def test_token_of_a_phone_counts_in_a_login_only(phone: ChtPhone) -> None:
    for headers in ({"Authorization": f"Bearer {phone.token}"}, {"x-api-key": phone.token}):
        answer = await phone.server.request("POST", PATH, {}, headers=headers)
        assert answer.status == 401


async def test_deleted_phone_is_refused_and_the_owner_sees_why(
    server: RunningServer, phone: ChtPhone, admin: AdminClient
) -> None:
    await admin.delete_device(phone.device_id)

    answer = await phone.post({})

    [refusal] = (await admin.list_refusals()).refusals
    assert answer.status == 401
    assert (refusal.code, refusal.device) == ("deleted_device", phone.device.name)
    assert refusal.path == f"POST {PATH}"
    assert refusal.user == server.regular.user.email


@pytest.mark.parametrize(
    ("headers", "code"), [({}, "no_token"), (login("a", "txd_0"), "unknown_token")]
)
async def test_stranger_is_noted_without_its_login(
    server: RunningServer, admin: AdminClient, headers: dict[str, str], code: str
) -> None:
    await server.request("POST", PATH, {}, headers=headers)

    [refusal] = (await admin.list_refusals()).refusals
    assert (refusal.code, refusal.path) == (code, f"POST {PATH}")


async def test_phone_is_a_device_with_app_version_and_model(
    phone: ChtPhone, admin: AdminClient
) -> None:
    assert not (await admin.get_device(phone.device_id)).is_online
    await phone.get()

    device = await admin.get_device(phone.device_id)

    assert device.is_online
    assert (device.app, device.model) == ("CHT Gateway v1.8.2", "SM-G950F")
    assert device.address == "127.0.0.1"
    assert [(sim.slot, sim.number) for sim in device.sims] == [(1, "+251911000009")]


async def test_phone_stays_online_through_two_alarms_that_android_swallowed(
    phone: ChtPhone, admin: AdminClient, clock: FrozenClock
) -> None:
    presence = phone.server.gateway.presence
    await phone.ask()
    presence.take_unsaved()

    clock.advance(179_000)
    presence.drop_silent()
    assert (await admin.get_device(phone.device_id)).is_online
    clock.advance(2_000)
    presence.drop_silent()

    assert not (await admin.get_device(phone.device_id)).is_online


# --- messages to send ---


async def test_message_is_given_with_the_fields_the_app_reads(
    server: RunningServer, phone: ChtPhone
) -> None:
    [key] = await submit(server, "Hello")

    [message] = await phone.ask()

    assert set(message) == {"id", "to", "content"}
    assert (message["to"], message["content"]) == (NUMBER, "Hello")
    assert await state(server, key) is State.CLAIMED


async def test_message_stays_listed_until_the_phone_says_anything_of_it(
    server: RunningServer, phone: ChtPhone
) -> None:
    await submit(server, "Hello")

    first, second = await phone.ask(), await phone.ask()
    await phone.tell(first[0]["id"], "UNSENT")

    assert first == second != []
    assert await phone.ask() == []


async def test_message_that_was_listed_goes_to_no_other_phone(
    server: RunningServer, phone: ChtPhone
) -> None:
    other = await add_phone(server, server.regular, "Other")
    await submit(server, "Hello")

    given = await phone.ask()

    assert len(given) == 1
    assert await other.ask() == []
    assert (await server.sync(server.regular, capacity=10))["offers"] == []


async def test_no_more_than_the_app_sends_in_a_minute_lies_on_the_phone(
    server: RunningServer, phone: ChtPhone
) -> None:
    await submit(server, *(f"Text {number}" for number in range(25)))

    first = await phone.ask()
    again = await phone.ask(updates=[{"id": m["id"], "status": "PENDING"} for m in first])
    second = await phone.ask(updates=[{"id": m["id"], "status": "SENT"} for m in first])

    assert [m["content"] for m in first] == [f"Text {number}" for number in range(10)]
    assert again == []
    assert [m["content"] for m in second] == [f"Text {number}" for number in range(10, 20)]


async def test_no_more_segments_than_android_lets_out_lie_on_the_phone(
    server: RunningServer, phone: ChtPhone
) -> None:
    await submit(server, *(f"{number} " + "x" * 1_000 for number in range(5)))  # 7 segments each

    first = await phone.ask()
    second = await phone.ask(updates=[{"id": m["id"], "status": "SENT"} for m in first])

    assert [m["content"][0] for m in first] == ["0", "1", "2"]
    assert [m["content"][0] for m in second] == ["3", "4"]


async def test_text_that_is_longer_than_that_is_given_alone(
    server: RunningServer, phone: ChtPhone
) -> None:
    await submit(server, "a" + "x" * 4_000, "short")  # 27 segments

    first = await phone.ask()
    second = await phone.ask(updates=[{"id": m["id"], "status": "SENT"} for m in first])

    assert [m["content"][0] for m in first + second] == ["a", "s"]
    assert len(first) == 1


async def test_disabled_phone_keeps_what_it_has_and_gets_no_more(
    server: RunningServer, phone: ChtPhone, admin: AdminClient
) -> None:
    await submit(server, "Before")
    before = await phone.ask()
    await admin.change_device(phone.device_id, wire.DeviceChanges(is_enabled=False))
    await submit(server, "After")

    assert await phone.ask() == before
    [refusal] = (await admin.list_refusals()).refusals
    assert refusal.code == "disabled_device"


async def test_message_that_nobody_wants_any_more_is_listed_no_more(
    server: RunningServer, phone: ChtPhone
) -> None:
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()
    found = await recipient(server, key)

    await server.gateway.messages.cancel(
        of_user(server.regular.user), found.message_id, actor="test"
    )

    assert await phone.ask() == []
    await phone.tell(message["id"], "SENT")  # it had it already
    assert await state(server, key) is State.SENT


# --- what became of them ---


@pytest.mark.parametrize(
    ("statuses", "end"),
    [
        (["UNSENT", "PENDING"], State.CLAIMED),
        (["UNSENT", "PENDING", "SENT"], State.SENT),
        (["UNSENT", "PENDING", "SENT", "DELIVERED"], State.DELIVERED),
        (["DELIVERED", "SENT", "PENDING", "UNSENT"], State.DELIVERED),
        (["SENT", "SENT", "UNSENT"], State.SENT),
        (["DELIVERED"], State.DELIVERED),
        (["UNSENT", "PENDING", "UNSENT", "PENDING", "SENT"], State.SENT),
        (["SENT", "FAILED"], State.FAILED),
        (["DELIVERED", "FAILED"], State.DELIVERED),
    ],
    ids=lambda value: "-".join(value).lower() if isinstance(value, list) else None,
)
@pytest.mark.parametrize("at_once", [True, False], ids=["together", "apart"])
async def test_states_count_in_any_order_and_any_number_of_times(
    server: RunningServer, phone: ChtPhone, statuses: list[str], end: State, at_once: bool
) -> None:
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()
    updates = [{"id": message["id"], "status": status} for status in statuses]

    for group in [updates] if at_once else [[update] for update in updates]:
        await phone.ask(updates=group)
        await phone.ask(updates=group)

    assert await state(server, key) is end
    assert await phone.ask() == []


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("generic; errorCode=38", "generic", "Android could not send it (error 38)"),
        ("generic; no errorCode supplied", "generic", "Android could not send it"),
        ("null-pdu", "null_pdu", "Android could not make an SMS of it"),
        ("destination.invalid", "invalid_number", "Android does not take this for a phone number"),
        ("unknown; resultCode=6", "fdn", "the SIM may write to fixed numbers only"),
        ("unknown; resultCode=-3", "generic", "Android could not send it (error -3)"),
        ("Delivery failed: Congestion", "generic", "Delivery failed: Congestion"),
        ("", "generic", "the phone could not send it"),
        ("x" * 5_000, "generic", "x" * 200),
    ],
)
async def test_failure_ends_with_a_reason_for_people(
    server: RunningServer, phone: ChtPhone, reason: str, code: str, words: str
) -> None:
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()

    await phone.tell(message["id"], "FAILED", reason)

    found = await recipient(server, key)
    assert (found.state, found.error_code, found.error) == (State.FAILED, code, words)


@pytest.mark.parametrize("reason", ["no-service", "radio-off", "unknown; resultCode=5"])
async def test_failure_of_the_surroundings_is_tried_again_under_a_new_id(
    server: RunningServer, phone: ChtPhone, clock: FrozenClock, reason: str
) -> None:
    [key] = await submit(server, "Hello")
    [first] = await phone.ask()

    await phone.tell(first["id"], "FAILED", reason)
    clock.advance(300_000)
    await server.gateway.sweep.sweep_once()
    [second] = await phone.ask()

    assert second["id"] != first["id"]
    assert await state(server, key) is State.CLAIMED


async def test_phone_that_waits_for_service_is_not_silent(
    server: RunningServer, phone: ChtPhone, clock: FrozenClock
) -> None:
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()
    for _ in range(5):
        clock.advance(20 * 60_000)
        await phone.ask(updates=[{"id": message["id"], "status": "PENDING"}])
        await server.gateway.sweep.sweep_once()

    assert await state(server, key) is State.CLAIMED


async def test_late_report_corrects_a_phone_that_was_taken_for_silent(
    server: RunningServer, phone: ChtPhone, clock: FrozenClock
) -> None:
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()
    clock.advance(31 * 60_000)
    await server.gateway.sweep.sweep_once()
    assert (await recipient(server, key)).error_code == "device_silent"

    await phone.tell(message["id"], "SENT")

    assert await state(server, key) is State.SENT


async def test_report_of_another_phones_message_changes_nothing(
    server: RunningServer, phone: ChtPhone
) -> None:
    stranger = await add_phone(server, server.admin, "Stranger")
    [key] = await submit(server, "Hello")
    [message] = await phone.ask()

    await stranger.tell(message["id"], "DELIVERED")
    await stranger.tell(message["id"], "UNSENT")

    assert await state(server, key) is State.CLAIMED
    assert await phone.ask() == [message]


# --- incoming texts ---


def text(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"0b2c0f5c-{number:04}", "from": "+251922000001", "content": f"Text {number}",
        "sms_sent": START_MS - 2_000, "sms_received": START_MS - 1_000,
    } | fields  # fmt: skip


async def inbox(server: RunningServer) -> list[tuple[str, str, int]]:
    page = await server.gateway.inbox.list_page(of_user(server.regular.user))
    return [(m.sender, m.text, m.received_at) for m in page.messages]


async def test_incoming_text_is_stored_once_however_often_it_is_told(
    server: RunningServer, phone: ChtPhone
) -> None:
    for _ in range(3):
        await phone.ask(messages=[text()])

    assert await inbox(server) == [("+251922000001", "Text 1", START_MS - 1_000)]


@pytest.mark.parametrize(
    ("fields", "stored"),
    [
        ({"from": None}, ("unknown", "Text 1", START_MS - 1_000)),
        ({"content": None}, ("+251922000001", "", START_MS - 1_000)),
        ({"sms_received": 0}, ("+251922000001", "Text 1", START_MS - 2_000)),
        ({"sms_received": 0, "sms_sent": 0}, ("+251922000001", "Text 1", START_MS)),
        ({"sms_received": 1 << 70}, ("+251922000001", "Text 1", START_MS)),
        ({"from": "B" * 100}, ("B" * 64, "Text 1", START_MS - 1_000)),
        ({"more": "fields"}, ("+251922000001", "Text 1", START_MS - 1_000)),
    ],
    ids=["sender", "text", "parts", "no time", "far future", "long sender", "more"],
)
async def test_odd_incoming_text_is_stored_as_far_as_it_goes(
    server: RunningServer, phone: ChtPhone, fields: dict[str, Any], stored: tuple[str, str, int]
) -> None:
    await phone.ask(messages=[text(**fields)])

    assert await inbox(server) == [stored]


# --- what cannot be read ---


@pytest.mark.parametrize(
    "broken",
    [
        {"messages": [None, text()]},
        {"messages": [{"from": "+1"}, text()]},
        {"messages": [text(2, id=""), text()]},
        {"messages": [text(2, id=7), text()]},
        {"messages": [text(2, id="x" * 200), text()]},
        {"messages": [text()], "updates": ["SENT", {"id": 1}, {"status": "SENT"}]},
        {"messages": [text()], "updates": [{"id": "x", "status": "ELSEWHERE"}]},
    ],
)
async def test_item_that_cannot_be_read_keeps_nothing_else_back(
    server: RunningServer, phone: ChtPhone, admin: AdminClient, broken: dict[str, Any]
) -> None:
    await submit(server, "Hello")

    messages = await phone.ask(**broken)

    assert [sender for sender, *_ in await inbox(server)] == ["+251922000001"]
    assert len(messages) == 1
    refusals = (await admin.list_refusals()).refusals
    assert refusals
    assert {r.code for r in refusals} == {"invalid"}
    assert all("left out" in r.reason and r.device_id == phone.device_id for r in refusals)


async def test_state_of_a_message_that_is_not_known_is_passed_over(
    server: RunningServer, phone: ChtPhone
) -> None:
    ids = ["nothing", "-", "x-y", "0" * 24 + "-zz", "0" * 24 + "-" + "z" * 40, "é-1", "1-²"]

    messages = await phone.ask(
        updates=[{"id": i, "status": s} for i in ids for s in ("SENT", "UNSENT")]
    )

    assert messages == []


@pytest.mark.parametrize("empty", [{}, {"messages": None, "updates": None}, {"messages": []}])
async def test_what_is_not_said_may_be_left_out(phone: ChtPhone, empty: dict[str, Any]) -> None:
    answer = await phone.post(empty)

    assert (answer.status, answer.json) == (200, {"messages": []})


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b'{"messages": {}}', b'{"updates": 1}']
)
async def test_body_that_is_no_request_of_the_app_is_refused_whole(
    phone: ChtPhone, body: bytes
) -> None:
    answer = await phone.post(body)

    assert answer.status == 400
    assert answer.json["error"] is True
    assert isinstance(answer.json["message"], str)


async def test_other_methods_are_refused_in_the_same_shape(phone: ChtPhone) -> None:
    answer = await phone.server.request("PUT", PATH, {}, headers=phone.headers)

    assert (answer.status, answer.json["error"]) == (405, True)
