"""What a phone with SMSGate's app is to send, and what it says became of it."""

import re
from typing import Any

import pytest

from tests.clocks import FrozenClock
from tests.servers import RunningServer
from tests.smsgate_phones import (
    BASE,
    SIMS,
    AppPhone,
    app_phone,
    event_stream,
    recipient_of,
    submit,
)
from textko_server.gateway.principals import of_user, operator
from textko_server.gateway.submissions import Submitted
from textko_server.http.dialects.smsgate.mobile.messages import priority_for_app
from textko_server.http.dialects.smsgate.mobile.reports import explain
from textko_server.http.dialects.smsgate.mobile.wire import read_ms
from textko_server.model import Priority, State
from textko_server.store import smsgate_messages
from textko_server.store.database import Transaction
from textko_server.store.smsgate_messages import Form

AT = "2026-01-15T13:00:01.500+03:00"
AT_MS = 1_768_471_201_500


async def one_message(server: RunningServer, phone: AppPhone) -> tuple[Submitted, str]:
    """A message that the phone has been listed, and its id."""
    submitted = await submit(server)
    [message] = await phone.messages()
    return submitted, message["id"]


def noted(server: RunningServer) -> set[str]:
    return {refusal.code for refusal in server.gateway.refusals.list_refusals(None)}


# --- GET ---


async def test_idle_phone_gets_an_empty_array(server: RunningServer) -> None:
    phone = await app_phone(server)

    for path in ("/message", "/messages", "/message?order=lifo", "/message?order=fifo"):
        answer = await phone.ask("GET", path)
        assert (answer.status, answer.content) == (200, b"[]")
        assert answer.headers["Content-Type"].startswith("application/json")


async def test_message_is_as_the_app_reads_it(server: RunningServer) -> None:
    phone = await app_phone(server, simCards=SIMS)
    expires_at = server.clock.now_ms() + 3_600_007
    await submit(server, expires_at=expires_at)

    [message] = await phone.messages()

    assert message == {
        "id": message["id"],
        "textMessage": {"text": "Hello"},
        "message": "Hello",
        "phoneNumbers": ["+251912345678"],
        "simNumber": 1,
        "withDeliveryReport": True,
        "isEncrypted": False,
        "validUntil": "2026-01-15T11:00:00.007Z",
        "priority": 0,
        "state": "Pending",
        "createdAt": "2026-01-15T10:00:00.000Z",
    }
    assert len(message["id"]) <= 36


async def test_times_have_three_digits_whatever_they_are(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone = await app_phone(server)
    for ms in (0, 7, 120):
        clock.advance(ms)
        await submit(server)

    for message in await phone.messages():
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", message["createdAt"])


async def test_phone_without_sims_chooses_by_itself(server: RunningServer) -> None:
    phone = await app_phone(server)
    await submit(server)

    [message] = await phone.messages()

    assert "simNumber" not in message


async def test_each_number_is_a_message_of_its_own_oldest_first(server: RunningServer) -> None:
    phone = await app_phone(server)
    numbers = [f"+25191200{i:04d}" for i in range(12)]
    await submit(server, *numbers)

    answer = await phone.ask("GET", "/message?order=lifo")

    assert [message["phoneNumbers"] for message in answer.json] == [[n] for n in numbers]
    assert len({message["id"] for message in answer.json}) == 12


async def test_order_that_does_not_exist_is_400(server: RunningServer) -> None:
    phone = await app_phone(server)

    assert (await phone.ask("GET", "/message?order=best")).status == 400


async def test_no_more_than_a_hundred_are_listed(server: RunningServer) -> None:
    phone = await app_phone(server)
    await submit(server, *[f"+25191200{i:04d}" for i in range(130)])

    assert len(await phone.messages()) == 100


@pytest.mark.parametrize(
    ("priority", "of_app"),
    [(Priority.OTP, 100), (Priority.HIGH, 2), (Priority.NORMAL, 0), (Priority.BULK, -3)],
)
def test_priority_is_turned_round(priority: int, of_app: int) -> None:
    assert priority_for_app(priority) == of_app


async def test_ciphertext_and_data_are_passed_on_as_they_are(server: RunningServer) -> None:
    phone = await app_phone(server)
    secret, data = await submit(server, "$aes-number"), await submit(server)
    forms = {
        secret.message_id: Form(is_encrypted=True, is_report_wanted=False),
        data.message_id: Form(data_port=53739),
    }

    def insert(tx: Transaction) -> None:
        for message_id, form in forms.items():
            smsgate_messages.insert(tx, message_id, server.regular.user.id, form)

    await server.gateway.db.write(insert)

    first, second = await phone.messages()

    assert (first["isEncrypted"], first["withDeliveryReport"]) == (True, False)
    assert first["phoneNumbers"] == ["$aes-number"]
    assert second["dataMessage"] == {"data": "Hello", "port": 53739}
    assert not {"textMessage", "message"} & set(second)


async def test_disabled_phone_is_noted(server: RunningServer) -> None:
    phone = await app_phone(server)
    await submit(server)
    await server.gateway.devices.update(operator(), phone.device_id, is_enabled=False)

    assert await phone.messages() == []

    assert noted(server) == {"disabled_device"}


async def test_phone_that_asks_without_a_stream_for_long_is_noted(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone = await app_phone(server)
    await phone.messages()
    assert noted(server) == set()
    clock.advance(15 * 60_000)
    await phone.messages()
    assert noted(server) == {"waits_for_push"}


async def test_phone_with_a_stream_is_not_noted(server: RunningServer, clock: FrozenClock) -> None:
    phone = await app_phone(server)
    async with event_stream(phone):
        clock.advance(15 * 60_000)

        await phone.messages()

    assert noted(server) == set()


# --- PATCH ---


@pytest.mark.parametrize("state", ["Pending", "Processed", "Cancelling", "SomethingNew"])
async def test_first_report_takes_it_off_the_list(server: RunningServer, state: str) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    await phone.tell(message_id, state)

    assert await phone.messages() == []
    assert (await recipient_of(server, submitted)).state is State.CLAIMED


async def test_reports_give_the_times_of_the_phone(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    await phone.tell(message_id, "Sent", Processed=AT, Sent=AT)

    recipient = await recipient_of(server, submitted)
    assert (recipient.state, recipient.sent_at) == (State.SENT, AT_MS)


async def test_one_late_snapshot_tells_both_that_it_was_sent_and_delivered(
    server: RunningServer,
) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    later = "2026-01-15T10:00:09.000Z"
    await phone.tell(message_id, "Delivered", Processed=AT, Sent=AT, Delivered=later)

    recipient = await recipient_of(server, submitted)
    assert recipient.state is State.DELIVERED
    assert (recipient.sent_at, recipient.delivered_at) == (AT_MS, AT_MS + 7_500)


async def test_reports_in_any_order_and_repeated_come_to_the_same(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    for state in ("Delivered", "Sent", "Processed", "Delivered", "Pending", "Sent"):
        await phone.tell(message_id, state, Sent=AT)

    assert (await recipient_of(server, submitted)).state is State.DELIVERED


async def test_whole_message_counts_when_no_recipient_is_named(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    answer = await phone.ask("PATCH", "/messages", [{"id": message_id, "state": "Sent"}])

    assert answer.status == 204
    assert (await recipient_of(server, submitted)).state is State.SENT


async def test_failure_ends_the_message_in_plain_words(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    error = "Send result: RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)"
    await phone.tell(message_id, "Failed", error=error, Failed=AT)

    recipient = await recipient_of(server, submitted)
    assert (recipient.state, recipient.error_code) == (State.FAILED, "generic")
    assert recipient.error is not None
    assert recipient.error.startswith("the network")
    assert "RESULT_ERROR_GENERIC_FAILURE" in recipient.error


async def test_phone_without_service_gets_it_again_later_under_another_id(
    server: RunningServer, clock: FrozenClock
) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)
    await phone.tell(message_id, "Failed", error="Send result: RESULT_ERROR_NO_SERVICE (…)")
    assert await phone.messages() == []
    clock.advance(301_000)
    while await server.gateway.sweep.sweep_once():
        pass

    [again] = await phone.messages()

    assert again["id"] != message_id
    await phone.tell(again["id"], "Sent")
    assert (await recipient_of(server, submitted)).state is State.SENT


async def test_message_of_which_a_part_has_gone_is_not_sent_anew(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    await phone.tell(message_id, "Failed", error="RESULT_ERROR_NO_SERVICE", Sent=AT, Failed=AT)

    assert (await recipient_of(server, submitted)).state is State.FAILED


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("Send result: RESULT_ERROR_NO_SERVICE (Failed because …)", "no_service"),
        ("Send result: RESULT_ERROR_RADIO_OFF (Failed because …)", "radio_off"),
        ("Send result: RESULT_RIL_RADIO_NOT_AVAILABLE (The radio …)", "radio_off"),
        ("Send result: RESULT_ERROR_LIMIT_EXCEEDED (Failed because …)", "limit_exceeded"),
        ("Send result: RESULT_ERROR_NULL_PDU (Failed because …)", "null_pdu"),
        ("Send result: RESULT_ERROR_FDN_CHECK_FAILURE (Failed …)", "fdn"),
        ("Send result: RESULT_ERROR_SHORT_CODE_NEVER_ALLOWED (…)", "short_code_not_allowed"),
        ("Send result: RESULT_ERROR_SHORT_CODE_NOT_ALLOWED (…)", "short_code_not_allowed"),
        ("Send result: RESULT_RIL_NETWORK_REJECT (…)", "network_rejected"),
        ("TTL expired", "expired"),
        ("Can't send message: SIM 2 not found", "sim_absent"),
        ("Can't send message: No SIMs found", "sim_absent"),
        ("sendSMS: SIM selection requires READ_PHONE_STATE permission", "no_permission"),
        ("sendSMS: something new", "generic"),
        ("", "generic"),
    ],
)
def test_error_of_the_app_has_a_word_and_a_reason(error: str, code: str) -> None:
    told, words = explain(error)

    assert told == code
    assert words
    assert error in words


async def test_unknown_ids_and_states_are_204(server: RunningServer) -> None:
    phone = await app_phone(server)
    updates = [{"id": "x", "state": "Sent"}, {"id": "A1b2-c3", "state": "Unknown"}]

    assert (await phone.ask("PATCH", "/message", updates)).status == 204
    assert (await phone.ask("PATCH", "/message", [])).status == 204


@pytest.mark.parametrize("body", [{}, [{}], [{"id": 5, "state": "Sent"}], b"{", [{"id": "x"}]])
async def test_report_of_another_form_is_400(server: RunningServer, body: Any) -> None:
    phone = await app_phone(server)

    assert (await phone.ask("PATCH", "/message", body)).status == 400


async def test_nobody_reports_for_another_phone(server: RunningServer) -> None:
    phone, other = await app_phone(server), await app_phone(server)
    submitted, message_id = await one_message(server, phone)

    await other.tell(message_id, "Sent")

    assert (await recipient_of(server, submitted)).state is State.CLAIMED
    assert len(await phone.messages()) == 1


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        (AT, AT_MS),
        ("2026-01-15T10:00:01.500Z", AT_MS),
        ("2026-01-15T10:00:01.500", AT_MS),
        ("2026-01-15T10:00:01Z", AT_MS - 500),
        ("yesterday", 7),
        ("", 7),
        (None, 7),
    ],
)
def test_times_are_read_with_and_without_a_zone(text: str | None, at_ms: int) -> None:
    assert read_ms(text, 7) == at_ms


# --- cancelling ---


async def cancel(server: RunningServer, submitted: Submitted) -> None:
    principal = of_user(server.regular.user)
    await server.gateway.messages.cancel(principal, submitted.message_id, actor="operator")


async def test_cancelled_message_is_listed_as_such_until_the_phone_says_what_it_did(
    server: RunningServer,
) -> None:
    phone = await app_phone(server, "1.67.0")
    submitted, message_id = await one_message(server, phone)
    await phone.tell(message_id, "Pending")
    await cancel(server, submitted)

    [message] = await phone.messages()
    assert (message["id"], message["state"]) == (message_id, "Cancelling")
    await phone.tell(message_id, "Cancelled", Cancelled=AT)

    assert (await recipient_of(server, submitted)).state is State.CANCELLED
    assert await phone.messages() == []


@pytest.mark.parametrize("version", ["1.66.2", "1.9", "nonsense"])
async def test_old_app_is_never_shown_what_is_cancelled(
    server: RunningServer, version: str
) -> None:
    phone = await app_phone(server, version)
    submitted, message_id = await one_message(server, phone)
    await cancel(server, submitted)

    assert await phone.messages() == []
    assert noted(server) == {"cannot_cancel"}

    await phone.tell(message_id, "Sent")
    assert (await recipient_of(server, submitted)).state is State.SENT


async def test_cancel_that_came_too_late_ends_as_what_the_phone_did(server: RunningServer) -> None:
    phone = await app_phone(server)
    submitted, message_id = await one_message(server, phone)
    await cancel(server, submitted)

    await phone.tell(message_id, "Delivered", Sent=AT, Delivered=AT)

    assert (await recipient_of(server, submitted)).state is State.DELIVERED
    assert await phone.messages() == []


# --- who may ---


async def test_phone_gets_what_its_own_account_sends(server: RunningServer) -> None:
    phone = await app_phone(server)
    stranger = await server.request(
        "GET", f"{BASE}/message", headers={"Authorization": f"Bearer {server.admin.device_token}"}
    )
    await submit(server)

    assert stranger.status == 401
    assert len(await phone.messages()) == 1
