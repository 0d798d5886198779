"""What happens on the server, as it happens: gathered, so that a thousand events a second cost the
screens a few refreshes; and whether the server can be reached at all.

Refuses to know what is shown.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from textko_server.admin_client import AdminClient, AdminError, ServerNotReachable
from textko_server.admin_wire import Event

# What people see as at once, and a screen can draw many times over.
GATHER_S = 0.25
# A window on what happened last, for who wants the ids; names alone are never dropped.
MAX_GATHERED = 500
_FIRST_RETRY_S = 0.5
_LAST_RETRY_S = 10.0


@dataclass(frozen=True, slots=True)
class Happened:
    """Since the last time it was told."""

    names: frozenset[str]
    events: tuple[Event, ...]
    """The first of them."""
    count: int


@dataclass(frozen=True, slots=True)
class Link:
    """Whether the server can be reached."""

    is_up: bool
    trouble: str = ""
    """Why not, in words."""
    retry_s: float = 0.0
    needs_login: bool = False
    """It answers, but no longer knows who we are."""


class Live:
    """`run` until cancelled; calls back on the same loop."""

    def __init__(
        self,
        admin: AdminClient,
        user: str | None,
        on_happened: Callable[[Happened], None],
        on_link: Callable[[Link], None],
    ) -> None:
        self._admin = admin
        self._user = user
        self._on_happened = on_happened
        self._on_link = on_link
        self._events: list[Event] = []
        self._names: set[str] = set()
        self._count = 0
        self._arrived = asyncio.Event()
        self._retry_now = asyncio.Event()

    def retry_now(self) -> None:
        """Not after the wait, but at once."""
        self._retry_now.set()

    async def run(self) -> None:
        teller = asyncio.create_task(self._tell())
        try:
            retry_s = _FIRST_RETRY_S
            while True:
                link = await self._listen()
                if link.is_up:
                    retry_s = _FIRST_RETRY_S
                self._on_link(Link(False, link.trouble, retry_s, needs_login=link.needs_login))
                self._retry_now.clear()
                try:
                    async with asyncio.timeout(retry_s):
                        await self._retry_now.wait()
                except TimeoutError:
                    retry_s = min(retry_s * 2, _LAST_RETRY_S)
        finally:
            teller.cancel()

    async def _listen(self) -> Link:
        """Until the stream ends; the answer says why, and whether it was open at all."""
        was_up = False
        try:
            async with self._admin.events(self._user) as events:
                was_up = True
                self._on_link(Link(True))
                async for event in events:
                    self._take(event)
            return Link(was_up, "the server ended the connection")
        except AdminError as error:
            return Link(was_up, error.message, needs_login=error.problem.status == 401)
        except (ServerNotReachable, OSError, TimeoutError) as error:
            return Link(was_up, str(error) or type(error).__name__)

    def _take(self, event: Event) -> None:
        if event.event == "heartbeat":
            return
        self._names.add(event.event)
        self._count += 1
        if len(self._events) < MAX_GATHERED:
            self._events.append(event)
        self._arrived.set()

    async def _tell(self) -> None:
        while True:
            await self._arrived.wait()
            happened = Happened(frozenset(self._names), tuple(self._events), self._count)
            self._events, self._names, self._count = [], set(), 0
            self._arrived.clear()
            self._on_happened(happened)
            await asyncio.sleep(GATHER_S)
