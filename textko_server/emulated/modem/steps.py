"""The points on the way of a text at which the modem can be made to stand still.

Who waits there may kill the modem's driver, pull the plug, or let it go on. Refuses to know what
happens at them.
"""

import asyncio
from enum import StrEnum


class Step(StrEnum):
    PROMPT = "prompt"
    """AT+CMGS was read; the prompt has not been written."""
    PROMPTED = "prompted"
    """The prompt is out; nothing of the PDU has been read."""
    PDU = "pdu"
    """The PDU is there; the network has not got it."""
    ON_AIR = "on-air"
    """The network has it; the driver has not been told."""
    ANSWERED = "answered"
    """The driver has been told."""
    REPORT = "report"
    """A delivery report is there; the driver has not been told."""
    REPORTED = "reported"
    RECEIVED = "received"
    """An incoming text is stored; the driver has not been told."""
    LISTED = "listed"
    """The answer to AT+CMGL or AT+CMGR is out."""
    DELETE = "delete"
    """AT+CMGD was read; nothing is deleted."""
    DELETED = "deleted"


class Steps:
    def __init__(self) -> None:
        self._held: Step | None = None
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    def hold_at(self, step: Step) -> None:
        """Stand still when the step is next reached."""
        self._held = step
        self._reached.clear()
        self._released.clear()

    async def until_held(self) -> None:
        """Return when it stands still."""
        await self._reached.wait()

    def release(self) -> None:
        """Go on, and stop at nothing."""
        self._held = None
        self._released.set()

    async def reach(self, step: Step) -> None:
        if step is self._held:
            self._reached.set()
            await self._released.wait()
