"""The emulated modem, spoken to by hand: what the standards say, and the mishaps it plays.

That gammu takes it for a modem is tested in test_modem_gammu.py.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.modem_process import running_modem
from textko_server.emulated.modem.air import SentText
from textko_server.emulated.modem.emulated_modem import EmulatedModem
from textko_server.emulated.modem.personality import (
    ACKNOWLEDGED,
    HUAWEI_E3372,
    SIM800,
    WAVECOM,
    Personality,
)
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Step
from textko_server.phone.modem.pdu import (
    Deliver,
    StatusReport,
    decode_incoming,
    encode_submit,
)

LIMIT_S = 30
NUMBER = "+35799123456"
FINAL = ("OK", "ERROR", "+CME ERROR", "+CMS ERROR", "COMMAND NOT SUPPORT", ">")


class Hand:
    """A terminal program: writes, and reads line by line."""

    def __init__(self, link: Path) -> None:
        self._port = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._read = b""
        self._new = asyncio.Event()
        self.lines: list[str] = []
        """Everything read, in order, without empty lines."""
        asyncio.get_running_loop().add_reader(self._port, self._take)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._port)
        os.close(self._port)

    async def ask(self, line: str) -> list[str]:
        """The lines up to the result, with it."""
        before = len(self.lines)
        os.write(self._port, f"{line}\r".encode())
        await self.until(lambda: any(text.startswith(FINAL) for text in self.lines[before:]))
        return [text for text in self.lines[before:] if text != line]

    async def send(self, phone_number: str, text: str) -> list[str]:
        """The answer to each of its PDUs."""
        answers = []
        for pdu in encode_submit(
            phone_number, text, reference=0, concat_reference=3, wants_report=True
        ):
            assert ">" in await self.ask(f"AT+CMGS={pdu.tpdu_bytes}")
            answers += await self.ask(f"{pdu.hex}\x1a")
        return answers

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT_S):
            while not is_so():
                self._new.clear()
                await self._new.wait()

    async def until_said(self, beginning: str) -> str:
        await self.until(lambda: any(line.startswith(beginning) for line in self.lines))
        return next(line for line in self.lines if line.startswith(beginning))

    def _take(self) -> None:
        try:
            said = os.read(self._port, 4096)
        except OSError:
            said = b""
        if not said:
            asyncio.get_running_loop().remove_reader(self._port)
            said = b"NO CARRIER\n"
        self._read += said
        *lines, rest = self._read.split(b"\n")
        if rest.strip(b"\r ") == b">":
            lines, rest = [*lines, rest], b""
        self._read = rest
        # What was typed is echoed in front of its own line end, with the end mark of a PDU.
        self.lines += [text for line in lines if (text := line.decode().strip("\r\n \x1a"))]
        self._new.set()


@asynccontextmanager
async def by_hand(modem: EmulatedModem, *, news: str = "2,1,0,1,0") -> AsyncIterator[Hand]:
    """Without echo, and told of what comes in."""
    hand = Hand(modem.link)
    try:
        async with asyncio.timeout(LIMIT_S):
            for line in ("ATE0", "AT+CMEE=1", "AT+CMGF=0", f"AT+CNMI={news}"):
                while "OK" not in await hand.ask(line):  # noqa: ASYNC110 - until it has booted
                    await asyncio.sleep(0.02)
        hand.lines.clear()
        yield hand
    finally:
        hand.close()


def read(pdu: str) -> Deliver | StatusReport:
    return decode_incoming(pdu)


async def test_text_is_on_the_air_once_and_reported(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        answer = await hand.send(NUMBER, "hello")
        await hand.until_said("+CDS:")
        await hand.until(lambda: hand.lines[-1].startswith("00"))

    assert answer == ["+CMGS: 1", "OK"]
    assert modem.sent_texts == [SentText(NUMBER, "hello")]
    report = read(hand.lines[-1])
    assert isinstance(report, StatusReport)
    assert (report.reference, report.phone_number, report.status) == (1, NUMBER, 0)


@pytest.mark.parametrize(
    ("ending", "answer", "is_on_air"),
    [
        ("500", "+CMS ERROR: 38", False),
        ("503", "+CMS ERROR: 332", False),
        ("504", "+CMS ERROR: 332", True),
    ],
)
async def test_number_says_how_sending_fails(
    tmp_path: Path, ending: str, answer: str, is_on_air: bool
) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        assert await hand.send(f"+35799000{ending}", "hello") == [answer]

    assert bool(modem.sent_texts) == is_on_air


@pytest.mark.parametrize(("ending", "statuses"), [("510", [0x43]), ("512", [0x30, 0x00])])
async def test_number_says_what_is_reported(
    tmp_path: Path, ending: str, statuses: list[int]
) -> None:
    def reports() -> list[str]:
        return [line for line in hand.lines if line.startswith("00")]

    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        await hand.send(f"+35799000{ending}", "hello")
        await hand.until(lambda: len(reports()) == len(statuses))

    seen = [read(pdu) for pdu in reports()]
    assert [report.status for report in seen if isinstance(report, StatusReport)] == statuses


async def test_report_can_be_there_before_the_answer(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        lines = await hand.send("+35799000516", "hello")

    assert [line.partition(":")[0] for line in lines if not line.startswith("00")] == [
        "+CDS",
        "+CMGS",
        "OK",
    ]


async def test_reports_can_be_held_and_come_in_another_order(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        modem.network.hold_reports()
        await hand.send(NUMBER, "x" * 300)
        await asyncio.sleep(0)
        async with asyncio.timeout(LIMIT_S):
            while modem.network.held_reports_count < 2:  # noqa: ASYNC110 - the network tells nobody
                await asyncio.sleep(0.01)

        modem.network.release_reports(is_reversed=True)
        await hand.until(lambda: sum(line.startswith("00") for line in hand.lines) == 2)

    seen = [read(line) for line in hand.lines if line.startswith("00")]
    assert [report.reference for report in seen if isinstance(report, StatusReport)] == [2, 1]


async def test_incoming_text_is_announced_listed_and_deleted(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        modem.receive("+35799888777", "Καλημέρα")
        assert await hand.until_said("+CMTI") == '+CMTI: "SM",1'
        heading, pdu, _ok = await hand.ask("AT+CMGR=1")

        assert heading == f"+CMGR: 0,,{len(pdu) // 2 - 1}"
        assert (await hand.ask("AT+CMGL=1"))[0].startswith("+CMGL: 1,1,,")
        assert await hand.ask("AT+CMGD=1") == ["OK"]
        assert await hand.ask("AT+CMGL=4") == ["OK"]
        assert await hand.ask("AT+CMGR=1") == ["+CMS ERROR: 321"]

    deliver = read(pdu)
    assert isinstance(deliver, Deliver)
    assert (deliver.sender, deliver.user_data.text) == ("+35799888777", "Καλημέρα")


async def test_reports_can_be_stored_and_announced(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem, news="2,1,0,2,0") as hand:
        await hand.send(NUMBER, "hello")
        assert await hand.until_said("+CDSI") == '+CDSI: "SM",1'
        _heading, pdu, _ok = await hand.ask("AT+CMGR=1")

    assert isinstance(read(pdu), StatusReport)


async def test_texts_wait_in_the_network_for_room(tmp_path: Path) -> None:
    tiny = Personality(memories={"SM": 1})
    async with EmulatedModem(tmp_path, personality=tiny) as modem, by_hand(modem) as hand:
        modem.receive("12345", "x" * 200)
        await hand.until_said("+CMTI")
        assert (await hand.ask("AT+CPMS?"))[0] == '+CPMS: "SM",1,1,"SM",1,1,"SM",1,1'
        hand.lines.clear()

        assert "OK" in await hand.ask("AT+CMGD=1")
        await hand.until_said("+CMTI")

    assert modem.memories.used_count("SM") == 1


async def test_memories_outlive_the_plug_and_settings_do_not(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem:
        async with by_hand(modem) as hand:
            modem.receive("12345", "kept")
            await hand.until_said("+CMTI")
            await modem.unplug()
            await hand.until_said("NO CARRIER")
            assert not modem.link.exists()
        modem.receive("12345", "waited")
        modem.plug_in()

        hand = Hand(modem.link)
        assert "+CNMI: 0,0,0,0,0" in await hand.ask("AT+CNMI?")
        hand.close()
        async with by_hand(modem) as hand:
            assert sum(line.startswith("+CMGL") for line in await hand.ask("AT+CMGL=4")) == 2


async def test_modem_that_hangs_says_nothing_until_it_is_replugged(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem:
        async with by_hand(modem) as hand:
            modem.hang()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await hand.ask("AT")
        await modem.unplug()
        modem.plug_in()

        async with by_hand(modem) as hand:
            assert await hand.ask("AT") == ["OK"]


async def test_three_wrong_pins_lock_the_sim(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, sim=Sim(pin="1234")) as modem:
        hand = Hand(modem.link)
        await hand.ask("ATE0")
        await hand.ask("AT+CMEE=1")

        assert await hand.ask("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
        assert await hand.ask("AT+CMGL=4") == ["+CMS ERROR: 311"]
        for left in (2, 1, 0):
            assert await hand.ask("AT+CPIN=0000") == ["+CME ERROR: 16"]
            assert await hand.ask("AT+CPINR") == [f"+CPINR: SIM PIN,{left},3", "OK"]
        assert await hand.ask("AT+CPIN?") == ["+CPIN: SIM PUK", "OK"]
        assert await hand.ask('AT+CPIN="1234"') == ["+CME ERROR: 16"]
        assert await hand.ask('AT+CPIN="12345678","4321"') == ["OK"]
        assert await hand.ask("AT+CPIN?") == ["+CPIN: READY", "OK"]
        hand.close()


async def test_absent_sim_is_said_to_be_absent(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, sim=Sim(is_inserted=False)) as modem:
        hand = Hand(modem.link)
        await hand.ask("ATE0V1+CMEE=2")

        assert await hand.ask("AT+CPIN?") == ["+CME ERROR: SIM not inserted"]
        assert await hand.ask("AT+CMGS=20") == ["+CMS ERROR: 310"]
        hand.close()


async def test_results_are_as_asked_for(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path) as modem:
        hand = Hand(modem.link)

        assert await hand.ask("AT") == ["OK"]
        assert hand.lines == ["AT", "OK"]  # the first is the echo
        assert await hand.ask("ATE0") == ["OK"]
        assert await hand.ask("AT+NOSUCH=1") == ["ERROR"]
        assert await hand.ask("AT+CREG?;+CMEE=1;+CMEE?") == ["+CREG: 0,1", "+CMEE: 1", "OK"]
        assert await hand.ask("xyzAT") == ["OK"]
        assert await hand.ask("AT+CMGF=1") == ["OK"]
        assert await hand.ask("AT+CMGL=4") == ["+CMS ERROR: 303"]
        hand.close()


@pytest.mark.parametrize(
    ("command", "pdu"), [("AT+CMGS=9", "00"), ("AT+CMGS=3", "000100"), ("AT+CMGS=1", "no PDU")]
)
async def test_pdu_that_is_none_is_refused(tmp_path: Path, command: str, pdu: str) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        assert await hand.ask(command) == [">"]
        assert await hand.ask(f"{pdu}\x1a") == ["+CMS ERROR: 304"]

    assert modem.air.parts() == []


async def test_pdu_of_another_length_is_refused(tmp_path: Path) -> None:
    (pdu,) = encode_submit(NUMBER, "x", reference=0, concat_reference=0, wants_report=False)
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        assert await hand.ask(f"AT+CMGS={pdu.tpdu_bytes + 1}") == [">"]
        assert await hand.ask(f"{pdu.hex}\x1a") == ["+CMS ERROR: 304"]


async def test_huawei_talks_in_the_middle_of_answers(tmp_path: Path) -> None:
    async with (
        EmulatedModem(tmp_path, personality=HUAWEI_E3372) as modem,
        by_hand(modem, news="1,1,0,1,0") as hand,
    ):
        lines = await hand.ask("AT+CREG?")

        assert [line[0] for line in lines[:3]] == ["+", "^", "O"]
        assert "COMMAND NOT SUPPORT" in await hand.ask("AT+NOSUCH")


async def test_huawei_hands_reports_over_in_mode_1_only_and_loses_stored_ones(
    tmp_path: Path,
) -> None:
    async with (
        EmulatedModem(tmp_path, personality=HUAWEI_E3372) as modem,
        by_hand(modem, news="1,1,0,1,0") as hand,
    ):
        assert "+CMS ERROR: 303" in await hand.ask("AT+CNMI=2,1,0,1,0")
        assert "OK" in await hand.ask("AT+CNMI=2,1,0,2,0")
        await hand.send(NUMBER, "hello")
        assert await hand.until_said("+CDSI") == '+CDSI: "SR",0'
        assert "+CMS ERROR: 302" in await hand.ask('AT+CPMS="SR"')


async def test_sim800_handles_texts_when_it_says_so(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, personality=SIM800) as modem:
        hand = Hand(modem.link)

        assert "+CMS ERROR: 314" in await hand.ask("AT+CMGF=0")
        await hand.until_said("SMS Ready")
        assert "OK" in await hand.ask("AT+CMGF=0")
        hand.close()


async def test_next_report_comes_when_the_last_is_acknowledged(
    tmp_path: Path,
) -> None:
    def count() -> int:
        return sum(line.startswith("+CDS") for line in hand.lines)

    async with (
        EmulatedModem(tmp_path, personality=ACKNOWLEDGED) as modem,
        by_hand(modem) as hand,
    ):
        await hand.send(NUMBER, "x" * 300)
        await hand.until_said("+CDS")
        await hand.ask("AT")
        assert count() == 1

        assert "OK" in await hand.ask("AT+CNMA")
        await hand.until(lambda: count() == 2)


async def test_wavecom_leaves_out_ok_and_the_service_centre(tmp_path: Path) -> None:
    async with EmulatedModem(tmp_path, personality=WAVECOM) as modem, by_hand(modem) as hand:
        await hand.send(NUMBER, "hello")
        heading = await hand.until_said("+CDS:")
        await hand.until(lambda: hand.lines[-1].startswith("06"))

        # The pin state has no end of its own: the next answer ends it.
        os.write(hand._port, b"AT+CPIN?\r")
        assert (await hand.ask("AT+CSQ"))[:2] == ["+CPIN: READY", "+CSQ: 21,99"]

    pdu = next(line for line in hand.lines if line.startswith("06"))
    assert isinstance(decode_incoming(pdu, int(heading.split(": ")[1])), StatusReport)


@pytest.mark.parametrize(
    ("step", "is_on_air"),
    [
        (Step.PROMPT, False),
        (Step.PROMPTED, False),
        (Step.PDU, False),
        (Step.ON_AIR, True),
        (Step.ANSWERED, True),
    ],
)
async def test_modem_stands_still_where_it_is_told_to(
    tmp_path: Path, step: Step, is_on_air: bool
) -> None:
    async with EmulatedModem(tmp_path) as modem, by_hand(modem) as hand:
        modem.steps.hold_at(step)
        sending = asyncio.create_task(hand.send(NUMBER, "hello"))
        async with asyncio.timeout(LIMIT_S):
            await modem.steps.until_held()

        assert bool(modem.air.parts()) == is_on_air
        modem.steps.release()
        assert await sending == ["+CMGS: 1", "OK"]


async def test_process_is_told_by_lines(tmp_path: Path) -> None:
    async with running_modem(tmp_path, "--personality", "huawei", "--pin", "1234") as modem:
        hand = Hand(Path(modem.port))
        assert "+CPIN: SIM PIN" in await hand.ask("AT+CPIN?")
        await hand.ask("AT+CPIN=1234")
        await hand.ask("ATE0+CMGF=0;+CNMI=1,1,0,1,0")
        await modem.tell("receive 12345 Hi there")
        await hand.until_said("+CMTI")

        await modem.tell(f"hold {Step.ON_AIR}")
        sending = asyncio.create_task(hand.send(NUMBER, "hello"))
        assert await modem.hear() == "at on-air"
        assert modem.air.texts() == [SentText(NUMBER, "hello")]
        await modem.tell("release")
        assert "OK" in await sending

        await modem.tell("unplug")
        await hand.until_said("NO CARRIER")
        hand.close()
