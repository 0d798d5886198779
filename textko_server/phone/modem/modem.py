"""What a GSM modem is asked, and how its answers read: texts, signal, network, message memories.

3GPP TS 27.005 (texts, PDU mode) and TS 27.007 (the rest), with what makers do otherwise. One object
for one time the port is open. Refuses to know jobs, disks, servers, and when to ask what.
"""

import re
from collections.abc import Callable
from itertools import pairwise

import msgspec

from textko_server.phone.modem.answers import News
from textko_server.phone.modem.commands import USUAL_LIMITS, Commands, Limits, Refused
from textko_server.phone.modem.pdu import Pdu

# A SIM's memory is slow, and listing a full one takes a while.
LIST_LIMIT_S = 60.0
SLOW_LIMIT_S = 30.0
# Which messages are announced, and how delivery reports come: TS 27.005, 3.4.1. The first the modem
# takes: reports handed over at once (1), or kept and announced (2); buffered while it is busy (2).
NEWS_MODES = ("2,1,0,1,0", "1,1,0,1,0", "2,1,0,2,0", "1,1,0,2,0", "2,1,0,0,0", "2,1", "1,1")
REPORTING_MODES_COUNT = 4
"""So many of them bring delivery reports."""
# Where incoming texts are to be kept, the larger first.
MEMORIES = ("ME", "SM")
_REGISTERED = frozenset({1, 5, 6, 7})  # home, roaming, and both for texts only: TS 27.007, 7.2
_DENIED = 3
# TS 27.007, 7.3: access technology.
_NETWORKS = ("2g", "2g", "3g", "2g", "3g", "3g", "3g", "4g", "4g", "4g", "5g", "5g", "5g", "5g")
_IMEI = re.compile(r"\d{14,16}")
_ICCID = re.compile(r"\d{18,20}")
_ICCID_COMMANDS = ("AT+CCID", "AT+ICCID", "AT^ICCID?", "AT+QCCID")
# How many tries a PIN has left; each maker has a command of its own. The first number answers.
_TRIES_COMMANDS = ('AT+CPINR="SIM PIN"', "AT^CPIN?", "AT+SPIC", 'AT+QPINC="SC"')
_VALUE = re.compile(r'\s*(?:"([^"]*)"|([^,]*))\s*,')
_TRIES = re.compile(r"[:,]\s*(\d{1,2})(?:,|$)")


class Identity(msgspec.Struct, frozen=True):
    imei: str
    """Empty when the modem does not say."""
    maker: str
    model: str
    revision: str

    @property
    def title(self) -> str:
        """Maker and model for people."""
        words = f"{self.maker} {self.model}".strip()
        return self.model if self.model.lower().startswith(self.maker.lower()) else words


class Network(msgspec.Struct, frozen=True):
    is_registered: bool
    is_denied: bool
    """The network turned the SIM away."""
    signal_percent: int | None
    operator: str
    kind: str
    """2g, 3g, 4g, 5g; none."""


class StoredPdu(msgspec.Struct, frozen=True):
    """As a message memory holds it."""

    memory: str
    index: int
    pdu: str
    tpdu_bytes: int | None


class Memory(msgspec.Struct, frozen=True):
    name: str
    used_count: int
    total_count: int


class Modem:
    def __init__(
        self, path: str, on_news: Callable[[News], None], limits: Limits = USUAL_LIMITS
    ) -> None:
        """Opens the port; call `wake` first. Raises: PortUnusable."""
        self.path = path
        self.commands = Commands(path, on_news, limits)
        self.memories: tuple[str, ...] = ()
        """Those that may hold incoming texts."""
        self.memory = ""
        """The one chosen for reading, where it is known."""
        self.has_reports = False
        """Whether it was told to bring delivery reports, and took it."""
        self.wants_acknowledgement = False

    def close(self) -> None:
        self.commands.close()

    async def wake(self) -> None:
        """Raises: Silent, PortUnusable."""
        await self.commands.wake()
        # Some refuse one of these and work all the same.
        for command in ("ATE0", "AT+CMEE=1"):
            await self._try(command)

    async def identify(self) -> Identity:
        """Raises: Silent, PortUnusable."""
        said = [_value(await self._try(c)) for c in ("AT+CGMI", "AT+CGMM", "AT+CGMR")]
        imei = ""
        for command in ("AT+CGSN", "AT+GSN"):
            if found := _IMEI.search(" ".join(await self._try(command))):
                imei = found[0]
                break
        return Identity(imei, *said)

    # --- the SIM ---

    async def ask_for_pin(self) -> str:
        """READY, SIM PIN, SIM PUK, … (TS 27.007, 8.3). Raises: Refused, Silent, PortUnusable."""
        # Wavecom's leave out the OK.
        return _value(await self.commands.ask_for_line("AT+CPIN?"))

    async def enter_pin(self, pin: str) -> None:
        """Raises: Refused, Silent, PortUnusable."""
        await self.commands.ask(f'AT+CPIN="{pin}"', limit_s=SLOW_LIMIT_S)

    async def count_pin_tries(self) -> int | None:
        """None: it does not say."""
        for command in _TRIES_COMMANDS:
            if found := _TRIES.search(" ".join(await self._try(command))):
                return int(found[1])
        return None

    async def card_number(self) -> str:
        """Of the SIM (ICCID); empty when the modem does not say."""
        also = frozenset({"+CCID", "+ICCID"})
        for command in _ICCID_COMMANDS:
            if found := _ICCID.search(" ".join(await self._try(command, also=also))):
                return found[0]
        return ""

    async def own_number(self) -> str:
        """As far as the SIM knows it; most do not."""
        for line in await self._try("AT+CNUM"):
            fields = _fields(line)
            if len(fields) > 1 and fields[1]:
                is_bare = not fields[1].startswith("+")
                is_international = fields[2:3] == ["145"]
                return f"+{fields[1]}" if is_bare and is_international else fields[1]
        return ""

    # --- the network ---

    async def network(self) -> Network:
        """Raises: Silent, PortUnusable."""
        states = set()
        for command in ("AT+CREG?", "AT+CEREG?", "AT+CGREG?"):
            for line in await self._try(command):
                fields = _fields(line)
                if len(fields) > 1 and fields[1].isdigit():
                    states.add(int(fields[1]))
            if states & _REGISTERED:
                break
        is_registered = bool(states & _REGISTERED)
        operator, kind = await self._operator() if is_registered else ("", "none")
        signal_percent = signal_percent_of(await self._try("AT+CSQ"))
        is_denied = not is_registered and _DENIED in states
        return Network(is_registered, is_denied, signal_percent, operator, kind)

    async def service_centre(self) -> str:
        """The number texts go to; empty: the SIM has none, and nothing can be sent."""
        return _value(await self._try("AT+CSCA?")).split(",")[0].strip('"')

    async def _operator(self) -> tuple[str, str]:
        fields = _fields("".join(await self._try("AT+COPS?")))
        if len(fields) > 2 and fields[1] != "0":
            await self._try("AT+COPS=3,0")  # by name, from now on
            fields = _fields("".join(await self._try("AT+COPS?")))
        name = fields[2] if len(fields) > 2 else ""
        technology = int(fields[3]) if len(fields) > 3 and fields[3].isdigit() else 0
        return name, _NETWORKS[technology] if technology < len(_NETWORKS) else "5g"

    # --- texts ---

    async def prepare(self) -> None:
        """Texts as PDUs, kept where we read them, and announced.

        Raises: Refused when it cannot do PDU mode or is still starting; Silent, PortUnusable.
        """
        await self.commands.ask("AT+CMGF=0")
        # In phase 2+ each delivery report has to be acknowledged, or no more are shown.
        await self._try("AT+CSMS=0")
        fields = _fields("".join(await self._try("AT+CSMS?")))
        self.wants_acknowledgement = fields[:1] == ["1"]
        await self._choose_memories()
        for number, mode in enumerate(NEWS_MODES):
            try:
                await self.commands.ask(f"AT+CNMI={mode}")
            except Refused:
                continue
            self.has_reports = number < REPORTING_MODES_COUNT
            return
        await self.commands.ask("AT+CNMI?")  # refused as well: it is not ready

    async def send(self, pdu: Pdu, before_hand_over: Callable[[], None]) -> int | None:
        """Hand a text to the network; the reference its status report will have, if it says.

        For `before_hand_over` and what is raised when, see Commands.send.
        """
        lines = await self.commands.send(f"AT+CMGS={pdu.tpdu_bytes}", pdu.hex, before_hand_over)
        for line in lines:
            fields = _fields(line)
            if line.startswith("+CMGS:") and fields[0].isdigit():
                return int(fields[0]) % 256
        return None

    async def list_texts(self, memory: str) -> list[StoredPdu]:
        """All that a memory holds, read or not. Raises: Refused, Silent, PortUnusable."""
        await self._choose(memory)
        lines = await self.commands.ask("AT+CMGL=4", limit_s=LIST_LIMIT_S)
        found = []
        for heading, pdu in pairwise(lines):
            if not heading.startswith("+CMGL:"):
                continue
            fields = _fields(heading)
            if fields[0].isdigit():
                found.append(StoredPdu(memory, int(fields[0]), pdu, _length(fields)))
        return found

    async def read_text(self, memory: str, index: int) -> StoredPdu | None:
        """None: nothing is there. Raises: Refused, Silent, PortUnusable."""
        await self._choose(memory)
        lines = await self.commands.ask(f"AT+CMGR={index}", limit_s=SLOW_LIMIT_S)
        for heading, pdu in pairwise(lines):
            if heading.startswith("+CMGR:"):
                return StoredPdu(memory, index, pdu, _length(_fields(heading)))
        return None

    async def delete_text(self, stored: StoredPdu) -> None:
        """Raises: Refused, Silent, PortUnusable."""
        await self._choose(stored.memory)
        await self.commands.ask(f"AT+CMGD={stored.index}", limit_s=SLOW_LIMIT_S)

    async def acknowledge(self) -> None:
        """That a delivery report or a text was taken, where the modem asks for that."""
        if self.wants_acknowledgement:
            await self._try("AT+CNMA")

    async def look_at_memory(self) -> Memory | None:
        """How full the one for incoming texts is. Raises: Silent, PortUnusable."""
        for line in await self._try("AT+CPMS?"):
            fields = _fields(line)
            if len(fields) >= 9 and (fields[7] + fields[8]).isdigit():
                return Memory(fields[6], int(fields[7]), int(fields[8]))
        return None

    async def _choose_memories(self) -> None:
        said = "".join(await self._try("AT+CPMS=?"))
        readable = re.findall(r'"(\w\w)"', said.split(")")[0])
        self.memories = tuple(name for name in MEMORIES if name in readable) or ("SM",)
        for name in self.memories:
            try:
                lines = await self.commands.ask(f'AT+CPMS="{name}","{name}","{name}"')
            except Refused:
                continue
            self.memory = name
            if "0" not in _fields("".join(lines))[1::2]:
                return  # it has room; some list a memory that has none

    async def _choose(self, memory: str) -> None:
        if memory != self.memory:
            await self.commands.ask(f'AT+CPMS="{memory}"')
            self.memory = memory

    async def _try(self, command: str, also: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Its answer; nothing when it is refused."""
        try:
            return await self.commands.ask(command, also=also)
        except Refused:
            return ()


def signal_percent_of(lines: tuple[str, ...]) -> int | None:
    """Of the answer to AT+CSQ (TS 27.007, 8.5); None: not known."""
    for line in lines:
        fields = _fields(line)
        if line.startswith("+CSQ:") and fields[0].isdigit():
            strength = int(fields[0])
            if strength <= 31:
                return round(strength * 100 / 31)
            # LTE modems of some makers count from 100 to 191.
            return round((strength - 100) * 100 / 91) if 100 <= strength <= 191 else None
    return None


def _value(lines: tuple[str, ...]) -> str:
    """What a modem says in one line, with or without the name of the command."""
    line = next(iter(lines), "")
    name, colon, value = line.partition(":")
    said = value if colon and name.startswith(("+", "^")) else line
    return said.strip().strip('"')


def _fields(line: str) -> list[str]:
    """Of `+NAME: a,"b,c",d`: `a`, `b,c`, `d`."""
    values = line.partition(":")[2]
    # One comma more, so that each value has one behind it.
    return (
        [quoted or plain.strip() for quoted, plain in _VALUE.findall(values + ",")]
        if values
        else []
    )


def _length(fields: list[str]) -> int | None:
    return int(fields[-1]) if fields and fields[-1].isdigit() else None
