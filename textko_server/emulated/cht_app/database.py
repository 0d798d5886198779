"""The app's database (its Db.java): messages to send, incoming texts, and states not yet told.

Each statement is a transaction of its own, as there: the app may be killed between any two. A
message that is given again is not stored again; its newest state is told once more.
"""

import sqlite3
from enum import StrEnum
from pathlib import Path

import msgspec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS wo_message (
    id TEXT NOT NULL PRIMARY KEY, status TEXT NOT NULL, failure_reason TEXT,
    last_action INTEGER NOT NULL, phone_number TEXT NOT NULL, content TEXT NOT NULL,
    retries INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS wom_status (
    id INTEGER PRIMARY KEY, message_id TEXT NOT NULL, status TEXT NOT NULL, failure_reason TEXT,
    needs_forwarding INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS wt_message (
    id TEXT NOT NULL PRIMARY KEY, status TEXT NOT NULL, last_action INTEGER NOT NULL,
    sender TEXT NOT NULL, content TEXT NOT NULL, sms_sent INTEGER NOT NULL,
    sms_received INTEGER NOT NULL
);
"""


class Status(StrEnum):
    """Of a message the app was given to send."""

    UNSENT = "UNSENT"
    PENDING = "PENDING"
    SENT = "SENT"
    FAILED = "FAILED"
    DELIVERED = "DELIVERED"


class Message(msgspec.Struct, frozen=True):
    id: str
    status: Status
    last_action: int
    phone_number: str
    content: str
    retries: int


class Update(msgspec.Struct, frozen=True):
    id: int
    message_id: str
    status: Status
    reason: str | None
    """Of FAILED only."""


class Text(msgspec.Struct, frozen=True):
    """One that came in."""

    id: str
    sender: str
    content: str
    sms_sent: int
    sms_received: int


class AppDatabase:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    # --- messages to send ---

    def insert_message(self, message_id: str, phone_number: str, content: str, now_ms: int) -> bool:
        """False: there is one of that id."""
        try:
            self._db.execute(
                "INSERT INTO wo_message (id, status, last_action, phone_number, content)"
                " VALUES (?, 'UNSENT', ?, ?, ?)",
                (message_id, now_ms, phone_number, content),
            )
        except sqlite3.IntegrityError:
            return False
        return True

    def insert_update(self, message_id: str, status: Status, reason: str | None = None) -> None:
        self._db.execute(
            "INSERT INTO wom_status (message_id, status, failure_reason, needs_forwarding)"
            " VALUES (?, ?, ?, 1)",
            (message_id, status.value, reason),
        )

    def touch(self, message_id: str, now_ms: int) -> None:
        """Given once more: tell the newest state again, and wait anew with any retry."""
        told = self._db.execute(
            "UPDATE wom_status SET needs_forwarding = 1 WHERE id ="
            " (SELECT max(id) FROM wom_status WHERE message_id = ?)",
            (message_id,),
        )
        if told.rowcount:
            self._db.execute(
                "UPDATE wo_message SET last_action = ? WHERE id = ?", (now_ms, message_id)
            )

    def find_message(self, message_id: str) -> Message | None:
        row = self._db.execute(
            "SELECT id, status, last_action, phone_number, content, retries FROM wo_message"
            " WHERE id = ?",
            (message_id,),
        ).fetchone()
        return None if row is None else _message(row)

    def unsent(self, limit: int) -> list[Message]:
        rows = self._db.execute(
            "SELECT id, status, last_action, phone_number, content, retries FROM wo_message"
            " WHERE status = 'UNSENT' ORDER BY last_action LIMIT ?",
            (limit,),
        )
        return [_message(row) for row in rows]

    def set_status(
        self,
        message: Message,
        was: Status | None,
        status: Status,
        now_ms: int,
        *,
        reason: str | None = None,
        retries: int | None = None,
    ) -> bool:
        """From the state `was` only, or (None) from any; whether it did. To be told."""
        changed = self._db.execute(
            "UPDATE wo_message SET status = ?, failure_reason = ?, last_action = ?, retries = ?"
            " WHERE id = ? AND (? IS NULL OR status = ?)",
            (
                status.value, reason, now_ms, message.retries if retries is None else retries,
                message.id, was, was,
            ),
        )  # fmt: skip
        if changed.rowcount:
            self.insert_update(message.id, status, reason)
        return bool(changed.rowcount)

    def updates(self, limit: int) -> list[Update]:
        """Those not yet told."""
        rows = self._db.execute(
            "SELECT id, message_id, status, failure_reason FROM wom_status"
            " WHERE needs_forwarding = 1 ORDER BY id LIMIT ?",
            (limit,),
        )
        return [Update(row[0], row[1], Status(row[2]), row[3]) for row in rows]

    def told(self, update: Update) -> None:
        self._db.execute("UPDATE wom_status SET needs_forwarding = 0 WHERE id = ?", (update.id,))

    # --- texts that came in ---

    def insert_text(self, text: Text, now_ms: int) -> None:
        self._db.execute(
            "INSERT INTO wt_message VALUES (?, 'WAITING', ?, ?, ?, ?, ?)",
            (text.id, now_ms, text.sender, text.content, text.sms_sent, text.sms_received),
        )

    def waiting_texts(self, limit: int) -> list[Text]:
        rows = self._db.execute(
            "SELECT id, sender, content, sms_sent, sms_received FROM wt_message"
            " WHERE status = 'WAITING' ORDER BY last_action LIMIT ?",
            (limit,),
        )
        return [Text(*row) for row in rows]

    def forwarded(self, text: Text, now_ms: int) -> None:
        self._db.execute(
            "UPDATE wt_message SET status = 'FORWARDED', last_action = ?"
            " WHERE id = ? AND status = 'WAITING'",
            (now_ms, text.id),
        )


def _message(row: tuple[str, str, int, str, str, int]) -> Message:
    return Message(row[0], Status(row[1]), *row[2:])
