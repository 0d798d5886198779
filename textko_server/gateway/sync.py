"""A device's sync: take in all it says in one transaction, answer with what it is to do, and hold
the request while there is nothing.

Refuses to know JSON and HTTP: http/device.py translates.
"""

import asyncio
from collections.abc import Callable

import msgspec

from textko_server.clock import Clock
from textko_server.config import DispatchSettings
from textko_server.errors import TextkoError, Unauthenticated
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.devices import check_sims
from textko_server.gateway.dispatch import (
    NOTHING,
    Ask,
    ClaimAnswer,
    Dispatch,
    Offer,
    OfferRound,
    account_lane,
    device_lane,
    lanes_of,
)
from textko_server.gateway.events import DeviceChanged, Event
from textko_server.gateway.filled_lanes import FilledLanes
from textko_server.gateway.inbox import Inbox, Incoming
from textko_server.gateway.phone_alerts import PhoneAlerts
from textko_server.gateway.polls import Poll, Polls
from textko_server.gateway.presence import Presence
from textko_server.gateway.reports import Report, Reports, may_report
from textko_server.model import Device, Job, Sim
from textko_server.store import devices as device_store
from textko_server.store import messages as message_store
from textko_server.store.database import Database, Transaction

# What happens to a device without changing what it may be offered.
_PASSING = frozenset({"online", "offline", "status", "cancel"})


class Status(msgspec.Struct, frozen=True):
    """What is None was not said."""

    battery_percent: int | None = None
    is_charging: bool | None = None
    network: str | None = None
    signal_percent: int | None = None


class SyncRequest(msgspec.Struct, frozen=True):
    capacity: int = 10
    claims: list[str] = []
    reports: list[tuple[str, Report]] = []
    """(job id, report)"""
    incoming: list[Incoming] = []
    status: Status | None = None
    sims: list[device_store.NewSim] | None = None

    @property
    def wants_answer_now(self) -> bool:
        return bool(self.claims or self.reports or self.incoming)

    @property
    def says_something(self) -> bool:
        return self.wants_answer_now or self.status is not None or self.sims is not None


class SyncAnswer(msgspec.Struct):
    device: Device
    claims: ClaimAnswer
    offers: list[Offer]
    cancels: list[str]
    accepted_reports: list[str]
    accepted_incoming: list[str]
    ignored: list[tuple[str, str]]
    """(job id, reason)"""
    round: OfferRound
    lanes: list[str] = []
    """Where jobs for this device may turn up."""


class _Known(msgspec.Struct, frozen=True):
    """A device as it was at its last look."""

    device: Device
    lanes: tuple[str, ...]

    def lanes_with(self, capacity: int) -> tuple[str, ...]:
        """One that takes none keeps its own lane only, for cancels: it would swallow what wakes
        another."""
        return self.lanes if self.device.is_enabled and capacity > 0 else self.lanes[:1]


class Sync:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: DispatchSettings,
        *,
        dispatch: Dispatch,
        reports: Reports,
        inbox: Inbox,
        polls: Polls,
        presence: Presence,
        phone_alerts: PhoneAlerts,
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dispatch = dispatch
        self._reports = reports
        self._inbox = inbox
        self._polls = polls
        self._presence = presence
        self._phone_alerts = phone_alerts
        self._told_cancels: dict[int, frozenset[str]] = {}
        """What a device was told no longer to send: a poll is not answered for it a second time."""
        self._known: dict[int, _Known] = {}
        """Devices as of their last look; dropped when they change."""
        self._change_count = 0
        self._filled = FilledLanes()
        self._looks = db.batch(self._take_in, durable=False)
        self._writes = db.batch(self._take_in)

    def start(self, waiting_lanes: list[str]) -> None:
        """`waiting_lanes`: those that hold jobs from before."""
        for lane in waiting_lanes:
            self._filled.mark(lane)

    def forget_looks(self) -> None:
        """A group of writes was undone: what looks found then may not be so."""
        self._change_count += 1
        self._known.clear()

    def on_event(self, event: Event) -> None:
        """Listens to the bus."""
        self._filled.on_event(event)
        if isinstance(event, DeviceChanged) and event.what not in _PASSING:
            self._change_count += 1
            self._known.pop(event.device_id, None)

    async def sync(
        self,
        device_id: int,
        request: SyncRequest,
        *,
        wait_s: float,
        is_connected: Callable[[], bool],
    ) -> SyncAnswer:
        """Take in `request`; if it asks nothing and nothing is to do, hold it up to `wait_s`
        seconds.

        On disk before it returns. `is_connected` says whether the phone still listens: nothing is
        leased to one that does not.

        Raises:
            Unauthenticated: the device was deleted.
            Invalid: SIMs that break the rules.
        """
        if request.sims is not None:
            check_sims(request.sims)
        answer = None
        if request.says_something or self._has_work(device_id):
            answer = await self._exchange(device_id, request)
        self._presence.heard(device_id, self._user_of(device_id, answer))
        if not (request.wants_answer_now or wait_s <= 0 or self._has_news(device_id, answer)):
            answer = await self._hold(device_id, request.capacity, wait_s, is_connected)
        if answer is None:
            known = self._known.get(device_id)
            if known is None:  # changed at this moment
                answer = await self._exchange(device_id, SyncRequest(capacity=request.capacity))
            else:
                answer = _empty_answer(known.device)
        self._note_told(device_id, answer.cancels)
        return answer

    def _user_of(self, device_id: int, answer: SyncAnswer | None) -> int:
        device = answer.device if answer is not None else self._known[device_id].device
        return device.user_id

    def _note_told(self, device_id: int, cancels: list[str]) -> None:
        if cancels:
            self._told_cancels[device_id] = frozenset(cancels)
        else:
            self._told_cancels.pop(device_id, None)

    def _has_news(self, device_id: int, answer: SyncAnswer | None) -> bool:
        if answer is None or answer.offers:
            return answer is not None
        return not self._told_cancels.get(device_id, frozenset()).issuperset(answer.cancels)

    def _has_work(self, device_id: int) -> bool:
        """Whether only a look at the database can tell what there is for this device."""
        known = self._known.get(device_id)
        return known is None or self._filled.has_any(known.lanes)

    async def _hold(
        self,
        device_id: int,
        capacity: int,
        wait_s: float,
        is_connected: Callable[[], bool],
    ) -> SyncAnswer | None:
        """Wait for news; None: there is none. A poll that waits holds no answer in memory."""
        deadline = asyncio.get_running_loop().time() + wait_s
        poll = self._polls.open(device_id, self._lanes_now(device_id, capacity))
        self._presence.poll_opened(device_id)
        answer: SyncAnswer | None = None
        left_over = False
        try:
            # Look again: a job may have come between the first look and the registration.
            answer = await self._look(device_id, capacity)
            while not (self._has_news(device_id, answer) or self._polls.has_stopped()):
                lanes = self._lanes_now(device_id, capacity)
                if lanes != poll.lanes:
                    # Switched on or off, or other SIMs: look again where it did not listen.
                    self._polls.rearm(poll, lanes)
                    answer = await self._look(device_id, capacity)
                    continue
                retry_at = self._step_aside(poll, answer)
                if answer is not None and not answer.cancels:
                    answer = None
                if not await self._polls.wait(poll, deadline, retry_at):
                    break
                if self._polls.has_stopped():
                    break
                if not is_connected():
                    self._polls.pass_on(poll)
                    break
                self._polls.rearm(poll)
                answer = await self._look(device_id, capacity)
            left_over = answer is not None and answer.round.left_over
            return answer
        except TextkoError:  # deleted, or the disk refuses
            self._polls.pass_on(poll)
            raise
        finally:
            self._polls.close(poll)
            self._presence.poll_closed(device_id)
            if left_over and answer is not None:
                self._polls.wake_lane(
                    account_lane(answer.device.user_id), 1, has_otp=answer.round.has_otp_left_over
                )

    def _step_aside(self, poll: Poll, answer: SyncAnswer | None) -> int | None:
        """When this device may look again by itself. One that cannot take more lets others look."""
        poll.blocked_until = poll.otp_blocked_until = 0
        if answer is None:
            return None
        if answer.round.left_over:
            poll.blocked_until = answer.round.retry_at or self._clock.now_ms() + 1_000
            if answer.round.has_otp_left_over:
                poll.otp_blocked_until = poll.blocked_until
            self._polls.wake_lane(poll.lanes[-1], 1, has_otp=answer.round.has_otp_left_over)
        return answer.round.retry_at or poll.blocked_until or None

    def _lanes_now(self, device_id: int, capacity: int) -> tuple[str, ...]:
        """Where it listens; its own lane, if it changed this moment: it will be woken for that."""
        known = self._known.get(device_id)
        return known.lanes_with(capacity) if known is not None else (device_lane(device_id),)

    async def _look(self, device_id: int, capacity: int) -> SyncAnswer | None:
        if not self._has_work(device_id):
            return None
        return await self._exchange(device_id, SyncRequest(capacity=capacity))

    async def _exchange(self, device_id: int, request: SyncRequest) -> SyncAnswer:
        seen_until, change_count = self._filled.now(), self._change_count
        # What only offers may be forgotten in a crash: the phone must still get its claim granted.
        batch = self._writes if request.says_something else self._looks
        known = self._known.get(device_id)
        has_wishes = known is None or self._filled.has_any(known.lanes[:1])
        answer = await batch.write((device_id, request, has_wishes))
        self._remember(answer, request.capacity, seen_until, change_count)
        return answer

    def _remember(
        self, answer: SyncAnswer, capacity: int, seen_until: int, change_count: int
    ) -> None:
        lanes = tuple(answer.lanes)
        if self._change_count == change_count:  # else the look may be from before the change
            self._known[answer.device.id] = _Known(answer.device, lanes)
        if answer.cancels:
            self._filled.mark(lanes[0])  # told in every answer: the next poll looks again
        found_nothing = not (answer.offers or answer.round.held_back or answer.cancels)
        if found_nothing and capacity > 0 and answer.device.is_enabled:
            self._filled.clear(lanes, seen_until)

    # --- on the writer thread ---

    def _take_in(
        self, tx: Transaction, syncs: list[tuple[int, SyncRequest, bool]]
    ) -> list[SyncAnswer | TextkoError]:
        """Syncs of many devices together, each in full before any is offered something.

        Each says whether somebody may have wished to cancel a job of its device.
        """
        found = device_store.find_all_with_sims(tx, list({device_id for device_id, *_ in syncs}))
        jobs = self._named_jobs(tx, [request for _, request, _ in syncs])
        answers: list[SyncAnswer | TextkoError] = []
        asks: list[Ask] = []
        for device_id, request, _ in syncs:
            if device_id not in found:
                answers.append(Unauthenticated("this device was deleted: pair it again"))
                continue
            device, sims = found[device_id]
            taken, sims = self._take_in_one(tx, device, sims, request, jobs)
            found[device_id] = device, sims
            answers.append(taken)
            asks.append(Ask(device, sims, request.capacity))
        rounds = iter(self._dispatch.offer(tx, asks))
        wished = [device_id for device_id, _, has_wishes in syncs if has_wishes]
        wishes: dict[int, list[tuple[int, int, int]]] = {}
        if wished:
            tx.flush()
            wishes = message_store.cancel_wishes(tx, wished)
        for answer in answers:
            if isinstance(answer, SyncAnswer):
                answer.round = next(rounds)
                answer.offers = answer.round.offers
                answer.cancels = [
                    self._dispatch.job_id(*wish) for wish in wishes.get(answer.device.id, ())
                ]
        return answers

    def _named_jobs(self, tx: Transaction, requests: list[SyncRequest]) -> dict[int, Job]:
        job_ids = [
            job_id
            for request in requests
            for job_id in (*request.claims, *(job_id for job_id, _ in request.reports))
        ]
        if not job_ids:
            return {}
        named = {self._dispatch.read_job_id(job_id) for job_id in job_ids}
        return message_store.find_jobs(tx, [name[0] for name in named if name is not None])

    def _take_in_one(
        self,
        tx: Transaction,
        device: Device,
        sims: list[Sim],
        request: SyncRequest,
        jobs: dict[int, Job],
    ) -> tuple[SyncAnswer, list[Sim]]:
        accepted, ignored = self._take_reports(tx, device, request.reports, jobs)
        if request.sims is not None:
            sims = self._take_sims(tx, device, sims, request.sims)
        for told in request.incoming:
            self._inbox.receive(tx, device, sims, told)
        if request.status is not None:
            self._take_status(tx, device, request.status)
        answer = _empty_answer(device)
        answer.lanes = lanes_of(device, sims)
        answer.claims = self._dispatch.claim(tx, device, sims, request.claims, jobs)
        answer.accepted_reports = accepted
        answer.accepted_incoming = [told.reference for told in request.incoming]
        answer.ignored = ignored
        return answer, sims

    def _take_reports(
        self,
        tx: Transaction,
        device: Device,
        reports: list[tuple[str, Report]],
        jobs: dict[int, Job],
    ) -> tuple[list[str], list[tuple[str, str]]]:
        accepted: list[str] = []
        ignored: list[tuple[str, str]] = []
        for job_id, report in reports:
            named = self._dispatch.read_job_id(job_id)
            job = jobs.get(named[0]) if named else None
            is_holder = None
            if named is not None and job is not None:
                is_holder = may_report(tx, job, named[1], device.user_id, device.id)
            if named is None or job is None or is_holder is None:
                ignored.append((job_id, "unknown_job"))
                continue
            moved = self._reports.apply(
                tx, job, report, actor="device", device_id=device.id, is_holder=is_holder
            )
            jobs[named[0]] = moved or job
            accepted.append(job_id)
        return accepted, ignored

    def _take_sims(
        self, tx: Transaction, device: Device, known: list[Sim], told: list[device_store.NewSim]
    ) -> list[Sim]:
        device_store.replace_sims(tx, device.id, told)
        sims = device_store.sims_in(tx, device.id)
        if sims != known:  # its open poll listens to the lanes of the old ones
            now_ms = self._clock.now_ms()
            tx.after_commit(DeviceChanged(device.user_id, device.id, "settings", now_ms))
        return sims

    def _take_status(self, tx: Transaction, device: Device, status: Status) -> None:
        network = status.network
        now_ms = self._clock.now_ms()
        device_store.update_status(
            tx,
            device.id,
            now_ms,
            battery_percent=status.battery_percent,
            is_charging=status.is_charging,
            network=clean_text(network)[:32] if network is not None else None,
            signal_percent=status.signal_percent,
        )
        self._phone_alerts.record_status(
            tx, device, battery_percent=status.battery_percent, is_charging=status.is_charging,
            now_ms=now_ms,
        )  # fmt: skip
        tx.after_commit(DeviceChanged(device.user_id, device.id, "status", now_ms))


def _empty_answer(device: Device) -> SyncAnswer:
    return SyncAnswer(device, ClaimAnswer([], []), [], [], [], [], [], NOTHING)
