"""A whole modem: its port, its SIM, its network, and the hand on its plug.

`async with EmulatedModem(folder) as modem` and then open `modem.link` as any serial port. What it
remembers, and what it sent, is in the folder. Refuses to know who drives it.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from textko_server.clock import Clock
from textko_server.emulated.modem.air import Air, SentText
from textko_server.emulated.modem.dialogue import Dialogue
from textko_server.emulated.modem.fates import FATES, Fate
from textko_server.emulated.modem.message_memory import MessageMemories
from textko_server.emulated.modem.network import REPORT_AFTER_S, Network
from textko_server.emulated.modem.personality import GENERIC, Personality
from textko_server.emulated.modem.pty_port import PtyPort
from textko_server.emulated.modem.session import Session
from textko_server.emulated.modem.settings import Settings
from textko_server.emulated.modem.sim import Sim
from textko_server.emulated.modem.steps import Steps
from textko_server.phone.modem.pdu import Pdu

IMEI = "860000000000017"


class EmulatedModem:
    def __init__(
        self,
        folder: Path,
        *,
        link: Path | None = None,
        personality: Personality = GENERIC,
        sim: Sim | None = None,
        imei: str = IMEI,
        clock: Clock | None = None,
        fates: Mapping[str, Fate] = FATES,
        send_s: float = 0.0,
        report_after_s: float = REPORT_AFTER_S,
        write_bytes: int = 0,
    ) -> None:
        """`link`: the name of its port, otherwise `tty` in the folder. `send_s`: how long the
        network takes for a text. `write_bytes`: it writes so many at a time, haltingly.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.personality = personality
        self.sim = sim or Sim()
        self.air = Air(folder / "air.jsonl")
        self.memories = MessageMemories(folder / "memories.json", dict(personality.memories))
        self.network = Network(
            clock or Clock(), self.air, self._take, fates, report_after_s=report_after_s
        )
        self.steps = Steps()
        self.commands: list[str] = []
        """Every command line it was given."""
        self._imei = imei
        self._send_s = send_s
        self._write_bytes = write_bytes
        self._port = PtyPort(link or folder / "tty", self._feed)
        self._dialogue: Dialogue | None = None
        self._session: Session | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def link(self) -> Path:
        return self._port.link

    async def __aenter__(self) -> "EmulatedModem":
        self._tasks = [asyncio.create_task(self.network.run())]
        self.plug_in()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self.unplug()
        await _stop(self._tasks.pop())

    @property
    def sent_texts(self) -> list[SentText]:
        """What went over the air, joined."""
        return self.air.texts()

    def receive(self, sender: str, text: str, *, is_reversed: bool = False) -> None:
        """An incoming text, of as many parts as it needs; `is_reversed`: the last part first."""
        self.network.receive(sender, text, is_reversed=is_reversed)

    def plug_in(self) -> None:
        """Power comes on; settings are forgotten, memories are not."""
        self.sim.power_on()
        settings = Settings(self.personality)
        self._dialogue = Dialogue(settings, self._port.write, write_bytes=self._write_bytes)
        self._session = Session(
            settings,
            self.sim,
            self.network,
            self.memories,
            self._dialogue,
            self.steps,
            imei=self._imei,
            send_s=self._send_s,
            on_command=self.commands.append,
        )
        self._port.plug_in()
        self._tasks.append(asyncio.create_task(self._session.run()))

    async def unplug(self) -> None:
        """Power goes, and the port with it. What the network has for the SIM waits there."""
        if self._session is None:
            return
        self._session.is_over = True
        self._session = self._dialogue = None
        self._port.unplug()
        await _stop(self._tasks.pop())

    def hang(self) -> None:
        """It says nothing any more, until it is unplugged and plugged in again."""
        if self._dialogue is not None:
            self._dialogue.is_silent = True

    def _feed(self, data: bytes) -> None:
        if self._dialogue is not None:
            self._dialogue.feed(data)

    async def _take(self, pdu: Pdu) -> bool:
        return self._session is not None and await self._session.take(pdu)


async def _stop(task: asyncio.Task[None]) -> None:
    """Raises what it failed with before."""
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
