"""What lies behind the app: SIM, network, and the broadcasts by which Android tells of them.

A file of its own, because none of it ends when the app is killed: what was handed over is on air,
and a broadcast that the app did not take waits for its next start. Refuses to know the app.
"""

import sqlite3
from enum import StrEnum
from pathlib import Path

import msgspec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS on_air (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, phone_number TEXT NOT NULL, text TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS broadcasts (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, what TEXT NOT NULL
);
"""


class Outcome(StrEnum):
    """What becomes of a text that was handed over."""

    DELIVERED = "delivered"
    SENT = "sent"
    """And no delivery report comes."""
    UNDELIVERED = "undelivered"
    """Sent, then a delivery report that says it never arrived."""
    NO_SERVICE = "no-service"
    RADIO_OFF = "radio-off"
    GENERIC = "generic"
    LIMIT = "limit"
    """Android's own, of so many texts a minute."""


class OnAir(msgspec.Struct, frozen=True):
    """A text that left the phone, and costs money."""

    message_id: str
    phone_number: str
    text: str


class Broadcast(msgspec.Struct, frozen=True):
    id: int
    message_id: str
    what: Outcome
    """SENT: the network took it; DELIVERED, UNDELIVERED: its report came; else: why not."""


_ON_AIR = frozenset({Outcome.DELIVERED, Outcome.SENT, Outcome.UNDELIVERED})


class Radio:
    """`outcomes`: by phone number; of all others DELIVERED."""

    def __init__(self, path: Path, outcomes: dict[str, Outcome]) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_SCHEMA)
        self.outcomes = outcomes

    def close(self) -> None:
        self._db.close()

    @property
    def on_air(self) -> list[OnAir]:
        rows = self._db.execute("SELECT message_id, phone_number, text FROM on_air ORDER BY id")
        return [OnAir(*row) for row in rows]

    def send(self, message_id: str, phone_number: str, text: str) -> None:
        """SmsManager.sendMultipartTextMessage, with both intents."""
        outcome = self.outcomes.get(phone_number, Outcome.DELIVERED)
        broadcasts = [outcome]
        self._db.execute("BEGIN")
        if outcome in _ON_AIR:
            insert = "INSERT INTO on_air (message_id, phone_number, text) VALUES (?, ?, ?)"
            self._db.execute(insert, (message_id, phone_number, text))
            broadcasts = [Outcome.SENT]
            if outcome is not Outcome.SENT:
                broadcasts.append(outcome)
        self._db.executemany(
            "INSERT INTO broadcasts (message_id, what) VALUES (?, ?)",
            [(message_id, what.value) for what in broadcasts],
        )
        self._db.execute("COMMIT")

    def next_broadcast(self) -> Broadcast | None:
        """The oldest that was not taken."""
        row = self._db.execute(
            "SELECT id, message_id, what FROM broadcasts ORDER BY id LIMIT 1"
        ).fetchone()
        return None if row is None else Broadcast(row[0], row[1], Outcome(row[2]))

    def taken(self, broadcast: Broadcast) -> None:
        self._db.execute("DELETE FROM broadcasts WHERE id = ?", (broadcast.id,))
