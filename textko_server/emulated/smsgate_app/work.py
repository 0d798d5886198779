"""Android's WorkManager, as far as the app leans on it.

Work is a row on the disk before it begins, so it outlives the program: what ran when it was killed
runs again, with its count of tries kept. A worker that asks for a retry waits 10 s, then twice as
long each time up to 5 h (or 10 s more each time); work of a unique name replaces what has that
name, which cancels it in the middle. Refuses to know what the workers do.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from enum import Enum

import msgspec

from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.network import Network
from textko_server.emulated.smsgate_app.phone_time import PhoneTime

MIN_BACKOFF_MS = 10_000
MAX_BACKOFF_MS = 5 * 60 * 60 * 1_000
# JobScheduler's share for one app: WorkManager's Configuration.MIN_SCHEDULER_LIMIT.
_SLOTS_COUNT = 20


class Outcome(Enum):
    SUCCESS = "success"
    RETRY = "retry"
    FAILURE = "failure"


class Work(msgspec.Struct, frozen=True):
    worker: str
    subject: str = ""
    """What it is about, in the worker's words."""
    tries_count: int = 0
    """Before this one."""
    next_at: int = 0


Run = Callable[[Work], Awaitable[Outcome]]


class Worker(msgspec.Struct, frozen=True):
    run: Run
    period_ms: int = 0
    """0: done once."""
    needs_network: bool = True
    first_backoff_ms: int = MIN_BACKOFF_MS
    is_linear: bool = False

    def backoff_ms(self, tries_count: int) -> int:
        """After so many tries, this one among them."""
        if self.is_linear:
            return min(self.first_backoff_ms * tries_count, MAX_BACKOFF_MS)
        return int(min(self.first_backoff_ms * 2 ** min(tries_count - 1, 20), MAX_BACKOFF_MS))


class WorkManager:
    """Define the workers, then `start`."""

    def __init__(self, table: Table[Work], time: PhoneTime, network: Network) -> None:
        self._table = table
        self._time = time
        self._network = network
        self._workers: dict[str, Worker] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        self._slots = asyncio.Semaphore(_SLOTS_COUNT)

    def count(self, name: str) -> int:
        """How much work of a worker's is still to be done."""
        return sum(work.worker == name for work in self._table.rows.values())

    def define(self, name: str, worker: Worker) -> None:
        self._workers[name] = worker

    def start(self, group: asyncio.TaskGroup) -> None:
        """Take up what is on the disk; `group` ends it all."""
        self._group = group
        for key in self._table.rows:
            self._begin(key)

    def enqueue(self, name: str, subject: str) -> None:
        """Work beside all other."""
        self._put(secrets.token_hex(8), Work(name, subject, next_at=self._time.now_ms()))

    def enqueue_unique(self, name: str, *, keep: bool = False, at_ms: int = 0) -> None:
        """Work that only one of a name may be: it replaces the old one, or with `keep` yields."""
        if keep and name in self._table.rows:
            return
        self.cancel(name)
        self._put(name, Work(name, next_at=max(at_ms, self._time.now_ms())))

    def cancel(self, name: str) -> None:
        """End work of a unique name, in the middle if need be."""
        self._table.drop(name)
        task = self._tasks.pop(name, None)
        if task is not None and task is not asyncio.current_task():
            task.cancel()

    def _put(self, key: str, work: Work) -> None:
        self._table.put(key, work)
        self._begin(key)

    def _begin(self, key: str) -> None:
        if self._group is not None:
            self._tasks[key] = self._group.create_task(self._play(key))

    async def _play(self, key: str) -> None:
        """Until it is done for good, or somebody else's."""
        work = self._table.rows[key]
        worker = self._workers[work.worker]
        while True:
            await self._time.sleep_until(work.next_at)
            if worker.needs_network:
                await self._network.is_online.wait()
            async with self._slots:
                tries_count = work.tries_count + 1
                self._table.put(key, msgspec.structs.replace(work, tries_count=tries_count))
                outcome = await worker.run(work)
            if self._tasks.get(key) is not asyncio.current_task():
                return
            if outcome is Outcome.RETRY:
                backoff_ms = worker.backoff_ms(tries_count)
                work = msgspec.structs.replace(
                    work, tries_count=tries_count, next_at=self._time.after_ms(backoff_ms)
                )
            elif worker.period_ms:
                work = msgspec.structs.replace(
                    work, tries_count=0, next_at=self._time.after_ms(worker.period_ms)
                )
            else:
                self._table.drop(key)
                del self._tasks[key]
                return
            self._table.put(key, work)
