"""The emulated app of SMSGate: settings from the server, the stream of events, and pushes."""

from pathlib import Path
from typing import Any

import pytest

from tests.gateways import until
from tests.smsgate_apps import count, phone, said
from tests.smsgate_official import PRIVATE_TOKEN, OfficialServer
from textko_server.emulated.smsgate_app.steps import Step

OWN: dict[str, Any] = {"private_token": PRIVATE_TOKEN}


async def registered(official: OfficialServer, folder: Path) -> None:
    """`folder` holds a phone that has been registered and stopped."""
    async with phone(folder, official.url, **OWN) as app:
        await until(lambda: app.registration)
        await until(lambda: official.streams_count)


async def test_first_start_asks_for_nothing_before_it_is_registered(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.settings = {"messages": {"processing_order": "FIFO"}}
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.of("GET /message"))

        # By reading: a day would pass before it asks, were it not told to.
        assert official.of("GET /settings") == official.of("GET /webhooks") == []
        await official.tell("SettingsUpdated")
        await until(lambda: app.preferences.processing_order == "FIFO")
    async with phone(tmp_path, official.url, **OWN):
        await until(lambda: len(official.of("GET /settings")) == 2)
        await until(lambda: official.of("GET /webhooks"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"gateway": None},
        {"messages": []},
        {"messages": {"processing_order": "RANDOM"}},
        {"gateway": {"cloud_url": "http://example.org"}},
        {"messages": {"log_lifetime_days": 0}},
        {"webhooks": {"retry_count": 0}},
        {"messages": {"limit_value": "many"}},
    ],
)
async def test_wrong_settings_are_asked_for_again_and_again(
    official: OfficialServer, tmp_path: Path, wrong: dict[str, Any]
) -> None:
    await registered(official, tmp_path)
    official.settings = wrong
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: len(official.of("GET /settings")) >= 3)
        official.settings = {"ping": {"interval_seconds": 30}}
        await until(lambda: app.preferences.ping_interval_s == 30)


async def test_what_came_before_the_wrong_section_stays(
    official: OfficialServer, tmp_path: Path
) -> None:
    await registered(official, tmp_path)
    official.settings = {"messages": {"send_interval_max": 5.0}, "gateway": None}
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: len(official.of("GET /settings")) >= 2)

        assert app.preferences.send_interval_s == (0, 5)


async def test_unknown_sections_and_keys_are_passed_over_and_null_resets(
    official: OfficialServer, tmp_path: Path
) -> None:
    await registered(official, tmp_path)
    official.settings = {"receiver": None, "messages": {"work_hours": 8, "sim_selection_mode": "X"}}
    official.settings["messages"]["sim_selection_mode"] = "RoundRobin"
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: app.preferences.sim_selection_mode == "RoundRobin")
        official.settings = {"messages": {"sim_selection_mode": None}}
        app.push("SettingsUpdated")
        await until(lambda: app.preferences.sim_selection_mode == "OSDefault")


async def test_phone_with_play_services_opens_no_stream_until_it_is_told_to(
    official: OfficialServer, tmp_path: Path
) -> None:
    official.settings = {"gateway": {"notification_channel": "SSE_ONLY"}}
    async with phone(tmp_path, official.url, **OWN, push_token="fcm") as app:
        await until(lambda: app.registration)
        official.enqueue("m1")
        app.push("MessageEnqueued")
        await until(lambda: app.on_air)
        app.push("SettingsUpdated")
        await until(lambda: app.preferences.is_sse_only)

        assert official.of("GET /events") == []
    assert official.of("POST /device")[0].body["pushToken"] == "fcm"
    async with phone(tmp_path, official.url, **OWN, push_token="fcm"):
        await until(lambda: official.streams_count)

    assert "pushToken" not in official.of("PATCH /device")[0].body


async def test_open_stream_pulls_and_is_asked_for_with_another_agent(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN):
        await until(lambda: official.of("GET /message"))

    [asked] = official.of("GET /events")
    assert asked.headers["user-agent"].startswith("okhttp/")
    assert asked.headers["authorization"] == "Bearer device-token-1"


async def test_event_needs_a_data_line_and_no_name(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.streams_count)
        await official.send(":keepalive\n\n")
        await official.send("event: SettingsUpdated\n\n")
        await official.send("event: Unheard\r\ndata: null\r\n\r\n")
        await official.send("data:\n\n")
        await until(lambda: count(app, Step.EVENT) == 2)

        assert said(app, Step.EVENT) == ["Unheard", ""]
        assert "Unknown event type: Unheard" in said(app, Step.FAULT)
        assert official.of("GET /settings") == []


async def test_stream_is_opened_again_after_its_end_and_pulls(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.streams_count)
        official.refuse("GET /events", 401, 503)
        official.answer("GET /events", "event: x\ndata: y\n\n", content_type="text/plain")
        official.close_streams()
        await until(lambda: len(official.of("GET /events")) == 5)
        await until(lambda: app.open_streams_count)
        await until(lambda: len(official.of("GET /message")) == 2)

        assert count(app, Step.EVENT) == 0
        assert len(official.of("POST /device")) == 1


async def test_new_event_cancels_a_pull_under_way(official: OfficialServer, tmp_path: Path) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: count(app, Step.PULLED) == 1)
        official.hold("GET /message")
        await official.tell("MessageEnqueued")
        await until(lambda: len(official.of("GET /message")) == 2)
        await official.tell("MessageEnqueued")
        await until(lambda: len(official.of("GET /message")) == 3)
        official.release("GET /message")
        await until(lambda: count(app, Step.PULLED) == 2)


async def test_pull_comes_by_itself_every_quarter_of_an_hour(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN, time_scale=0.0002) as app:
        await until(lambda: len(official.of("GET /message")) >= 3)

        assert count(app, Step.EVENT) == 0


async def test_ping_pulls_too(official: OfficialServer, tmp_path: Path) -> None:
    await registered(official, tmp_path)
    official.settings = {"ping": {"interval_seconds": 10}}
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: app.preferences.ping_interval_s)
    async with phone(tmp_path, official.url, **OWN):
        pulls_count = len(official.of("GET /message"))
        await until(lambda: len(official.of("GET /message")) >= pulls_count + 3)


async def test_stream_keeps_the_token_of_its_first_connect(
    official: OfficialServer, tmp_path: Path
) -> None:
    await registered(official, tmp_path)
    official.refuse("PATCH /device", 401, 401)
    official.refuse("POST /device", 500)
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: count(app, Step.REGISTERED))
        await until(lambda: app.open_streams_count == 2)

        # The failed try opened it with the old token; only a restart brings the new one in.
        tokens = {one.headers["authorization"] for one in official.of("GET /events")}
        assert tokens == {"Bearer device-token-1"}


async def test_phone_without_network_goes_on_when_it_is_back(
    official: OfficialServer, tmp_path: Path
) -> None:
    async with phone(tmp_path, official.url, **OWN) as app:
        await until(lambda: official.streams_count)
        app.go_offline()
        await until(lambda: not app.open_streams_count)
        official.enqueue("m1")
        asked_count = len(official.asked)
        app.receive("+251922000001", "nobody hears")
        assert len(official.asked) == asked_count
        app.go_online()

        await until(lambda: official.reports("m1")[-1:] == ["Delivered"])
