"""A modem as a device of the server: takes offers, claims, reports, hands on what came in.

Speaks docs/device-protocol.md with the client that all phone programs share. Refuses to know
modems: radio.py has one.
"""

import asyncio
from contextlib import suppress

from textko_server import __version__
from textko_server.clock import Clock
from textko_server.errors import Unauthenticated
from textko_server.phone.client import DeviceClient, RequestRefused
from textko_server.phone.modem.events import EventLog
from textko_server.phone.modem.finding import Found, ModemFinder
from textko_server.phone.modem.inbox import SIM_SLOT, Inbox
from textko_server.phone.modem.jobs import Jobs
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.radio import USUAL_PAUSES, Pauses, Radio
from textko_server.phone.modem.records import Unpaired
from textko_server.phone.outbox import Outbox
from textko_server.phone.wire import (
    AppVersion,
    DeviceSettings,
    PhoneStatus,
    SimCard,
    SyncAnswer,
    SyncRequest,
)

APP = AppVersion(name="textko-modem", version=__version__)
# A text takes a modem some seconds: more would only wait here instead of at another phone.
CAPACITY = 5
# An answer that brings nothing new must not become a busy loop.
PAUSE_MS = 500
CHECK_MS = 5_000
# How long an end may take that waits for the modem's answer, and then for the server's.
STOP_RADIO_LIMIT_S = 60.0
STOP_SERVER_LIMIT_S = 5.0


class ModemAgent:
    """Made for one paired device, over the journal that says so."""

    def __init__(
        self,
        client: DeviceClient,
        clock: Clock,
        journal: Journal,
        finder: ModemFinder,
        log: EventLog,
        *,
        pin: str = "",
        pauses: Pauses = USUAL_PAUSES,
    ) -> None:
        self._client = client
        self._clock = clock
        self._journal = journal
        self._log = log
        self._pauses = pauses
        self._outbox = Outbox()
        self._jobs = Jobs(clock, journal, self._outbox, log)
        self._inbox = Inbox(clock, journal, self._outbox, log)
        self._radio = Radio(
            finder, clock, journal, self._jobs, self._inbox, log, pin=pin, pauses=pauses
        )
        self._radio.on_change = self._note_change
        self._carrier = ""
        self._settings = DeviceSettings()
        self._has_changed = asyncio.Event()
        self._all_is_said = asyncio.Event()
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """`run` returns once what is with the modem and what is to be said is dealt with."""
        self._stop.set()

    async def run(self, found: Found | None = None) -> str:
        """Until stopped; or until the server turns the device away: then returns why.

        Raises: Unavailable when the journal cannot be written.
        """
        reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                radio = tasks.create_task(self._radio.run(found))
                others = [
                    tasks.create_task(work)
                    for work in (self._poll(), self._say(), self._give_back())
                ]
                tasks.create_task(self._end(radio, others))
        except* Unauthenticated as refusals:
            reason = str(refusals.exceptions[0])
            self._journal.write(Unpaired())
        except* RequestRefused as refusals:
            reason = str(refusals.exceptions[0])
        if reason:
            self._log.tell("unpaired", reason)
        return reason

    async def _end(self, radio: "asyncio.Task[None]", others: "list[asyncio.Task[None]]") -> None:
        await self._stop.wait()
        self._radio.stop()
        await asyncio.wait({radio}, timeout=STOP_RADIO_LIMIT_S)
        radio.cancel()
        if self._outbox.has_something.is_set():
            self._all_is_said.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SERVER_LIMIT_S):
                    await self._all_is_said.wait()
        for task in others:
            task.cancel()

    # --- talking ---

    async def _poll(self) -> None:
        """Keep one poll open while there is room, and tell what has changed."""
        told_sims: tuple[SimCard, ...] | None = None
        told_status: PhoneStatus | None = None
        while True:
            self._has_changed.clear()
            room = self._room()
            status, sims, asked_at = self._status(), self._sims(), self._clock.now_ms()
            request = SyncRequest(
                capacity=room,
                status=status if status != told_status else None,
                sims=sims if sims != told_sims else None,
            )
            interval_s = self._settings.sync_interval_s
            answer = await self._client.sync(request, interval_s if room else 0)
            told_status, told_sims = status, sims
            is_news = self._take(answer)
            if not room:
                # Not for ever: the server has to see us from time to time.
                await self._clock.sleep_until(asked_at + interval_s * 1_000, self._has_changed)
            if not is_news:
                await self._clock.sleep_until(asked_at + PAUSE_MS, asyncio.Event())

    async def _say(self) -> None:
        """Say claims, reports and incoming texts beside the poll, until an answer names them."""
        while True:
            await self._outbox.has_something.wait()
            request = self._outbox.request()
            answer = await self._client.sync(request)
            reports, texts = self._outbox.settle(request, answer)
            for report in reports:
                self._jobs.settle(report)
            for text in texts:
                self._inbox.settle(text)
            self._take(answer)
            if not self._outbox.has_something.is_set():
                self._all_is_said.set()
            if self._outbox.holds(request):
                await self._clock.sleep_until(self._clock.now_ms() + PAUSE_MS, asyncio.Event())

    async def _give_back(self) -> None:
        """What waits for a modem that is not there is for others to send."""
        while True:
            await self._clock.sleep_until(self._clock.now_ms() + CHECK_MS, asyncio.Event())
            blocked_ms = self._clock.now_ms() - self._radio.obstacle_since
            if self._radio.obstacle is not None and blocked_ms > self._pauses.give_back_ms:
                self._jobs.give_back(self._radio.obstacle)

    def _take(self, answer: SyncAnswer) -> bool:
        """Act on an answer; True when it brought something new."""
        self._settings = answer.settings
        if answer.server_time:
            self._jobs.clock_ahead_ms = self._clock.now_ms() - answer.server_time
        granted = [self._jobs.grant(job_id) for job_id in answer.granted]
        news = [self._jobs.give_up(verdict.job_id, verdict.reason) for verdict in answer.refused]
        news += [self._jobs.cancel(job_id) for job_id in answer.cancels]
        # Also while the modem is away for a moment: what stays away too long is given back.
        news += [self._jobs.claim(offer) for offer in answer.offers]
        if any(granted):
            self._radio.wake()
        return any(granted) or any(news)

    def _room(self) -> int:
        if self._radio.obstacle is not None or self._stop.is_set():
            return 0
        return max(0, CAPACITY - self._jobs.unsent_count)

    def _status(self) -> PhoneStatus:
        network = self._radio.network
        return PhoneStatus(
            network=network.kind if network else "none",
            signal=network.signal_percent if network else 0,
        )

    def _sims(self) -> tuple[SimCard, ...]:
        if not self._radio.has_sim:
            return ()
        number, carrier = self._radio.number or None, self._carrier or None
        return (SimCard(slot=SIM_SLOT, number=number, carrier=carrier),)

    def _note_change(self) -> None:
        network = self._radio.network
        if network is not None and network.operator:
            self._carrier = network.operator  # kept while there is no network
        self._has_changed.set()
