"""One AT command at a time: written, answered within its time, and news passed on as it comes.

Refuses to know what commands there are: modem.py does.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import msgspec

from textko_server.errors import TextkoError
from textko_server.phone.modem.answers import Answer, AnswerParser, News, Prompt
from textko_server.phone.modem.port import Port, PortUnusable, open_port
from textko_server.phone.modem.reasons import AtError, describe

PROMPT_LIMIT_S = 15.0
WAKE_LIMIT_S = 1.0
LINE_LIMIT_S = 0.5
WAKE_COUNT = 5
# After an answer that was given up, others may still be under way.
QUIET_S = 0.15
_ESCAPE, _END_OF_PDU = b"\x1b", b"\x1a"


class Limits(msgspec.Struct, frozen=True):
    """How long an answer may take."""

    answer_s: float = 10.0
    send_s: float = 150.0
    """Of AT+CMGS: TS 27.005 names none; makers say the network may take up to two minutes."""


USUAL_LIMITS = Limits()


class Refused(TextkoError):
    """The modem answered with an error."""

    code = "modem_refused"

    def __init__(self, command: str, error: AtError) -> None:
        super().__init__(f"{command}: {describe(error)}")
        self.error = error


class Silent(TextkoError):
    """No answer in time. What the modem says next belongs to nothing: open the port again."""

    code = "modem_silent"

    def __init__(self, command: str, lines: tuple[str, ...] = ()) -> None:
        super().__init__(f"the modem does not answer {command}")
        self.lines = lines
        """Of an answer that has no end."""


class Commands:
    """Of one open port; `on_news` gets what the modem says unasked, and must not ask anything."""

    def __init__(
        self, path: str, on_news: Callable[[News], None], limits: Limits = USUAL_LIMITS
    ) -> None:
        """Raises: PortUnusable."""
        self.on_news = on_news
        self._limits = limits
        self._parser = AnswerParser()
        self._turn = asyncio.Lock()
        self._answers: asyncio.Queue[Answer | Prompt | PortUnusable] = asyncio.Queue()
        self._path = path
        self.lost: PortUnusable | None = None
        """Why the port has gone away."""
        self.when_lost: Callable[[], None] = lambda: None
        self._port: Port = open_port(path, self._take, self._lose)

    def close(self) -> None:
        self._port.close()

    async def wake(self) -> None:
        """Bring the modem to where it takes a command, whatever the last program left it in.

        Raises: Silent, PortUnusable.
        """
        # A program killed at the prompt left it there: ESC ends that and sends nothing.
        self._port.write(_ESCAPE + b"\r")
        for _ in range(WAKE_COUNT):
            try:
                with suppress(Refused):  # of what was half written before
                    await self._ask("AT", WAKE_LIMIT_S)
                await asyncio.sleep(QUIET_S)
                if await self._is_in_step():
                    return
            except Silent:
                continue
        raise Silent("AT")

    async def ask(
        self, command: str, *, limit_s: float = 0, also: frozenset[str] = frozenset()
    ) -> tuple[str, ...]:
        """The lines of its answer, without the OK. `limit_s`: when it may take longer than
        most. `also`: names it may have besides its own.

        Raises: Refused, Silent, PortUnusable.
        """
        return await self._ask(command, max(limit_s, self._limits.answer_s), also)

    async def ask_for_line(self, command: str) -> tuple[str, ...]:
        """As `ask`, of a modem that may leave out the OK behind the one line of its answer.

        Raises: Refused, Silent, PortUnusable.
        """
        end = asyncio.get_running_loop().time() + self._limits.answer_s
        async with self._turn:
            self._begin(command)
            while True:
                try:
                    return _lines_of(command, await self._next(command, LINE_LIMIT_S))
                except Silent as error:
                    if error.lines:
                        return error.lines
                    if asyncio.get_running_loop().time() > end:
                        raise

    async def send(
        self, command: str, pdu: str, before_hand_over: Callable[[], None]
    ) -> tuple[str, ...]:
        """Give `pdu` to the modem at the prompt of `command`; the lines of its answer.

        `before_hand_over` is called when nothing stands between the text and the network any more.
        Refused, and whatever is raised before that call: nothing was sent. Silent and PortUnusable
        after it: nobody knows.

        Raises: Refused, Silent, PortUnusable, and whatever `before_hand_over` does.
        """
        async with self._turn:
            self._begin(command, awaits_prompt=True)
            answer = await self._next(command, PROMPT_LIMIT_S)
            if isinstance(answer, Prompt):
                try:
                    before_hand_over()
                except BaseException:
                    self._port.write(_ESCAPE)
                    raise
                self._parser.go_on(pdu)
                self._port.write(pdu.encode("ascii") + _END_OF_PDU)
                answer = await self._next(command, self._limits.send_s)
            return _lines_of(command, answer)

    async def _is_in_step(self) -> bool:
        """Whether an answer is to what was asked: an OK may be to what a killed program asked."""
        try:
            lines = await self._ask("AT+CMEE?", WAKE_LIMIT_S)
        except Refused:
            return True
        return any(line.startswith("+CMEE:") for line in lines)

    async def _ask(
        self, command: str, limit_s: float, also: frozenset[str] = frozenset()
    ) -> tuple[str, ...]:
        async with self._turn:
            self._begin(command, also=also)
            return _lines_of(command, await self._next(command, limit_s))

    def _begin(
        self, command: str, *, awaits_prompt: bool = False, also: frozenset[str] = frozenset()
    ) -> None:
        self._drop_answers()
        self._parser.begin(command, awaits_prompt=awaits_prompt, also=also)
        self._port.write(command.encode("ascii") + b"\r")

    async def _next(self, command: str, limit_s: float) -> Answer | Prompt:
        if self.lost is not None:
            raise self.lost
        try:
            async with asyncio.timeout(limit_s):
                answer = await self._answers.get()
        except TimeoutError as error:
            raise Silent(_without_secret(command), self._parser.lines) from error
        if isinstance(answer, PortUnusable):
            raise answer
        return answer

    def _take(self, data: bytes) -> None:
        for found in self._parser.feed(data):
            if isinstance(found, News):
                self.on_news(found)
            else:
                self._answers.put_nowait(found)

    def _lose(self, reason: str) -> None:
        self.lost = PortUnusable(f"{self._path} has gone: {reason}")
        self.when_lost()
        self._answers.put_nowait(self.lost)

    def _drop_answers(self) -> None:
        while not self._answers.empty():
            self._answers.get_nowait()


def _lines_of(command: str, answer: Answer | Prompt) -> tuple[str, ...]:
    if isinstance(answer, Prompt):  # asked for nothing, so it is out of step
        raise Silent(_without_secret(command))
    if answer.error is not None:
        raise Refused(_without_secret(command), answer.error)
    return answer.lines


def _without_secret(command: str) -> str:
    return "AT+CPIN" if command.startswith("AT+CPIN=") else command
