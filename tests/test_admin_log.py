"""The log over the admin API: what is kept, following it, its level; and what else the server says
of itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.clocks import START_MS
from tests.commands import CommandLine
from tests.servers import RunningServer, running_server
from textko_server import admin_wire as wire
from textko_server import log_memory
from textko_server.admin_client import AdminClient, AdminError
from textko_server.config import LogSettings
from textko_server.log_memory import LogMemory
from textko_server.logs import quiet_libraries

log = logging.getLogger("textko_server.tests")
LIMIT_S = 30.0


@pytest.fixture(autouse=True)
def root_level() -> Iterator[None]:
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.INFO)
    yield
    root.setLevel(before)


@pytest.fixture
async def operator(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.over_socket(server.server.socket_path) as client:
        yield client


def record(event: str) -> logging.LogRecord:
    return logging.LogRecord("test", logging.INFO, __file__, 1, event, (), None)


def of_ours(page: wire.LogPage) -> list[str]:
    return [r.event for r in page.records if r.logger == log.name]


# --- what is kept ---


async def test_record_is_kept_with_its_fields_and_exception(operator: AdminClient) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        log.exception("it_failed", extra={"message_id": 7, "ratio": float("nan"), "who": None})

    [record] = (await operator.list_log(wire.LogQuery(level="error"))).records
    assert (record.event, record.level, record.logger) == ("it_failed", "error", log.name)
    assert record.fields == {"message_id": 7, "ratio": "nan", "who": None}
    assert record.exception is not None
    assert record.exception.endswith("ValueError: no such thing")


async def test_level_and_text_choose_among_records(operator: AdminClient) -> None:
    log.info("plain")
    log.warning("late", extra={"device_id": "Drawer"})
    log.error("broken")

    from_warning = await operator.list_log(wire.LogQuery(level="warning"))
    by_field = await operator.list_log(wire.LogQuery(text="DEVICE_ID=drawer"))
    assert of_ours(from_warning) == ["late", "broken"]
    assert of_ours(by_field) == ["late"]


async def test_pages_after_a_number_go_on_where_the_last_one_ended(operator: AdminClient) -> None:
    before = (await operator.list_log(wire.LogQuery(limit=1))).next
    for number in range(5):
        log.info("event %d", number)

    first = await operator.list_log(wire.LogQuery(after=before, text="event", limit=3))
    second = await operator.list_log(wire.LogQuery(after=first.next, text="event", limit=3))
    assert of_ours(first) == ["event 0", "event 1", "event 2"]
    assert of_ours(second) == ["event 3", "event 4"]
    assert not first.has_gap


def test_oldest_records_are_forgotten_and_a_gap_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_memory, "MAX_RECORDS", 3)
    memory = LogMemory()
    start = memory.find(level=0, text="", after=None, limit=10).looked_to
    for number in range(5):
        memory.handle(record(f"event {number}"))

    found = memory.find(level=0, text="", after=start, limit=10)
    assert [line.event for line in found.lines] == ["event 2", "event 3", "event 4"]
    assert found.has_gap
    assert not memory.find(level=0, text="", after=found.looked_to, limit=10).has_gap


def test_long_records_push_out_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_memory, "MAX_CHARACTERS", 10_000)
    memory = LogMemory()
    for _ in range(100):
        memory.handle(record("x" * 5_000))

    lines = memory.find(level=0, text="", after=None, limit=1_000).lines
    assert 0 < len(lines) < 10
    assert all(len(line.event) <= 2_001 for line in lines)


async def test_statements_of_the_database_are_never_logged(
    server: RunningServer, operator: AdminClient
) -> None:
    logging.getLogger().setLevel(logging.DEBUG)
    quiet_libraries()
    headers = server.regular.key_headers
    body = {"recipients": ["+251911999888"], "message": "for nobody's eyes"}
    answer = await server.request("POST", "/api/v1/gateway/messages", body, headers=headers)

    assert answer.status < 500
    said = str(await operator.list_log(wire.LogQuery(limit=2_000)))
    assert "nobody's eyes" not in said
    assert "+251911999888" not in said
    assert server.regular.key not in said


async def test_only_admins_read_the_log_and_change_its_level(server: RunningServer) -> None:
    async with AdminClient.at_url(server.url, server.regular.jwt) as regular:
        for refused in (
            regular.list_log(),
            regular.get_log_level(),
            regular.set_log_level("debug"),
            regular.about(),
            regular.list_metrics(),
        ):
            with pytest.raises(AdminError) as caught:
                await refused
            assert caught.value.problem.status == 403


# --- following ---


async def test_held_request_is_answered_by_the_next_record(
    server: RunningServer, operator: AdminClient
) -> None:
    seen = (await operator.list_log()).next
    query = wire.LogQuery(after=seen, text="awaited", wait=25)
    held = asyncio.create_task(operator.list_log(query))
    await is_held(server, held)
    log.info("another")
    log.info("awaited")

    async with asyncio.timeout(LIMIT_S):
        page = await held
    assert of_ours(page) == ["awaited"]


async def is_held(server: RunningServer, request: "asyncio.Task[wire.LogPage]") -> None:
    """Until the server waits for a record."""
    async with asyncio.timeout(LIMIT_S):
        while not server.server._about.log_memory._waiting:
            assert not request.done()
            await asyncio.sleep(0)


async def test_held_request_ends_with_the_server(tmp_path: Path) -> None:
    async with running_server(tmp_path / "data") as server:
        client = AdminClient.over_socket(server.server.socket_path)
        async with client:
            seen = (await client.list_log()).next
            held = asyncio.create_task(
                client.list_log(wire.LogQuery(after=seen, text="never said", wait=25))
            )
            await is_held(server, held)
            async with asyncio.timeout(LIMIT_S):
                await server.server.__aexit__()
                page = await held

    assert page.records == []


async def test_following_the_log_does_not_make_it_longer(tmp_path: Path) -> None:
    settings = LogSettings(access=True, level="info")
    async with (
        running_server(tmp_path / "data", log=settings) as server,
        AdminClient.over_socket(server.server.socket_path) as client,
    ):
        await client.list_log()
        await client.me()
        page = await client.list_log()
        again = await client.list_log()

    routes = [r.fields.get("route") for r in page.records if r.event == "request"]
    assert routes == ["/admin/v1/me"]
    assert again.next == page.next


# --- the level ---


async def test_level_can_be_changed_while_running(operator: AdminClient) -> None:
    log.debug("before")
    changed = await operator.set_log_level("debug")
    log.debug("after")

    assert changed == wire.LogLevelInForce(level="debug", configured="info")
    assert await operator.get_log_level() == changed
    page = await operator.list_log()
    assert of_ours(page) == ["after"]
    assert "log_level_changed" in [r.event for r in page.records]


# --- about, metrics ---


async def test_about_says_what_there_is(server: RunningServer, operator: AdminClient) -> None:
    about = await operator.about()

    counts = {c.name: c.count for c in about.counts}
    assert (counts["users"], counts["devices"], counts["messages"]) == (2, 2, 0)
    features = {f.setting: f.is_on for f in about.features}
    assert features["accounts.registration"]
    assert not features["server.tls_cert"]
    assert about.started_at == START_MS
    assert about.url == server.server.url


async def test_estimates_count_what_grows_with_traffic(operator: AdminClient) -> None:
    new = wire.NewMessage(to=["+251911222333"], text="Hello")
    for _ in range(3):
        await operator.send_message(new, "regular@example.org")

    counts = {c.name: c for c in (await operator.about()).counts}
    assert counts["messages"] == wire.RowCount(name="messages", count=3, is_estimate=True)


async def test_metrics_are_those_of_the_collector(
    server: RunningServer, operator: AdminClient
) -> None:
    await operator.send_message(
        wire.NewMessage(to=["+251911222333"], text="Hello"), "regular@example.org"
    )

    metrics = (await operator.list_metrics()).metrics
    text = (await server.request("GET", "/metrics")).content.decode()
    [depth] = [m for m in metrics if m.name == "textko_queue_depth"]
    assert (depth.value, depth.kind, depth.labels) == (1, "gauge", {})
    assert "\ntextko_queue_depth 1\n" in text
    for metric in metrics:
        assert f"\n{metric.name}" in "\n" + text


# --- from the command line ---


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def test_command_shows_records_as_lines(textko: CommandLine) -> None:
    log.warning("late", extra={"named": "a\x1b[2Jb"})

    shown = await textko("log", "show", "--level", "warning", "--grep", "LATE")
    page = await textko.json("log", "show", "--grep", "late")
    assert shown.out.endswith(" warning late named=a\ufffd[2Jb\n")
    assert [record["event"] for record in page["records"]] == ["late"]


async def test_command_changes_the_level(textko: CommandLine) -> None:
    shown = await textko("log", "level")
    changed = await textko("log", "level", "debug")

    assert shown.out == "info, as the settings say\n"
    assert changed.out.startswith("debug, until a restart")


async def test_command_tells_about_the_server_and_its_metrics(textko: CommandLine) -> None:
    about = await textko("status", "--about")
    metrics = await textko("status", "--metrics")

    assert "users " in about.out
    assert "off  TLS (server.tls_cert)" in about.out
    assert "textko_queue_depth" in metrics.out
    assert (await textko.json("status", "--about"))["licence"] == "MIT"
    assert (await textko.json("status", "--metrics"))["metrics"]
