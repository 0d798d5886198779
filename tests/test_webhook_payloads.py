"""Bodies of webhooks: the documented keys, and bytes that JSON.stringify would write again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import START_MS
from textko_server.gateway.webhook_payloads import (
    WebhookEvent,
    phone_body,
    received_body,
    status_body,
)

IDS = {"webhook_id": "e" * 24, "delivery_id": "f" * 24}

texts = st.text(st.characters(exclude_categories=["Cs"]))
times = st.integers(0, 4_102_444_800_000)


def stringified_again(body: bytes) -> bytes:
    """What `JSON.stringify(JSON.parse(body))` gives without floats and numeric keys."""
    return json.dumps(json.loads(body), ensure_ascii=False, separators=(",", ":")).encode()


def test_received_payload_reads_like_the_textko_document() -> None:
    body = received_body(
        sms_id="a" * 24,
        sender="+123456789",
        text='Grüße "Zoë" 👋\n',
        received_at=START_MS + 250,
        device_id="d" * 24,
        webhook_id="e" * 24,
        delivery_id="f" * 24,
    )

    assert body.decode() == (
        '{"webhookEvent":"MESSAGE_RECEIVED","smsId":"aaaaaaaaaaaaaaaaaaaaaaaa",'
        '"sender":"+123456789","message":"Grüße \\"Zoë\\" 👋\\n",'
        '"receivedAt":"2026-01-15T10:00:00.250Z","deviceId":"dddddddddddddddddddddddd",'
        '"webhookSubscriptionId":"eeeeeeeeeeeeeeeeeeeeeeee",'
        '"idempotencyKey":"ffffffffffffffffffffffff"}'
    )


@pytest.mark.parametrize(
    ("event", "sent_at", "expected"),
    [
        ("MESSAGE_SENT", None, {"status": "sent", "sentAt": "2026-01-15T10:00:00.000Z"}),
        (
            "MESSAGE_DELIVERED",
            START_MS - 1_000,
            {
                "status": "delivered",
                "sentAt": "2026-01-15T09:59:59.000Z",
                "deliveredAt": "2026-01-15T10:00:00.000Z",
            },
        ),
        (
            "MESSAGE_FAILED",
            None,
            {
                "status": "failed",
                "failedAt": "2026-01-15T10:00:00.000Z",
                "errorCode": "no_service",
                "errorMessage": "Unknown error",
            },
        ),
    ],
)
def test_status_payload_has_the_keys_of_its_event(
    event: str, sent_at: int | None, expected: dict[str, str]
) -> None:
    body = status_body(
        WebhookEvent(event),
        sms_id="a" * 24,
        batch_id="b" * 24,
        phone_number="+4915112345678",
        text="Hi",
        device_id="d" * 24,
        at=START_MS,
        sent_at=sent_at,
        error_code="no_service",
        error=None,
        **IDS,
    )

    assert list(json.loads(body).items()) == [
        ("webhookEvent", event),
        ("smsId", "a" * 24),
        ("status", expected.pop("status")),
        ("recipient", "+4915112345678"),
        *expected.items(),
        ("message", "Hi"),
        ("deviceId", "d" * 24),
        ("smsBatchId", "b" * 24),
        ("webhookSubscriptionId", "e" * 24),
        ("idempotencyKey", "f" * 24),
    ]


def test_message_that_never_had_a_phone_has_no_device_key() -> None:
    body = status_body(
        WebhookEvent.MESSAGE_FAILED,
        sms_id="a" * 24,
        batch_id="b" * 24,
        phone_number="+4915112345678",
        text="Hi",
        device_id=None,
        at=START_MS,
        sent_at=None,
        error_code="expired",
        error="no phone took it in time",
        **IDS,
    )

    assert "deviceId" not in json.loads(body)
    assert json.loads(body)["errorMessage"] == "no phone took it in time"


@given(texts, texts, times, st.booleans())
def test_received_bytes_survive_being_parsed_and_written_again(
    sender: str, text: str, received_at: int, is_test: bool
) -> None:
    body = received_body(
        sms_id="a" * 24,
        sender=sender,
        text=text,
        received_at=received_at,
        device_id="d" * 24,
        is_test=is_test,
        **IDS,
    )

    assert stringified_again(body) == body
    assert json.loads(body)["message"] == text


PHONE_EVENTS = [event for event in WebhookEvent if event.startswith("PHONE_")]
STATUS_EVENTS = [e for e in list(WebhookEvent)[1:] if e not in PHONE_EVENTS]


@given(st.sampled_from(STATUS_EVENTS), texts, texts, texts | st.none(), times)
def test_status_bytes_survive_being_parsed_and_written_again(
    event: WebhookEvent, number: str, text: str, error: str | None, at: int
) -> None:
    body = status_body(
        event,
        sms_id="a" * 24,
        batch_id="b" * 24,
        phone_number=number,
        text=text,
        device_id=None,
        at=at,
        sent_at=at,
        error_code=error,
        error=error,
        **IDS,
    )

    assert stringified_again(body) == body
    assert json.loads(body)["message"] == text


@given(
    st.sampled_from(PHONE_EVENTS), texts, times, times, st.integers(0, 100) | st.none(),
    st.booleans() | st.none(),
)  # fmt: skip
def test_phone_bytes_survive_being_parsed_and_written_again(
    event: WebhookEvent,
    name: str,
    at: int,
    last_seen_at: int,
    percent: int | None,
    is_charging: bool | None,
) -> None:
    body = phone_body(
        event,
        device_id="d" * 24,
        device_name=name,
        at=at,
        last_seen_at=last_seen_at,
        battery_percent=percent,
        is_charging=is_charging,
        **IDS,
    )

    assert stringified_again(body) == body
    assert json.loads(body).get("isCharging") is is_charging
