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
    ClaimAnswer,
    Dispatch,
    Offer,
    OfferRound,
    account_lane,
    device_lane,
    sim_lane,
)
from textko_server.gateway.events import DeviceChanged
from textko_server.gateway.inbox import Inbox, Incoming
from textko_server.gateway.polls import Poll, Polls
from textko_server.gateway.presence import Presence
from textko_server.gateway.reports import Report, Reports, find_reported_job
from textko_server.model import Device, Sim
from textko_server.store import devices as device_store
from textko_server.store import messages as message_store
from textko_server.store.database import Database, Transaction


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
    lanes: list[str]
    """Where jobs for this device may turn up."""


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
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._dispatch = dispatch
        self._reports = reports
        self._inbox = inbox
        self._polls = polls
        self._presence = presence
        self._told_cancels: dict[int, frozenset[str]] = {}
        """What a device was told no longer to send: a poll is not answered for it a second time."""

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
        answer = await self._exchange(device_id, request)
        self._presence.heard(device_id, answer.device.user_id)
        if not (request.wants_answer_now or wait_s <= 0 or self._has_news(device_id, answer)):
            answer = await self._hold(device_id, request.capacity, wait_s, answer, is_connected)
        if answer.cancels:
            self._told_cancels[device_id] = frozenset(answer.cancels)
        else:
            self._told_cancels.pop(device_id, None)
        return answer

    def _has_news(self, device_id: int, answer: SyncAnswer) -> bool:
        if answer.offers:
            return True
        return not self._told_cancels.get(device_id, frozenset()).issuperset(answer.cancels)

    async def _hold(
        self,
        device_id: int,
        capacity: int,
        wait_s: float,
        answer: SyncAnswer,
        is_connected: Callable[[], bool],
    ) -> SyncAnswer:
        deadline = asyncio.get_running_loop().time() + wait_s
        poll = self._polls.open(device_id, answer.lanes)
        self._presence.poll_opened(device_id)
        try:
            # Look again: a job may have come between the first look and the registration.
            plain = SyncRequest(capacity=capacity)
            answer = await self._exchange(device_id, plain)
            while not (self._has_news(device_id, answer) or self._polls.has_stopped()):
                if tuple(answer.lanes) != poll.lanes:
                    # Switched on or off, or other SIMs: look again where it did not listen.
                    self._polls.rearm(poll, answer.lanes)
                    answer = await self._exchange(device_id, plain)
                    continue
                self._step_aside(poll, answer.round)
                retry_at = answer.round.retry_at or poll.blocked_until or None
                if not await self._polls.wait(poll, deadline, retry_at):
                    break
                if self._polls.has_stopped():
                    break
                if not is_connected():
                    self._polls.pass_on(poll)
                    break
                self._polls.rearm(poll)
                answer = await self._exchange(device_id, plain)
            return answer
        except TextkoError:  # deleted, or the disk refuses
            self._polls.pass_on(poll)
            raise
        finally:
            self._polls.close(poll)
            self._presence.poll_closed(device_id)
            if answer.round.left_over:
                self._polls.wake_lane(account_lane(answer.device.user_id), 1)

    def _step_aside(self, poll: Poll, offer_round: OfferRound) -> None:
        """This device cannot take more now: let the next one look."""
        if offer_round.left_over:
            poll.blocked_until = offer_round.retry_at or self._clock.now_ms() + 1_000
            self._polls.wake_lane(poll.lanes[-1], 1)
        else:
            poll.blocked_until = 0

    async def _exchange(self, device_id: int, request: SyncRequest) -> SyncAnswer:
        # What only offers may be forgotten in a crash: the phone must still get its claim granted.
        return await self._db.write(
            lambda tx: self._take_in(tx, device_id, request), durable=request.says_something
        )

    def _take_in(self, tx: Transaction, device_id: int, request: SyncRequest) -> SyncAnswer:
        found = device_store.find_with_sims(tx, device_id)
        if found is None:
            raise Unauthenticated("this device was deleted: pair it again")
        device, sims = found
        accepted, ignored = self._take_reports(tx, device, request.reports)
        if request.sims is not None:
            sims = self._take_sims(tx, device, sims, request.sims)
        for told in request.incoming:
            self._inbox.receive(tx, device, sims, told)
        if request.status is not None:
            self._take_status(tx, device, request.status)
        claims = self._dispatch.claim(tx, device_id, request.claims)
        offer_round = self._dispatch.offer(tx, device_id, request.capacity)
        return SyncAnswer(
            device,
            claims,
            offer_round.offers,
            [self._dispatch.job_id(*wish) for wish in message_store.cancel_wishes(tx, device_id)],
            accepted,
            [told.reference for told in request.incoming],
            ignored,
            offer_round,
            _lanes(device, sims, request.capacity),
        )

    def _take_reports(
        self, tx: Transaction, device: Device, reports: list[tuple[str, Report]]
    ) -> tuple[list[str], list[tuple[str, str]]]:
        accepted: list[str] = []
        ignored: list[tuple[str, str]] = []
        for job_id, report in reports:
            named = self._dispatch.read_job_id(job_id)
            found = find_reported_job(tx, named, device.user_id, device.id)
            if found is None:
                ignored.append((job_id, "unknown_job"))
                continue
            job, is_holder = found
            self._reports.apply(
                tx, job, report, actor="device", device_id=device.id, is_holder=is_holder
            )
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
        tx.after_commit(DeviceChanged(device.user_id, device.id, "status", now_ms))


def _lanes(device: Device, sims: list[Sim], capacity: int) -> list[str]:
    """Where jobs that this device can take may turn up; its own lane first, the account's last.

    One that takes none keeps its own only, for cancels: it would swallow what wakes another.
    """
    if not device.is_enabled or capacity <= 0:
        return [device_lane(device.id)]
    sim_lanes = (sim_lane(s.id) for s in sims if s.is_present)
    return [device_lane(device.id), *sim_lanes, account_lane(device.user_id)]
