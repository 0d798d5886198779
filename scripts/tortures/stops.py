"""R6: SIGTERM under load, with a thousand phones on open polls.

Every open poll is to be answered, every submit answered or its connection closed without the
message being taken, and the process to end within two seconds. Runs the callers in its own event
loop, since what they saw is the evidence.
"""

import asyncio
import resource
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from benchmarks import bodies
from benchmarks.p3_latency import polls_open_count
from benchmarks.processes import Server, wait_for
from benchmarks.seeding import SeededPhone, Seeds, seed
from benchmarks.wire import NUMBER_MARK, Connection, connect, request_bytes

POLLS_COUNT = 1_000
SUBMITTERS_COUNT = 32
LOAD_S = 1.0
LIMIT_S = 2.0
_OPENED_AT_A_TIME_COUNT = 64


class Outcome(msgspec.Struct, frozen=True):
    stop_s: float
    """From SIGTERM to the end of the process."""
    polls_count: int
    polls_unanswered: int
    submits_accepted: int
    submits_refused: int
    """503, or no connection any more."""
    submits_failed: int
    """Any other answer."""
    submits_cut_off: int
    """Connection closed while the answer was awaited; allowed when the message was not taken."""
    accepted_lost: int
    taken_unanswered: int
    """Messages in the database beyond those whose submit was answered."""

    @property
    def is_good(self) -> bool:
        broken = (
            self.polls_unanswered + self.submits_failed + self.accepted_lost + self.taken_unanswered
        )
        return broken == 0 and self.submits_accepted > 0 and self.stop_s <= LIMIT_S

    def to_json(self) -> dict[str, Any]:
        return msgspec.structs.asdict(self)


def run(directory: Path, polls_count: int = POLLS_COUNT) -> Outcome:
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    seeds = seed(directory / "stop", phones_count=polls_count)
    with Server(directory / "stop") as server:
        return uvloop.run(_Stop(server, seeds, polls_count).run())


class _Stop:
    def __init__(self, server: Server, seeds: Seeds, polls_count: int) -> None:
        self._server = server
        self._polls_count = polls_count
        self._seeds = seeds
        self._answered_polls_count = 0
        self._accepted_count = 0
        self._refused_count = 0
        self._failed_count = 0
        self._cut_off_count = 0
        self._number = 1_900_000_000

    async def run(self) -> Outcome:
        in_threads = asyncio.to_thread
        await self._open_polls()
        await in_threads(
            wait_for,
            lambda: polls_open_count(self._server) >= self._polls_count,
            20,
            "all polls open",
        )
        submitters = [asyncio.create_task(self._submit()) for _ in range(SUBMITTERS_COUNT)]
        await asyncio.sleep(LOAD_S)
        stop_s = await in_threads(self._server.stop)
        await asyncio.gather(*submitters)
        stored_count = self._stored_count()
        return Outcome(
            stop_s=round(stop_s, 3),
            polls_count=self._polls_count,
            polls_unanswered=self._polls_count - self._answered_polls_count,
            submits_accepted=self._accepted_count,
            submits_refused=self._refused_count,
            submits_failed=self._failed_count,
            submits_cut_off=self._cut_off_count,
            accepted_lost=max(0, self._accepted_count - stored_count),
            taken_unanswered=max(0, stored_count - self._accepted_count),
        )

    async def _open_polls(self) -> None:
        waiting = list(self._seeds.phones)

        async def open_in_turn() -> None:
            while waiting:
                await self._open_poll(waiting.pop())

        await asyncio.gather(*(open_in_turn() for _ in range(_OPENED_AT_A_TIME_COUNT)))

    async def _open_poll(self, phone: SeededPhone) -> None:
        def on_answer(_connection: Connection, status: int, _body: bytes) -> None:
            self._answered_polls_count += status in (200, 503)

        connection = await connect(self._server.port, on_answer)
        connection.send(request_bytes("POST", "/device/v1/sync?wait=50", phone.token, b"{}"))

    async def _submit(self) -> None:
        """Until the server takes no connection any more."""
        template = bodies.submit_to_phone(self._seeds, self._seeds.absent_phone)
        answer: asyncio.Future[int]

        def on_answer(_connection: Connection, status: int, _body: bytes) -> None:
            answer.set_result(status)

        connection: Connection | None = None
        gone_at = time.perf_counter() + LOAD_S + 30
        while time.perf_counter() < gone_at:
            if connection is None:
                try:
                    connection = await connect(self._server.port, on_answer)
                except OSError:
                    self._refused_count += 1
                    return
            answer = asyncio.get_running_loop().create_future()
            self._number += 1
            connection.send(template.replace(NUMBER_MARK, b"%d" % self._number))
            status = await answer
            is_accepted = 200 <= status < 300
            self._accepted_count += is_accepted
            self._refused_count += status == 503
            self._cut_off_count += status == 0
            self._failed_count += not (is_accepted or status in (0, 503))
            if not is_accepted:
                connection = None

    def _stored_count(self) -> int:
        connection = sqlite3.connect(self._seeds.database_path)
        [count] = connection.execute("SELECT count(*) FROM messages").fetchone()
        connection.close()
        return int(count)
