"""What only SMSGate's app can send: ciphertext, end to end with SMSGate's own client, and data."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from android_sms_gateway import domain, enums  # type: ignore[import-untyped]  # it brings no types

from tests.servers import PASSWORD, RunningServer, running_server
from tests.smsgate_apps import SCALE
from tests.smsgate_clients import (
    BASE,
    PASSPHRASE,
    PYTHON_CLIENTS,
    PythonClient,
    basic,
    encryptor,
)
from tests.smsgate_phones import AppPhone, app_phone
from textko_server.clock import Clock
from textko_server.emulated.smsgate_app import AppOptions, SmsgateApp
from textko_server.errors import WrongState
from textko_server.gateway.principals import of_user
from textko_server.gateway.resending import resend
from textko_server.model import Principal, State

PHONE, ANOTHER = "+251912345678", "+251912345679"
LIMIT_S = 20
CIPHERTEXT = "$aes-256-cbc/pbkdf2-sha1$i=10$c2FsdHNhbHRzYWx0c2FsdA==$"


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110 - a condition has no event of its own
            await asyncio.sleep(0.01)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningServer]:
    """By the system clock, as the app has no other."""
    async with running_server(tmp_path / "data", clock=Clock()) as server:
        yield server


@pytest.fixture
async def app(running: RunningServer, tmp_path: Path) -> AsyncIterator[SmsgateApp]:
    """A phone of the regular user, beside the one with our own app."""
    options = AppOptions(
        f"{running.url}/api/mobile/v1", time_scale=SCALE, send_time_ms=500, delivery_after_ms=1_000
    )
    app = SmsgateApp(options, tmp_path / "phone")
    await app.open()
    await app.account.sign_in(running.regular.user.email, PASSWORD)
    async with app:
        await until(lambda: app.open_streams_count)
        yield app


def client_of(server: RunningServer, kind: str, **options: Any) -> PythonClient:
    return PYTHON_CLIENTS[kind](server.url, server.regular.user.email, PASSWORD, **options)


@pytest.mark.parametrize("kind", list(PYTHON_CLIENTS))
async def test_ciphertext_is_read_by_the_phone_alone(
    running: RunningServer, app: SmsgateApp, kind: str
) -> None:
    passphrase = domain.SettingsEncryption(passphrase=PASSPHRASE)
    client = client_of(running, kind, encryptor=encryptor())
    await client("patch_settings", domain.DeviceSettings(encryption=passphrase))
    await until(lambda: app.preferences.passphrase == PASSPHRASE)
    content = domain.TextMessage(text="A secret 🤫")
    message = domain.Message(phone_numbers=[PHONE, ANOTHER], text_message=content)

    sent = await client("send", message)
    await until(lambda: len(app.on_air) == 2)
    state = sent
    async with asyncio.timeout(LIMIT_S):
        while state.state is not enums.ProcessState.Delivered:
            state = await client("get_state", sent.id)
    listed = await client("get_messages")

    assert {(one.phone_number, one.text) for one in app.on_air} == {
        (PHONE, "A secret 🤫"), (ANOTHER, "A secret 🤫"),
    }  # fmt: skip
    assert [r.phone_number for r in state.recipients] == [PHONE, ANOTHER]
    assert [one.id for one in listed] == [sent.id]
    texts = await running.gateway.db.fetch_all(
        "SELECT m.text, r.phone_number FROM messages AS m JOIN recipients AS r"
        " ON r.message_id = m.id"
    )
    assert all(text.startswith("$aes") and number.startswith("$aes") for text, number in texts)
    numbers = await running.gateway.db.fetch_all("SELECT phone_number FROM contacts")
    assert not any(number.startswith("$") for (number,) in numbers)


async def test_client_without_the_passphrase_cannot_read_the_numbers(
    running: RunningServer, app: SmsgateApp
) -> None:
    content = domain.TextMessage(text="A secret")
    message = domain.Message(phone_numbers=[PHONE], text_message=content)
    sent = await client_of(running, "requests", encryptor=encryptor())("send", message)

    with pytest.raises(ValueError, match="encryptor"):
        await client_of(running, "requests")("get_state", sent.id)


async def test_data_goes_out_by_the_app(running: RunningServer, app: SmsgateApp) -> None:
    message = domain.Message(
        phone_numbers=[PHONE], data_message=domain.DataMessage.with_bytes(b"\x00\xff", 53739)
    )

    sent = await client_of(running, "requests")("send", message)
    await until(lambda: app.on_air)

    [record] = app.on_air
    assert (record.data, record.port, record.phone_number) == ("AP8=", 53739, PHONE)
    answer = await running.request(
        "GET", f"{BASE}/messages/{sent.id}", headers=basic(running.regular)
    )
    assert answer.json["dataMessage"] == {"data": "AP8=", "port": 53739}
    assert "textMessage" not in answer.json


# --- where it may not go ---


@pytest.fixture
async def phone(server: RunningServer) -> AppPhone:
    return await app_phone(server)


def principal_of(server: RunningServer) -> Principal:
    return of_user(server.regular.user)


async def send_ciphertext(server: RunningServer, **fields: Any) -> str:
    body = {
        "textMessage": {"text": CIPHERTEXT + "dGV4dA=="},
        "phoneNumbers": [CIPHERTEXT + "bnVtYmVy"],
        "isEncrypted": True,
    }
    answer = await server.request(
        "POST", f"{BASE}/messages", body | fields, headers=basic(server.regular)
    )
    assert answer.status == 202, answer
    return str(answer.json["id"])


async def key_of(server: RunningServer, message_id: str) -> int:
    shown = await server.gateway.smsgate_messages.get(principal_of(server), message_id)
    return shown.message.id


async def test_ciphertext_goes_to_no_other_phone(server: RunningServer, phone: AppPhone) -> None:
    await send_ciphertext(server)

    offers = (await server.sync(server.regular))["offers"]
    [listed] = await phone.messages()

    assert offers == []
    assert listed["isEncrypted"] is True
    assert listed["phoneNumbers"] == [CIPHERTEXT + "bnVtYmVy"]
    assert listed["textMessage"] == {"text": CIPHERTEXT + "dGV4dA=="}


async def test_ciphertext_is_refused_for_a_phone_with_another_app(
    server: RunningServer, phone: AppPhone
) -> None:
    body = {
        "message": CIPHERTEXT, "phoneNumbers": [CIPHERTEXT], "isEncrypted": True,
        "deviceId": server.regular.device_id,
    }  # fmt: skip

    answer = await server.request("POST", f"{BASE}/messages", body, headers=basic(server.regular))

    assert answer.status == 400
    assert "only a phone with SMSGate's app" in answer.json["message"]


async def test_ciphertext_costs_one_credit_a_number(server: RunningServer, phone: AppPhone) -> None:
    await server.gateway.accounts.set_limits(server.regular.user.id, credits=3)
    numbers = [f"{CIPHERTEXT}{n}" for n in range(2)]

    await send_ciphertext(
        server, phoneNumbers=numbers, textMessage={"text": CIPHERTEXT + "a" * 2_000}
    )

    user = await server.gateway.accounts.get_user(server.regular.user.id)
    assert user.credits == 1


async def test_ciphertext_whose_phone_is_gone_is_not_queued_again(
    server: RunningServer, phone: AppPhone
) -> None:
    message_id = await key_of(server, await send_ciphertext(server))
    principal = principal_of(server)
    await server.gateway.devices.delete(principal, phone.device_id)

    with pytest.raises(WrongState):
        await server.gateway.messages.requeue(principal, message_id, actor="operator")

    detail = await server.gateway.messages.get(principal, message_id)
    assert detail.recipients[0].state is State.FAILED


async def test_ciphertext_that_failed_is_queued_again_for_its_phone(
    server: RunningServer, phone: AppPhone
) -> None:
    message_id = await key_of(server, await send_ciphertext(server))
    [listed] = await phone.messages()
    await phone.tell(listed["id"], "Failed", error="no credit")

    await server.gateway.messages.requeue(principal_of(server), message_id, actor="operator")

    [again] = await phone.messages()
    assert again["id"] != listed["id"]
    assert again["isEncrypted"] is True


async def test_ciphertext_is_not_sent_again_as_an_ordinary_text(
    server: RunningServer, phone: AppPhone
) -> None:
    message_id = await key_of(server, await send_ciphertext(server))

    with pytest.raises(WrongState, match="ciphertext"):
        await resend(
            server.gateway.messages, server.gateway.devices, principal_of(server), message_id,
            is_failed_only=False,
        )  # fmt: skip


@pytest.mark.parametrize("wanted", [True, False, None])
async def test_wish_for_delivery_reports_reaches_the_phone(
    server: RunningServer, phone: AppPhone, wanted: bool | None
) -> None:
    body = {
        "message": "Hello", "phoneNumbers": [PHONE], "deviceId": phone.id,
        "withDeliveryReport": wanted,
    }  # fmt: skip
    await server.request("POST", f"{BASE}/messages", body, headers=basic(server.regular))

    [listed] = await phone.messages()

    assert listed["withDeliveryReport"] is (wanted is not False)
