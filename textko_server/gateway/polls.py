"""Open long-polls: who waits for which lanes, and who is woken when a job comes.

A job in an account's lane wakes one waiting device, not all. A device that cannot take it (its SIMs
are at their pace) steps aside until it can, and the next is woken. Refuses to know HTTP and SQL.
"""

import asyncio
from collections.abc import Iterable

from textko_server.clock import Clock
from textko_server.gateway.events import DeviceChanged, Event, LaneFilled


class Poll:
    """One device waiting. Register before looking for jobs, so that none is missed between."""

    __slots__ = ("blocked_until", "device_id", "lanes", "waked")

    def __init__(self, device_id: int, lanes: tuple[str, ...]) -> None:
        self.device_id = device_id
        self.lanes = lanes
        self.waked: asyncio.Future[bool] | None = None
        """True: there may be work; False: the wait is over."""
        self.blocked_until = 0
        """Unix ms before which jobs of a shared lane go to others."""


class Polls:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._of_lane: dict[str, dict[Poll, None]] = {}
        self._is_stopped = False

    @property
    def open_count(self) -> int:
        return len({p for polls in self._of_lane.values() for p in polls})

    def has_stopped(self) -> bool:
        """The server stops: nobody waits any more."""
        return self._is_stopped

    def open(self, device_id: int, lanes: Iterable[str]) -> Poll:
        poll = Poll(device_id, tuple(lanes))
        poll.waked = asyncio.get_running_loop().create_future()
        for lane in poll.lanes:
            self._of_lane.setdefault(lane, {})[poll] = None
        return poll

    def close(self, poll: Poll) -> None:
        for lane in poll.lanes:
            polls = self._of_lane.get(lane)
            if polls is not None:
                polls.pop(poll, None)
                if not polls:
                    del self._of_lane[lane]

    def rearm(self, poll: Poll, lanes: Iterable[str] | None = None) -> None:
        """Wait for the next wake-up, at the end of each lane's line; `lanes` replaces its lanes."""
        self.close(poll)
        if lanes is not None:
            poll.lanes = tuple(lanes)
        poll.waked = asyncio.get_running_loop().create_future()
        for lane in poll.lanes:
            self._of_lane.setdefault(lane, {})[poll] = None

    def pass_on(self, poll: Poll) -> None:
        """This poll could not look for the job that woke it: let the next of each lane do so."""
        for lane in poll.lanes:
            self.wake_lane(lane, 1)

    async def wait(self, poll: Poll, deadline: float, retry_at: int | None = None) -> bool:
        """True when there may be work: woken, or it is `retry_at` (Unix ms). False at the deadline.

        `deadline` is of the event loop's clock.
        """
        loop = asyncio.get_running_loop()
        wait_s = deadline - loop.time()
        if wait_s <= 0 or poll.waked is None:
            return False
        is_paced = False
        if retry_at is not None:
            paced_s = max((retry_at - self._clock.now_ms()) / 1000, 0.005)
            wait_s, is_paced = min(wait_s, paced_s), paced_s < wait_s
        timer = loop.call_later(wait_s, _finish, poll.waked, is_paced)
        try:
            return await poll.waked
        finally:
            timer.cancel()

    def on_event(self, event: Event) -> None:
        """Listens to the bus."""
        if isinstance(event, LaneFilled):
            self.wake_lane(event.lane, event.count)
        elif isinstance(event, DeviceChanged) and event.what not in ("online", "offline", "status"):
            for poll in list(self._of_lane.get(f"d{event.device_id}", ())):
                _wake(poll)

    def wake_lane(self, lane: str, count: int) -> None:
        """Wake up to `count` polls of a lane, longest waiting first."""
        polls = self._of_lane.get(lane)
        if not polls:
            return
        is_shared = lane.startswith("a")
        now_ms = self._clock.now_ms()
        for poll in polls:
            if count <= 0:
                return
            if is_shared and poll.blocked_until > now_ms:
                continue
            if poll.waked is not None and not poll.waked.done():
                _wake(poll)
                count -= 1

    def stop(self) -> None:
        """The server stops: answer every open poll at once."""
        self._is_stopped = True
        for polls in list(self._of_lane.values()):
            for poll in list(polls):
                _wake(poll)


def _wake(poll: Poll) -> None:
    if poll.waked is not None:
        _finish(poll.waked, has_work=True)


def _finish(waked: "asyncio.Future[bool]", has_work: bool) -> None:
    if not waked.done():
        waked.set_result(has_work)
