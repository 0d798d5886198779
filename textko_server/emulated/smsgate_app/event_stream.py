"""The stream of events from the server, as `SSEManager` and okhttp-sse keep it.

An answer must be 2xx and `text/event-stream`. Comments are passed over; an event without a data
line is dropped, and so is what a cut connection leaves unfinished. After an end or a failure it
connects again, in 5 s for the first five times, in 30 s up to the tenth, then each minute; an open
stream starts the count anew. The token is the one of the first connect: a new registration does not
change it until the app is restarted, and each further `connect` opens one more stream beside.
Refuses to know what the events mean.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp

from textko_server.emulated.smsgate_app.faults import AppFault, NoConnection, Refused
from textko_server.emulated.smsgate_app.network import Network
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.steps import Step, Steps

# OkHttp of ktor 2.2.4.
AGENT = "okhttp/4.10.0"
_LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=60 * 60)
_RECONNECT_MS = ((5, 5_000), (10, 30_000))
_LAST_RECONNECT_MS = 60_000


class EventStream:
    def __init__(
        self,
        network: Network,
        time: PhoneTime,
        steps: Steps,
        url: str,
        *,
        on_open: Callable[[], None],
        on_event: Callable[[str | None, str], None],
    ) -> None:
        """`on_event` gets the name, None without one, and the data."""
        self._network = network
        self._time = time
        self._steps = steps
        self._url = url
        self._on_open = on_open
        self._on_event = on_event
        self._token: str | None = None
        self._tries_count = 0
        self.open_count = 0
        """Streams that are open now."""

    def connect(self, token: str | None, group: asyncio.TaskGroup) -> None:
        """Open a stream and keep it open until `group` ends."""
        if self._token is None:
            if token is None:
                # Issue #257: a first registration that failed takes the app down.
                self._steps(Step.CRASH, "Authentication token is required for SSE connection")
                return
            self._token = token
        group.create_task(self._keep_open())

    async def _keep_open(self) -> None:
        while True:
            try:
                await self._read()
            except AppFault as fault:
                self._steps(Step.FAULT, f"stream: {fault}")
            self._tries_count += 1
            wait_ms = next(
                (ms for most_count, ms in _RECONNECT_MS if self._tries_count <= most_count),
                _LAST_RECONNECT_MS,
            )
            await self._time.sleep(wait_ms)

    async def _read(self) -> None:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Accept": "text/event-stream",
            "User-Agent": AGENT,
        }
        async with self._network.stream("GET", self._url, headers, limits=_LIMITS) as response:
            if not 200 <= response.status < 300:
                raise Refused(response.status, await response.text())
            if response.content_type != "text/event-stream":
                raise NoConnection(f"Invalid content-type: {response.content_type}")
            self._tries_count = 0
            self.open_count += 1
            try:
                self._steps(Step.STREAM_OPEN, "")
                self._on_open()
                async for name, data in events(response.content):
                    self._on_event(name, data)
            finally:
                self.open_count -= 1


async def events(content: aiohttp.StreamReader) -> AsyncIterator[tuple[str | None, str]]:
    """(name, data) of each whole event, as okhttp's ServerSentEventReader has them."""
    name: str | None = None
    data: list[str] = []
    while True:
        raw = await content.readline()
        if not raw.endswith((b"\n", b"\r")):
            return
        line = raw.decode(errors="replace").rstrip("\r\n")
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = None, []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value or None
