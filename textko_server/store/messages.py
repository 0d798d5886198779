"""Messages, their recipients and time lines."""

import json
from typing import Any

import msgspec

from textko_server.model import Dialect, Job, Message, Recipient, RecipientEvent, State
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.key_search import search_key
from textko_server.store.queries import load

_MESSAGES = load("messages")
_RECIPIENTS = load("recipients")

_RECIPIENT_COLUMNS = len(Recipient.__struct_fields__)


# --- inside a write ---


def insert(tx: Transaction, rows: list[tuple[Any, ...]]) -> range:
    """Insert messages; `rows` in the order of the query. Returns their keys, in order."""
    return tx.insert_all(_MESSAGES.insert_message, rows)


def insert_recipients(tx: Transaction, rows: list[tuple[Any, ...]]) -> range:
    """Insert recipients; `rows` in the order of the query. Returns their keys, in order."""
    return tx.insert_all(_RECIPIENTS.insert_recipient, rows)


def find_job(tx: Transaction, recipient_id: int) -> Job | None:
    row = tx.one(_RECIPIENTS.get_job, (recipient_id,))
    return _job(row) if row else None


def waiting_in_lane(tx: Transaction, lane: str, limit: int) -> list[Job]:
    """The best jobs of a lane: by priority, then age."""
    return [_job(row) for row in tx.execute(_RECIPIENTS.waiting_in_lane, (lane, limit))]


def find_jobs(tx: Transaction, recipient_ids: list[int]) -> dict[int, Job]:
    """Those that exist, by key."""
    rows = tx.all(_RECIPIENTS.get_jobs, (json.dumps(recipient_ids),))
    return {job.recipient.id: job for job in map(_job, rows)}


def waiting_in_lanes(tx: Transaction, lanes: list[str], limit: int) -> list[Job]:
    """The best jobs of each of these lanes, best first over all."""
    values = {"lanes": json.dumps(lanes), "limit": limit}
    return [_job(row) for row in tx.all(_RECIPIENTS.waiting_in_lanes, values)]


def due(tx: Transaction, now_ms: int, limit: int) -> list[Job]:
    """Jobs whose `due_at` has come, longest overdue first."""
    return [_job(row) for row in tx.all(_RECIPIENTS.due, (now_ms, limit))]


class EventRow(msgspec.Struct, frozen=True):
    """A line of a time line, as it is stored."""

    recipient: Recipient
    """As it was after that change."""
    at: int
    actor: str
    detail: str | None


def save(tx: Transaction, recipients: list[Recipient], events: list[EventRow]) -> None:
    """Store changed recipients as they are now, and the lines of their time lines."""
    tx.execute_all(_RECIPIENTS.put_recipient, [msgspec.structs.astuple(r) for r in recipients])
    tx.execute_all(
        _RECIPIENTS.insert_event,
        [
            (
                e.recipient.id, e.recipient.event_count, e.recipient.state, e.at,
                e.recipient.device_id, e.recipient.offer_number or None, e.actor, e.detail,
            )
            for e in events
        ],
    )  # fmt: skip


def request_cancel(tx: Transaction, recipient_id: int, at: int) -> None:
    """Remember that a granted job is no longer wanted; its device is told at its next sync."""
    tx.execute(_RECIPIENTS.request_cancel, (at, recipient_id))


def set_message_states(tx: Transaction, message_ids: list[int], state: State, now_ms: int) -> None:
    """Bring these messages to a state."""
    tx.execute(_MESSAGES.set_states, (state, now_ms, json.dumps(message_ids), state))


def postpone_silence(tx: Transaction, until: int) -> None:
    """No claimed job counts as silent before `until` (Unix ms)."""
    tx.execute(_RECIPIENTS.postpone_silence, {"until": until})


def recipient_states(tx: Transaction, message_ids: list[int]) -> dict[int, set[str]]:
    """The states that the recipients of these messages are in, by message."""
    found: dict[int, set[str]] = {}
    for message_id, state in tx.all(_RECIPIENTS.states_of_messages, (json.dumps(message_ids),)):
        found.setdefault(message_id, set()).add(state)
    return found


def cancel_wishes(tx: Transaction, device_ids: list[int]) -> dict[int, list[tuple[int, int, int]]]:
    """(key, created_at, offer number) of granted jobs that are no longer wanted, by device."""
    wishes: dict[int, list[tuple[int, int, int]]] = {}
    for device_id, *wish in tx.all(_RECIPIENTS.to_cancel, (json.dumps(device_ids),)):
        wishes.setdefault(device_id, []).append((wish[0], wish[1], wish[2]))
    return wishes


def was_claimed_by(
    tx: Transaction, recipient_id: int, device_id: int | None, offer_number: int
) -> bool:
    """Whether this device had this very offer granted, whatever happened since."""
    found = tx.one(_RECIPIENTS.was_claimed_by, (recipient_id, device_id, offer_number))
    return found is not None


def was_fetched(tx: Transaction, recipient_id: int) -> bool:
    """Whether a phone without a claim step ever fetched it."""
    return tx.one(_RECIPIENTS.was_fetched, (recipient_id,)) is not None


def held_by_device(tx: Transaction, device_id: int, limit: int) -> list[int]:
    """Keys of what a device was offered or had claimed."""
    return [key for (key,) in tx.all(_RECIPIENTS.open_of_device, (device_id, limit))]


def acknowledge(
    tx: Transaction, recipient_id: int, *, device_id: int, offer_number: int, due_at: int
) -> None:
    """The device said that it has this job, if it was granted to it; it is silent from `due_at`."""
    values = {
        "id": recipient_id, "device_id": device_id, "offer_number": offer_number, "due_at": due_at,
    }  # fmt: skip
    tx.execute(_RECIPIENTS.acknowledge, values)


def acknowledged_by(tx: Transaction, device_id: int) -> set[int]:
    """Keys of the granted jobs that this device said it has."""
    return {key for (key,) in tx.all(_RECIPIENTS.acknowledged, (device_id,))}


def at_home_in(tx: Transaction, lane: str, limit: int) -> list[int]:
    """Keys of the jobs that can go to this lane only."""
    values = {"lane": lane, "limit": limit}
    return [key for (key,) in tx.all(_RECIPIENTS.pinned_of_device, values)]


# --- reading ---


async def find(db: Database, message_id: int) -> Message | None:
    row = await db.fetch_one(_MESSAGES.get_message, (message_id,))
    return read_message(row) if row else None


async def find_recipient(db: Database, recipient_id: int) -> Recipient | None:
    row = await db.fetch_one(_RECIPIENTS.get_recipient, (recipient_id,))
    return _recipient(row) if row else None


async def first_recipients(db: Database, message_ids: list[int]) -> dict[int, Recipient]:
    """The first recipient of each of these messages, by message key."""
    keys = json.dumps(message_ids)
    rows = await db.fetch_all(_RECIPIENTS.first_of_messages, {"message_ids": keys})
    return {recipient.message_id: recipient for recipient in map(_recipient, rows)}


async def list_recipients(db: Database, message_id: int) -> list[Recipient]:
    rows = await db.fetch_all(_RECIPIENTS.list_of_message, (message_id,))
    return [_recipient(row) for row in rows]


async def list_sent(
    db: Database, user_id: int, *, beyond_id: int, newest_first: bool, limit: int
) -> list[tuple[Message, Recipient]]:
    """An account's recipients with their messages, in the order of the recipients' keys, from
    `beyond_id` on without it."""
    sql = _RECIPIENTS.sent_before if newest_first else _RECIPIENTS.sent_after
    values = {"user_id": user_id, "beyond_id": beyond_id, "limit": limit}
    return [
        (read_message(row[_RECIPIENT_COLUMNS:]), _recipient(row[:_RECIPIENT_COLUMNS]))
        for row in await db.fetch_all(sql, values)
    ]


async def list_sent_keys(
    db: Database, user_id: int, *, beyond_id: int, newest_first: bool, limit: int
) -> list[tuple[int, int]]:
    """The same, of each only (key, when it was made): a tenth of the work."""
    sql = _RECIPIENTS.sent_keys_before if newest_first else _RECIPIENTS.sent_keys_after
    values = {"user_id": user_id, "beyond_id": beyond_id, "limit": limit}
    return [(row[0], row[1]) for row in await db.fetch_all(sql, values)]


async def first_key_since(db: Database, at: int) -> int:
    """The least key such that no recipient with a smaller one was made at `at` or later."""
    return await search_key(db, _RECIPIENTS.last_key, _RECIPIENTS.first_from, at)


async def list_recipients_of_device(
    db: Database, device_id: int, *, before_at: int, before_id: int, limit: int
) -> list[Recipient]:
    """What a device claimed, newest claim first; the cursor is the last one's time and key."""
    values = {
        "device_id": device_id, "before_at": before_at, "before_id": before_id, "limit": limit,
    }  # fmt: skip
    rows = await db.fetch_all(_RECIPIENTS.list_of_device, values)
    return [_recipient(row) for row in rows]


async def list_offered_to_device(db: Database, device_id: int, limit: int) -> list[Recipient]:
    """What a device may claim now."""
    rows = await db.fetch_all(_RECIPIENTS.list_offered, (device_id, limit))
    return [_recipient(row) for row in rows]


async def count_claimed(db: Database, device_id: int) -> int:
    """Granted jobs that the device has not reported on to an end."""
    row = await db.fetch_one(_RECIPIENTS.count_claimed, (device_id,))
    return row[0] if row else 0


async def list_events(db: Database, message_id: int) -> dict[int, list[RecipientEvent]]:
    """The time lines of a message's recipients, by recipient key, without their first line."""
    time_lines: dict[int, list[RecipientEvent]] = {}
    for recipient_id, state, *rest in await db.fetch_all(
        _RECIPIENTS.events_of_message, (message_id,)
    ):
        time_lines.setdefault(recipient_id, []).append(RecipientEvent(State(state), *rest))
    return time_lines


async def waiting_lanes(db: Database) -> list[str]:
    return [lane for (lane,) in await db.fetch_all(_RECIPIENTS.waiting_lanes)]


async def next_due_at(db: Database) -> int | None:
    row = await db.fetch_one(_RECIPIENTS.next_due_at)
    return row[0] if row else None


async def queue_depth(db: Database) -> tuple[int, int | None]:
    """(jobs in a lane, creation time of the oldest of them)."""
    row = await db.fetch_one(_RECIPIENTS.queue_depth)
    return (row[0], row[1]) if row else (0, None)


def read_message(row: Row) -> Message:
    """A row of all columns, as the queries name them."""
    key, user_id, dialect, api_key_id, text, encoding, segments, count, state, *rest = row
    return Message(
        key, user_id, Dialect(dialect), api_key_id, text, encoding, segments, count, State(state),
        *rest,
    )  # fmt: skip


def _recipient(row: Row) -> Recipient:
    key, message_id, user_id, phone_number, state, *rest = row
    return Recipient(key, message_id, user_id, phone_number, State(state), *rest)


def _job(row: Row) -> Job:
    text, dialect, *rest = row[_RECIPIENT_COLUMNS:]
    return Job(_recipient(row[:_RECIPIENT_COLUMNS]), text, Dialect(dialect), *rest)
