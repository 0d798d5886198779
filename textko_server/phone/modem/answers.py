"""What a modem writes, cut into what it means: answers to a command, prompts, and news.

3GPP TS 27.007, 5 (answers and errors) and TS 27.005, 3 and 4 (prompt, and PDUs on a line of
their own). Lenient, as modems are: echo on or off, line ends of any kind, news in the middle of an
answer, errors by number or in words. Refuses to know ports, time, and what a command is for.
"""

import re

import msgspec

from textko_server.phone.modem.reasons import AtError

# A line without end is not a modem's: something else is on that port.
MAX_LINE_BYTES = 8_192

_NAMED = re.compile(r"[+^*$#%&][A-Z][A-Z0-9]*(?=:)")
_COMMAND_NAME = re.compile(r"AT([+^*$#%&][A-Z][A-Z0-9]*)", re.IGNORECASE)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+").fullmatch
_ERROR = re.compile(r"\+(CM[ES]) ERROR:? *(.*)")
# News that a PDU follows on the next line: TS 27.005, 3.4.1. +CMTI and +CDSI name a place.
_PDU_FOLLOWS = frozenset({"+CMT", "+CDS", "+CBM"})
# Of Huawei: in place of ERROR. Of SIMCom: a command cut short.
_WORDS_OF_REFUSAL = frozenset({"ERROR", "COMMAND NOT SUPPORT", "TOO MANY PARAMETERS", "ABORTED"})
# What modems say of themselves in plain words while they start or stop, and of calls.
_PLAIN_NEWS = frozenset(
    {
        "RING", "NO CARRIER", "BUSY", "NO ANSWER", "RDY", "CALL READY", "SMS READY", "PB DONE",
        "SMS DONE", "NORMAL POWER DOWN", "POWERED DOWN", "UNDER-VOLTAGE WARNNING",
        "OVER-VOLTAGE WARNNING", "START",
    }
)  # fmt: skip


class News(msgspec.Struct, frozen=True):
    """What a modem says unasked."""

    text: str
    """The line: `+CMTI: "SM",3`."""
    pdu: str = ""
    """Only set for `+CDS:`, `+CMT:` and `+CBM:`, which carry one."""

    @property
    def name(self) -> str:
        return self.text.partition(":")[0]


class Answer(msgspec.Struct, frozen=True):
    """To the command that was begun last."""

    lines: tuple[str, ...]
    error: AtError | None = None


class Prompt(msgspec.Struct, frozen=True):
    """The modem waits for a PDU."""


class AnswerParser:
    """Tell it what is written to the modem with `begin`, and feed it what comes back."""

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[str] | None = None
        """Of the answer so far; None: nothing was asked."""
        self._names: frozenset[str] = frozenset()
        self._awaits_prompt = False
        self._echoes: set[str] = set()
        self._heading = ""
        """News whose PDU is to follow."""

    @property
    def lines(self) -> tuple[str, ...]:
        """What has come of the answer so far: some modems leave out the OK."""
        return tuple(self._lines or ())

    def begin(
        self, command: str, *, awaits_prompt: bool = False, also: frozenset[str] = frozenset()
    ) -> None:
        """`command` is being written. `also`: names its answer may have besides its own."""
        self._lines = []
        name = _COMMAND_NAME.match(command)
        self._names = also if name is None else also | {name[1].upper()}
        self._awaits_prompt = awaits_prompt
        self._echoes = {command}

    def go_on(self, pdu: str) -> None:
        """`pdu` is being written after a prompt; the answer is still to come."""
        self._echoes.add(pdu)

    def feed(self, data: bytes) -> list[News | Answer | Prompt]:
        """What `data` completes, in order."""
        found: list[News | Answer | Prompt] = []
        *lines, self._rest = re.split(rb"[\r\n]+", self._rest + data)
        for line in lines:
            self._take(_text_of(line), found)
        if len(self._rest) > MAX_LINE_BYTES:
            self._rest = b""
        # The prompt is the one thing that no line end follows: TS 27.005, 3.5.1.
        if self._awaits_prompt and self._rest.lstrip(b" \0").startswith(b">"):
            self._rest = b""
            self._awaits_prompt = False
            found.append(Prompt())
        return found

    def _take(self, line: str, found: list[News | Answer | Prompt]) -> None:
        if self._awaits_prompt and line == ">":
            self._awaits_prompt = False
            found.append(Prompt())
            return
        # What is echoed of a PDU stands behind the prompt, with the end mark.
        line = line.removeprefix(">").strip(" \x1a\x1b")
        if not line:
            return
        if self._heading:
            heading, self._heading = self._heading, ""
            if _HEXADECIMAL(line):
                found.append(News(heading, line))
                return
            found.append(News(heading))
        if self._lines is None:
            self._take_news(line, found)
        elif line in self._echoes:
            return
        elif (end := _end_of(line)) is not None:
            found.append(Answer(tuple(self._lines), end.error))
            self._lines = None
            self._awaits_prompt = False
        elif self._is_news(line):
            self._take_news(line, found)
        else:
            self._lines.append(line)

    def _is_news(self, line: str) -> bool:
        if line.upper() in _PLAIN_NEWS:
            return True
        name = _NAMED.match(line)
        return name is not None and name[0] not in self._names

    def _take_news(self, line: str, found: list[News | Answer | Prompt]) -> None:
        if line.partition(":")[0] in _PDU_FOLLOWS:
            self._heading = line
        else:
            found.append(News(line))


def _text_of(line: bytes) -> str:
    return line.replace(b"\0", b"").decode("ascii", "replace").strip()


def _end_of(line: str) -> Answer | None:
    """An answer without lines, if this is how one ends."""
    if line == "OK":
        return Answer(())
    if line in _WORDS_OF_REFUSAL:
        return Answer((), AtError("", None, "" if line == "ERROR" else line.lower()))
    if error := _ERROR.fullmatch(line):
        number = error[2].strip()
        if number.isascii() and number.isdigit() and len(number) < 7:
            return Answer((), AtError(error[1], int(number)))
        return Answer((), AtError.of_words(error[1], number))
    return None
