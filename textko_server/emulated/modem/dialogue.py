"""The two directions of the line: command lines and PDUs in, answers and news out.

ITU-T V.250, 5: echo, line ends, results in words or digits. One at a time: what comes while a
command is carried out waits. Refuses to know commands.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from textko_server.emulated.modem.at_syntax import Refusal
from textko_server.emulated.modem.settings import Settings

_CARRIAGE_RETURN, _BACKSPACE, _END_OF_PDU, _ESCAPE = 0x0D, 0x08, 0x1A, 0x1B
# V.250, 5.7.1.
_DIGITS = {"OK": "0", "ERROR": "4"}
# What AT+CMEE=2 says, of the errors that happen here (TS 27.005, 3.2.5, TS 27.007, 9.2).
_WORDS = {
    ("CME", 10): "SIM not inserted",
    ("CME", 11): "SIM PIN required",
    ("CME", 12): "SIM PUK required",
    ("CME", 14): "SIM busy",
    ("CME", 16): "incorrect password",
    ("CMS", 303): "operation not supported",
    ("CMS", 304): "invalid PDU mode parameter",
    ("CMS", 311): "SIM PIN required",
    ("CMS", 316): "SIM PUK required",
    ("CMS", 321): "invalid memory index",
}


class Dialogue:
    def __init__(
        self, settings: Settings, write: Callable[[bytes], Awaitable[None]], *, write_bytes: int
    ) -> None:
        """`write_bytes`: so many at a time, with a pause after each; 0: all at once."""
        self._settings = settings
        self._write_port = write
        self._write_bytes = write_bytes
        self._in: asyncio.Queue[int] = asyncio.Queue()
        self._news: list[str] = []
        self._line = asyncio.Lock()
        """One line is written at a time."""
        self._is_busy = False
        self.is_rude = settings.personality.is_rude
        self.is_silent = False
        """Nothing comes out any more."""
        self._chatter = itertools.cycle(settings.personality.chatter or ("",))

    def feed(self, data: bytes) -> None:
        """What the other side wrote; a silent modem does not even read it."""
        if not self.is_silent:
            for octet in data:
                self._in.put_nowait(octet)

    async def read_command_line(self) -> str:
        """The next one, without its end; what has no `AT` in it is no command line."""
        line = bytearray()
        while True:
            octet = await self._read_octet()
            if octet == _BACKSPACE:
                del line[-1:]
            elif octet == _CARRIAGE_RETURN:
                text = line.decode("ascii", "replace").strip()
                if "AT" in text.upper():
                    return text
                line.clear()
            elif octet >= 0x20:
                line.append(octet)

    async def read_pdu(self) -> str | None:
        """What follows the prompt, up to the end mark; None: it was broken off."""
        typed = bytearray()
        while True:
            octet = await self._read_octet()
            if octet == _ESCAPE:
                return None
            if octet == _END_OF_PDU:
                return typed.decode("ascii", "replace").strip()
            typed.append(octet)

    async def prompt(self) -> None:
        await self._write(b"\r\n> ")

    def begin(self) -> None:
        """A command is carried out: news waits, unless the modem is rude."""
        self._is_busy = True

    async def answer(self, lines: list[str]) -> None:
        for place, line in enumerate(lines):
            await self._say(line)
            if place == 0 and self.is_rude:
                await self._say(next(self._chatter))

    async def end(self, result: str | Refusal) -> None:
        """The last line of an answer, and then the news."""
        await self._say(self._refusal(result) if isinstance(result, Refusal) else result)
        await self.end_without_result()

    async def end_without_result(self) -> None:
        self._is_busy = False
        news, self._news = self._news, []
        for line in news:
            await self._say(line)
        await self._say(next(self._chatter))

    async def announce(self, line: str) -> None:
        """Something nobody asked for."""
        if self._is_busy and not self.is_rude:
            self._news.append(line)
        else:
            await self._say(line)

    def _refusal(self, refusal: Refusal) -> str:
        detail = self._settings.error_detail
        if not refusal.kind or (refusal.kind == "CME" and not detail):
            return "ERROR"
        words = _WORDS.get((refusal.kind, refusal.number), "") if detail == 2 else ""
        return f"+{refusal.kind} ERROR: {words or refusal.number}"

    async def _say(self, line: str) -> None:
        if not line:
            return
        if self._settings.is_verbose:
            await self._write(f"\r\n{line}\r\n".encode("ascii"))
        elif line in _DIGITS:
            await self._write(f"{_DIGITS[line]}\r".encode("ascii"))
        else:
            await self._write(f"{line}\r\n".encode("ascii"))

    async def _read_octet(self) -> int:
        octet = await self._in.get()
        if self._settings.is_echoing:
            await self._write(bytes((octet,)))
        return octet

    async def _write(self, data: bytes) -> None:
        if self.is_silent:
            return
        async with self._line:
            size = self._write_bytes or len(data)
            for begin in range(0, len(data), size):
                await self._write_port(data[begin : begin + size])
                if self._write_bytes:
                    await asyncio.sleep(0.001)
