"""One or more modems in one program: finds each, takes up or pairs its device, and lets it work.

A modem is known by its IMEI, so that its journal is found again whatever port it is at. Refuses to
know the command line, and where a pairing code comes from.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from textko_server.clock import Clock
from textko_server.errors import TextkoError
from textko_server.phone.client import DeviceClient
from textko_server.phone.modem.agent import APP, ModemAgent
from textko_server.phone.modem.commands import USUAL_LIMITS, Limits, Silent
from textko_server.phone.modem.events import EventLog, ModemEvent
from textko_server.phone.modem.finding import Found, ModemFinder
from textko_server.phone.modem.journal import Journal
from textko_server.phone.modem.modem import Identity
from textko_server.phone.modem.port import PortUnusable
from textko_server.phone.modem.ports import PORT_PATTERNS
from textko_server.phone.modem.radio import USUAL_PAUSES, Pauses
from textko_server.phone.modem.records import Paired
from textko_server.phone.wire import PairRequest, SimCard

PAIRING_LIMIT_MS = 60_000
MAX_NAME_LENGTH = 64

PairingCode = tuple[str, str]
"""The server's URL, and the code."""
AskForCode = Callable[[str], Awaitable[PairingCode]]
"""Gets the modem's name. Raises TextkoError when there is none to be had."""


class ModemProgram:
    """Of the modems at `ports`. The session is the caller's to close."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        folder: Path,
        ports: list[str],
        *,
        ask_for_code: AskForCode,
        on_event: Callable[[ModemEvent], None],
        name: str = "",
        pin: str = "",
        patterns: tuple[str, ...] = PORT_PATTERNS,
        limits: Limits = USUAL_LIMITS,
        pauses: Pauses = USUAL_PAUSES,
    ) -> None:
        self._session = session
        self._clock = clock
        self._folder = folder
        self._ports = ports
        self._ask_for_code = ask_for_code
        self._on_event = on_event
        self._name = name
        self._pin = pin
        self._patterns = patterns
        self._limits = limits
        self._pauses = pauses
        self._pairing = asyncio.Lock()
        self._token_of: dict[str, str] = {}
        """Of the device that used a code first."""
        self._agents: list[ModemAgent] = []
        self._is_stopping = asyncio.Event()

    def stop(self) -> None:
        """`run` returns soon, once what is with the modems is answered for."""
        self._is_stopping.set()
        for agent in self._agents:
            agent.stop()

    async def run(self) -> list[str]:
        """Until stopped, or no modem is left; why each that left did so.

        Raises: TextkoError when there is one modem, and it cannot be taken up or go on.
        """
        if len(self._ports) == 1:
            try:
                reasons = [await self._run_one(self._ports[0])]
            except ExceptionGroup as group:
                raise _first_cause(group) from group
        else:
            reasons = await asyncio.gather(*(self._run_beside_others(p) for p in self._ports))
        return [reason for reason in reasons if reason]

    async def _run_beside_others(self, port: str) -> str:
        """What ends one modem does not end the others."""
        try:
            return await self._run_one(port)
        except (TextkoError, ExceptionGroup) as error:
            cause = _first_cause(error)
            if not isinstance(cause, TextkoError):
                raise
            EventLog(port, self._clock.now_ms, self._on_event).tell("trouble", cause.message)
            return f"{port}: {cause.message}"

    async def _run_one(self, port: str) -> str:
        log = EventLog(port, self._clock.now_ms, self._on_event)
        finder = ModemFinder(port, patterns=self._patterns, limits=self._limits)
        found = await self._find(finder, log)
        if found is None:
            return ""
        journal = Journal(self._folder / f"{_key_of(found.identity, port)}.journal")
        try:
            paired = journal.state.paired or await self._pair(found.identity, journal, log)
            log.modem = paired.name
            client = DeviceClient(self._session, self._clock, paired.token, paired.poll_url)
            agent = ModemAgent(
                client, self._clock, journal, finder, log, pin=self._pin, pauses=self._pauses
            )
            self._agents.append(agent)
            if self._is_stopping.is_set():
                agent.stop()
            return await agent.run(found)
        finally:
            found.modem.close()
            journal.close()

    async def _find(self, finder: ModemFinder, log: EventLog) -> Found | None:
        """Wait for a modem at that port; None: stopped before there was one."""
        told = ""
        pause_ms = self._pauses.reopen_ms
        while not self._is_stopping.is_set():
            try:
                return await finder.open()
            except (PortUnusable, Silent) as error:
                if error.message != told:
                    told = error.message
                    log.tell("waiting", told)
            await self._clock.sleep_until(self._clock.now_ms() + pause_ms, self._is_stopping)
            pause_ms = min(pause_ms * 2, self._pauses.reopen_most_ms)
        return None

    async def _pair(self, identity: Identity, journal: Journal, log: EventLog) -> Paired:
        """Raises: RequestRefused, Unavailable, and what asking for a code raises."""
        name = (self._name or _name_of(identity))[:MAX_NAME_LENGTH]
        if self._name and len(self._ports) > 1:
            name = f"{self._name} {identity.imei[-4:]}"[:MAX_NAME_LENGTH]
        async with self._pairing:
            url, code = await self._ask_for_code(name)
            # Who uses a code after another device has to be who had that paired.
            via = self._token_of.get(code, "")
            request = PairRequest(
                code=code,
                name=name,
                model=identity.title[:MAX_NAME_LENGTH] or None,
                app=APP,
                sims=(SimCard(slot=1),),
            )
            pairing = await DeviceClient(self._session, self._clock).pair(
                url, request, via=via, give_up_after_ms=PAIRING_LIMIT_MS
            )
            self._token_of.setdefault(code, pairing.token)
        paired = Paired(pairing.device_id, name, pairing.token, pairing.poll_url)
        journal.write(paired)
        log.modem = name
        log.tell("paired", pairing.device_id)
        return paired


def _first_cause(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _name_of(identity: Identity) -> str:
    return f"{identity.title or 'Modem'} {identity.imei[-4:]}".strip()


def _key_of(identity: Identity, port: str) -> str:
    """What its files are called."""
    return identity.imei or re.sub(r"\W+", "-", port).strip("-")
