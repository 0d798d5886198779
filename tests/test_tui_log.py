"""The page of the log: following it, leaving it alone, choosing from it, changing its level."""

import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.screens import SMALL, Screens, screens
from tests.servers import RunningServer
from textko_server import admin_wire as wire
from textko_server.tui import log_tail
from textko_server.tui.views.log import LogView
from textko_server.tui.widgets.tail_records import TailRecords

log = logging.getLogger("textko_server.tests")


@pytest.fixture(autouse=True)
def root_level() -> Iterator[None]:
    """As of a server that runs by itself; it is changed here."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(before)


def records_of(seen: Screens) -> TailRecords[msgspec.Struct]:
    return seen.app.view.query_one(TailRecords)


def waiting_count(server: RunningServer) -> int:
    """Requests that wait for a record."""
    return len(server.server._about.log_memory._waiting)


async def test_new_records_appear_below_and_the_list_goes_along(server: RunningServer) -> None:
    log.info("early_bird")
    async with screens(server, "log") as seen:
        await seen.see("early_bird")
        for number in range(100):
            log.info("event_%d", number, extra={"device_id": number})
        await seen.see("event_99", "device_id=99")

        assert seen.text.index("device_id=98") < seen.text.index("device_id=99")
        assert "early_bird" not in seen.text


async def test_one_who_scrolled_up_stays_there_and_is_told_of_what_is_new(
    server: RunningServer,
) -> None:
    for number in range(100):
        log.info("event_%d", number)
    async with screens(server, "log") as seen:
        await seen.see("event_99")
        await seen.press("g")
        await seen.see("event_0 ")
        log.info("latest_one")
        log.info("very_latest_one")

        await seen.see("2 new")
        assert "latest_one" not in seen.text
        await seen.press("G")
        await seen.see("very_latest_one")
        await seen.see_no_more("2 new")
        log.info("one_more")
        await seen.see("one_more")


async def test_nothing_is_asked_while_paused_or_on_another_page(server: RunningServer) -> None:
    async with screens(server, "log") as seen:
        await seen.until(lambda: waiting_count(server) > 0, "a held request")
        await seen.press("p")
        await seen.see("paused")
        follower = seen.app.view
        assert isinstance(follower, LogView)
        await seen.until(lambda: follower._follower is None, "the end of following")
        log.info("while_paused")
        await seen.press("p")
        await seen.see("while_paused")

        await seen.press("2")
        await seen.see("Text")
        await seen.until(lambda: follower._follower is None, "the end of following")
        log.info("while_away")
        await seen.press("0")
        await seen.see("while_away")


async def test_level_is_that_and_above(server: RunningServer) -> None:
    log.info("plain")
    log.warning("late")
    log.error("broken")
    async with screens(server, "log") as seen:
        await seen.see("plain", "late", "broken")
        await seen.press("l", "w")
        await seen.see_no_more("plain")
        assert "late" in seen.text
        assert "broken" in seen.text

        log.info("plain_again")
        log.warning("late_again")
        await seen.see("late_again")
        assert "plain_again" not in seen.text


async def test_filters_of_text_logger_and_event(server: RunningServer) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        log.exception("it_failed")
    log.info("taken", extra={"device_id": "Drawer"})
    logging.getLogger("textko_server.other").info("taken")
    async with screens(server, "log", filter='text:"such thing"') as seen:
        await seen.see("it_failed", "ValueError: no such thing")
        assert "taken" not in seen.text

        await show(seen, "drawer")
        await seen.see("device_id=Drawer")
        assert "it_failed" not in seen.text

        await show(seen, "logger:other event:taken")
        await seen.see("other ")
        await seen.see_no_more("Drawer")

        await show(seen, "level:nothing")
        await seen.see("level: is one of debug", "could not be read")


async def show(seen: Screens, text: str) -> None:
    await seen.app.view.show_filter(text)


async def test_only_faults_leaves_warnings_and_errors(server: RunningServer) -> None:
    log.info("plain")
    log.warning("late")
    async with screens(server, "log") as seen:
        await seen.see("plain", "late")
        await seen.press("f")
        await seen.see_no_more("plain")
        assert "late" in seen.text


async def test_details_have_every_field_and_the_whole_exception(server: RunningServer) -> None:
    try:
        raise ValueError("no such [bold]thing")
    except ValueError:
        log.exception("it_failed", extra={"message_id": 7, "why": "a\nb"})
    async with screens(server, "log") as seen:
        await seen.press("enter")
        await seen.see("Traceback", "ValueError: no such [bold]thing", "message_id 7", "a⏎b")


async def test_level_of_the_server_can_be_changed(server: RunningServer) -> None:
    async with screens(server, "log") as seen:
        await seen.until(lambda: waiting_count(server) > 0, "a held request")
        await seen.press("L")
        await seen.see("until it restarts. Now: info and above")
        await seen.press("d")
        await seen.see("Logged from now on: debug and above", "log_level_changed")

        assert logging.getLogger().level == logging.DEBUG


async def test_read_only_session_does_not_offer_to_change_the_level(server: RunningServer) -> None:
    async with screens(server, "log", is_read_only=True) as seen:
        assert [action.name for action in seen.app.view.actions_now()] == ["show_level"]


async def test_log_is_for_admins(server: RunningServer) -> None:
    async with screens(server, "messages", token=server.regular.jwt) as seen:
        await seen.until(lambda: seen.app.me is not None)
        seen.app.open_page("log")
        await seen.see("Log is for admins.")
        assert seen.app.view.page.name == "messages"


async def test_what_strangers_wrote_breaks_no_row(server: RunningServer) -> None:
    hostile = "[bold]x[/] \x1b[2J \u202eabc 你好 👩‍👧\nnext"
    log.warning("odd", extra={"named": hostile})
    async with screens(server, "log") as seen:
        await seen.see("odd", "[bold]x[/]", "你好")
        assert "\x1b" not in seen.text
        assert "\u202e" not in seen.text


async def test_small_terminal_shows_time_level_event_and_fields(server: RunningServer) -> None:
    log.warning("late", extra={"device_id": "Drawer"})
    async with screens(server, "log", size=SMALL) as seen:
        await seen.see("Time", "Level", "Event", "Fields", "warning", "late", "device_id=Drawer")


async def test_records_kept_are_bounded(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "MAX_RECORDS", 50)
    async with screens(server, "log") as seen:
        for batch in range(4):
            for number in range(40):
                log.info("event_%d_%d", batch, number)
            await seen.see(f"event_{batch}_39")

        assert records_of(seen).row_count == 50


async def test_export_writes_what_the_filter_leaves(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    log.info("plain")
    log.warning("late")
    async with screens(server, "log", filter="event:late") as seen:
        await seen.see("late")
        view = seen.app.view
        assert isinstance(view, LogView)

        assert [record.event async for record in view.matching().all_rows()] == ["late"]


async def test_record_is_copied_as_the_request_that_answers_it(server: RunningServer) -> None:
    log.info("early")
    log.warning("late")
    async with screens(server, "log", filter="event:early") as seen:
        await seen.until(lambda: records_of(seen).current is not None, "a record")
        record = records_of(seen).current
        assert isinstance(record, wire.LogRecord)
        await seen.press("Y")
        await seen.until(lambda: f"/log?after={record.number - 1}" in seen.app.clipboard)

        query = wire.LogQuery(after=record.number - 1, limit=1)
        assert (await seen.app.admin.list_log(query)).records == [record]


async def test_sorted_list_stays_where_one_is(server: RunningServer) -> None:
    for number in range(100):
        log.info("event_%02d", number)
    async with screens(server, "log", filter="event:event_") as seen:
        await seen.see("event_99")
        seen.app.view.sort_by("Event")  # type: ignore[attr-defined]  # a list
        await seen.see("event_00")
        log.info("event_later")
        await seen.until(lambda: records_of(seen).row_count == 101)

        assert "event_00" in seen.text
        seen.app.view.sort_by(None)  # type: ignore[attr-defined]  # a list
        await seen.see("event_later")
