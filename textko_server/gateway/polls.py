"""Open long-polls: who waits for which lanes, and who is woken when a job comes.

A job in an account's lane wakes one waiting device, not all. A device that cannot take it (its SIMs
are at their pace) steps aside until it can, and the next is woken. Refuses to know HTTP and SQL.
"""

import asyncio
from collections.abc import Iterable

from textko_server.clock import Clock
from textko_server.gateway.events import DeviceChanged, Event, LaneFilled

_TICKS_PER_S = 10


class Poll:
    """One device waiting. Register before looking for jobs, so that none is missed between."""

    __slots__ = (
        "blocked_until", "device_id", "ends_in", "is_paced", "lanes", "otp_blocked_until", "waked",
    )  # fmt: skip

    def __init__(self, device_id: int, lanes: tuple[str, ...]) -> None:
        self.device_id = device_id
        self.lanes = lanes
        self.waked: asyncio.Future[bool] | None = None
        """True: there may be work; False: the wait is over."""
        self.blocked_until = 0
        """Unix ms before which jobs of a shared lane go to others."""
        self.otp_blocked_until = 0
        """The same of those that no sending window holds back."""
        self.ends_in: int | None = None
        """The tick its wait ends at."""
        self.is_paced = False
        """It waits for its pace, not for the end: there may be work then."""


class Polls:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of_lane: dict[str, list[Poll]] = {}
        """Of a device or a SIM: mostly one."""
        self._of_account: dict[str, dict[Poll, None]] = {}
        """Of a shared lane, longest waiting first; those woken have left it."""
        self._ending: dict[int, set[Poll]] = {}
        """By tick: ten thousand polls share some hundred timers."""
        self._is_stopped = False

    @property
    def open_count(self) -> int:
        own = {p for polls in self._of_lane.values() for p in polls}
        return len(own.union(*self._of_account.values()))

    def has_stopped(self) -> bool:
        """The server stops: nobody waits any more."""
        return self._is_stopped

    def open(self, device_id: int, lanes: Iterable[str]) -> Poll:
        poll = Poll(device_id, tuple(lanes))
        self._enter(poll)
        return poll

    def close(self, poll: Poll) -> None:
        self._unset_timer(poll)
        for lane in poll.lanes:
            if lane.startswith("a"):
                self._leave_shared(lane, poll)
            elif lane in self._of_lane:
                polls = [p for p in self._of_lane[lane] if p is not poll]
                if polls:
                    self._of_lane[lane] = polls
                else:
                    del self._of_lane[lane]

    def rearm(self, poll: Poll, lanes: Iterable[str] | None = None) -> None:
        """Wait for the next wake-up, at the end of each lane's line; `lanes` replaces its lanes."""
        self.close(poll)
        if lanes is not None:
            poll.lanes = tuple(lanes)
        self._enter(poll)

    def _enter(self, poll: Poll) -> None:
        poll.waked = asyncio.get_running_loop().create_future()
        for lane in poll.lanes:
            if lane.startswith("a"):
                self._of_account.setdefault(lane, {})[poll] = None
            else:
                self._of_lane.setdefault(lane, []).append(poll)

    def _leave_shared(self, lane: str, poll: Poll) -> None:
        polls = self._of_account.get(lane)
        if polls is not None:
            polls.pop(poll, None)
            if not polls:
                del self._of_account[lane]

    def pass_on(self, poll: Poll) -> None:
        """This poll could not look for the job that woke it: let the next of each lane do so."""
        for lane in poll.lanes:
            self.wake_lane(lane, 1, has_otp=True)

    async def wait(self, poll: Poll, deadline: float, retry_at: int | None = None) -> bool:
        """True when there may be work: woken, or it is `retry_at` (Unix ms). False at the deadline.

        `deadline` is of the event loop's clock. Ends up to a tenth of a second late.
        """
        loop = asyncio.get_running_loop()
        ends_at = deadline
        if deadline <= loop.time() or poll.waked is None:
            return False
        poll.is_paced = False
        if retry_at is not None:
            retries_at = loop.time() + (retry_at - self._clock.now_ms()) / 1000
            ends_at, poll.is_paced = min(deadline, retries_at), retries_at < deadline
        self._set_timer(poll, ends_at, loop)
        try:
            return await poll.waked
        finally:
            self._unset_timer(poll)

    def _set_timer(self, poll: Poll, ends_at: float, loop: asyncio.AbstractEventLoop) -> None:
        tick = int(max(ends_at, loop.time()) * _TICKS_PER_S) + 1
        poll.ends_in = tick
        polls = self._ending.get(tick)
        if polls is None:
            polls = self._ending[tick] = set()
            loop.call_at(tick / _TICKS_PER_S, self._end, tick)
        polls.add(poll)

    def _unset_timer(self, poll: Poll) -> None:
        if poll.ends_in is not None:
            self._ending.get(poll.ends_in, set()).discard(poll)
            poll.ends_in = None

    def _end(self, tick: int) -> None:
        for poll in self._ending.pop(tick, ()):
            poll.ends_in = None
            if poll.waked is not None:
                _finish(poll.waked, has_work=poll.is_paced)

    def on_event(self, event: Event) -> None:
        """Listens to the bus."""
        if isinstance(event, LaneFilled):
            self.wake_lane(event.lane, event.count, has_otp=event.has_otp)
        elif isinstance(event, DeviceChanged) and event.what not in ("online", "offline", "status"):
            for poll in self._of_lane.get(f"d{event.device_id}", ()):
                self._wake(poll)

    def wake_lane(self, lane: str, count: int, *, has_otp: bool = False) -> None:
        """Wake up to `count` polls of a lane, longest waiting first."""
        is_shared = lane.startswith("a")
        now_ms = self._clock.now_ms()
        chosen: list[Poll] = []
        for poll in self._of_account.get(lane, ()) if is_shared else self._of_lane.get(lane, ()):
            if len(chosen) >= count:
                break
            is_waiting = poll.waked is not None and not poll.waked.done()
            blocked_until = poll.otp_blocked_until if has_otp else poll.blocked_until
            if is_waiting and not (is_shared and blocked_until > now_ms):
                chosen.append(poll)
        for poll in chosen:
            self._wake(poll)

    def stop(self) -> None:
        """The server stops: answer every open poll at once."""
        self._is_stopped = True
        shared = [p for polls in self._of_account.values() for p in polls]
        own = [p for polls in self._of_lane.values() for p in polls]
        for poll in dict.fromkeys(shared + own):
            self._wake(poll)

    def _wake(self, poll: Poll) -> None:
        """Whoever is woken leaves the shared lines until it is armed again."""
        for lane in poll.lanes:
            if lane.startswith("a"):
                self._leave_shared(lane, poll)
        if poll.waked is not None:
            _finish(poll.waked, has_work=True)


def _finish(waked: "asyncio.Future[bool]", has_work: bool) -> None:
    if not waked.done():
        waked.set_result(has_work)
