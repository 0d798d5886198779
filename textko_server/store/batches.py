"""Writes of one kind that come thick and fast, stored together.

Each statement costs the writer a hand-over of the interpreter lock to and from the busy event loop,
so many small ones are many times slower than their SQL. Refuses to know what the items are.
"""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from textko_server.errors import TextkoError, Unavailable
from textko_server.store.transaction import Transaction

T = TypeVar("T")
Item = TypeVar("Item")

# Bounds the time a late-comer waits behind a group.
MAX_GROUP_COUNT = 256
# Of one batch: one that is being written, and one that the writer finds when it is done.
_MAX_GROUPS_IN_FLIGHT = 2


class Enqueue(Protocol):
    """Database's way to its writer."""

    def __call__(
        self, function: Callable[[Transaction], Any], *, durable: bool
    ) -> "asyncio.Future[Any]": ...


class Batch(Generic[Item, T]):
    """Items of one kind that are stored together. Made by `Database.batch`.

    `function` gets all that are waiting and answers one outcome for each, in order: a result, or
    the error its caller is to get. When it raises, it is run again for each item alone.

    Items are gathered on the event loop and handed to the writer in groups: waking a thread for
    each would cost more than storing it.
    """

    def __init__(
        self,
        enqueue: Enqueue,
        function: Callable[[Transaction, list[Item]], list[T | TextkoError]],
        *,
        durable: bool,
    ) -> None:
        self._enqueue = enqueue
        self._durable = durable
        self.function = function
        self._waiting: list[tuple[Item, asyncio.Future[T]]] = []
        self._groups_in_flight = 0
        self._is_flush_due = False

    async def write(self, item: Item) -> T:
        """Store an item; on disk when this returns. Raises what the function answered for it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._waiting.append((item, future))
        if not self._durable:
            self._flush()  # nobody waits for a commit: soon is better than many at once
        elif not self._is_flush_due and self._groups_in_flight < _MAX_GROUPS_IN_FLIGHT:
            # After the requests that came in with this one.
            self._is_flush_due = True
            loop.call_soon(self._flush)
        return await future

    def _flush(self) -> None:
        self._is_flush_due = False
        while self._waiting and self._groups_in_flight < _MAX_GROUPS_IN_FLIGHT:
            group = self._waiting[:MAX_GROUP_COUNT]
            del self._waiting[:MAX_GROUP_COUNT]
            self._hand_over(group)

    def _hand_over(self, group: list[tuple[Item, "asyncio.Future[T]"]]) -> None:
        items = [item for item, _ in group]
        self._groups_in_flight += 1
        try:
            done = self._enqueue(lambda tx: self.function(tx, items), durable=self._durable)
        except Unavailable as error:
            self._groups_in_flight -= 1
            _hand_out(group, [error] * len(group))
            return
        done.add_done_callback(partial(self._finish, group))

    def _finish(
        self,
        group: list[tuple[Item, "asyncio.Future[T]"]],
        done: "asyncio.Future[list[T | TextkoError]]",
    ) -> None:
        self._groups_in_flight -= 1
        error = done.exception()
        if error is None:
            _hand_out(group, done.result())
        elif len(group) == 1 or isinstance(error, Unavailable):
            _hand_out(group, [error] * len(group))
        else:
            for one in group:  # whoever broke it fails alone
                self._hand_over([one])
        if not self._is_flush_due:
            self._flush()


def _hand_out(
    group: list[tuple[Item, "asyncio.Future[T]"]], outcomes: Sequence[T | BaseException]
) -> None:
    for (_, future), outcome in zip(group, outcomes, strict=True):
        if future.done():
            continue  # its caller has gone
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
