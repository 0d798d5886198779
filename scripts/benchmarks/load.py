"""The load generator: a process that takes orders (orders.py) on its standard input.

Refuses to know what the figures mean.
"""

import asyncio
import resource
import sys
import time

import msgspec
import uvloop

from benchmarks import orders
from benchmarks.closed_loop import ClosedLoop
from benchmarks.phones import Fleet, IdlePhones
from benchmarks.wire import Connection, connect

DRAIN_LIMIT_S = 30.0


class Load:
    def __init__(self) -> None:
        self._loops: dict[str, ClosedLoop] = {}
        self._fleets: dict[str, Fleet] = {}
        self._idle_phones = IdlePhones()

    async def carry_out(self, order: orders.AnyOrder) -> msgspec.Struct:
        match order:
            case orders.OpenRequests():
                closed_loop = ClosedLoop(order.port, order.template.encode())
                await closed_loop.open(order.connections_count)
                self._loops[order.name] = closed_loop
            case orders.RunRequests():
                return await self._loops[order.name].run(order.seconds)
            case orders.RunRoundTrips():
                return await self._loops[order.name].round_trips(order.seconds)
            case orders.OpenPhones():
                fleet = self._fleets[order.name] = Fleet()
                await fleet.open(order.port, order.tokens, order.capacity)
            case orders.RunCycles():
                return await _run_cycles(
                    self._loops[order.requests], self._fleets[order.phones], order
                )
            case orders.RunLatencies():
                return await _run_latencies(
                    self._loops[order.requests], self._fleets[order.phones], order
                )
            case orders.OpenIdlePhones():
                await self._idle_phones.open(order.port, order.tokens)
            case orders.WakeIdlePhones():
                return await _wake(self._idle_phones, order)
        return orders.Done()


async def _run_cycles(submits: ClosedLoop, fleet: Fleet, order: orders.RunCycles) -> orders.Counted:
    """Submits pause while as many messages as allowed are on their way; ends with none of them."""
    finished = asyncio.Event()
    parked: list[Connection] = []
    submitted_count = delivered_count = refused_count = 0
    open_count = len(submits.connections)
    fleet.watcher.refused_count = 0
    started = time.perf_counter()
    end = started + order.seconds

    def submit(connection: Connection) -> None:
        nonlocal submitted_count, open_count
        if time.perf_counter() >= end:
            open_count -= 1
            check_finished()
        elif submitted_count - delivered_count >= order.in_flight_count:
            parked.append(connection)
        else:
            submitted_count += 1
            connection.send(submits.next_request()[1])

    def on_answer(connection: Connection, status: int, _body: bytes) -> None:
        nonlocal refused_count
        refused_count += not 200 <= status < 300
        submit(connection)

    def on_delivered(count: int) -> None:
        nonlocal delivered_count
        delivered_count += count
        for _ in range(min(count, len(parked))):
            submit(parked.pop())
        check_finished()

    def check_finished() -> None:
        if not open_count and delivered_count >= submitted_count - refused_count:
            finished.set()

    submits.answer_with(on_answer)
    fleet.watcher.on_delivered = on_delivered
    for connection in submits.connections:
        submit(connection)
    async with asyncio.timeout(order.seconds + DRAIN_LIMIT_S):
        await finished.wait()
    seconds = time.perf_counter() - started
    return orders.Counted(delivered_count, seconds, refused_count + fleet.watcher.refused_count)


async def _run_latencies(
    submits: ClosedLoop, fleet: Fleet, order: orders.RunLatencies
) -> orders.Latencies:
    answered_at: dict[str, float] = {}
    offered_at: dict[str, float] = {}
    granted_at: dict[str, float] = {}
    number_of_job: dict[str, str] = {}
    number_of_connection: dict[Connection, str] = {}
    refused_count = delivered_count = submitted_count = 0
    all_delivered = asyncio.Event()
    idle = list(submits.connections)
    fleet.watcher.refused_count = 0

    def on_answer(connection: Connection, status: int, _body: bytes) -> None:
        nonlocal refused_count
        answered_at[number_of_connection.pop(connection)] = time.perf_counter()
        refused_count += not 200 <= status < 300
        idle.append(connection)

    def on_offered(job_id: str, phone_number: str) -> None:
        offered_at[phone_number] = time.perf_counter()
        number_of_job[job_id] = phone_number

    def on_granted(job_id: str) -> None:
        granted_at[number_of_job[job_id]] = time.perf_counter()

    def on_delivered(count: int) -> None:
        nonlocal delivered_count
        delivered_count += count
        if delivered_count >= submitted_count:
            all_delivered.set()

    submits.answer_with(on_answer)
    watcher = fleet.watcher
    watcher.on_offered, watcher.on_granted = on_offered, on_granted
    watcher.on_delivered = on_delivered
    started = time.perf_counter()
    for index in range(int(order.seconds * order.per_second)):
        await asyncio.sleep(max(0.0, started + index / order.per_second - time.perf_counter()))
        if not idle:
            refused_count += 1  # the server is too slow for this pace: the figure is void
            continue
        connection = idle.pop(0)
        number, request = submits.next_request()
        number_of_connection[connection] = f"+25{number}"
        submitted_count += 1
        all_delivered.clear()
        connection.send(request)
    async with asyncio.timeout(DRAIN_LIMIT_S):
        await all_delivered.wait()
    return orders.Latencies(
        _latencies_ms(answered_at, offered_at),
        _latencies_ms(answered_at, granted_at),
        refused_count + watcher.refused_count,
    )


def _latencies_ms(answered_at: dict[str, float], held_at: dict[str, float]) -> list[float]:
    """Sorted. A phone may hold the job before the submit's answer is read: that is no time."""
    return sorted(max(0.0, at - answered_at[number]) * 1000 for number, at in held_at.items())


async def _wake(phones: IdlePhones, order: orders.WakeIdlePhones) -> orders.Woken:
    statuses: list[int] = []
    all_submitted = asyncio.Event()

    def on_answer(_connection: Connection, status: int, _body: bytes) -> None:
        statuses.append(status)
        if len(statuses) == len(order.requests):
            all_submitted.set()

    connections = [await connect(order.port, on_answer) for _ in order.requests]
    started = time.perf_counter()
    for connection, request in zip(connections, order.requests, strict=True):
        connection.send(request.encode())
    await all_submitted.wait()
    submitted_s = time.perf_counter() - started
    if any(not 200 <= status < 300 for status in statuses):
        raise RuntimeError(f"the server answered {statuses}")
    await phones.wait_until_answered(order.limit_s)
    answered_count = len(phones.answered_at)
    last_at = max(phones.answered_at, default=started)
    return orders.Woken(answered_count, submitted_s, last_at - started)


async def serve() -> None:
    reader = asyncio.StreamReader(limit=1 << 24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    load = Load()
    while line := await reader.readline():
        order = msgspec.json.decode(line, type=orders.AnyOrder)
        answer = await load.carry_out(order)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def main() -> None:
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    uvloop.run(serve())


if __name__ == "__main__":
    main()
