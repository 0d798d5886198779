"""What is left after a torture, and what it proves: the database against everybody's own records.

The submitters' ledger says what was accepted, the phones' log what went over the air and what came
in, the receiver's log which webhooks arrived. Refuses to know how the server was treated.
"""

import sqlite3
from collections import Counter
from pathlib import Path

import msgspec

from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.phone.journal import Journal

# What a recipient that was handed to the radio may be: `failed` when the phone itself was killed
# between radio and report and could not tell.
_AFTER_RADIO = ("sent", "delivered", "failed")
_OPEN_STATES = ("scheduled", "queued", "offered", "claimed")
_EVENT_OF_STATE = {
    "sent": "MESSAGE_SENT",
    "delivered": "MESSAGE_DELIVERED",
    "failed": "MESSAGE_FAILED",
    "expired": "MESSAGE_FAILED",
}


class Records(msgspec.Struct, frozen=True):
    """The files that everybody but the server wrote."""

    ledger: Path
    """Lines `textko <message id> <recipients>` and `selfhosted <hash> 1`."""
    sent_logs: list[Path]
    """Lines `<job id> <phone number> <device id>`: handed to the radio."""
    phone_events: list[Path]
    """JSON lines of `textko phone simulate --json`."""
    phone_states: list[Path]
    """Journals of the phones: what they have not yet handed over."""
    webhooks: Path
    """A delivery id a line, as often as it came."""


class Verdict(msgspec.Struct, frozen=True):
    """Everything but the first block has to be 0, and `integrity` to be `ok`."""

    accepted_count: int
    recipients_count: int
    sent_count: int
    """Handed to a radio."""
    webhooks_count: int
    webhook_repeats_count: int
    """At-least-once delivery repeats what a kill interrupted."""

    accepted_lost: int
    granted_twice: int
    """Recipients that two phones were granted, or that went over the air twice."""
    events_lost: int
    """State changes and incoming texts without webhook delivery, deliveries that never arrived."""
    incoming_lost: int
    untrue_states: int
    """Recipients whose state contradicts what the phones did."""
    still_open: int
    usage_wrong: int
    """Accounts whose count of recipients is not that of their rows: half a transaction."""
    integrity: str
    foreign_keys_broken: int

    @property
    def is_good(self) -> bool:
        broken = (
            self.accepted_lost + self.granted_twice + self.events_lost + self.incoming_lost
            + self.untrue_states + self.still_open + self.usage_wrong + self.foreign_keys_broken
        )  # fmt: skip
        return broken == 0 and self.integrity == "ok"


def judge(database_path: Path, records: Records) -> Verdict:
    """The server must not be running."""
    connection = sqlite3.connect(database_path)
    try:
        return _Judge(connection, records).verdict()
    finally:
        connection.close()


def open_work_count(connection: sqlite3.Connection) -> int:
    """Recipients without an end and webhook deliveries still to be made."""
    [recipients_count] = connection.execute(
        "SELECT count(*) FROM recipients WHERE state IN (?, ?, ?, ?)", _OPEN_STATES
    ).fetchone()
    [deliveries_count] = connection.execute(
        "SELECT count(*) FROM webhook_deliveries WHERE state = 'pending'"
    ).fetchone()
    return int(recipients_count) + int(deliveries_count)


class _Judge:
    def __init__(self, connection: sqlite3.Connection, records: Records) -> None:
        self._connection = connection
        self._records = records
        [secret] = connection.execute(
            "SELECT value FROM secrets WHERE name = 'public_ids'"
        ).fetchone()
        self._public_ids = PublicIds(secret.encode())
        self._states: dict[int, str] = dict(
            connection.execute("SELECT id, state FROM recipients").fetchall()
        )

    def verdict(self) -> Verdict:
        accepted = _lines(self._records.ledger)
        radio = [
            self._recipient_of(line) for path in self._records.sent_logs for line in _lines(path)
        ]
        received = Counter(_lines(self._records.webhooks))
        return Verdict(
            accepted_count=len(accepted),
            recipients_count=len(self._states),
            sent_count=len(radio),
            webhooks_count=len(received),
            webhook_repeats_count=received.total() - len(received),
            accepted_lost=sum(not self._is_kept(line) for line in accepted),
            granted_twice=len(self._granted_to_two() | _repeated(radio)),
            events_lost=self._events_without_delivery() + self._never_arrived(received),
            incoming_lost=self._incoming_lost(),
            untrue_states=self._untrue_states(set(radio)),
            still_open=sum(state in _OPEN_STATES for state in self._states.values()),
            usage_wrong=self._usage_wrong(),
            integrity=str(self._connection.execute("PRAGMA integrity_check").fetchone()[0]),
            foreign_keys_broken=len(
                self._connection.execute("PRAGMA foreign_key_check").fetchall()
            ),
        )

    def _recipient_of(self, sent_line: str) -> int | None:
        return self._public_ids.decode(Kind.RECIPIENT, sent_line.partition(".")[0])

    def _is_kept(self, ledger_line: str) -> bool:
        dialect, public_id, recipients_count = ledger_line.split()
        if dialect == "selfhosted":
            return self._public_ids.decode_hash(public_id) in self._states
        [found_count] = self._connection.execute(
            "SELECT count(*) FROM messages JOIN recipients ON message_id = messages.id"
            " WHERE messages.id = ?",
            (self._public_ids.decode(Kind.MESSAGE, public_id),),
        ).fetchone()
        return int(found_count) == int(recipients_count)

    def _granted_to_two(self) -> set[int]:
        """Recipients claimed twice with no return to the queue between."""
        rows = self._connection.execute(
            "SELECT recipient_id, state FROM recipient_events WHERE state IN ('claimed', 'queued')"
            " ORDER BY recipient_id, number"
        )
        twice = set()
        last: tuple[int, str] = (0, "")
        for recipient_id, state in rows:
            if last == (recipient_id, "claimed") == (recipient_id, state):
                twice.add(recipient_id)
            last = (recipient_id, state)
        return twice

    def _untrue_states(self, radio: set[int | None]) -> int:
        """Sent without a radio, or a radio without a word of it; and time lines with gaps."""
        [gaps_count] = self._connection.execute(
            "SELECT count(*) FROM recipients WHERE event_count <>"
            " (SELECT count(*) FROM recipient_events WHERE recipient_id = recipients.id)"
        ).fetchone()
        contradictions_count = sum(
            (state in ("sent", "delivered") and key not in radio)
            or (state not in _AFTER_RADIO and key in radio)
            for key, state in self._states.items()
        )
        return int(gaps_count) + contradictions_count

    def _events_without_delivery(self) -> int:
        owed: Counter[tuple[str, str]] = Counter()
        for key, created_at, state in self._connection.execute(
            "SELECT r.id, r.created_at, e.state FROM recipient_events AS e"
            " JOIN recipients AS r ON r.id = e.recipient_id"
        ):
            if state in _EVENT_OF_STATE:
                public_id = self._public_ids.encode(Kind.RECIPIENT, key, created_at)
                owed[public_id, _EVENT_OF_STATE[state]] += 1
        for key, created_at in self._connection.execute(
            "SELECT id, created_at FROM incoming_messages"
        ):
            owed[self._public_ids.encode(Kind.INCOMING, key, created_at), "MESSAGE_RECEIVED"] += 1
        for (body,) in self._connection.execute("SELECT body FROM webhook_deliveries"):
            payload = msgspec.json.decode(body)
            owed[payload["smsId"], payload["webhookEvent"]] -= 1
        return sum(abs(count) for count in owed.values())

    def _never_arrived(self, received: Counter[str]) -> int:
        deliveries = self._connection.execute("SELECT id, created_at FROM webhook_deliveries")
        return sum(
            self._public_ids.encode(Kind.DELIVERY, key, created_at) not in received
            for key, created_at in deliveries
        )

    def _incoming_lost(self) -> int:
        """Texts that came in to a phone, and neither the phone nor the server has them."""
        references = {
            (str(name), str(reference))
            for name, reference in self._connection.execute(
                "SELECT devices.name, phone_reference FROM incoming_messages"
                " JOIN devices ON devices.id = device_id"
            )
        }
        for path in self._records.phone_states:
            journal = Journal(path)
            journal.close()
            references.update(
                (work.paired.name, text_id) for work in journal.devices for text_id in work.texts
            )
        told = set()
        for path in self._records.phone_events:
            for line in _lines(path):
                event = msgspec.json.decode(line)
                if event["event"] == "incoming":
                    told.add((event["phone"], event["incomingId"]))
        return len(told - references)

    def _usage_wrong(self) -> int:
        [wrong_count] = self._connection.execute(
            "SELECT count(*) FROM"
            " (SELECT user_id, sum(messages) AS used FROM usage GROUP BY user_id) AS u"
            " WHERE used <> (SELECT count(*) FROM recipients WHERE user_id = u.user_id)"
        ).fetchone()
        return int(wrong_count)


def _repeated(radio: list[int | None]) -> set[int]:
    return {key for key, count in Counter(radio).items() if count > 1 and key is not None}


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
