"""Many simulated phones in one process, sharing connections: pairs them or takes them up again.

Refuses to know what one phone does (simulated.py), and the command line.
"""

import asyncio
from collections.abc import Callable

import aiohttp
import msgspec

from textko_server.clock import Clock
from textko_server.errors import TextkoError
from textko_server.phone.behaviour import Behaviour, Chance
from textko_server.phone.client import DeviceClient, split_pairing_url
from textko_server.phone.journal import AnyRecord, Journal, OpenWork, Paired
from textko_server.phone.simulated import PhoneEvent, SimulatedPhone
from textko_server.phone.wire import AppVersion, Offer, Pairing, PairRequest, SimCard

PAIRING_LIMIT_MS = 10_000
# Enough to keep a server busy, few enough not to overrun its queue of new connections.
PARALLEL_PAIRINGS_COUNT = 16
APP = AppVersion(name="textko phone simulate", version="1")
MODEL = "Simulated"
CARRIERS = ("Ethio", "Safaricom")


class FleetSettings(msgspec.Struct, frozen=True):
    count: int = 1
    seed: str = "0"
    name_prefix: str = "Phone"
    behaviour: Behaviour = Behaviour()


class Fleet:
    """Call `pair` once, then `run`. The session is the caller's to close."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        clock: Clock,
        settings: FleetSettings,
        *,
        on_event: Callable[[PhoneEvent], None],
        on_radio: Callable[[Offer, str], None] = lambda _offer, _device_id: None,
        journal: Journal | None = None,
    ) -> None:
        """`on_radio` gets the offer and the device id of each text handed to the network."""
        self._session = session
        self._clock = clock
        self._settings = settings
        self._on_event = on_event
        self._on_radio = on_radio
        self._journal = journal
        self._phones: dict[int, SimulatedPhone] = {}

    @property
    def missing_count(self) -> int:
        """How many phones are still to be paired, after those of the journal."""
        known = self._journal.devices if self._journal is not None else []
        indexes = {work.paired.index for work in known}
        return len(set(range(1, self._settings.count + 1)) - indexes)

    async def pair(self, pairing_url: str) -> None:
        """Take up the phones of the journal, and pair what is missing with the code of the URL.

        Raises:
            Invalid: the URL is not a pairing URL; it is not looked at when no phone is missing.
            RequestRefused: the code is unknown, used or expired.
            Unavailable: no server answered for ten seconds.
        """
        for work in self._journal.devices if self._journal is not None else []:
            if work.paired.index <= self._settings.count:
                self._add(work.paired, work)
        missing = [i for i in range(1, self._settings.count + 1) if i not in self._phones]
        if not missing:
            return
        server_url, code = split_pairing_url(pairing_url)
        first = await self._pair_one(server_url, code, missing[0], via="")
        to_pair = iter(missing[1:])

        async def pair_in_turn() -> None:
            for index in to_pair:
                await self._pair_one(server_url, code, index, via=first.token)

        refusals: list[BaseException] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(PARALLEL_PAIRINGS_COUNT, len(missing) - 1)):
                    tasks.create_task(pair_in_turn())
        except* TextkoError as group:
            refusals += group.exceptions
        if refusals:
            raise refusals[0]

    async def run(self) -> None:
        """Until cancelled, or until the server has turned every phone away."""
        async with asyncio.TaskGroup() as tasks:
            for _index, phone in sorted(self._phones.items()):
                tasks.create_task(phone.run())

    async def _pair_one(self, server_url: str, code: str, index: int, via: str) -> Pairing:
        request = PairRequest(
            code=code,
            name=f"{self._settings.name_prefix} {index}",
            model=MODEL,
            app=APP,
            sims=self._sims(index),
        )
        pairing = await DeviceClient(self._session, self._clock).pair(
            server_url, request, via=via, give_up_after_ms=PAIRING_LIMIT_MS
        )
        paired = Paired(
            device_id=pairing.device_id,
            index=index,
            name=request.name,
            token=pairing.token,
            poll_url=pairing.poll_url,
        )
        self._remember(paired)
        self._add(paired)
        self._on_event(
            PhoneEvent(
                event="paired",
                phone=paired.name,
                at=self._clock.now_ms(),
                device_id=paired.device_id,
            )
        )
        return pairing

    def _add(self, paired: Paired, open_work: OpenWork | None = None) -> None:
        settings = self._settings
        self._phones[paired.index] = SimulatedPhone(
            DeviceClient(self._session, self._clock, paired.token, paired.poll_url),
            self._clock,
            Chance(settings.seed, paired.index, settings.behaviour),
            settings.behaviour,
            device_id=paired.device_id,
            name=paired.name,
            sims=self._sims(paired.index),
            on_event=self._on_event,
            on_radio=self._on_radio,
            remember=self._remember,
            open_work=open_work,
        )

    def _remember(self, record: AnyRecord) -> None:
        if self._journal is not None:
            self._journal.write(record)

    def _sims(self, index: int) -> tuple[SimCard, ...]:
        return tuple(
            SimCard(
                slot=slot,
                number=f"+251911{index * 10 + slot:06d}",
                carrier=CARRIERS[slot % len(CARRIERS) - 1],
                subscription_id=slot,
                country_iso="et",
            )
            for slot in range(1, self._settings.behaviour.sim_count + 1)
        )
