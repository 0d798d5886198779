"""One simulated phone: a complete program of the device protocol, with made-up radio and people.

Keeps one poll open for offers and says what it has to say beside it. A text goes to the radio only
after its claim was granted, and once. Refuses to know HTTP (client.py), files (journal.py) and how
many of its kind there are (fleet.py).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

import msgspec

from textko_server.clock import Clock
from textko_server.errors import Unauthenticated
from textko_server.phone.agenda import Agenda
from textko_server.phone.battery import Battery
from textko_server.phone.behaviour import Behaviour, Chance, Fate
from textko_server.phone.client import DeviceClient, RequestRefused
from textko_server.phone.journal import (
    AnyRecord,
    Claiming,
    Closed,
    Handed,
    OpenWork,
    Receiving,
    Reporting,
    Sending,
    Unpaired,
)
from textko_server.phone.outbox import Outbox
from textko_server.phone.wire import (
    MAX_CAPACITY,
    DeviceSettings,
    IncomingText,
    Offer,
    PhoneStatus,
    Report,
    ReportState,
    SimCard,
    SyncAnswer,
    SyncRequest,
)

# An answer that brings nothing new, or leaves everything said unnamed, must not become a busy loop.
PAUSE_MS = 500
# Jobs done with are remembered so that an offer told twice is not claimed, and sent, again.
REMEMBERED_JOBS_COUNT = 1_000


class PhoneEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something a phone did or went through, for people and scripts."""

    event: str
    """paired, granted, refused, sent, silent, failed, cancelled, delivered, incoming, offline,
    online, unpaired"""
    phone: str
    """Its name."""
    at: int
    job_id: str | None = None
    incoming_id: str | None = None
    """Only set for `incoming`."""
    device_id: str | None = None
    """Only set for `paired`."""
    detail: str | None = None
    """Why: a word of the protocol, or a sentence."""


class Stage(Enum):
    CLAIMED = auto()
    """Asked for; may be granted already, without our knowing."""
    GRANTED = auto()
    """Waits for its SIM."""
    SENDING = auto()


class Job:
    __slots__ = ("fate", "is_cancelled", "offer", "stage")

    fate: Fate
    """Thrown when it is granted."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        self.stage = Stage.CLAIMED
        self.is_cancelled = False


class SimulatedPhone:
    """Made for one paired device; `open_work` is what an earlier run of it left open."""

    def __init__(
        self,
        client: DeviceClient,
        clock: Clock,
        chance: Chance,
        behaviour: Behaviour,
        *,
        device_id: str,
        name: str,
        sims: tuple[SimCard, ...],
        on_event: Callable[[PhoneEvent], None],
        on_radio: Callable[[Offer, str], None],
        remember: Callable[[AnyRecord], None],
        open_work: OpenWork | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._chance = chance
        self._behaviour = behaviour
        self._device_id = device_id
        self._name = name
        self._sims = sims
        self._on_event = on_event
        self._on_radio = on_radio
        """Called with the offer and the device id when a text is handed to the network."""
        self._remember = remember
        self._agenda = Agenda(clock)
        self._outbox = Outbox()
        self._jobs: dict[str, Job] = {}
        """Offered and not yet out of the radio's hands."""
        self._done: dict[str, None] = {}
        self._radios: dict[int, deque[Job]] = {sim.slot: deque() for sim in sims}
        """What waits for each SIM; the first is being sent."""
        self._has_room = asyncio.Event()
        self._is_online = asyncio.Event()
        self._is_online.set()
        self._connections: set[asyncio.Timeout] = set()
        self._settings = DeviceSettings()
        self._battery = Battery(chance.first_battery_percent(), clock.now_ms())
        self._signal_percent = chance.signal_percent()
        self._incoming_count = 0
        # An id must never come back, not even after a restart.
        self._incoming_prefix = f"{clock.now_ms():x}"
        if open_work is not None:
            self._resume(open_work)

    async def run(self) -> str:
        """Until cancelled, or until the server turns it away: then returns why."""
        if self._behaviour.incoming_per_minute > 0:
            self._agenda.after(self._chance.incoming_after_ms(), self._receive_by_itself)
        if self._behaviour.offline_rate > 0:
            self._agenda.after(self._chance.online_for_ms(), self._go_offline)
        reason = ""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._agenda.run())
                tasks.create_task(self._poll())
                tasks.create_task(self._say())
        except* Unauthenticated as refusals:
            reason = str(refusals.exceptions[0])
            self._remember(Unpaired(self._device_id))
        except* RequestRefused as refusals:
            reason = str(refusals.exceptions[0])
        self._emit("unpaired", detail=reason)
        return reason

    # --- talking ---

    async def _poll(self) -> None:
        """Keep one poll open, asking for as many offers as there is room for."""
        sims: tuple[SimCard, ...] | None = self._sims
        told_status: PhoneStatus | None = None
        while True:
            self._has_room.clear()
            if not self._room():
                # Not for ever: the server has to see us from time to time.
                full_until = self._clock.now_ms() + self._settings.sync_interval_s * 1_000
                await self._clock.sleep_until(full_until, self._has_room)
            room, status, asked_at = self._room(), self._status(), self._clock.now_ms()
            request = SyncRequest(
                capacity=room, sims=sims, status=status if status != told_status else None
            )
            answer = await self._exchange(request, self._settings.sync_interval_s if room else 0)
            sims, told_status = None, status
            if not self._take(answer):
                await self._clock.sleep_until(asked_at + PAUSE_MS, asyncio.Event())

    async def _say(self) -> None:
        """Say claims, reports and incoming texts beside the poll, until an answer names them."""
        while True:
            await self._outbox.has_something.wait()
            request = self._outbox.request()
            is_repeated, is_lost = self._chance.repeats()
            answers = [await self._exchange(request, 0)]
            if is_repeated:
                answers.append(await self._exchange(request, 0))
            for answer in answers[1 if is_repeated and is_lost else 0 :]:
                self._settle(request, answer)
                self._take(answer)
            if self._outbox.holds(request):
                await self._clock.sleep_until(self._clock.now_ms() + PAUSE_MS, asyncio.Event())

    async def _exchange(self, request: SyncRequest, wait_s: int) -> SyncAnswer:
        """Ask until there is an answer; going offline breaks the connection and loses it."""
        while True:
            await self._is_online.wait()
            try:
                async with asyncio.timeout(None) as connection:
                    self._connections.add(connection)
                    return await self._client.sync(request, wait_s)
            except TimeoutError:
                continue
            finally:
                self._connections.discard(connection)

    def _settle(self, request: SyncRequest, answer: SyncAnswer) -> None:
        reports, texts = self._outbox.settle(request, answer)
        for report in reports:
            if not self._outbox.has_reports(report.job_id):
                self._remember(Closed(self._device_id, report.job_id))
        for text in texts:
            self._remember(Handed(self._device_id, text.id))

    def _take(self, answer: SyncAnswer) -> bool:
        """Act on an answer; True when it brought something new."""
        self._settings = answer.settings
        news = [self._begin(job_id) for job_id in answer.granted]
        news += [self._give_up(v.job_id, v.reason) for v in (*answer.refused, *answer.ignored)]
        news += [self._cancel(job_id) for job_id in answer.cancels]
        news += [self._claim(offer) for offer in answer.offers]
        return any(news)

    def _room(self) -> int:
        return max(0, min(self._behaviour.capacity, MAX_CAPACITY) - len(self._jobs))

    # --- a job, from offer to end ---

    def _claim(self, offer: Offer) -> bool:
        if offer.job_id in self._jobs or offer.job_id in self._done:
            return False
        self._jobs[offer.job_id] = Job(offer)
        self._remember(Claiming(self._device_id, offer))
        self._outbox.claim(offer.job_id)
        return True

    def _give_up(self, job_id: str, reason: str) -> bool:
        """The server does not want the job done by us, whatever was said about it."""
        job = self._jobs.get(job_id)
        if job is None or job.stage is not Stage.CLAIMED:
            return False
        self._leave(job)
        self._remember(Closed(self._device_id, job_id))
        self._emit("refused", job_id, detail=reason)
        return True

    def _cancel(self, job_id: str) -> bool:
        job = self._jobs.get(job_id)
        if job is None or job.stage is Stage.SENDING or job.is_cancelled:
            return False
        job.is_cancelled = True
        if job.stage is Stage.GRANTED:
            self._radios[self._slot(job)].remove(job)
            self._end(job, ReportState.CANCELLED)
        # Else it is granted in an answer that is still to come, and ends when that is here.
        return True

    def _begin(self, job_id: str) -> bool:
        """A claim was granted: this phone, and no other ever, sends the text."""
        job = self._jobs.get(job_id)
        if job is None or job.stage is not Stage.CLAIMED:
            return False
        job.stage = Stage.GRANTED
        job.fate = self._chance.fate()
        self._emit("granted", job_id)
        radio = self._radios.get(self._slot(job))
        if job.is_cancelled:
            self._end(job, ReportState.CANCELLED)
        elif radio is None:
            self._end(job, ReportState.FAILED, "sim_absent")
        else:
            radio.append(job)
            if len(radio) == 1:
                self._send_next(radio)
        return True

    def _send_next(self, radio: deque[Job]) -> None:
        """Hand the first waiting text to the radio: a SIM sends one at a time."""
        while radio:
            job = radio[0]
            offer = job.offer
            if offer.expires_at is None or self._clock.now_ms() < offer.expires_at:
                job.stage = Stage.SENDING
                self._remember(Sending(self._device_id, offer.job_id))
                if job.fate.error_code is None:
                    self._on_radio(offer, self._device_id)
                self._agenda.after(job.fate.send_ms, partial(self._finish_sending, radio))
                return
            radio.popleft()
            self._end(job, ReportState.FAILED, "expired")

    def _finish_sending(self, radio: deque[Job]) -> None:
        job = radio.popleft()
        offer, fate = job.offer, job.fate
        self._battery.use_for_text()
        if fate.is_silent:
            self._leave(job)
            self._emit("silent", offer.job_id)
        elif fate.error_code is not None:
            self._end(job, ReportState.FAILED, fate.error_code)
        else:
            self._end(job, ReportState.SENT)
            if offer.delivery_report and fate.delivered_after_ms is not None:
                delivered = partial(self._report, offer.job_id, ReportState.DELIVERED)
                self._agenda.after(fate.delivered_after_ms, delivered)
            if fate.reply_after_ms is not None:
                slot = self._slot(job)
                reply = partial(self._receive, offer.phone_number, fate.reply, slot)
                self._agenda.after(fate.reply_after_ms, reply)
        self._send_next(radio)

    def _end(self, job: Job, state: ReportState, error_code: str | None = None) -> None:
        self._leave(job)
        parts_sent = job.offer.segments if state is ReportState.SENT else None
        self._report(job.offer.job_id, state, error_code, parts_sent)

    def _leave(self, job: Job) -> None:
        """The job is out of our hands, and there is room for another."""
        del self._jobs[job.offer.job_id]
        self._done[job.offer.job_id] = None
        if len(self._done) > REMEMBERED_JOBS_COUNT:
            del self._done[next(iter(self._done))]
        self._has_room.set()

    def _report(
        self,
        job_id: str,
        state: ReportState,
        error_code: str | None = None,
        parts_sent: int | None = None,
    ) -> None:
        report = Report(
            job_id=job_id,
            state=state,
            at=self._clock.now_ms(),
            parts_sent=parts_sent,
            error_code=error_code,
        )
        self._remember(Reporting(self._device_id, report))
        self._outbox.report(report)
        self._emit(state, job_id, detail=error_code)

    def _slot(self, job: Job) -> int:
        return self._sims[0].slot if job.offer.sim_slot is None else job.offer.sim_slot

    def _resume(self, open_work: OpenWork) -> None:
        """Go on with what an earlier run of this phone left open."""
        for offer in open_work.claims.values():
            self._jobs[offer.job_id] = Job(offer)
            self._outbox.claim(offer.job_id)
        for report in open_work.reports.values():
            self._outbox.report(report)
        for text in open_work.texts.values():
            self._outbox.receive(text)
        for job_id in open_work.sending:
            # It may be out or not; sending it again is the one thing that must not happen.
            self._done[job_id] = None
            self._report(job_id, ReportState.FAILED, "generic")

    # --- people, network, battery ---

    def _receive_by_itself(self) -> None:
        self._receive(*self._chance.incoming())
        self._agenda.after(self._chance.incoming_after_ms(), self._receive_by_itself)

    def _receive(self, sender: str, text: str, sim_slot: int) -> None:
        self._incoming_count += 1
        incoming = IncomingText(
            id=f"{self._incoming_prefix}-{self._incoming_count}",
            sender=sender,
            text=text,
            received_at=self._clock.now_ms(),
            sim_slot=sim_slot,
        )
        self._remember(Receiving(self._device_id, incoming))
        self._outbox.receive(incoming)
        self._emit("incoming", incoming_id=incoming.id)

    def _go_offline(self) -> None:
        self._is_online.clear()
        for connection in self._connections:
            connection.reschedule(asyncio.get_running_loop().time())
        # A connection that is breaking must not be broken again.
        self._connections.clear()
        self._emit("offline")
        self._agenda.after(self._chance.offline_for_ms(), self._go_online)

    def _go_online(self) -> None:
        self._is_online.set()
        self._emit("online")
        self._agenda.after(self._chance.online_for_ms(), self._go_offline)

    def _status(self) -> PhoneStatus:
        percent, is_charging = self._battery.read(self._clock.now_ms())
        return PhoneStatus(
            battery=percent, charging=is_charging, network="wifi", signal=self._signal_percent
        )

    def _emit(
        self,
        event: str,
        job_id: str | None = None,
        *,
        incoming_id: str | None = None,
        detail: str | None = None,
    ) -> None:
        self._on_event(
            PhoneEvent(
                event=event,
                phone=self._name,
                at=self._clock.now_ms(),
                job_id=job_id,
                incoming_id=incoming_id,
                detail=detail,
            )
        )
