"""Android's SmsManager and the network behind it: what goes over the air, and what is told of it.

`air.jsonl` is the proof: a line for each text handed to the network, synced before anybody is told.
It belongs to Android, not to the app, so wiping the app's data leaves it. The words of the network
(broadcasts) outlive the app too; one that the app dies over while it takes it in is lost, as a
broadcast is. Refuses to know messages and their states.
"""

import asyncio
import os
from collections.abc import Callable
from enum import Enum
from pathlib import Path

import msgspec

from textko_server.emulated.smsgate_app.disk import Table
from textko_server.emulated.smsgate_app.phone_time import PhoneTime
from textko_server.emulated.smsgate_app.steps import Step, Steps

GENERIC_FAILURE = "RESULT_ERROR_GENERIC_FAILURE (Generic failure cause)"
LIMIT_EXCEEDED = "RESULT_ERROR_LIMIT_EXCEEDED (Failed because we reached the sending queue limit)"
# 3GPP TS 23.040, 9.2.3.15: below, the text arrived; below twice that, the SMSC tries on.
_GAVE_UP_STATUS = 0x40
_ARRIVED_BELOW_STATUS = 0x20


class AirRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text to one number, as the network got it."""

    message_id: str
    phone_number: str
    at: int
    sim_number: int
    text: str = ""
    data: str = ""
    """Base64, of a data message."""
    port: int = 0
    segments: int = 1


class Fate(msgspec.Struct, frozen=True):
    """What becomes of a text to a number."""

    error: str = ""
    """A word of Android's: the network did not take it."""
    is_delivery_reported: bool = True
    delivery_status: int = 0
    """TP-Status of the delivery report."""


class Word(Enum):
    SENT = "sent"
    DELIVERED = "delivered"


class Broadcast(msgspec.Struct, frozen=True):
    """One word of the network to the app, due at a moment."""

    due_at: int
    word: Word
    message_id: str
    phone_number: str
    """As the app had it."""
    error: str = ""
    status: int = 0

    @property
    def is_arrived(self) -> bool:
        return self.status < _ARRIVED_BELOW_STATUS

    @property
    def is_open(self) -> bool:
        """The SMSC goes on trying."""
        return _ARRIVED_BELOW_STATUS <= self.status < _GAVE_UP_STATUS


class Radio:
    def __init__(
        self,
        table: Table[Broadcast],
        air_path: Path,
        time: PhoneTime,
        steps: Steps,
        *,
        send_time_ms: int,
        delivery_after_ms: int,
    ) -> None:
        self._table = table
        self._time = time
        self._steps = steps
        self._send_time_ms = send_time_ms
        self._delivery_after_ms = delivery_after_ms
        self._count = max((int(key) for key in table.rows), default=0)
        self._sooner = asyncio.Event()
        self.on_air = air_records(air_path)
        self._air = os.open(air_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)
        self.fate_of: Callable[[str], Fate] = lambda _phone_number: Fate()
        """By the number as it is dialled; tests and scripts put their own here."""

    def close(self) -> None:
        os.close(self._air)

    def send(
        self, record: AirRecord, *, told_as: str, wants_delivery: bool, is_over_limit: bool
    ) -> None:
        """Hand a text to the network; what it says of it names the number `told_as`."""
        self._steps(Step.SENDING, record.message_id)
        fate = Fate(error=LIMIT_EXCEEDED) if is_over_limit else self.fate_of(record.phone_number)
        sent_at = self._time.after_ms(self._send_time_ms)
        if not fate.error:
            os.write(self._air, msgspec.json.encode(record) + b"\n")
            os.fdatasync(self._air)
            self.on_air.append(record)
        self._say(Broadcast(sent_at, Word.SENT, record.message_id, told_as, fate.error))
        if wants_delivery and fate.is_delivery_reported and not fate.error:
            delivered_at = sent_at + self._time.span_ms(self._delivery_after_ms)
            # Each segment has its own report.
            for _ in range(record.segments):
                self._say(
                    Broadcast(
                        delivered_at, Word.DELIVERED, record.message_id, told_as,
                        status=fate.delivery_status,
                    )
                )  # fmt: skip
        self._steps(Step.ON_AIR, record.message_id)

    async def run(self, hear: Callable[[Broadcast], None]) -> None:
        """Until cancelled."""
        while True:
            self._sooner.clear()
            key, broadcast = min(
                self._table.rows.items(),
                key=lambda item: (item[1].due_at, int(item[0])),
                default=("", None),
            )
            if broadcast is None:
                await self._sooner.wait()
                continue
            await self._time.sleep_until(broadcast.due_at, self._sooner)
            if not self._sooner.is_set():
                self._table.drop(key)
                hear(broadcast)

    def _say(self, broadcast: Broadcast) -> None:
        self._count += 1
        self._table.put(str(self._count), broadcast)
        self._sooner.set()


def air_records(path: Path) -> list[AirRecord]:
    """What the network got so far, of a phone that runs or does not."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=AirRecord) for line in lines]
