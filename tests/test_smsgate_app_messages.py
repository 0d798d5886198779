"""The emulated app of SMSGate: what becomes of messages, and what it tells of them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from android_sms_gateway.encryption import (  # type: ignore[import-untyped]  # it has no types
    AESEncryptor,
)

from tests.clocks import START_MS, FrozenClock
from tests.gateways import until
from tests.smsgate_apps import count, phone, said
from tests.smsgate_official import PRIVATE_TOKEN, OfficialServer
from textko_server.clock import iso_utc_ms
from textko_server.emulated.smsgate_app import AppOptions, Fate, Mischief, Sim
from textko_server.emulated.smsgate_app.radio import GENERIC_FAILURE
from textko_server.emulated.smsgate_app.steps import Step

OWN: dict[str, Any] = {"private_token": PRIVATE_TOKEN}
TO = "+12025550111"
# Past the time of sending, and not past that of delivery: see tests/smsgate_apps.py.
_STEP_MS = 100


async def test_message_is_sent_and_each_change_is_told_whole(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("m1")
    clock = FrozenClock()
    async with phone(tmp_path, official.url, clock, **OWN, utc_offset_minutes=420) as app:
        # Told is what holds when it is told: a change that follows at once takes the place of one.
        for state in ("Processed", "Sent", "Delivered"):
            await until(lambda: official.reports("m1")[-1:] == [state])  # noqa: B023 - now
            clock.advance(_STEP_MS)

        assert [(one.message_id, one.phone_number, one.text) for one in app.on_air] == [
            ("m1", TO, "Hello")
        ]
    report = official.of("PATCH /message")[-1]
    assert report.headers["authorization"] == "Bearer device-token-1"
    [update] = report.body
    assert update["recipients"] == [{"phoneNumber": TO, "state": "Delivered"}]
    assert list(update["states"]) == ["Delivered", "Sent", "Processed", "Pending"]
    date = update["states"]["Sent"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+07:00", date)
    start = datetime.fromtimestamp(START_MS / 1000, UTC)
    assert abs(datetime.fromisoformat(date) - start).total_seconds() < 60


async def test_known_id_is_answered_and_not_sent_again(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("m1")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.reports("m1")[-1:] == ["Delivered"])
        reports_count = len(official.reports("m1"))
        official.enqueue("m1")
        await official.tell("MessageEnqueued")
        await until(lambda: len(official.reports("m1")) > reports_count)

        assert official.reports("m1")[-1] == "Delivered"
        assert len(app.on_air) == 1


async def test_cancelling_is_answered_by_what_the_phone_has(
    official: OfficialServer, tmp_path: Path
) -> None:
    later = iso_utc_ms(START_MS + 60_000)
    official.enqueue("sent")
    async with phone(tmp_path, official.url, FrozenClock(), **OWN, send_time_ms=0) as app:
        await until(lambda: "Sent" in official.reports("sent"))
        official.enqueue("waiting", scheduleAt=later)
        app.push("MessageEnqueued")
        await until(lambda: len(app.messages) == 2)
        reports_count = len(official.reports("sent"))
        for message_id in ("sent", "waiting", "unknown"):
            official.enqueue(message_id, state="Cancelling", scheduleAt=later)
        app.push("MessageEnqueued")
        await until(lambda: official.reports("unknown") and official.reports("waiting"))

        assert official.reports("unknown") == ["Cancelled"]
        assert official.reports("waiting") == ["Cancelled"]
        assert len(official.reports("sent")) == reports_count
        assert len(app.on_air) == 1


async def test_event_cancels_what_still_waits(official: OfficialServer, tmp_path: Path) -> None:
    official.enqueue("m1", scheduleAt=iso_utc_ms(START_MS + 60_000))
    async with phone(tmp_path, official.url, FrozenClock(), **OWN) as app:
        await until(lambda: count(app, Step.STORED))
        await official.tell("MessageCancelled", {"messageId": "m1"})
        await until(lambda: official.reports("m1") == ["Cancelled"])


async def test_1_66_sends_what_is_being_cancelled(official: OfficialServer, tmp_path: Path) -> None:
    official.enqueue("m1", state="Cancelling")
    async with phone(tmp_path, official.url, **OWN, version="1.66.0") as app:
        await until(lambda: app.on_air)


@pytest.mark.parametrize(("state", "is_sent"), [("Sent", False), ("Paused", True)])
async def test_known_state_is_passed_over_and_unknown_one_is_pending(
    official: OfficialServer, tmp_path: Path, state: str, is_sent: bool
) -> None:
    official.enqueue("odd", state=state)
    official.enqueue("even")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: any(one.message_id == "even" for one in app.on_air))
        await until(lambda: official.reports("even")[-1:] == ["Delivered"])

        assert any(one.message_id == "odd" for one in app.on_air) == is_sent


async def test_fault_of_one_message_leaves_the_others(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("empty", textMessage=None, message=None)
    official.enqueue("nobody", phoneNumbers=None)
    official.enqueue("good")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: app.on_air)

        assert [one.message_id for one in app.on_air] == ["good"]
        assert "message empty: Invalid message content" in said(app, Step.FAULT)


async def test_date_that_cannot_be_read_fails_the_whole_pull(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("good")
    official.enqueue("bad", createdAt="yesterday")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: len(official.of("GET /message")) >= 3)

        assert app.on_air == []
        del official.messages["bad"]
        await until(lambda: app.on_air)


async def test_time_to_live_ends_on_the_phone(official: OfficialServer, tmp_path: Path) -> None:
    official.enqueue("m1", validUntil=iso_utc_ms(START_MS - 1))
    async with phone(tmp_path, official.url, FrozenClock(), **OWN) as app:
        await until(lambda: official.reports("m1") == ["Failed"])

        assert app.on_air == []
    [recipient] = official.of("PATCH /message")[0].body[0]["recipients"]
    assert recipient == {"phoneNumber": TO, "state": "Failed", "error": "TTL expired"}


async def test_scheduled_message_waits_on_the_phone(
    official: OfficialServer, tmp_path: Path
) -> None:
    clock = FrozenClock()
    official.enqueue("m1", scheduleAt=iso_utc_ms(START_MS + 60_000))
    async with phone(tmp_path, official.url, clock, **OWN) as app:
        await until(lambda: count(app, Step.STORED))
        assert app.on_air == []
        clock.advance(60_000)

        await until(lambda: app.on_air)


@pytest.mark.parametrize(
    ("order", "sent"),
    [("LIFO", ["urgent", "new", "old"]), ("FIFO", ["urgent", "old", "new"])],
)
async def test_order_is_the_settings_and_urgent_ones_go_first(
    official: OfficialServer, tmp_path: Path, order: str, sent: list[str]
) -> None:
    clock = FrozenClock()
    official.settings = {"messages": {"processing_order": order}}
    async with phone(tmp_path, official.url, clock, **OWN) as app:
        await until(lambda: official.streams_count)
        await official.tell("SettingsUpdated")
        await until(lambda: app.preferences.processing_order == order)
        soon = iso_utc_ms(START_MS + 1_000)
        for second, name, priority in ((1, "old", 0), (2, "new", 0), (3, "urgent", 100)):
            created = iso_utc_ms(START_MS + second)
            official.enqueue(name, createdAt=created, scheduleAt=soon, priority=priority)
        await official.tell("MessageEnqueued")
        await until(lambda: count(app, Step.STORED) == 3)
        clock.advance(1_000)
        await until(lambda: len(app.on_air) == 3)

        assert [one.message_id for one in app.on_air] == sent
    assert f"order={order.lower()}" in official.of("GET /message")[-1].path


async def test_failure_of_the_network_is_told_in_its_words(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        app.decide_fates(lambda _number: Fate(error=GENERIC_FAILURE))
        await until(lambda: official.streams_count)
        official.enqueue("m1")
        await official.tell("MessageEnqueued")
        await until(lambda: official.reports("m1")[-1:] == ["Failed"])

        assert app.on_air == []
    [recipient] = official.of("PATCH /message")[-1].body[0]["recipients"]
    assert recipient["error"] == f"Send result: {GENERIC_FAILURE}"


@pytest.mark.parametrize(
    ("status", "state", "error"),
    [
        (0x01, "Delivered", "Delivery result from SC +000: 1"),
        (0x20, "Sent", None),
        (0x41, "Failed", "Delivery result from SC +000: 65"),
    ],
)
async def test_delivery_report_is_read_by_its_status(
    official: OfficialServer, tmp_path: Path, status: int, state: str, error: str | None
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        app.decide_fates(lambda _number: Fate(delivery_status=status))
        await until(lambda: official.streams_count)
        official.enqueue("m1")
        await official.tell("MessageEnqueued")
        await until(lambda: count(app, Step.HEARD) == 2)
        await until(lambda: official.reports("m1")[-1:] == [state])

    [recipient] = official.of("PATCH /message")[-1].body[0]["recipients"]
    assert recipient.get("error") == error


async def test_no_delivery_report_when_none_is_wanted(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("quiet", withDeliveryReport=False)
    official.enqueue("loud")
    async with phone(tmp_path, official.url, **OWN):
        await until(lambda: official.reports("loud")[-1:] == ["Delivered"])

    assert official.reports("quiet")[-1] == "Sent"


async def test_long_text_is_delivered_once_a_segment(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("m1", textMessage={"text": "x" * 400})
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.reports("m1").count("Delivered") >= 3)

        assert [one.segments for one in app.on_air] == [3]


async def test_part_of_the_recipients_failing_reads_sent(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        app.decide_fates(lambda number: Fate(error="X" if number.endswith("2") else ""))
        await until(lambda: official.streams_count)
        official.enqueue("m1", phoneNumbers=["+12025550111", "+12025550112"])
        await official.tell("MessageEnqueued")
        await until(lambda: count(app, Step.HEARD) == 3)
        await until(lambda: official.reports("m1")[-1:] == ["Sent"])


async def test_more_than_ten_recipients_are_over_the_limit_of_android(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("m1", phoneNumbers=[f"+1202555{n:04d}" for n in range(12)])
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: count(app, Step.HEARD) == 22)

        assert len(app.on_air) == 10


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"simNumber": 3}, "Can't send message: SIM 3 not found"),
        ({"phoneNumbers": ["nobody"]}, "sendSMS: Invalid destinationAddress"),
        ({"dataMessage": {"data": "?", "port": 53739}}, "Invalid Base64"),
        ({"isEncrypted": True}, "Can't send message: Invalid encrypted data format"),
    ],
)
async def test_what_cannot_be_sent_fails_with_a_reason(
    official: OfficialServer, tmp_path: Path, fields: dict[str, Any], error: str
) -> None:
    official.enqueue("m1", **fields)
    async with phone(tmp_path, official.url, **OWN):
        await until(lambda: official.reports("m1") == ["Failed"])

    [recipient] = official.of("PATCH /message")[0].body[0]["recipients"]
    assert error in recipient["error"]


async def test_sim_is_the_one_asked_for(official: OfficialServer, tmp_path: Path) -> None:
    official.enqueue("m1", simNumber=2)
    official.enqueue("data", simNumber=1, dataMessage={"data": "aGk=", "port": 53739})
    sims = (Sim(0, "+251911000001"), Sim(1, "+251911000002"))
    async with phone(tmp_path, official.url, **OWN, sims=sims) as app:
        await until(lambda: len(app.on_air) == 2)

        assert {one.message_id: one.sim_number for one in app.on_air} == {"m1": 2, "data": 1}
        assert [one.data for one in app.on_air if one.port] == ["aGk="]


async def test_encrypted_message_is_read_with_the_passphrase(
    official: OfficialServer, tmp_path: Path
) -> None:
    encryptor = AESEncryptor("a passphrase", iterations=1_000)
    official.settings = {"encryption": {"passphrase": "a passphrase"}}
    number = encryptor.encrypt(TO)
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.streams_count)
        await official.tell("SettingsUpdated")
        await until(lambda: app.preferences.passphrase)
        text = {"text": encryptor.encrypt("secret")}
        official.enqueue("m1", isEncrypted=True, textMessage=text, phoneNumbers=[number])
        await official.tell("MessageEnqueued")
        await until(lambda: official.reports("m1")[-1:] == ["Delivered"])

        assert [(one.phone_number, one.text) for one in app.on_air] == [(TO, "secret")]
    assert official.of("PATCH /message")[-1].body[0]["recipients"][0]["phoneNumber"] == number


async def test_report_is_tried_again_until_it_is_taken(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.enqueue("m1", withDeliveryReport=False)
    official.refuse("PATCH /message", 500, 401, 503)
    async with phone(tmp_path, official.url, **OWN):
        await until(lambda: len(official.reports("m1")) == 5)

    assert official.reports("m1")[-1] == "Sent"


async def test_report_is_given_up_after_eleven_tries(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.refuse("PATCH /message", *[500] * 11)
    official.enqueue("m1", validUntil="2020-01-01T00:00:00.000Z")
    async with phone(tmp_path, official.url, **OWN, time_scale=0.0001) as app:
        await until(lambda: official.reports("m1"))
        del official.messages["m1"]
        await until(lambda: len(official.reports("m1")) == 11)
        official.enqueue("m1")
        app.push("MessageEnqueued")
        await until(lambda: len(official.reports("m1")) == 12)

    assert official.messages == {}


async def test_mischief_makes_reports_double_and_out_of_order(
    official: OfficialServer, tmp_path: Path
) -> None:
    for number in range(10):
        official.enqueue(f"m{number}")
    mischief = Mischief(report_delay_ms=20_000, report_repeat_rate=1.0, seed="7")
    async with phone(tmp_path, official.url, **OWN, mischief=mischief):
        await until(lambda: len(official.of("PATCH /message")) >= 60)

    ranks = {"Processed": 0, "Sent": 1, "Delivered": 2}
    told = [[ranks[state] for state in official.reports(f"m{n}")] for n in range(10)]
    assert any(one != sorted(one) for one in told)


async def test_limits_hold_messages_back(official: OfficialServer, tmp_path: Path) -> None:
    clock = FrozenClock()
    official.settings = {"messages": {"limit_period": "PerMinute", "limit_value": 2}}
    async with phone(tmp_path, official.url, clock, **OWN, time_scale=1.0) as app:
        await until(lambda: official.streams_count)
        await official.tell("SettingsUpdated")
        await until(lambda: app.preferences.limit)
        for number in range(3):
            official.enqueue(f"m{number}")
        await official.tell("MessageEnqueued")
        await until(lambda: len(official.of("PATCH /message")) == 2)
        assert len(app.on_air) == 2
        clock.advance(61_000)

        await until(lambda: len(app.on_air) == 3)


async def test_old_messages_are_forgotten_with_the_log_and_would_be_sent_again(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.settings = {"messages": {"log_lifetime_days": 1}}
    official.enqueue("m1", createdAt="2020-01-01T00:00:00.000Z")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.reports("m1")[-1:] == ["Delivered"])
        await official.tell("SettingsUpdated")
        await until(lambda: app.preferences.log_lifetime_days)
    official.enqueue("m1")
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: len(app.on_air) == 2)


def test_version_tells_what_the_app_can() -> None:
    assert not AppOptions("", version="1.66.2").knows_cancel
    assert AppOptions("", version="1.67.0").knows_cancel
