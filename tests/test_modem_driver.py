"""The modem's driver, over a port: every maker's ways, the SIM's PIN, and what `--check` finds."""

import asyncio
import errno
import fcntl
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.modems import LIMIT_S, QUICK_LIMITS, until
from textko_server.care.findings import Finding
from textko_server.emulated.modem.emulated_modem import EmulatedModem
from textko_server.emulated.modem.personality import PERSONALITIES
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step
from textko_server.phone.modem.answers import News
from textko_server.phone.modem.checks import check_modem, list_modems
from textko_server.phone.modem.commands import Refused, Silent
from textko_server.phone.modem.finding import ModemFinder
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.modem import Modem
from textko_server.phone.modem.pdu import Deliver, decode_incoming, encode_submit
from textko_server.phone.modem.port import PortAbsent, PortTaken, PortUnusable
from textko_server.phone.modem.sim import SimUnusable, unlock

NUMBER, SENDER = "+35799123456", "+35799654321"


@asynccontextmanager
async def opened(emulated: EmulatedModem) -> AsyncIterator[tuple[Modem, list[News]]]:
    """Ready for texts, and what it says unasked."""
    found = await ModemFinder(str(emulated.link), patterns=(), limits=QUICK_LIMITS).open()
    modem = found.modem
    try:
        await prepared(modem)
        yield modem, found.news
    finally:
        modem.close()


async def prepared(modem: Modem) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                await modem.prepare()
                return
            except Refused:
                await asyncio.sleep(0.02)


async def until_news(news: list[News], name: str) -> News:
    await until(lambda: any(one.name == name for one in news))
    return next(one for one in news if one.name == name)


@pytest.fixture(params=sorted(PERSONALITIES))
async def emulated(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmulatedModem]:
    async with EmulatedModem(tmp_path, personality=PERSONALITIES[request.param]) as modem:
        yield modem


async def test_every_makers_modem_says_what_and_where_it_is(emulated: EmulatedModem) -> None:
    found = await ModemFinder(str(emulated.link), patterns=()).open()
    modem = found.modem

    assert found.identity.imei == "860000000000017"
    assert emulated.personality.model in found.identity.title
    assert await modem.ask_for_pin() == "READY"
    assert await modem.card_number() == "89357010000000000017"
    assert await modem.own_number() == "+35799000001"
    await prepared(modem)
    network = await modem.network()
    assert (network.is_registered, network.signal_percent) == (True, 68)
    assert network.operator
    modem.close()


async def test_every_makers_modem_sends_and_reports(emulated: EmulatedModem) -> None:
    async with opened(emulated) as (modem, news):
        references = []
        for text in ("Hello", "Γειά σου 👋" * 20):
            for pdu in encode_submit(
                NUMBER, text, reference=0, concat_reference=7, wants_report=True
            ):
                references.append(await modem.send(pdu, lambda: None))
        shows_reports = 1 in emulated.personality.report_modes
        report = await until_news(news, "+CDS" if shows_reports else "+CDSI")

    assert modem.has_reports
    assert references == list(range(1, len(references) + 1))
    assert [sent.text for sent in emulated.sent_texts] == ["Hello", "Γειά σου 👋" * 20]
    assert bool(report.pdu) == shows_reports


async def test_every_makers_modem_gives_incoming_texts_and_deletes_them(
    emulated: EmulatedModem,
) -> None:
    async with opened(emulated) as (modem, news):
        emulated.receive(SENDER, "Good morning")
        announced = await until_news(news, "+CMTI")
        memory, index = announced.text.removeprefix('+CMTI: "').split('",')
        stored = await modem.read_text(memory, int(index))
        assert stored is not None
        listed = await modem.list_texts(memory)
        await modem.delete_text(stored)
        left = await modem.list_texts(memory)

    incoming = decode_incoming(stored.pdu, stored.tpdu_bytes)
    assert isinstance(incoming, Deliver)
    assert (incoming.sender, incoming.user_data.text) == (SENDER, "Good morning")
    assert (listed, left) == ([stored], [])


@pytest.mark.parametrize("write_bytes", [1, 3])
async def test_answers_that_come_in_pieces_are_read_whole(tmp_path: Path, write_bytes: int) -> None:
    async with (
        EmulatedModem(tmp_path, write_bytes=write_bytes) as emulated,
        opened(emulated) as (modem, _news),
    ):
        [pdu] = encode_submit(NUMBER, "Hi", reference=0, concat_reference=0, wants_report=False)

        assert await modem.send(pdu, lambda: None) == 1


async def test_prompt_left_by_a_killed_program_is_ended_and_sends_nothing(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated:
        port = os.open(emulated.link, os.O_RDWR | os.O_NOCTTY)
        emulated.steps.hold_at(Step.PROMPTED)
        os.write(port, b"AT+CMGF=0\rAT+CMGS=23\r")
        await emulated.steps.until_held()
        emulated.steps.release()
        os.write(port, b"0001000B915399")
        os.close(port)

        async with opened(emulated) as (modem, _news):
            assert await modem.ask_for_pin() == "READY"

        assert emulated.air.parts() == []


async def test_nothing_is_handed_over_when_it_cannot_be_written_down(tmp_path: Path) -> None:
    def refuse() -> None:
        raise RuntimeError("the disk is full")

    async with EmulatedModem(tmp_path) as emulated, opened(emulated) as (modem, _news):
        [pdu] = encode_submit(NUMBER, "Hi", reference=0, concat_reference=0, wants_report=False)
        with pytest.raises(RuntimeError):
            await modem.send(pdu, refuse)
        await modem.wake()

        assert await modem.ask_for_pin() == "READY"
        assert emulated.air.parts() == []


async def test_modem_that_falls_silent_is_said_to_be(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated, opened(emulated) as (modem, _news):
        [pdu] = encode_submit(
            "+35799000505", "Hi", reference=0, concat_reference=0, wants_report=False
        )

        with pytest.raises(Silent):
            await modem.send(pdu, lambda: None)


async def test_modem_that_is_pulled_out_is_said_to_have_gone(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated, opened(emulated) as (modem, _news):
        await emulated.unplug()

        with pytest.raises(PortUnusable):
            await modem.network()


async def test_port_is_one_programs_at_a_time(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated, opened(emulated):
        with pytest.raises(PortTaken):
            await ModemFinder(str(emulated.link), patterns=()).open()


async def test_modem_plugged_in_at_another_port_is_found_by_its_imei(tmp_path: Path) -> None:
    folder, names = tmp_path / "modem", tmp_path / "dev"
    names.mkdir()
    finder = ModemFinder(str(names / "ttyUSB0"), patterns=(str(names / "*"),))
    async with EmulatedModem(folder, link=names / "ttyUSB0"):
        (await finder.open()).modem.close()
    async with (
        EmulatedModem(tmp_path / "other", link=names / "ttyUSB0", imei="860000000000099"),
        EmulatedModem(folder, link=names / "ttyUSB3"),
    ):
        found = await finder.open()

        assert found.modem.path == str(names / "ttyUSB3")
        found.modem.close()


async def test_absent_port_is_said_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(PortAbsent, match="there is no"):
        await ModemFinder(str(tmp_path / "ttyUSB7"), patterns=()).open()


# --- PIN ---


def pins_entered(emulated: EmulatedModem) -> list[str]:
    return [command for command in emulated.commands if command.startswith("AT+CPIN=")]


@pytest.fixture(params=sorted(PERSONALITIES))
async def locked(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EmulatedModem]:
    personality = PERSONALITIES[request.param]
    async with EmulatedModem(tmp_path, personality=personality, sim=Sim(pin="4711")) as modem:
        yield modem


async def unlock_with(emulated: EmulatedModem, pin: str, state: Path) -> None:
    found = await ModemFinder(str(emulated.link), patterns=()).open()
    journal = Journal(state)
    try:
        await unlock(found.modem, pin, journal)
    finally:
        journal.close()
        found.modem.close()


async def test_right_pin_unlocks_the_sim(locked: EmulatedModem, tmp_path: Path) -> None:
    await unlock_with(locked, "4711", tmp_path / "state")

    async with opened(locked) as (modem, _news):
        assert (await modem.network()).is_registered


async def test_wrong_pin_is_never_tried_twice(locked: EmulatedModem, tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(SimUnusable):
            await unlock_with(locked, "1234", tmp_path / "state")

    assert pins_entered(locked) == ['AT+CPIN="1234"']
    assert locked.sim.pin_tries_count == 2


async def test_last_try_is_left_to_the_owner(locked: EmulatedModem, tmp_path: Path) -> None:
    for pin in ("1111", "2222", "3333", "4444"):
        with pytest.raises(SimUnusable) as refused:
            await unlock_with(locked, pin, tmp_path / "state")

    assert refused.value.code == "pin_last_try"
    assert len(pins_entered(locked)) == 2


async def test_sim_with_a_pin_that_is_not_given_says_so(
    locked: EmulatedModem, tmp_path: Path
) -> None:
    with pytest.raises(SimUnusable, match="--pin-file"):
        await unlock_with(locked, "", tmp_path / "state")


# --- what is wrong ---


async def findings_of(port: Path) -> dict[str, Finding]:
    return {finding.check: finding async for finding in check_modem(str(port))}


async def test_check_of_a_sound_modem_finds_nothing_wrong(emulated: EmulatedModem) -> None:
    await asyncio.sleep(0)
    async with opened(emulated):
        pass

    findings = await findings_of(emulated.link)

    assert {finding.level for finding in findings.values()} == {"ok"}
    assert findings["network"].text


async def test_check_says_that_there_is_no_sim(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, sim=Sim(is_inserted=False)) as emulated:
        findings = await findings_of(emulated.link)

    assert findings["SIM"].level == "problem"
    assert "no SIM" in findings["SIM"].text


async def test_check_says_that_the_pin_is_asked_for_and_enters_none(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, sim=Sim(pin="4711")) as emulated:
        findings = await findings_of(emulated.link)

    assert "3 tries left" in findings["SIM"].text
    assert pins_entered(emulated) == []


async def test_check_says_that_there_is_no_network(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated:
        emulated.network.is_registered = False
        findings = await findings_of(emulated.link)

    assert findings["network"].level == "problem"


async def test_check_says_that_the_memory_is_full(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated, opened(emulated) as (modem, news):
        for number in range(100):
            emulated.receive(SENDER, f"Text {number}")
        await until(lambda: emulated.memories.used_count("ME") == 100)
        modem.close()

        findings = await findings_of(emulated.link)

    assert findings["message memory"].level == "problem"
    assert news


async def test_check_says_who_has_the_port(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated:
        port = os.open(emulated.link, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(port, fcntl.LOCK_EX)
        findings = await findings_of(emulated.link)
        os.close(port)

    assert findings["port"].text.startswith("another program is using")


async def test_check_says_which_other_program_talks_to_it(tmp_path: Path) -> None:
    manager = tmp_path / "ModemManager"
    shutil.copy(shutil.which("sleep") or "", manager)
    async with EmulatedModem(tmp_path / "modem") as emulated:
        port = os.open(emulated.link, os.O_RDWR | os.O_NOCTTY)
        process = await asyncio.create_subprocess_exec(str(manager), "60", stdin=port)
        os.close(port)
        findings = await findings_of(emulated.link)
        process.kill()
        await process.wait()

    assert findings["other programs"].level == "problem"
    assert findings["other programs"].text.startswith("ModemManager (")
    assert "udev" in findings["other programs"].fix


async def test_check_says_which_group_may_open_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if path == str(modem.link):  # root, as whom tests may run, is refused nothing
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(path, flags, mode)

    async with EmulatedModem(tmp_path) as modem:
        monkeypatch.setattr(os, "open", refuse)
        findings = await findings_of(modem.link)
        monkeypatch.undo()

    assert findings["port"].level == "problem"
    assert "usermod -aG" in findings["port"].fix


async def test_check_says_that_a_file_is_no_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()

    assert "is no serial port" in (await findings_of(path))["port"].text


async def test_check_says_that_nothing_is_there(tmp_path: Path) -> None:
    findings = await findings_of(tmp_path / "ttyUSB0")

    assert [finding.level for finding in findings.values()] == ["problem"]


async def test_list_shows_who_answers_and_why_others_do_not(tmp_path: Path) -> None:
    names = tmp_path / "dev"
    names.mkdir()
    async with (
        EmulatedModem(tmp_path / "a", link=names / "ttyUSB0"),
        EmulatedModem(tmp_path / "b", link=names / "ttyUSB1") as silent,
    ):
        silent.hang()
        listed = await list_modems((str(names / "*"),))

    assert [(m.port, m.sim) for m in listed] == [
        (str(names / "ttyUSB0"), "READY"),
        (str(names / "ttyUSB1"), ""),
    ]
    assert "does not answer" in listed[1].note


async def test_late_answer_to_a_killed_program_is_taken_for_nothing_else(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as emulated:
        async with opened(emulated):
            pass
        [pdu] = encode_submit(NUMBER, "Hi", reference=0, concat_reference=0, wants_report=False)
        emulated.steps.hold_at(Step.ON_AIR)
        port = os.open(emulated.link, os.O_RDWR | os.O_NOCTTY)
        os.write(port, f"AT+CMGF=0\rAT+CMGS={pdu.tpdu_bytes}\r{pdu.hex}\x1a".encode())
        os.close(port)
        await emulated.steps.until_held()
        opening = asyncio.create_task(ModemFinder(str(emulated.link), patterns=()).open())
        await asyncio.sleep(0)
        emulated.steps.release()
        found = await opening

        assert found.identity.imei == "860000000000017"
        assert await found.modem.ask_for_pin() == "READY"
        assert len(emulated.air.parts()) == 1
        found.modem.close()
