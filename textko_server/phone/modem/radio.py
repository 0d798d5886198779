"""Keeps one modem at work: finds it, readies it, sends what waits, reads what came, starts over.

One thing at a time, as the modem does. Refuses to know the server (agent.py), what a text has gone
through (jobs.py, inbox.py), how one is sent (sending.py) and AT commands (modem.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable

import msgspec

from textko_server.clock import Clock
from textko_server.phone.modem.answers import News
from textko_server.phone.modem.commands import Refused, Silent
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.finding import Found, ModemFinder
from textko_server.phone.modem.inbox import Inbox
from textko_server.phone.modem.jobs import Jobs
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.modem import Modem, Network, StoredPdu
from textko_server.phone.modem.port import PortUnusable
from textko_server.phone.modem.reasons import Failure, describe, is_starting
from textko_server.phone.modem.sending import Sender
from textko_server.phone.modem.sim import START_LIMIT_S, SimUnusable, unlock


class Pauses(msgspec.Struct, frozen=True):
    """How long to wait, in milliseconds."""

    look_ms: int = 30_000
    """Between two looks at signal and network."""
    look_again_ms: int = 5_000
    """While there is no network."""
    reopen_ms: int = 3_000
    """Between two tries to find the modem; doubled up to the next one."""
    reopen_most_ms: int = 60_000
    rest_ms: int = 15_000
    """After the network refused a text for a while."""
    drain_ms: int = 600_000
    """Between two looks at every message memory, in case an announcement got lost."""
    drain_often_ms: int = 30_000
    """The same, of a modem that announces nothing at this port."""
    give_back_ms: int = 60_000
    """After so long without a modem what waits goes back to the server."""


USUAL_PAUSES = Pauses()


class Radio:
    def __init__(
        self,
        finder: ModemFinder,
        clock: Clock,
        journal: Journal,
        jobs: Jobs,
        inbox: Inbox,
        log: EventLog,
        *,
        pin: str = "",
        pauses: Pauses = USUAL_PAUSES,
    ) -> None:
        self._finder = finder
        self._clock = clock
        self._journal = journal
        self._jobs = jobs
        self._inbox = inbox
        self._sender = Sender(jobs, log)
        self._log = log
        self._pin = pin
        self._pauses = pauses
        self._wake = asyncio.Event()
        self._stopping = False
        self._unread: dict[tuple[str, int | None], None] = {}
        """Memories to be read whole (None), and single places in them."""
        self._shown: deque[tuple[str, int | None]] = deque()
        """PDUs that came by themselves, with their lengths."""
        self._look_at = 0
        self._drain_at = 0
        self._has_drained = False
        """Since the modem was opened: what is found now has come since."""
        self._announces = True
        self.network: Network | None = None
        """As of the last look; None: there is no modem."""
        self.number = ""
        """The SIM's, as far as it knows it."""
        self.has_sim = True
        self.obstacle: Failure | None = Failure("radio_off", "the modem is being started")
        """Why nothing can be sent now."""
        self.obstacle_since = clock.now_ms()
        self.on_change: Callable[[], None] = lambda: None
        """Called when any of the above has changed."""
        self._told_trouble = ""

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def stop(self) -> None:
        """`run` returns once the text that is with the modem is answered for."""
        self._stopping = True
        self._wake.set()

    async def run(self, found: Found | None = None) -> None:
        """Until stopped or cancelled. `found`: what is open already."""
        reopen_ms = self._pauses.reopen_ms
        while not self._stopping:
            try:
                found = found or await self._finder.open()
                try:
                    await self._ready(found)
                    reopen_ms = self._pauses.reopen_ms
                    await self._work(found.modem)
                finally:
                    found.modem.close()
            except (PortUnusable, Silent, Refused) as error:
                self._block(Failure("radio_off", error.message))
            except SimUnusable as error:
                self.has_sim = False
                self._block(Failure("sim_absent", error.message))
                reopen_ms = self._pauses.reopen_most_ms
            found = None
            self.network = None
            self.on_change()
            if not self._stopping:
                self._wake.clear()
                await self._sleep(reopen_ms)
                reopen_ms = min(reopen_ms * 2, self._pauses.reopen_most_ms)

    def _take_news(self, news: News) -> None:
        """What the modem says unasked. Nothing may be asked here: it is read in its turn."""
        fields = [field.strip(' "') for field in news.text.partition(":")[2].split(",")]
        if news.pdu:
            self._shown.append((news.pdu, int(fields[-1]) if fields[-1].isdigit() else None))
        elif news.name in ("+CMTI", "+CDSI") and len(fields) == 2 and fields[1].isdigit():
            self._unread[fields[0], int(fields[1])] = None
        else:
            return
        self._wake.set()

    # --- getting ready ---

    async def _ready(self, found: Found) -> None:
        modem = found.modem
        modem.commands.when_lost = self._wake.set
        modem.commands.on_news = self._take_news
        for news in found.news:
            self._take_news(news)
        self._log.tell("found", f"{found.identity.title or 'a modem'} at {modem.path}")
        await unlock(modem, self._pin, self._journal)
        await self._prepare(modem)
        self.has_sim = True
        self.number = await modem.own_number()
        self._look_at = self._drain_at = 0
        self._has_drained, self._announces = False, True
        if not modem.has_reports:
            self._log.tell("trouble", "this modem brings no delivery reports: texts stay sent")

    async def _prepare(self, modem: Modem) -> None:
        """A SIM that has just been unlocked takes a while until its texts can be had."""
        loop = asyncio.get_running_loop()
        end = loop.time() + START_LIMIT_S
        while True:
            try:
                await modem.prepare()
                return
            except Refused as error:
                if not is_starting(error.error) or loop.time() > end:
                    raise
            await asyncio.sleep(1)

    # --- at work ---

    async def _work(self, modem: Modem) -> None:
        """Until stopped. Raises: PortUnusable, Silent: the modem has to be opened anew."""
        while not self._stopping:
            self._wake.clear()
            now_ms = self._clock.now_ms()
            while self._shown:
                self._take(*self._shown[0])
                self._shown.popleft()
                await modem.acknowledge()
            if now_ms >= self._drain_at:
                pauses = self._pauses
                self._drain_at = now_ms + (
                    pauses.drain_ms if self._announces else pauses.drain_often_ms
                )
                self._unread |= {(memory, None): None for memory in modem.memories}
                self._inbox.give_up_waiting()
                self._jobs.forget_old()
            if self._unread:
                await self._read(modem)
            if now_ms >= self._look_at:
                await self._look(modem)
            job = None if self.obstacle else self._jobs.next_job()
            if job is not None:
                refusal = await self._sender.send(modem, job)
                if refusal is not None:
                    # Others would be refused as well: rest a little, and look at the network.
                    self._block(refusal)
                    self._look_at = self._clock.now_ms() + self._pauses.rest_ms
                self.on_change()  # there is room for another
            else:
                await self._wait(modem, min(self._look_at, self._drain_at))

    async def _wait(self, modem: Modem, until_ms: int) -> None:
        await self._clock.sleep_until(until_ms, self._wake)
        if modem.commands.lost is not None:
            raise modem.commands.lost

    async def _look(self, modem: Modem) -> None:
        network = await modem.network()
        is_new = network != self.network
        self.network = network
        if network.is_registered:
            self._unblock(network)
            self._look_at = self._clock.now_ms() + self._pauses.look_ms
        else:
            why = "the network turns the SIM away" if network.is_denied else "no network"
            self._block(Failure("no_service", why))
            self._look_at = self._clock.now_ms() + self._pauses.look_again_ms
        if is_new:
            self.on_change()

    async def _read(self, modem: Modem) -> None:
        """What is safe on our disk is deleted there; what cannot be read is left."""
        unread, self._unread = self._unread, {}
        for memory, index in unread:
            try:
                if index is None:
                    stored = await modem.list_texts(memory)
                else:
                    one = await modem.read_text(memory, index)
                    stored = [] if one is None else [one]
            except Refused as error:
                self._log.tell("trouble", f"reading texts: {describe(error.error)}")
                if index is not None:
                    self._drain_at = 0  # it may be found where it is listed
                continue
            if index is None and stored and self._has_drained:
                self._note_unannounced(stored)
            for text in stored:
                await self._take_stored(modem, text)
        self._has_drained = True

    def _note_unannounced(self, stored: list[StoredPdu]) -> None:
        """Many modems announce at one of their ports only; Huawei's and Quectel's among them."""
        if self._announces and not any((t.memory, t.index) in self._unread for t in stored):
            self._announces = False
            self._log.tell(
                "trouble",
                "texts come in unannounced at this port, and so would delivery reports: try "
                "another of the modem's ports",
            )

    async def _take_stored(self, modem: Modem, stored: StoredPdu) -> None:
        self._take(stored.pdu, stored.tpdu_bytes)
        try:
            await modem.delete_text(stored)
        except Refused as error:
            self._log.tell("trouble", f"deleting a text: {describe(error.error)}")

    def _take(self, pdu: str, tpdu_bytes: int | None) -> None:
        report = self._inbox.take(pdu, tpdu_bytes)
        if report is not None:
            self._jobs.take_status_report(report)

    # --- what others see of it ---

    def _block(self, failure: Failure) -> None:
        if self.obstacle is None:
            self.obstacle_since = self._clock.now_ms()
        self.obstacle = failure
        if failure.sentence != self._told_trouble:
            self._told_trouble = failure.sentence
            self._log.tell("trouble", failure.sentence)
        self.on_change()

    def _unblock(self, network: Network) -> None:
        if self.obstacle is None:
            return
        self.obstacle = None
        self._told_trouble = ""
        signal = "" if network.signal_percent is None else f", signal {network.signal_percent} %"
        self._log.tell("ready", f"{network.operator or 'registered'}{signal}")
        self.on_change()

    async def _sleep(self, pause_ms: int) -> None:
        end = self._clock.now_ms() + pause_ms
        while self._clock.now_ms() < end and not self._stopping:
            self._wake.clear()
            await self._clock.sleep_until(end, self._wake)
