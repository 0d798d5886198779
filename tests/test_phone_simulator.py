"""The phone simulator against a real server that speaks the device protocol."""

import asyncio
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.protocol_server import CODE, Job, ProtocolServer, protocol_server
from textko_server.clock import Clock
from textko_server.errors import Invalid, Unauthenticated, Unavailable
from textko_server.phone.agenda import Agenda
from textko_server.phone.behaviour import Behaviour, Chance
from textko_server.phone.client import DeviceClient, RequestRefused, split_pairing_url
from textko_server.phone.fleet import Fleet, FleetSettings
from textko_server.phone.journal import Claiming, Closed, Journal, Paired, Reporting, Sending
from textko_server.phone.outbox import Outbox
from textko_server.phone.simulated import PhoneEvent
from textko_server.phone.wire import (
    Accepted,
    Offer,
    PairRequest,
    Report,
    ReportState,
    SyncAnswer,
    SyncRequest,
)

QUICK = Behaviour(send_time_ms=0, jitter_ms=2, delivery_after_ms=1)
CLI = (
    "import argparse, sys; from textko_server.cli import phone; p = argparse.ArgumentParser();"
    "phone.add_parser(p.add_subparsers()); o = p.parse_args(); sys.exit(o.run(o))"
)


class HurriedClock(Clock):
    """Sleeps no time at all, and notes how long it should have been."""

    def __init__(self) -> None:
        self.pauses_ms: list[int] = []
        self._passed_ms = 0

    def now_ms(self) -> int:
        return self._passed_ms

    async def sleep_until(self, at_ms: int, wake: asyncio.Event) -> None:
        self.pauses_ms.append(at_ms - self._passed_ms)
        self._passed_ms = at_ms


class Story:
    """What phones told, and what their radios got."""

    def __init__(self) -> None:
        self.events: list[PhoneEvent] = []
        self.handed: list[str] = []

    def names(self, job_id: str | None = None) -> list[str]:
        return [e.event for e in self.events if job_id is None or e.job_id == job_id]


@pytest.fixture
async def server() -> AsyncIterator[ProtocolServer]:
    async with protocol_server() as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as open_session:
        yield open_session


@asynccontextmanager
async def phones(
    server: ProtocolServer,
    behaviour: Behaviour = QUICK,
    *,
    on_radio: Callable[[Offer, str], None] | None = None,
    journal: Journal | None = None,
    **settings: Any,
) -> AsyncIterator[Story]:
    """A running fleet; a server that still waits for something is woken as phones act."""
    story = Story()

    def hand_over(offer: Offer, device_id: str) -> None:
        story.handed.append(offer.job_id)
        if on_radio is not None:
            on_radio(offer, device_id)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        fleet = Fleet(
            session,
            Clock(),
            FleetSettings(behaviour=behaviour, **settings),
            on_event=story.events.append,
            on_radio=hand_over,
            journal=journal,
        )
        await fleet.pair(f"{server.url}/pair#{CODE}")
        running = asyncio.create_task(fleet.run())
        try:
            yield story
        finally:
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.result()


async def until(is_so: Callable[[], bool], limit_s: float = 5) -> None:
    async with asyncio.timeout(limit_s):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in many places
            await asyncio.sleep(0.002)


def jobs(count: int, **changes: Any) -> list[Job]:
    return [Job(f"job{n}.1", **changes) for n in range(count)]


# --- the life of a job ---


async def test_text_is_claimed_granted_sent_and_delivered(server: ProtocolServer) -> None:
    async with phones(server) as story:
        await server.add(*jobs(1))
        await server.until(lambda: server.states() == {"job0.1": ["sent", "delivered"]})

    assert story.names("job0.1") == ["granted", "sent", "delivered"]
    assert story.handed == ["job0.1"]
    _device, wait_s, first_poll = server.requests[0]
    assert wait_s == 50
    assert first_poll["sims"][0]["slot"] == 1
    assert 0 <= first_poll["status"]["battery"] <= 100


async def test_radio_gets_a_text_only_after_its_claim_was_granted(server: ProtocolServer) -> None:
    granted_when_handed: list[bool] = []

    def note(offer: Offer, _device_id: str) -> None:
        granted_when_handed.append(server.jobs[offer.job_id].is_granted)

    async with phones(server, on_radio=note, count=3):
        await server.add(*jobs(50))
        await server.until(lambda: all("delivered" in s for s in server.states().values()))

    assert granted_when_handed == [True] * 50


async def test_refused_claims_are_never_sent(server: ProtocolServer) -> None:
    server.refusals = {"job0.1": "lapsed", "job2.1": "cancelled"}
    async with phones(server) as story:
        await server.add(*jobs(4))
        await until(lambda: story.names().count("delivered") == 2)

    assert sorted(story.handed) == ["job1.1", "job3.1"]
    refused = [(e.job_id, e.detail) for e in story.events if e.event == "refused"]
    assert refused == [("job0.1", "lapsed"), ("job2.1", "cancelled")]
    assert server.claim_counts["job0.1"] == 1


async def test_claims_are_said_beside_the_poll_without_a_hold(server: ProtocolServer) -> None:
    async with phones(server):
        await server.add(*jobs(5))
        await server.until(lambda: all("delivered" in s for s in server.states().values()))

    for _device, wait_s, body in server.requests:
        says_something = any(body.get(part) for part in ("claims", "reports", "incoming"))
        assert (wait_s == 0) == says_something


async def test_phone_asks_for_no_more_than_it_has_room_for(server: ProtocolServer) -> None:
    behaviour = Behaviour(send_time_ms=1, jitter_ms=0, delivery_after_ms=1, capacity=3)
    async with phones(server, behaviour):
        await server.add(*jobs(12))
        await server.until(lambda: all("delivered" in s for s in server.states().values()))

    polls = [body["capacity"] for _device, wait_s, body in server.requests if wait_s]
    assert max(polls) == 3
    assert min(polls) >= 1


async def test_cancelled_job_that_still_waits_is_reported_cancelled(server: ProtocolServer) -> None:
    slow = Behaviour(send_time_ms=30, jitter_ms=0, delivery_after_ms=1)
    async with phones(server, slow) as story:
        await server.add(*jobs(3))
        await server.until(lambda: all(job.is_granted for job in server.jobs.values()))
        server.jobs["job2.1"].is_cancelled = True
        await server.wake()
        await server.until(lambda: server.states()["job2.1"] == ["cancelled"])
        await server.until(lambda: server.states()["job1.1"] == ["sent", "delivered"])

    assert story.handed == ["job0.1", "job1.1"]


async def test_expired_job_is_not_sent(server: ProtocolServer) -> None:
    async with phones(server) as story:
        await server.add(*jobs(1, expiresAt=1))
        await server.until(lambda: server.states() == {"job0.1": ["failed"]})

    assert story.handed == []


async def test_job_for_a_missing_sim_fails_as_sim_absent(server: ProtocolServer) -> None:
    async with phones(server) as story:
        await server.add(*jobs(1, simSlot=2))
        await until(lambda: "failed" in story.names())

    assert story.events[-1].detail == "sim_absent"
    assert story.handed == []


async def test_silent_phone_claims_and_sends_but_never_reports(server: ProtocolServer) -> None:
    behaviour = Behaviour(send_time_ms=0, jitter_ms=0, silence_rate=1, capacity=2)
    async with phones(server, behaviour) as story:
        await server.add(*jobs(6))
        await until(lambda: story.names().count("silent") == 6)

    assert len(story.handed) == 6
    assert not any(body.get("reports") for _device, _wait, body in server.requests)


async def test_without_delivery_reports_jobs_stay_sent(server: ProtocolServer) -> None:
    behaviour = Behaviour(send_time_ms=0, jitter_ms=0, delivery_report_rate=0, reply_rate=1)
    no_answer_wanted = Job("plain.1", deliveryReport=False)
    async with phones(server, behaviour) as story:
        await server.add(*jobs(3), no_answer_wanted)
        await server.until(lambda: all(s == ["sent"] for s in server.states().values()))

    assert "delivered" not in story.names()


# --- networks ---


async def test_repeated_requests_are_harmless(server: ProtocolServer) -> None:
    behaviour = Behaviour(
        send_time_ms=0, jitter_ms=1, delivery_after_ms=1, repeat_rate=1, incoming_per_minute=6_000
    )
    async with phones(server, behaviour, count=2) as story:
        await server.add(*jobs(30))
        await until(lambda: story.names().count("delivered") == 30)
        await server.until(lambda: all("delivered" in s for s in server.states().values()))

    assert min(server.claim_counts.values()) == 2
    assert Counter(story.handed) == Counter(job.id for job in jobs(30))


async def test_lost_answer_to_a_claim_leads_to_the_same_claim_and_one_send(
    server: ProtocolServer,
) -> None:
    server.broken_claims_count = 1
    async with phones(server) as story:
        await server.add(*jobs(1))
        await server.until(lambda: server.states() == {"job0.1": ["sent", "delivered"]})

    assert server.claim_counts == {"job0.1": 2}
    assert story.handed == ["job0.1"]


async def test_phone_that_loses_its_connection_says_everything_once_it_is_back(
    server: ProtocolServer,
) -> None:
    behaviour = Behaviour(
        send_time_ms=1, jitter_ms=1, delivery_after_ms=1, offline_rate=0.5, offline_for_ms=5
    )
    async with phones(server, behaviour) as story:
        await server.add(*jobs(30))
        async with asyncio.timeout(30):
            while not all("delivered" in states for states in server.states().values()):
                await server.lapse()
                await asyncio.sleep(0.01)
        await until(lambda: {"offline", "online"} <= set(story.names()))

    assert sorted(story.handed) == sorted(server.jobs)


async def test_deleted_device_stops(server: ProtocolServer, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "phones")
    async with phones(server, journal=journal) as story:
        await server.until(lambda: bool(server.requests))
        server.devices.clear()
        await server.wake()
        await until(lambda: "unpaired" in story.names())
        asked_count = len(server.requests)
    journal.close()

    assert len(server.requests) == asked_count
    reopened = Journal(tmp_path / "phones")
    assert reopened.devices == []
    reopened.close()


async def test_incoming_texts_are_kept_until_they_are_accepted(server: ProtocolServer) -> None:
    behaviour = Behaviour(incoming_per_minute=6_000, repeat_rate=0.5, sim_count=2)
    async with phones(server, behaviour) as story:
        await until(lambda: story.names().count("incoming") >= 20)
        told = {e.incoming_id for e in story.events if e.event == "incoming"}
        await server.until(lambda: told <= {text_id for _device, text_id in server.incoming})

    assert {text["simSlot"] for text in server.incoming.values()} == {1, 2}


async def test_recipient_replies_to_the_sim_that_wrote(server: ProtocolServer) -> None:
    behaviour = Behaviour(send_time_ms=0, jitter_ms=0, reply_rate=1, reply_after_ms=1, sim_count=2)
    async with phones(server, behaviour):
        await server.add(*jobs(1, simSlot=2))
        await server.until(lambda: bool(server.incoming))

    (reply,) = server.incoming.values()
    assert (reply["from"], reply["simSlot"]) == ("+251912345678", 2)


# --- determinism ---


async def test_one_seed_tells_one_story() -> None:
    behaviour = Behaviour(
        send_time_ms=0, jitter_ms=3, delivery_after_ms=1, failure_rate=0.3, silence_rate=0.2
    )

    async def tell(seed: str) -> dict[str, list[str]]:
        async with protocol_server() as server, phones(server, behaviour, seed=seed) as story:
            await server.add(*jobs(30))
            await until(lambda: len(_ended(story)) == 30)
            return {job.id: story.names(job.id) for job in jobs(30)}

    first, again, other = await tell("7"), await tell("7"), await tell("8")

    assert first == again
    assert first != other


def _ended(story: Story) -> set[str | None]:
    ends = ("silent", "failed", "delivered")
    return {event.job_id for event in story.events if event.event in ends}


def test_a_rate_does_not_shift_the_other_dice() -> None:
    calm = Chance("1", 1, Behaviour())
    failing = Chance("1", 1, Behaviour(failure_rate=0.5, reply_rate=1))

    calm_times = [calm.fate().send_ms for _ in range(100)]
    failing_times = [failing.fate().send_ms for _ in range(100)]

    assert calm_times == failing_times


# --- the client's manners ---


async def paired_client(
    session: aiohttp.ClientSession, clock: Clock, server: ProtocolServer
) -> DeviceClient:
    client = DeviceClient(session, clock)
    await client.pair(server.url, PairRequest(CODE, "Drawer"), give_up_after_ms=0)
    return client


async def test_server_errors_are_retried_after_1_2_4_up_to_60_seconds(
    server: ProtocolServer, session: aiohttp.ClientSession
) -> None:
    clock = HurriedClock()
    client = await paired_client(session, clock, server)
    server.next_failures = [(503, {})] * 8

    await client.sync(SyncRequest())

    assert clock.pauses_ms == [n * 1_000 for n in (1, 2, 4, 8, 16, 32, 60, 60)]


async def test_rate_limited_phone_waits_as_long_as_it_is_told(
    server: ProtocolServer, session: aiohttp.ClientSession
) -> None:
    clock = HurriedClock()
    client = await paired_client(session, clock, server)
    server.next_failures = [(429, {"Retry-After": "17"}), (429, {}), (500, {})]

    await client.sync(SyncRequest())

    assert clock.pauses_ms == [17_000, 1_000, 1_000]


@pytest.mark.parametrize("status", [400, 404, 413, 302])
async def test_refused_request_is_not_repeated(
    server: ProtocolServer, session: aiohttp.ClientSession, status: int
) -> None:
    client = await paired_client(session, HurriedClock(), server)
    server.next_failures = [(status, {})]

    with pytest.raises(RequestRefused) as refused:
        await client.sync(SyncRequest())

    assert refused.value.status == status


async def test_unknown_token_is_not_repeated(
    server: ProtocolServer, session: aiohttp.ClientSession
) -> None:
    client = await paired_client(session, HurriedClock(), server)
    server.devices.clear()

    with pytest.raises(Unauthenticated):
        await client.sync(SyncRequest())


async def test_pairing_gives_up_on_a_server_that_never_answers(
    session: aiohttp.ClientSession, unused_tcp_port: int
) -> None:
    clock = HurriedClock()
    client = DeviceClient(session, clock)

    with pytest.raises(Unavailable):
        await client.pair(
            f"http://127.0.0.1:{unused_tcp_port}",
            PairRequest(CODE, "Drawer"),
            give_up_after_ms=10_000,
        )

    assert sum(clock.pauses_ms) == 10_000


async def test_pairing_waits_as_told_but_not_for_ever(
    server: ProtocolServer, session: aiohttp.ClientSession
) -> None:
    clock = HurriedClock()
    client = DeviceClient(session, clock)
    server.next_failures = [(429, {"Retry-After": "3"}), (429, {"Retry-After": "900"})]

    with pytest.raises(RequestRefused):
        await client.pair(server.url, PairRequest(CODE, "Drawer"), give_up_after_ms=10_000)

    assert clock.pauses_ms == [3_000]


async def test_fleet_pairs_all_phones_with_one_code(server: ProtocolServer) -> None:
    async with phones(server, Behaviour(sim_count=2), count=20, name_prefix="Bank") as story:
        assert story.names() == ["paired"] * 20

    assert {p["name"] for p in server.pairings} == {f"Bank {n}" for n in range(1, 21)}
    assert all([sim["slot"] for sim in p["sims"]] == [1, 2] for p in server.pairings)


async def test_used_code_is_refused(server: ProtocolServer) -> None:
    async with phones(server):
        with pytest.raises(RequestRefused, match="has been used"):
            async with phones(server):
                pass


def test_pairing_url_is_split_into_address_and_code() -> None:
    assert split_pairing_url("http://pi:8480/pair#K7QM-2XWD") == ("http://pi:8480", CODE)
    assert split_pairing_url(" https://x.org/sms/pair#K \n") == ("https://x.org/sms", "K")


@given(st.text() | st.from_regex(r"https?://[a-z\[\]:]*/pair#?.*"))
def test_any_text_is_a_pairing_url_or_invalid(text: str) -> None:
    try:
        address, code = split_pairing_url(text)
    except Invalid:
        return

    assert address.startswith(("http://", "https://"))
    assert code


# --- what is kept ---


def test_report_made_while_another_of_its_job_is_said_is_kept() -> None:
    outbox = Outbox()
    sent = Report("job", ReportState.SENT, 1)
    delivered = Report("job", ReportState.DELIVERED, 2)
    outbox.report(sent)
    request = outbox.request()
    outbox.report(delivered)

    settled, _texts = outbox.settle(request, SyncAnswer(accepted=Accepted(reports=("job",))))

    assert settled == [sent]
    assert outbox.request().reports == (delivered,)


def test_one_request_says_no_more_than_the_protocol_allows() -> None:
    outbox = Outbox()
    for number in range(700):
        outbox.claim(f"job{number}")
        outbox.report(Report(f"job{number}", ReportState.SENT, 1))

    request = outbox.request()

    assert (len(request.claims), len(request.reports)) == (100, 500)


async def test_agenda_lets_others_run_however_much_is_due() -> None:
    agenda = Agenda(Clock())

    def again() -> None:
        agenda.after(0, again)

    again()
    running = asyncio.create_task(agenda.run())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    running.cancel()

    assert (await asyncio.wait({running}))[0] == {running}


PAIRED = Paired("dev", 1, "Phone 1", "txd_1", "http://pi/device/v1/sync")


def test_journal_keeps_what_is_open_and_drops_the_rest(tmp_path: Path) -> None:
    offers = [Offer(f"job{n}", "+251912345678", "Hello") for n in range(4)]
    report = Report("job2", ReportState.SENT, 5)
    journal = Journal(tmp_path / "phones")
    journal.write(PAIRED)
    for offer in offers:
        journal.write(Claiming("dev", offer))
    journal.write(Sending("dev", "job1"))
    journal.write(Sending("dev", "job2"))
    journal.write(Reporting("dev", report))
    journal.write(Closed("dev", "job3"))
    journal.close()

    for _ in range(2):  # reading it shortens it, and what is left reads the same
        journal = Journal(tmp_path / "phones")
        (work,) = journal.devices
        assert (list(work.claims), list(work.sending), list(work.reports)) == (
            ["job0"],
            ["job1"],
            ["job2"],
        )
        journal.close()


def test_journal_cut_short_by_a_kill_still_reads(tmp_path: Path) -> None:
    path = tmp_path / "phones"
    journal = Journal(path)
    journal.write(PAIRED)
    journal.close()
    path.write_bytes(path.read_bytes() + b'{"record":"sending","devi')

    journal = Journal(path)
    assert [work.paired for work in journal.devices] == [PAIRED]
    journal.close()


def test_journal_is_for_one_program_at_a_time(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "phones")

    with pytest.raises(Unavailable, match="another program"):
        Journal(tmp_path / "phones")

    journal.close()


async def test_restarted_phone_claims_again_and_never_sends_a_second_time(
    server: ProtocolServer, tmp_path: Path
) -> None:
    async with phones(server):
        pass
    token, device_id = next(iter(server.devices.items()))
    journal = Journal(tmp_path / "phones")
    journal.write(Paired(device_id, 1, "Phone 1", token, f"{server.url}/device/v1/sync"))
    for job in (Job("claimed.1"), Job("sending.1")):
        job.device_id = device_id
        server.jobs[job.id] = job
        offer = Offer(job.id, "+251912345678", "Hello", delivery_report=True)
        journal.write(Claiming(device_id, offer))
    journal.write(Sending(device_id, "sending.1"))
    journal.close()

    journal = Journal(tmp_path / "phones")
    async with phones(server, journal=journal) as story:
        await server.until(
            lambda: server.states() == {"claimed.1": ["sent", "delivered"], "sending.1": ["failed"]}
        )
    journal.close()

    assert story.handed == ["claimed.1"]
    assert len(server.pairings) == 1


# --- the command ---


StartCli = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start_cli() -> AsyncIterator[StartCli]:
    """Starts `textko phone simulate` with some arguments; none outlives its test."""
    started: list[asyncio.subprocess.Process] = []

    async def start(*arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        command = [sys.executable, "-c", CLI, "phone", "simulate", *arguments]
        process = await asyncio.create_subprocess_exec(*command, stdout=pipe, stderr=pipe)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def within(limit_s: float, awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, limit_s)


async def test_killed_simulator_goes_on_with_its_phones_and_sends_nothing_twice(
    server: ProtocolServer, start_cli: StartCli, tmp_path: Path
) -> None:
    sent_log, state = tmp_path / "sent", tmp_path / "state"
    pair_url = f"{server.url}/pair#{CODE}"
    options = ["--pair", pair_url, "--count", "3", "--state", str(state), "--json"]
    options += ["--log-sent", str(sent_log), "--send-time-ms", "5", "--jitter-ms", "10"]
    await server.add(*jobs(60))

    simulator = await start_cli(*options)
    await server.until(lambda: sum("sent" in s for s in server.states().values()) >= 15, 20)
    os.kill(simulator.pid, signal.SIGKILL)
    await within(5, simulator.communicate())
    await server.lapse()
    simulator = await start_cli(*options)
    await server.until(lambda: all(s for s in server.states().values()), 20)
    simulator.terminate()
    output, errors = await within(1, simulator.communicate())

    assert (simulator.returncode, errors) == (0, b"")
    assert len(server.pairings) == 3
    lines = [line.split() for line in sent_log.read_text().splitlines()]
    assert max(Counter(job_id for job_id, _number, _device in lines).values()) == 1
    sent_jobs = {job_id for job_id, states in server.states().items() if "sent" in states}
    assert sent_jobs <= {job_id for job_id, _number, _device in lines}
    events = [json.loads(line) for line in output.splitlines()]
    assert {"granted", "sent"} <= {event["event"] for event in events}
    assert all({"event", "phone", "at"} <= event.keys() for event in events)


async def test_refused_pairing_exits_1_with_a_sentence(
    server: ProtocolServer, start_cli: StartCli
) -> None:
    simulator = await start_cli("--pair", f"{server.url}/pair#WRONG")
    _output, errors = await within(20, simulator.communicate())

    assert simulator.returncode == 1
    assert errors == b"textko phone simulate: this code has been used\n"


async def test_wrong_url_exits_2_with_a_sentence(start_cli: StartCli) -> None:
    simulator = await start_cli("--pair", "http://pi:8480")
    _output, errors = await within(20, simulator.communicate())

    assert simulator.returncode == 2
    assert b"looks like" in errors


async def test_signal_while_no_server_answers_ends_at_once(
    start_cli: StartCli, unused_tcp_port: int
) -> None:
    simulator = await start_cli("--pair", f"http://127.0.0.1:{unused_tcp_port}/pair#{CODE}")
    # Handlers are in place once it tries to connect, which nothing outside can see.
    status = Path(f"/proc/{simulator.pid}/status")
    sigterm_bit = 1 << (signal.SIGTERM - 1)
    await until(lambda: _caught_signals(status.read_text()) & sigterm_bit != 0, 20)
    simulator.terminate()
    _output, errors = await within(2, simulator.communicate())

    assert (simulator.returncode, errors) == (0, b"")


def _caught_signals(status: str) -> int:
    line = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(line.split()[1], 16)
