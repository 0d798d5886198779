"""Phones in the admin API and the command line: windows, pace left, jobs, places, events."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tests.clocks import START_MS, FrozenClock
from tests.commands import CommandLine
from tests.gateways import everything_committed, until
from tests.servers import ADMIN_EMAIL, SIM, RunningServer
from textko_server import admin_wire as wire
from textko_server.admin_client import AdminClient, AdminError
from textko_server.model import State

NUMBER = "+251911222333"
WAIT_LIMIT_S = 30.0
NEVER_NOW = wire.Window(from_="03:00", to="03:01")


@pytest.fixture
async def regular(server: RunningServer) -> AsyncIterator[AdminClient]:
    async with AdminClient.at_url(server.url, server.regular.jwt) as client:
        yield client


@pytest.fixture
def textko(
    server: RunningServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    for name in [name for name in os.environ if name.startswith("TEXTKO_")]:
        monkeypatch.delenv(name)
    return CommandLine(server.server.settings.server.data_dir, capsys, monkeypatch)


async def send(admin: AdminClient, *numbers: str) -> wire.MessageDetail:
    return await admin.send_message(wire.NewMessage(to=list(numbers or [NUMBER]), text="Hello"))


async def claim_all(server: RunningServer) -> list[str]:
    offers = (await server.sync(server.regular))["offers"]
    job_ids = [offer["jobId"] for offer in offers]
    await server.sync(server.regular, capacity=0, claims=job_ids)
    return job_ids


# --- windows and pace ---


async def test_window_is_set_shown_and_taken_away(
    server: RunningServer, regular: AdminClient
) -> None:
    device_id = server.regular.device_id
    changed = await regular.set_window(device_id, 1, NEVER_NOW)
    [shown] = (await regular.get_device(device_id)).sims
    cleared = await regular.set_window(device_id, 1, None)

    assert changed == shown
    assert shown.window == NEVER_NOW
    assert shown.window_opens_at == shown.next_slot_at
    assert shown.pace_left.now == 0
    assert (cleared.window, cleared.next_slot_at, cleared.pace_left.now) == (None, None, None)


async def test_window_from_a_time_to_itself_is_always(
    server: RunningServer, regular: AdminClient
) -> None:
    same = wire.Window(from_="09:00", to="09:00")

    assert (await regular.set_window(server.regular.device_id, 1, same)).window is None


@pytest.mark.parametrize("time", ["24:00", "9:00", "09:60", "noon", "09:00\n"])
async def test_time_that_no_clock_shows_is_refused(
    server: RunningServer, regular: AdminClient, time: str
) -> None:
    window = wire.Window(from_=time, to="10:00")

    with pytest.raises(AdminError, match="from"):
        await regular.set_window(server.regular.device_id, 1, window)


async def test_phones_of_others_are_as_if_absent(
    server: RunningServer, regular: AdminClient
) -> None:
    others = server.admin.device_id

    for call in (
        regular.set_window(others, 1, None),
        regular.list_device_jobs(others),
        regular.get_pairing_code("0" * 24),
    ):
        with pytest.raises(AdminError) as caught:
            await call
        assert caught.value.code == "not_found"


async def test_pace_that_is_set_shows_what_is_left(
    server: RunningServer, regular: AdminClient
) -> None:
    await regular.set_pace(server.regular.device_id, 1, wire.Pace(per_hour=2))
    await send(regular)
    await claim_all(server)

    [sim] = (await regular.get_device(server.regular.device_id)).sims

    assert (sim.pace_left.now, sim.pace_left.hour, sim.pace_left.day) == (1, 1, None)


# --- jobs ---


async def test_jobs_are_paged_last_claim_first(server: RunningServer, regular: AdminClient) -> None:
    numbers = [f"+25191200000{index}" for index in range(5)]
    await send(regular, *numbers)
    await claim_all(server)
    device_id = server.regular.device_id

    first = await regular.list_device_jobs(device_id, limit=3)
    second = await regular.list_device_jobs(device_id, limit=3, before=first.next)

    # All were claimed at the same moment.
    shown = [job.phone_number for job in (*first.jobs, *second.jobs)]
    assert shown == numbers[::-1]
    assert second.next is None


async def test_job_says_what_became_of_it(
    server: RunningServer, regular: AdminClient, clock: FrozenClock
) -> None:
    message = await send(regular)
    [job_id] = await claim_all(server)
    clock.advance(5_000)
    report = {
        "jobId": job_id, "state": "failed", "at": clock.now_ms(), "errorCode": "invalid_number",
    }  # fmt: skip
    await server.sync(server.regular, capacity=0, reports=[report])

    [job] = (await regular.list_device_jobs(server.regular.device_id)).jobs

    assert job.message_id == message.id
    assert job.recipient_id == message.recipients[0].id
    assert (job.state, job.error_code, job.sim_slot) == (State.FAILED, "invalid_number", 1)
    assert (job.claimed_at, job.at) == (START_MS, START_MS + 5_000)


async def test_what_a_phone_was_only_offered_stands_by_itself(
    server: RunningServer, regular: AdminClient
) -> None:
    await send(regular)
    await server.sync(server.regular)
    await everything_committed(server.gateway.db)

    page = await regular.list_device_jobs(server.regular.device_id)

    assert page.jobs == []
    assert [(job.state, job.at) for job in page.offered] == [(State.OFFERED, None)]


@pytest.mark.parametrize("before", ["x", "1-", "-1", "99999999999999999-" + "0" * 24])
async def test_page_that_does_not_exist_is_not_found(
    server: RunningServer, regular: AdminClient, before: str
) -> None:
    with pytest.raises(AdminError) as caught:
        await regular.list_device_jobs(server.regular.device_id, before=before)

    assert caught.value.code == "not_found"


# --- where it is ---


async def test_detail_says_where_a_phone_is_and_since_when_it_polls(
    server: RunningServer, regular: AdminClient, clock: FrozenClock
) -> None:
    before = await regular.get_device(server.regular.device_id)
    clock.advance(1_000)
    headers = {"Authorization": f"Bearer {server.regular.device_token}"}
    polling = asyncio.create_task(
        server.request("POST", "/device/v1/sync?wait=60", {}, headers=headers)
    )
    await until(lambda: server.gateway.presence.open_polls(server.regular.device.id))
    clock.advance(1_000)
    during = await regular.get_device(server.regular.device_id)
    polling.cancel()

    assert (before.address, before.polling_since) == (None, None)
    assert (during.address, during.polling_since) == ("127.0.0.1", START_MS + 1_000)
    assert (during.app_name, during.app_version) == ("textko-android", "1.0")
    assert during.is_default


# --- events ---


async def test_event_of_a_new_phone_names_the_code_it_used(
    server: RunningServer, regular: AdminClient
) -> None:
    async with regular.events() as events, asyncio.timeout(WAIT_LIMIT_S):
        codes = [await regular.create_pairing_code(wire.NewPairingCode()) for _ in range(2)]
        for code in codes:
            body = {"code": code.code, "name": "Kitchen"}
            await server.request("POST", "/device/v1/pair", body)
        paired = [event async for event in _first(events, 2, "paired")]

    assert [event.pairing_id for event in paired] == [code.id for code in codes]
    state = await regular.get_pairing_code(codes[0].id)
    assert (state.used_at, state.device_id) == (START_MS, paired[0].device_id)


async def test_code_that_waits_says_so(regular: AdminClient) -> None:
    code = await regular.create_pairing_code(wire.NewPairingCode())

    state = await regular.get_pairing_code(code.id)

    assert (state.used_at, state.device_id, state.expires_at) == (None, None, code.expires_at)


async def test_code_of_another_account_is_as_if_absent(
    server: RunningServer, regular: AdminClient
) -> None:
    async with AdminClient.over_socket(server.server.socket_path) as operator:
        code = await operator.create_pairing_code(wire.NewPairingCode(user=ADMIN_EMAIL))

    with pytest.raises(AdminError):
        await regular.get_pairing_code(code.id)


async def test_whatever_happens_to_a_phone_is_told(
    server: RunningServer, regular: AdminClient
) -> None:
    device_id = server.regular.device_id
    wanted = ["online", "status", "settings", "settings", "settings", "disabled", "deleted"]
    async with regular.events() as events, asyncio.timeout(WAIT_LIMIT_S):
        await server.sync(server.regular)
        await server.sync(server.regular, status={"battery": 50})
        await server.sync(server.regular, sims=[{"slot": SIM.slot}, {"slot": 2}])
        await regular.change_device(device_id, wire.DeviceChanges(name="Cellar"))
        await regular.set_window(device_id, 1, NEVER_NOW)
        await regular.change_device(device_id, wire.DeviceChanges(is_enabled=False))
        await regular.delete_device(device_id)
        heard = [event.what async for event in _first(events, len(wanted))]

    assert heard == wanted


async def _first(
    events: AsyncIterator[wire.Event], count: int, what: str | None = None
) -> AsyncIterator[wire.Event]:
    """So many events of devices."""
    async for event in events:
        if event.event == "device_changed" and what in (None, event.what):
            yield event
            count -= 1
            if not count:
                return


# --- the command line ---


async def test_window_by_the_command_line(server: RunningServer, textko: CommandLine) -> None:
    name = server.regular.device.name
    opened = await textko("device", "window", name, "--from", "09:00", "--to", "19:00")
    shown = await textko("device", "show", name)
    cleared = await textko.json("device", "window", name, "--sim", "1", "--always")

    assert opened.out == "SIM 1: 09:00-19:00\n"
    assert "09:00-19:00" in shown.out
    assert cleared["window"] is None


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--from", "09:00"),
        ("--always", "--to", "19:00"),
        ("--from", "9", "--to", "19:00"),
        ("--sim", "4", "--always"),
    ],
)
async def test_window_that_makes_no_sense_is_refused(
    server: RunningServer, textko: CommandLine, arguments: tuple[str, ...]
) -> None:
    outcome = await textko("device", "window", server.regular.device.name, *arguments)

    assert outcome.code == 2
    assert outcome.out == ""


async def test_jobs_and_refusals_by_the_command_line(
    server: RunningServer, regular: AdminClient, textko: CommandLine
) -> None:
    message = await send(regular)
    await claim_all(server)
    await server.request("POST", "/device/v1/sync", {})

    jobs = await textko("device", "jobs", server.regular.device.name)
    listed = await textko.json("device", "jobs", server.regular.device_id, "--limit", "1")
    refusals = await textko("device", "refusals")

    assert message.id in jobs.out
    assert f"more: --before {listed['next']}" not in jobs.out
    assert len(listed["jobs"]) == 1
    assert "it sent no device token" in refusals.out
