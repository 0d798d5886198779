"""SMSGate's emulated app against this server, which takes the place of its private server."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.servers import PASSWORD, RunningServer, running_server
from tests.smsgate_apps import SCALE, count, phone, said
from textko_server.clock import HOUR_MS, Clock, iso_utc_ms
from textko_server.config import ServerSettings, SmsgateServerSettings
from textko_server.emulated.smsgate_app import AppOptions, Fate, Mischief, Sim, SmsgateApp
from textko_server.emulated.smsgate_app.radio import GENERIC_FAILURE
from textko_server.emulated.smsgate_app.steps import Step
from textko_server.gateway.principals import of_user
from textko_server.gateway.submissions import Submission
from textko_server.model import (
    Device,
    Dialect,
    IncomingMessage,
    Principal,
    Recipient,
    Role,
    State,
)

PRIVATE_TOKEN = "a-private-token"
EMAIL = "phones@example.org"
LIMIT_S = 20.0


class Place:
    """A running server and the account that the phones join."""

    def __init__(self, server: RunningServer, principal: Principal, user_id: int) -> None:
        self._server = server
        self._gateway = server.gateway
        self._principal = principal
        self._user_id = user_id
        self.url = f"{server.url}/api/mobile/v1"

    def phone(self, folder: Path, **options: Any) -> Any:
        return phone(folder, self.url, **({"private_token": PRIVATE_TOKEN} | options))

    async def send(self, text: str = "Hello", *numbers: str, **fields: Any) -> int:
        """The id of a message."""
        submission = Submission(text, list(numbers) or ["+12025550111"], Dialect.TEXTKO, **fields)
        [submitted] = await self._gateway.messages.submit(self._principal, [submission])
        return submitted.message_id

    async def cancel(self, message_id: int) -> None:
        await self._gateway.messages.cancel(self._principal, message_id, actor="operator")

    async def recipients(self, message_id: int) -> list[Recipient]:
        await self._gateway.db.write(lambda tx: None)
        return (await self._gateway.messages.get(self._principal, message_id)).recipients

    async def until_state(self, message_id: int, *states: State) -> list[Recipient]:
        """Once every recipient of a message is in one of these states."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                recipients = await self.recipients(message_id)
                if all(one.state in states for one in recipients):
                    return recipients
                await asyncio.sleep(0.01)

    async def inbox(self) -> list[IncomingMessage]:
        return (await self._gateway.inbox.list_page(self._principal)).messages

    async def until_inbox(self, texts_count: int) -> list[str]:
        async with asyncio.timeout(LIMIT_S):
            while True:
                texts = [text.text for text in await self.inbox()]
                if len(texts) >= texts_count:
                    return sorted(texts)
                await asyncio.sleep(0.01)

    async def refresh_inbox(self) -> None:
        """As an application asks, for the last hour."""
        now_ms = Clock().now_ms()
        body = {"since": iso_utc_ms(now_ms - HOUR_MS), "until": iso_utc_ms(now_ms)}
        login = b64encode(f"{EMAIL}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {login}"}
        answer = await self._server.request(
            "POST", "/api/3rdparty/v1/inbox/refresh", body, headers=headers
        )
        assert answer.status == 202, answer

    async def devices(self) -> list[Device]:
        return await self._gateway.devices.list_devices(self._principal)

    async def second_sim_id(self) -> int:
        [device] = await self.devices()
        sims = await self._gateway.devices.list_sims(device.id)
        return next(sim.id for sim in sims if sim.slot == 2)

    async def delete(self, device: Device) -> None:
        await self._gateway.devices.delete(self._principal, device.id)

    async def code(self) -> str:
        return (await self._gateway.pairing.create_code(self._user_id)).code


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with opened_place(tmp_path / "data") as place:
        yield place


@asynccontextmanager
async def opened_place(data_dir: Path, **sections: Any) -> AsyncIterator[Place]:
    settings = SmsgateServerSettings(private_token=PRIVATE_TOKEN, private_token_user=EMAIL)
    async with running_server(data_dir, clock=Clock(), smsgate=settings, **sections) as server:
        user = await server.gateway.accounts.create_user(EMAIL, PASSWORD, Role.REGULAR, "Phones")
        yield Place(server, of_user(user), user.id)


async def until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not is_true():  # noqa: ASYNC110 - a condition has no event of its own
            await asyncio.sleep(0.01)


def faults(app: SmsgateApp) -> list[str]:
    return said(app, Step.FAULT) + said(app, Step.CRASH)


# --- registration ---


async def test_private_token_registers_and_a_restart_is_known(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: count(app, Step.REGISTERED))
        registration = app.registration
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: count(app, Step.UPDATED))

        assert app.registration == registration
        assert faults(app) == []
    [device] = await place.devices()
    assert device.app_version == "1.68.0"


async def test_private_token_without_an_account_makes_one_and_its_login_works(
    tmp_path: Path,
) -> None:
    settings = SmsgateServerSettings(private_token=PRIVATE_TOKEN)
    async with running_server(tmp_path / "data", clock=Clock(), smsgate=settings) as server:
        url = f"{server.url}/api/mobile/v1"
        async with phone(tmp_path / "one", url, private_token=PRIVATE_TOKEN) as first:
            await until(lambda: first.registration)
            owner = first.registration
            assert owner is not None
            assert owner.password
            second = SmsgateApp(AppOptions(url, time_scale=SCALE), tmp_path / "two")
            await second.open()
            await second.account.sign_in(owner.login, owner.password)
            async with second:
                await until(lambda: second.open_streams_count)

                assert second.registration is not None
                assert second.registration.login == owner.login
                assert second.registration.password is None


async def test_wrong_private_token_is_refused(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone", private_token="wrong") as app:
        await until(lambda: count(app, Step.FAULT))

        assert "answered 401" in faults(app)[0]
        assert app.registration is None


async def test_code_of_the_server_adds_a_phone(place: Place, tmp_path: Path) -> None:
    app = SmsgateApp(AppOptions(place.url, time_scale=SCALE), tmp_path / "phone")
    await app.open()
    await app.account.use_code(await place.code())
    async with app:
        await until(lambda: app.open_streams_count)

        assert faults(app) == []


async def test_code_of_the_app_adds_another_phone(tmp_path: Path) -> None:
    settings = SmsgateServerSettings(private_token=PRIVATE_TOKEN)
    async with running_server(tmp_path / "data", clock=Clock(), smsgate=settings) as server:
        url = f"{server.url}/api/mobile/v1"
        async with phone(tmp_path / "one", url, private_token=PRIVATE_TOKEN) as first:
            await until(lambda: first.registration)
            await first.account.change_password("a password of my own")
            code = await first.account.login_code()
            second = SmsgateApp(AppOptions(url, time_scale=SCALE), tmp_path / "two")
            await second.open()
            await second.account.use_code(code.code)
            await second.stop()

            assert code.valid_until > Clock().now_ms()
            assert await first.account.external_ip() == "127.0.0.1"


async def test_phone_that_the_server_does_not_know_registers_anew(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.registration)
        old = app.registration
    [device] = await place.devices()
    await place.delete(device)
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: count(app, Step.REGISTERED))

        assert app.registration != old
        message_id = await place.send()
        await place.until_state(message_id, State.DELIVERED)


@pytest.mark.parametrize("tail", ["/api/mobile/v1/", "/mobile/v1", "/mobile/v1/"])
async def test_address_may_be_typed_in_these_ways(place: Place, tmp_path: Path, tail: str) -> None:
    url = place.url.removesuffix("/api/mobile/v1") + tail
    async with phone(tmp_path / "phone", url, private_token=PRIVATE_TOKEN) as app:
        await until(lambda: app.open_streams_count)
        message_id = await place.send()
        await place.until_state(message_id, State.DELIVERED)


async def test_release_app_does_not_speak_http_with_a_host_by_name(
    place: Place, tmp_path: Path
) -> None:
    url = place.url.replace("127.0.0.1", "localhost")
    async with phone(tmp_path / "phone", url, private_token=PRIVATE_TOKEN) as app:
        await until(lambda: count(app, Step.FAULT))

        assert "CLEARTEXT" in faults(app)[0]
    assert await place.devices() == []


@pytest.mark.parametrize("is_installed", [True, False])
async def test_release_app_trusts_the_authority_that_its_user_installed(
    tmp_path: Path, is_installed: bool
) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    (tmp_path / "authority.pem").write_bytes(authority.cert_pem.bytes())
    (tmp_path / "key.pem").write_bytes(certificate.private_key_pem.bytes())
    (tmp_path / "chain.pem").write_bytes(b"".join(c.bytes() for c in certificate.cert_chain_pems))
    settings = ServerSettings(
        data_dir=tmp_path / "data",
        listen="127.0.0.1:0",
        tls_cert=str(tmp_path / "chain.pem"),
        tls_key=str(tmp_path / "key.pem"),
    )
    async with opened_place(tmp_path / "data", server=settings) as place:
        url = place.url.replace("http://127.0.0.1", "https://localhost")
        options: dict[str, Any] = {"private_token": PRIVATE_TOKEN}
        if is_installed:
            options["ca_file"] = tmp_path / "authority.pem"
        async with phone(tmp_path / "phone", url, **options) as app:
            if not is_installed:
                await until(lambda: any("CERTIFICATE_VERIFY_FAILED" in one for one in faults(app)))
                return
            await until(lambda: app.webhooks)
            message_id = await place.send()
            await place.until_state(message_id, State.DELIVERED)
            app.receive("+251922000001", "Hello back")

            assert await place.until_inbox(1) == ["Hello back"]
            assert app.webhooks[0].url.startswith("https://localhost:")


# --- settings and webhooks ---


async def test_first_start_learns_settings_and_webhooks(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.preferences.processing_order == "FIFO")
        await until(lambda: app.preferences.is_sse_only)
        await until(lambda: any(w.event.value == "sms:received" for w in app.webhooks))

        assert faults(app) == []


async def test_1_66_takes_settings_and_webhooks(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone", version="1.66.0") as app:
        await until(lambda: app.preferences.processing_order == "FIFO")
        await until(lambda: app.webhooks)

        assert faults(app) == []


async def test_phone_with_play_services_opens_a_stream_after_a_restart(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone", push_token="fcm") as app:
        await until(lambda: app.registration)
    async with place.phone(tmp_path / "phone", push_token="fcm") as app:
        await until(lambda: app.preferences.is_sse_only)
    async with place.phone(tmp_path / "phone", push_token="fcm") as app:
        await until(lambda: app.open_streams_count)


# --- messages ---


async def test_message_is_announced_sent_and_delivered(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        await until(lambda: count(app, Step.PULLED))
        message_id = await place.send("Hello")
        [recipient] = await place.until_state(message_id, State.DELIVERED)

        assert "MessageEnqueued" in said(app, Step.EVENT)
        assert [(one.phone_number, one.text) for one in app.on_air] == [("+12025550111", "Hello")]
        assert faults(app) == []
    assert recipient.sent_at is not None


async def test_message_sent_while_the_phone_was_away_is_pulled_when_it_is_back(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        app.go_offline()
        message_id = await place.send()
        app.go_online()
        await place.until_state(message_id, State.DELIVERED)

        assert len(app.on_air) == 1


async def test_reports_that_are_late_double_and_shuffled_end_in_the_right_state(
    place: Place, tmp_path: Path
) -> None:
    mischief = Mischief(report_delay_ms=60_000, report_repeat_rate=0.7, seed="3")
    async with place.phone(tmp_path / "phone", mischief=mischief) as app:
        await until(lambda: app.open_streams_count)
        app.decide_fates(lambda number: Fate(delivery_status=0x41 if number.endswith("7") else 0))
        sent = {n: await place.send(f"Text {n}", f"+1202555010{n}") for n in range(10)}
        for message_id in sent.values():
            await place.until_state(message_id, State.DELIVERED, State.FAILED)
        # All that is owed has been said, some of it long after the end.
        await until(lambda: not app.owed_reports_count)
        states = {n: (await place.recipients(key))[0].state for n, key in sent.items()}

        assert len(app.on_air) == 10
    assert states == {n: State.FAILED if n == 7 else State.DELIVERED for n in range(10)}


async def test_text_to_many_goes_out_as_one_message_a_recipient(
    place: Place, tmp_path: Path
) -> None:
    numbers = [f"+120255501{n:02}" for n in range(25)]
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        message_id = await place.send("Hello all", *numbers)
        await place.until_state(message_id, State.DELIVERED)

        assert sorted(one.phone_number for one in app.on_air) == numbers
        assert {len(row.recipients) for row in app.messages} == {1}


async def test_message_that_the_network_refuses_fails_with_its_reason(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        app.decide_fates(lambda _number: Fate(error=GENERIC_FAILURE))
        message_id = await place.send()
        [recipient] = await place.until_state(message_id, State.FAILED)

        assert app.on_air == []
        assert recipient.error_code


async def test_sim_is_the_one_the_server_names(place: Place, tmp_path: Path) -> None:
    sims = (Sim(0, "+251911000001"), Sim(1, "+251911000002"))
    async with place.phone(tmp_path / "phone", sims=sims) as app:
        await until(lambda: app.open_streams_count)
        message_id = await place.send(sim_id=await place.second_sim_id())
        await place.until_state(message_id, State.DELIVERED)

        assert [one.sim_number for one in app.on_air] == [2]


@pytest.mark.parametrize("version", ["1.68.0", "1.66.0"])
async def test_cancel_before_the_phone_has_it_keeps_it_from_being_sent(
    place: Place, tmp_path: Path, version: str
) -> None:
    async with place.phone(tmp_path / "phone", version=version) as app:
        # Then no pull of its start is under way any more: its answer would be lost.
        await place.until_state(await place.send("First"), State.DELIVERED)
        app.go_offline()
        cancelled_id = await place.send("Never")
        await place.cancel(cancelled_id)
        app.go_online()
        message_id = await place.send("Hello")
        await place.until_state(message_id, State.DELIVERED)
        await place.until_state(cancelled_id, State.CANCELLED)

        assert [one.text for one in app.on_air] == ["First", "Hello"]


async def test_cancel_of_what_waits_on_the_phone(place: Place, tmp_path: Path) -> None:
    async with place.phone(tmp_path / "phone", time_scale=1.0, send_time_ms=10) as app:
        await until(lambda: app.open_streams_count)
        await until(lambda: app.preferences.processing_order == "FIFO")
        app.preferences.update({"messages": {"limit_period": "PerHour", "limit_value": 1}})
        await place.send("First")
        await until(lambda: app.on_air)
        cancelled_id = await place.send("Second")
        await until(lambda: count(app, Step.STORED) == 2)
        await place.cancel(cancelled_id)
        await place.until_state(cancelled_id, State.CANCELLED)

        assert [one.text for one in app.on_air] == ["First"]


async def test_cancel_that_1_66_cannot_hear_ends_as_what_the_phone_did(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone", version="1.66.0") as app:
        await until(lambda: app.open_streams_count)
        await until(lambda: app.preferences.processing_order == "FIFO")
        # A minute of the app's is 0.6 s here.
        app.preferences.update({"messages": {"limit_period": "PerMinute", "limit_value": 1}})
        await place.send("First")
        await until(lambda: app.on_air)
        cancelled_id = await place.send("Second")
        await until(lambda: count(app, Step.STORED) == 2)
        await place.cancel(cancelled_id)
        await place.until_state(cancelled_id, State.DELIVERED)

        assert [one.text for one in app.on_air] == ["First", "Second"]


async def test_phone_that_holds_a_message_back_has_it_and_sends_it_later(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        await until(lambda: app.preferences.processing_order == "FIFO")
        app.preferences.update({"messages": {"limit_period": "PerMinute", "limit_value": 1}})
        sent = [await place.send(f"Text {number}") for number in range(3)]
        await until(lambda: count(app, Step.STORED) == 3)
        app.push("MessageEnqueued")
        for message_id in sent:
            await place.until_state(message_id, State.DELIVERED)

        assert sorted(one.text for one in app.on_air) == ["Text 0", "Text 1", "Text 2"]


async def test_message_that_comes_too_late_on_the_phone_is_not_sent(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        await until(lambda: app.preferences.processing_order == "FIFO")
        app.preferences.update({"messages": {"limit_period": "PerMinute", "limit_value": 1}})
        await place.send("First")
        await until(lambda: app.on_air)
        late_id = await place.send("Late", expires_at=Clock().now_ms() + 400)
        await place.until_state(late_id, State.EXPIRED, State.FAILED)

        assert [one.text for one in app.on_air] == ["First"]


async def test_two_streams_of_one_phone_do_no_harm(place: Place, tmp_path: Path) -> None:
    """The app opens a second one beside the first when it registers twice in one run."""
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        app.account.start()
        await until(lambda: app.open_streams_count == 2)
        sent = [await place.send(f"Text {number}") for number in range(5)]
        for message_id in sent:
            await place.until_state(message_id, State.DELIVERED)

        assert len(app.on_air) == 5


async def test_two_phones_share_the_work_and_send_nothing_twice(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "one") as one, place.phone(tmp_path / "two") as other:
        await until(lambda: one.open_streams_count and other.open_streams_count)
        sent = [await place.send(f"Text {number}") for number in range(40)]
        for message_id in sent:
            await place.until_state(message_id, State.DELIVERED)

        texts = [record.text for app in (one, other) for record in app.on_air]
        assert sorted(texts) == sorted(f"Text {number}" for number in range(40))


async def test_more_than_a_hundred_waiting_all_go_out(place: Place, tmp_path: Path) -> None:
    numbers = [f"+1202555{number:04}" for number in range(130)]
    message_id = await place.send("Hello all", *numbers)
    # A quarter of an hour of the app's is longer than this may take: it has to be woken.
    async with place.phone(tmp_path / "phone", time_scale=0.04, send_time_ms=100) as app:
        await place.until_state(message_id, State.DELIVERED)

        assert sorted(one.phone_number for one in app.on_air) == numbers


async def test_deleted_phone_stays_outside_until_it_is_restarted(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.open_streams_count)
        [device] = await place.devices()
        await place.delete(device)
        app.push("MessageEnqueued")
        await until(lambda: any("pull: the server answered 401" in one for one in faults(app)))

        assert count(app, Step.REGISTERED) == 1
    assert await place.devices() == []


# --- what comes in ---


async def test_text_that_comes_in_reaches_the_inbox_once(place: Place, tmp_path: Path) -> None:
    mischief = Mischief(duplicate_webhooks=True)
    async with place.phone(tmp_path / "phone", mischief=mischief) as app:
        await until(lambda: app.webhooks)
        app.receive("+251922000001", "Hello back")
        app.receive("+251922000002", "Hello back")
        await until(lambda: not app.owed_webhooks_count)

        assert await place.until_inbox(2) == ["Hello back", "Hello back"]
    [text, _] = sorted(await place.inbox(), key=lambda one: one.sender)
    assert (text.sender, text.sim_slot) == ("+251922000001", 1)


async def test_text_that_the_app_missed_is_brought_when_an_application_asks(
    place: Place, tmp_path: Path
) -> None:
    async with place.phone(tmp_path / "phone") as app:
        await until(lambda: app.webhooks)
        app.receive("+251922000001", "Seen")
        await place.until_inbox(1)
        await app.stop()
        app.receive("+251922000002", "Missed")
        await app.start()
        await until(lambda: app.open_streams_count)
        await place.refresh_inbox()

        assert await place.until_inbox(2) == ["Missed", "Seen"]
