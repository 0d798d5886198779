"""The mobile network as one SIM sees it: takes texts, reports on them, and brings others.

What it has for the SIM waits until the modem is there and has room. Refuses to know AT commands.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping

from textko_server.clock import Clock
from textko_server.emulated.modem.air import Air, SentPart
from textko_server.emulated.modem.fates import FATES, Fate, fate_of
from textko_server.phone.modem.pdu import (
    Pdu,
    StatusReport,
    Submit,
    encode_deliver,
    encode_status_report,
)

REPORT_AFTER_S = 0.02


class Network:
    """`deliver` gets each PDU for the SIM in turn; False: it is not taken now."""

    def __init__(
        self,
        clock: Clock,
        air: Air,
        deliver: Callable[[Pdu], Awaitable[bool]],
        fates: Mapping[str, Fate] = FATES,
        report_after_s: float = REPORT_AFTER_S,
    ) -> None:
        self._clock = clock
        self._air = air
        self._deliver = deliver
        self._fates = fates
        self._report_after_s = report_after_s
        self._last_reference = 0
        self._last_joint = 0
        self._waiting: deque[Pdu] = deque()
        self._has_work = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()
        self._held_reports: list[Pdu] | None = None
        self.is_registered = True
        self.signal = 21
        """As AT+CSQ counts, from 0 to 31."""

    def fate_of(self, submit: Submit) -> Fate:
        return fate_of(submit.phone_number, self._fates)

    def take(self, submit: Submit, fate: Fate) -> int:
        """Send it. The reference its report will have."""
        self._last_reference = (self._last_reference + 1) % 256
        part = self._air.send(submit, self._last_reference, self._clock.now_ms())
        if submit.wants_report:
            for place, status in enumerate(fate.statuses, start=1):
                if fate.is_reported_first:
                    self._report(part, status)
                else:
                    self._later(self._report_after_s * place, part, status)
        return part.reference

    def receive(self, sender: str, text: str, *, is_reversed: bool = False) -> None:
        """A text for the SIM, its parts in order or the last one first."""
        self._last_joint = (self._last_joint + 1) % 256
        pdus = encode_deliver(
            sender,
            text,
            sent_at=self._clock.now_ms(),
            concat_reference=self._last_joint,
            utc_offset_minutes=120,
        )
        for pdu in reversed(pdus) if is_reversed else pdus:
            self.bring(pdu)

    def bring(self, pdu: Pdu) -> None:
        """Anything at all for the SIM."""
        self._waiting.append(pdu)
        self._is_idle.clear()
        self._has_work.set()

    def hold_reports(self) -> None:
        """Keep delivery reports back until they are released."""
        self._held_reports = []

    @property
    def held_reports_count(self) -> int:
        return len(self._held_reports or ())

    def release_reports(self, *, is_reversed: bool = False) -> int:
        """Bring the reports that were held; how many."""
        held, self._held_reports = self._held_reports or [], None
        for pdu in reversed(held) if is_reversed else held:
            self.bring(pdu)
        return len(held)

    def try_again(self) -> None:
        """The modem is there again, or has room again."""
        self._has_work.set()

    async def until_brought(self) -> None:
        """Return when the modem has all that can be brought to it now."""
        if self._waiting:
            await self._is_idle.wait()

    def lose(self) -> None:
        """No service, until it is found again."""
        self.is_registered = False

    def find(self) -> None:
        self.is_registered = True
        self._has_work.set()

    async def run(self) -> None:
        """Bring what waits, whenever there is hope that it is taken."""
        try:
            while True:
                await self._has_work.wait()
                self._has_work.clear()
                await self._bring_all()
                self._is_idle.set()
        finally:
            for timer in self._timers:
                timer.cancel()

    async def _bring_all(self) -> None:
        """In order; what is not taken does not keep the rest waiting."""
        for _ in range(len(self._waiting)):
            pdu = self._waiting.popleft()
            if not self.is_registered or not await self._deliver(pdu):
                self._waiting.append(pdu)

    def _report(self, part: SentPart, status: int) -> None:
        now_ms = self._clock.now_ms()
        report = StatusReport(part.reference, part.phone_number, part.at, now_ms, status)
        pdu = encode_status_report(report, utc_offset_minutes=120)
        if self._held_reports is None:
            self.bring(pdu)
        else:
            self._held_reports.append(pdu)

    def _later(self, seconds: float, part: SentPart, status: int) -> None:
        def report() -> None:
            self._timers.discard(timer)
            self._report(part, status)

        timer = asyncio.get_running_loop().call_later(seconds, report)
        self._timers.add(timer)
