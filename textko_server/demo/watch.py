"""Who watches in the demonstration: writes on the board what the server and its webhooks tell, and
waits for what must come of it.

Refuses to know which texts there are and what has to be there in the end.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from textko_server.demo.board import Board
from textko_server.demo.phones import DemoFailed
from textko_server.gateway.events import Event, MessageSubmitted, RecipientChanged
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind

_GIVE_UP_S = 60.0

T = TypeVar("T")


class Watch:
    def __init__(self, gateway: Gateway, board: Board) -> None:
        self._public_ids = gateway.public_ids
        self._board = board
        self._changed = asyncio.Event()
        self.phone_names: dict[int, str] = {}
        """What the board calls each phone, by device."""
        gateway.events.listen(self._on_event)

    def on_webhook(self, payload: dict[str, Any], is_genuine: bool) -> None:
        key = self._public_ids.decode(Kind.RECIPIENT, str(payload.get("smsId")))
        self._board.webhook(str(key), payload, is_genuine)
        self._changed.set()

    async def until(self, is_true: Callable[[], bool], missing: Callable[[], str]) -> None:
        """Raises DemoFailed, with what is still missing, when it takes too long."""
        try:
            async with asyncio.timeout(_GIVE_UP_S):
                while not is_true():
                    self._changed.clear()
                    await self._look_again()
        except TimeoutError:
            raise DemoFailed(f"gave up after {_GIVE_UP_S:.0f} s: {missing()}") from None

    async def until_found(self, find: Callable[[], Awaitable[T | None]], failure: str) -> T:
        """What `find` finds at last. Raises DemoFailed(failure) when it takes too long."""
        found: list[T] = []
        try:
            async with asyncio.timeout(_GIVE_UP_S):
                while not found:
                    self._changed.clear()
                    if (thing := await find()) is not None:
                        found.append(thing)
                    else:
                        await self._look_again()
        except TimeoutError:
            raise DemoFailed(failure) from None
        return found[0]

    def _on_event(self, event: Event) -> None:
        if isinstance(event, MessageSubmitted):
            for recipient_id in event.recipient_ids:
                self._board.changed(str(recipient_id), event.state, "")
        elif isinstance(event, RecipientChanged):
            phone = self.phone_names.get(event.device_id or 0, "")
            self._board.changed(str(event.recipient_id), event.state, phone)
        self._changed.set()

    async def _look_again(self) -> None:
        """When something has happened; open polls are no event, so now and then all the same."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await self._changed.wait()
