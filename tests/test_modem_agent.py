"""A modem as a phone of the server: what it sends, reports, receives and survives."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import pytest

from tests.modems import LIMIT_S, QUICK, journal_of, modem_program, until
from tests.protocol_server import Job, ProtocolServer, protocol_server
from textko_server.emulated.modem.emulated_modem import EmulatedModem
from textko_server.emulated.modem.personality import HUAWEI_E3372, PERSONALITIES
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step
from textko_server.errors import Unavailable
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.pdu import Pdu, encode_deliver

LONG = "Καλημέρα σε όλους 👋 " * 12
SENDER = "+35799654321"


@pytest.fixture
async def server() -> AsyncIterator[ProtocolServer]:
    async with protocol_server() as running:
        yield running


@pytest.fixture
async def emulated(tmp_path: Path) -> AsyncIterator[EmulatedModem]:
    async with EmulatedModem(tmp_path / "modem") as modem:
        yield modem


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def to(ending: str, job_id: str = "a.1", **changes: object) -> Job:
    """A job to a number with that ending: emulated/modem/fates.py says what becomes of it."""
    return Job(job_id, phoneNumber=f"+35799000{ending}", **changes)


def error_codes(server: ProtocolServer) -> list[str]:
    return [
        report["errorCode"]
        for _device, _wait, body in server.requests
        for report in body.get("reports", [])
        if "errorCode" in report
    ]


def errors(server: ProtocolServer) -> list[str]:
    return [
        report["error"]
        for _device, _wait, body in server.requests
        for report in body.get("reports", [])
        if "error" in report
    ]


def texts_of(server: ProtocolServer) -> list[tuple[str, str]]:
    return [(text["from"], text["text"]) for text in server.incoming.values()]


# --- out ---


@pytest.mark.parametrize("maker", sorted(PERSONALITIES))
async def test_text_is_sent_once_and_delivered_by_every_makers_modem(
    server: ProtocolServer, tmp_path: Path, state: Path, maker: str
) -> None:
    modem = EmulatedModem(tmp_path / "modem", personality=PERSONALITIES[maker])
    async with modem as emulated, modem_program(server, state, emulated):
        await server.add(to("001", "a.1"), to("002", "b.1", text=LONG))
        await server.until(lambda: set(map(tuple, server.states().values())) == {BOTH}, LIMIT_S)

    assert [sent.text for sent in emulated.sent_texts] == ["Hello", LONG]
    assert all(sent.is_whole for sent in emulated.sent_texts)


BOTH = ("sent", "delivered")


async def test_device_says_what_it_is_and_where(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        await server.until(lambda: any("sims" in body for _d, _w, body in server.requests))
        await server.until(
            lambda: any(
                "carrier" in sim for _, _, b in server.requests for sim in b.get("sims", [])
            )
        )

    [pairing] = server.pairings
    assert pairing["app"]["name"] == "textko-modem"
    assert pairing["model"] == "Textko Emulated"
    sims = [b["sims"] for _d, _w, b in server.requests if "sims" in b]
    assert sims[-1] == [{"slot": 1, "number": "+35799000001", "carrier": "Textko Mobile"}]
    statuses = [b["status"] for _d, _w, b in server.requests if "status" in b]
    assert statuses[-1] == {"network": "4g", "signal": 68}


async def test_text_of_several_segments_is_delivered_when_all_are(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    emulated.network.hold_reports()
    async with modem_program(server, state, emulated):
        await server.add(to("001", text=LONG))
        await server.until(lambda: server.jobs["a.1"].states == ["sent"], LIMIT_S)
        emulated.network.release_reports(is_reversed=True)
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)

    assert len(emulated.air.parts()) > 1


@pytest.mark.parametrize(
    ("ending", "states", "code"),
    [
        ("501", ["failed"], "network_rejected"),
        ("502", ["failed"], "network_rejected"),
        ("510", ["sent", "failed"], "not_delivered"),
        ("511", ["sent", "failed"], "not_delivered"),
        ("517", ["sent", "failed"], "not_delivered"),
        ("512", ["sent", "delivered"], None),
        ("514", ["sent", "delivered"], None),
        ("516", ["sent", "delivered"], None),
        ("503", ["failed"], "unknown_whether_sent"),
        ("504", ["failed"], "unknown_whether_sent"),
        ("505", ["failed"], "unknown_whether_sent"),
        ("506", ["failed", "delivered"], "unknown_whether_sent"),
    ],
)
async def test_what_the_network_says_is_what_is_reported(
    server: ProtocolServer,
    emulated: EmulatedModem,
    state: Path,
    ending: str,
    states: list[str],
    code: str | None,
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to(ending))
        await server.until(lambda: server.jobs["a.1"].states == states, LIMIT_S)
        await server.add(to("001", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)

    assert error_codes(server) == ([] if code is None else [code])
    assert server.jobs["a.1"].states == states
    to_it = [p for p in emulated.air.parts() if p.phone_number.endswith(ending)]
    assert len(to_it) <= 1


@pytest.mark.parametrize("ending", ["513", "515"])
async def test_text_that_nobody_confirms_stays_sent(
    server: ProtocolServer, emulated: EmulatedModem, state: Path, ending: str
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to(ending), to("001", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)

    assert server.jobs["a.1"].states == ["sent"]


async def test_reason_is_in_plain_words_with_the_number_to_look_up(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to("501"))
        await server.until(lambda: server.jobs["a.1"].states == ["failed"], LIMIT_S)

    [sentence] = errors(server)
    assert "no credit" in sentence
    assert "CMS error 21" in sentence


async def test_text_refused_for_now_goes_back_to_the_server(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to("500"))
        await server.until(lambda: server.jobs["a.1"].states == ["failed"], LIMIT_S)

    assert error_codes(server) == ["no_service"]
    assert emulated.air.parts() == []


async def test_number_that_is_none_is_refused_without_asking_the_modem(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(Job("a.1", phoneNumber="TEXTKO"))
        await server.until(lambda: server.jobs["a.1"].states == ["failed"], LIMIT_S)

    assert error_codes(server) == ["invalid_number"]


async def test_text_that_has_run_out_is_not_sent(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to("001", expiresAt=1_000))
        await server.until(lambda: server.jobs["a.1"].states == ["failed"], LIMIT_S)

    assert error_codes(server) == ["expired"]
    assert emulated.air.parts() == []


async def test_cancelled_text_that_waits_is_not_sent(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        emulated.steps.hold_at(Step.PROMPT)
        await server.add(to("001", "a.1"), to("002", "b.1"))
        await emulated.steps.until_held()
        await story.until_told("granted", 2)
        server.jobs["b.1"].is_cancelled = True
        await server.add(to("003", "c.1"))
        await server.until(lambda: server.jobs["b.1"].states == ["cancelled"], LIMIT_S)
        emulated.steps.release()
        await server.until(lambda: server.jobs["c.1"].states == list(BOTH), LIMIT_S)

    assert [part.phone_number for part in emulated.air.parts()] == ["+35799000001", "+35799000003"]


async def test_refused_claim_is_never_sent(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    server.refusals["a.1"] = "cancelled"
    async with modem_program(server, state, emulated) as story:
        await server.add(to("001"))
        await story.until_told("refused")
        await server.add(to("002", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)

    assert [part.phone_number for part in emulated.air.parts()] == ["+35799000002"]


async def test_text_without_a_delivery_report_is_done_with_when_it_is_sent(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        await server.add(to("001", deliveryReport=False), to("002", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)
        await until(lambda: '"delivered"}' in journal_of(state))

    assert server.jobs["a.1"].states == ["sent"]
    assert [part.wants_report for part in emulated.air.parts()] == [False, True]
    journal = Journal(state / "860000000000017.journal")
    assert journal.state.jobs == {}
    journal.close()


async def test_rest_of_a_text_that_is_refused_for_now_is_sent_later_and_nothing_twice(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        emulated.steps.hold_at(Step.ANSWERED)
        await server.add(to("001", text=LONG))
        await emulated.steps.until_held()
        emulated.network.is_registered = False
        emulated.steps.release()
        await story.until_told("retry")
        emulated.network.is_registered = True
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)

    [sent] = emulated.sent_texts
    assert (sent.text, sent.is_whole) == (LONG, True)


async def test_modem_without_a_sim_says_so_and_takes_no_texts(
    server: ProtocolServer, tmp_path: Path, state: Path
) -> None:
    modem = EmulatedModem(tmp_path / "modem", sim=Sim(is_inserted=False))
    async with modem as emulated, modem_program(server, state, emulated) as story:
        await story.until_told("trouble")
        await server.until(
            lambda: any(body.get("sims") == [] for _d, _w, body in server.requests), LIMIT_S
        )

    assert "there is no SIM in the modem (CME error 10)" in story.details("trouble")
    assert all(body["capacity"] == 0 for _d, _w, body in server.requests if "capacity" in body)


async def test_many_texts_to_one_number_get_their_own_reports(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    jobs = [to("001", f"j{number}.1", text=f"Text {number}") for number in range(40)]
    async with modem_program(server, state, emulated):
        await server.add(*jobs)
        await server.until(lambda: all(s == list(BOTH) for s in server.states().values()), 30)

    assert len(emulated.air.parts()) == 40


# --- in ---


async def test_text_in_an_unknown_alphabet_is_handed_on_and_said_to_be_inexact(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    # Its header names table 6, Hindi's, for what follows an escape.
    pdu = "004005812143F5000062112241130000090324010608A2DF6A"
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        emulated.network.bring(Pdu(pdu, len(pdu) // 2 - 1))
        await server.until(lambda: bool(server.incoming), LIMIT_S)

    assert texts_of(server) == [("12345", "Ahoj")]
    assert story.names().count("inexact") == 1


@pytest.mark.parametrize("is_reversed", [False, True])
async def test_incoming_text_is_joined_and_handed_on_whole(
    server: ProtocolServer, emulated: EmulatedModem, state: Path, is_reversed: bool
) -> None:
    async with modem_program(server, state, emulated):
        emulated.receive(SENDER, "Short")
        emulated.receive(SENDER, LONG, is_reversed=is_reversed)
        await server.until(lambda: len(server.incoming) == 2, LIMIT_S)
        await until_empty(emulated)

    assert texts_of(server) == [(SENDER, "Short"), (SENDER, LONG)]


async def until_empty(emulated: EmulatedModem) -> None:
    memories = emulated.memories
    await until(lambda: not any(memories.used_count(name) for name in memories.sizes))


async def test_texts_that_came_while_no_program_ran_are_read_at_the_start(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    for number in range(3):
        emulated.receive(SENDER, f"Text {number}")
    async with modem_program(server, state, emulated):
        await server.until(lambda: len(server.incoming) == 3, LIMIT_S)
        await until_empty(emulated)

    assert [text for _sender, text in texts_of(server)] == ["Text 0", "Text 1", "Text 2"]


async def test_text_is_deleted_in_the_modem_only_once_it_is_on_disk(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        emulated.steps.hold_at(Step.DELETE)
        emulated.receive(SENDER, "Keep me")
        await emulated.steps.until_held()

        assert '"record":"receiving"' in journal_of(state)
        emulated.steps.release()
        await server.until(lambda: len(server.incoming) == 1, LIMIT_S)


async def test_full_memory_is_emptied_and_what_waits_in_the_network_comes_in(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    for number in range(30):
        emulated.receive(SENDER, f"Text {number}")  # the SIM has 20 places
    async with modem_program(server, state, emulated):
        await server.until(lambda: len(server.incoming) == 30, LIMIT_S)

    assert len({text for _sender, text in texts_of(server)}) == 30


async def test_texts_that_are_not_announced_are_found_and_told_of(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    pauses = msgspec.structs.replace(QUICK, drain_ms=200)
    async with modem_program(server, state, emulated, pauses=pauses) as story:
        await story.until_told("ready")
        for number in range(3):
            [pdu] = encode_deliver(
                SENDER, f"Text {number}", sent_at=1_768_471_200_000, concat_reference=0
            )
            emulated.memories.add("SM", pdu.hex, pdu.tpdu_bytes)
            await server.until(lambda: len(server.incoming) > number, LIMIT_S)  # noqa: B023 - awaited here

    assert [said for said in story.details("trouble") if "unannounced" in said]


async def test_half_of_a_text_waits_over_a_restart_for_the_other(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    first, second = encode_deliver(SENDER, "x" * 200, sent_at=1_768_471_200_000, concat_reference=9)
    async with modem_program(server, state, emulated):
        emulated.network.bring(second)
        await until(lambda: '"arrived"' in journal_of(state))
    async with modem_program(server, state, emulated):
        emulated.network.bring(first)
        await server.until(lambda: len(server.incoming) == 1, LIMIT_S)

    assert texts_of(server) == [(SENDER, "x" * 200)]


# --- what happens to modems and servers ---


async def test_delivery_report_that_comes_after_a_restart_finds_its_text(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    emulated.network.hold_reports()
    async with modem_program(server, state, emulated):
        await server.add(to("001", text=LONG))
        await server.until(lambda: server.jobs["a.1"].states == ["sent"], LIMIT_S)
    async with modem_program(server, state, emulated):
        emulated.network.release_reports()
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)

    assert len(server.pairings) == 1


async def test_modem_pulled_out_and_plugged_in_again_goes_on(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        await emulated.unplug()
        await story.until_told("trouble")
        emulated.plug_in()
        await story.until_told("ready", 2)
        await server.add(to("001"))
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)


async def test_modem_pulled_out_while_it_sends_leaves_the_text_unknown_and_unrepeated(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated):
        emulated.steps.hold_at(Step.ON_AIR)
        await server.add(to("513"))
        await emulated.steps.until_held()
        await emulated.unplug()
        emulated.steps.release()
        emulated.plug_in()
        await server.until(lambda: server.jobs["a.1"].states == ["failed"], LIMIT_S)
        await server.add(to("002", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)

    assert error_codes(server) == ["unknown_whether_sent"]
    assert len(emulated.air.parts()) == 2


async def test_modem_that_hangs_is_opened_anew(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        emulated.hang()
        await story.until_told("trouble")
        await emulated.unplug()
        emulated.plug_in()
        await story.until_told("ready", 2)


async def test_what_waits_for_a_modem_that_is_away_goes_back(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        emulated.steps.hold_at(Step.PROMPT)
        await server.add(to("001", "a.1"), to("002", "b.1"))
        await emulated.steps.until_held()
        await story.until_told("granted", 2)
        await emulated.unplug()
        emulated.steps.release()
        await server.until(lambda: all(s == ["failed"] for s in server.states().values()), LIMIT_S)

    assert error_codes(server) == ["radio_off", "radio_off"]
    assert emulated.air.parts() == []


async def test_modem_without_network_takes_no_texts_until_it_has_one(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    emulated.network.is_registered = False
    async with modem_program(server, state, emulated) as story:
        await story.until(lambda: "no network" in story.details("trouble"))
        await server.add(to("001"))
        emulated.network.is_registered = True
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)

    capacities = [b["capacity"] for _d, _w, b in server.requests if "capacity" in b]
    assert capacities[0] == 0


async def test_sim_with_a_pin_works_once_it_is_given(
    server: ProtocolServer, tmp_path: Path, state: Path
) -> None:
    modem = EmulatedModem(tmp_path / "modem", personality=HUAWEI_E3372, sim=Sim(pin="4711"))
    async with modem as emulated, modem_program(server, state, emulated, pin="4711"):
        await server.add(to("001"))
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)
        await emulated.unplug()
        emulated.plug_in()
        await server.add(to("002", "b.1"))
        await server.until(lambda: server.jobs["b.1"].states == list(BOTH), LIMIT_S)


async def test_server_that_is_away_gets_everything_later(
    emulated: EmulatedModem, state: Path
) -> None:
    async with protocol_server() as server, modem_program(server, state, emulated):
        server.next_failures = [(503, {})]
        emulated.receive(SENDER, "While you were out")
        await server.until(lambda: len(server.incoming) == 1, LIMIT_S)


async def test_two_modems_of_one_program_are_two_devices_by_one_code(
    server: ProtocolServer, tmp_path: Path, state: Path
) -> None:
    async with AsyncExitStack() as stack:
        modems = [
            await stack.enter_async_context(
                EmulatedModem(tmp_path / f"modem{number}", imei=f"86000000000001{number}")
            )
            for number in range(2)
        ]
        await stack.enter_async_context(modem_program(server, state, *modems))
        await server.add(*(to("001", f"j{number}.1") for number in range(20)))
        await server.until(lambda: all(s == list(BOTH) for s in server.states().values()), 30)

        assert len(server.pairings) == 2
        assert sum(len(modem.air.parts()) for modem in modems) == 20


async def test_trouble_with_one_modem_does_not_end_the_other(
    server: ProtocolServer, emulated: EmulatedModem, tmp_path: Path, state: Path
) -> None:
    taken = Journal(state / "860000000000099.journal")
    async with (
        EmulatedModem(tmp_path / "other", imei="860000000000099") as other,
        modem_program(server, state, emulated, other) as story,
    ):
        await story.until_told("trouble")
        await server.add(to("001"))
        await server.until(lambda: server.jobs["a.1"].states == list(BOTH), LIMIT_S)
    taken.close()

    assert "another program is using" in story.details("trouble")[0]


async def test_modem_that_is_not_there_yet_is_waited_for(
    server: ProtocolServer, tmp_path: Path, state: Path
) -> None:
    port = tmp_path / "modem" / "tty"
    async with modem_program(server, state, str(port)) as story:
        await story.until_told("waiting")
        async with EmulatedModem(tmp_path / "modem"):
            await story.until_told("ready")


async def test_second_program_for_the_same_modem_is_refused(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        with pytest.raises(Unavailable, match="another program"):
            Journal(state / "860000000000017.journal")


async def test_deleted_device_ends_the_program_and_forgets_its_token(
    server: ProtocolServer, emulated: EmulatedModem, state: Path
) -> None:
    async with modem_program(server, state, emulated) as story:
        await story.until_told("ready")
        server.devices.clear()
        await server.wake()
        await story.until_told("unpaired")

    journal = Journal(state / "860000000000017.journal")
    assert journal.state.paired is None
    journal.close()


async def test_journal_of_a_long_day_stays_short(
    server: ProtocolServer, emulated: EmulatedModem, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textko_server.phone.modem.journal.SHORTEN_AFTER_COUNT", 20)
    async with modem_program(server, state, emulated):
        await server.add(*(to("001", f"j{number}.1") for number in range(30)))
        await server.until(lambda: all(s == list(BOTH) for s in server.states().values()), 30)

    assert len(journal_of(state).splitlines()) <= 21
