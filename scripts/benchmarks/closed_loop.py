"""Connections that each send the next request as soon as they have their answer.

Refuses to know what is measured with them.
"""

import asyncio
import time
from collections.abc import Callable
from itertools import count

from benchmarks.orders import Counted, RoundTrips
from benchmarks.wire import NUMBER_MARK, Connection, connect

# Ten digits, as wide as NUMBER_MARK, that make phone numbers of a plausible country.
_FIRST_NUMBER = 1_900_000_000
_numbers = count(_FIRST_NUMBER)


class ClosedLoop:
    def __init__(self, port: int, template: bytes) -> None:
        self._port = port
        self._template = template
        self._marks_count = template.count(NUMBER_MARK)
        self._connections: list[Connection] = []
        self._on_answer: Callable[[Connection, int, bytes], None] = lambda *_: None

    async def open(self, connections_count: int) -> None:
        for _ in range(connections_count):
            self._connections.append(
                await connect(self._port, lambda *answer: self._on_answer(*answer))
            )

    @property
    def connections(self) -> list[Connection]:
        return self._connections

    def answer_with(self, on_answer: Callable[[Connection, int, bytes], None]) -> None:
        self._on_answer = on_answer

    def next_request(self) -> tuple[int, bytes]:
        """A request like no other, and the first of its numbers."""
        number = next(_numbers)
        if self._marks_count <= 1:
            return number, self._template.replace(NUMBER_MARK, b"%d" % number)
        pieces = self._template.split(NUMBER_MARK)
        filled = [pieces[0]]
        for piece in pieces[1:]:
            filled += [b"%d" % next(_numbers), piece]
        return number, b"".join(filled)

    async def run(self, seconds: float) -> Counted:
        finished = asyncio.get_running_loop().create_future()
        answered_count = refused_count = 0
        open_count = len(self._connections)
        started = time.perf_counter()
        end = started + seconds

        def on_answer(connection: Connection, status: int, _body: bytes) -> None:
            nonlocal answered_count, refused_count, open_count
            answered_count += 1
            refused_count += not 200 <= status < 300
            if status and time.perf_counter() < end:
                connection.send(self.next_request()[1])
                return
            open_count -= 1
            if not open_count:
                finished.set_result(None)

        self.answer_with(on_answer)
        for connection in self._connections:
            connection.send(self.next_request()[1])
        await finished
        return Counted(answered_count, time.perf_counter() - started, refused_count)

    async def round_trips(self, seconds: float) -> RoundTrips:
        """On the first connection alone."""
        loop = asyncio.get_running_loop()
        end = time.perf_counter() + seconds
        times_ms: list[float] = []
        while time.perf_counter() < end:
            answered: asyncio.Future[float] = loop.create_future()
            self.answer_with(lambda *_: answered.set_result(time.perf_counter()))  # noqa: B023 - awaited in this round
            request = self.next_request()[1]
            sent_at = time.perf_counter()
            self._connections[0].send(request)
            times_ms.append((await answered - sent_at) * 1000)
        return RoundTrips(sorted(times_ms))
