"""Phones that speak the device protocol with as little work as possible, for load.

Each keeps a poll open and says claims and reports beside it, batched as they come; the radio takes
no time, and every text is delivered at once. textko_server/phone/ has phones that behave like ones.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec

from benchmarks.wire import Connection, connect, request_bytes

POLL_S = 50


class _Offer(msgspec.Struct, rename="camel"):
    job_id: str
    phone_number: str


class _Accepted(msgspec.Struct):
    reports: list[str]


class _Refused(msgspec.Struct, rename="camel"):
    job_id: str


class _Answer(msgspec.Struct):
    granted: list[str]
    refused: list[_Refused]
    offers: list[_Offer]
    accepted: _Accepted


class _Report(msgspec.Struct, rename="camel"):
    job_id: str
    state: str
    at: int


class _Saying(msgspec.Struct):
    capacity: int
    claims: list[str]
    reports: list[_Report]


_decode = msgspec.json.Decoder(_Answer).decode
_encode = msgspec.json.Encoder().encode


class Watcher:
    """What whoever runs the phones wants to know; each phone calls it as things happen."""

    def __init__(self) -> None:
        self.on_offered: Callable[[str, str], None] = lambda _job_id, _number: None
        self.on_granted: Callable[[str], None] = lambda _job_id: None
        self.on_delivered: Callable[[int], None] = lambda _count: None
        self.refused_count = 0


class Phone:
    def __init__(self, port: int, token: str, capacity: int, watcher: Watcher) -> None:
        self._port = port
        self._capacity = capacity
        self._watcher = watcher
        self._polls = [
            request_bytes(
                "POST", f"/device/v1/sync?wait={POLL_S}", token, b'{"capacity":%d}' % room
            )
            for room in range(capacity + 1)
        ]
        self._token = token
        self._room = capacity
        self._is_polling = False
        self._is_saying = False
        self._claims: list[str] = []
        self._reports: list[_Report] = []
        self._said = _Saying(0, [], [])
        self._poll_connection: Connection
        self._say_connection: Connection

    async def open(self) -> None:
        self._poll_connection = await connect(self._port, self._polled)
        self._say_connection = await connect(self._port, self._answered)
        self._poll()

    def close(self) -> None:
        self._poll_connection.close()
        self._say_connection.close()

    def _poll(self) -> None:
        if self._room > 0 and not self._is_polling:
            self._is_polling = True
            self._poll_connection.send(self._polls[self._room])

    def _polled(self, _connection: Connection, status: int, body: bytes) -> None:
        self._is_polling = False
        if status != 200:
            self._watcher.refused_count += 1
            return
        for offer in _decode(body).offers:
            self._watcher.on_offered(offer.job_id, offer.phone_number)
            self._claims.append(offer.job_id)
            self._room -= 1
        self._say()
        self._poll()

    def _say(self) -> None:
        if self._is_saying or not (self._claims or self._reports):
            return
        self._is_saying = True
        self._said = _Saying(0, self._claims[:100], self._reports[:500])
        del self._claims[:100], self._reports[:500]
        body = _encode(self._said)
        self._say_connection.send(request_bytes("POST", "/device/v1/sync", self._token, body))

    def _answered(self, _connection: Connection, status: int, body: bytes) -> None:
        self._is_saying = False
        if status != 200:
            self._watcher.refused_count += 1
            return
        answer = _decode(body)
        at = time.time_ns() // 1_000_000
        accepted = set(answer.accepted.reports)
        delivered_count = 0
        for report in self._said.reports:
            if report.job_id not in accepted:
                self._watcher.refused_count += 1
            elif report.state == "sent":
                self._reports.append(_Report(report.job_id, "delivered", at))
            else:
                delivered_count += 1
        for job_id in answer.granted:
            self._watcher.on_granted(job_id)
            self._reports.append(_Report(job_id, "sent", at))
        self._room += len(answer.granted) + len(answer.refused)
        self._watcher.refused_count += len(answer.refused)
        if delivered_count:
            self._watcher.on_delivered(delivered_count)
        self._say()
        self._poll()


class Fleet:
    def __init__(self) -> None:
        self.watcher = Watcher()
        self._phones: list[Phone] = []

    async def open(self, port: int, tokens: list[str], capacity: int) -> None:
        self._phones = [Phone(port, token, capacity, self.watcher) for token in tokens]
        for phone in self._phones:
            await phone.open()


class IdlePhones:
    """A poll each, one connection each, and no more."""

    def __init__(self) -> None:
        self._open_count = 0
        self._all_answered = asyncio.Event()
        self._connections: list[Connection] = []
        self.answered_at: list[float] = []

    async def open(self, port: int, tokens: list[str]) -> None:
        """As few at a time as a server's queue of new connections takes."""
        waiting = list(enumerate(tokens))
        self._open_count += len(tokens)

        async def open_in_turn() -> None:
            while waiting:
                index, token = waiting.pop()
                # An address has 28,000 ports, of which earlier runs still hold some.
                source = f"127.0.0.{2 + index // 5_000}"
                connection = await connect(port, self._answered, source)
                self._connections.append(connection)
                poll = request_bytes(
                    "POST", f"/device/v1/sync?wait={POLL_S}", token, b'{"capacity":1}'
                )
                connection.send(poll)

        await asyncio.gather(*(open_in_turn() for _ in range(64)))

    async def wait_until_answered(self, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await self._all_answered.wait()
        except TimeoutError:
            return

    def _answered(self, _connection: Connection, status: int, body: bytes) -> None:
        if status == 200 and _decode(body).offers:
            self.answered_at.append(time.perf_counter())
        self._open_count -= 1
        if not self._open_count:
            self._all_answered.set()
