"""What only SMSGate's API knows of a message, and messages page by page as its lists show them."""

import json

import msgspec

from textko_server.model import Message, State
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.message_pages import MAX_COUNTED, Wanted
from textko_server.store.messages import read_message
from textko_server.store.queries import load

_MESSAGES = load("smsgate_messages")


class Form(msgspec.Struct, frozen=True):
    """How a message differs from an ordinary text without an id of its own."""

    client_id: str | None = None
    """The id that its application gave it."""
    is_encrypted: bool = False
    """Text and phone numbers are ciphertext; only SMSGate's app on the phone can read them."""
    data_port: int | None = None
    """Its text is base64 of a data SMS to this port."""
    is_report_wanted: bool = True

    @property
    def needs_the_app(self) -> bool:
        return self.is_encrypted or self.data_port is not None


class Told(msgspec.Struct, frozen=True):
    """As much of a recipient as a list tells."""

    message_id: int
    phone_number: str
    state: State
    device_id: int | None
    error: str | None
    cancel_requested_at: int | None
    claimed_at: int | None
    sent_at: int | None
    delivered_at: int | None
    ended_at: int | None


# --- inside a write ---


def insert(tx: Transaction, message_id: int, user_id: int, form: Form) -> None:
    tx.execute(
        _MESSAGES.insert,
        (
            message_id, user_id, form.client_id, int(form.is_encrypted), form.data_port,
            int(form.is_report_wanted),
        ),
    )  # fmt: skip


def find_in(tx: Transaction, user_id: int, client_id: str) -> int | None:
    """The key of the message that has this id."""
    row = tx.one(_MESSAGES.find_by_client_id, (user_id, client_id))
    return row[0] if row else None


def forms_in(tx: Transaction, message_ids: list[int]) -> dict[int, Form]:
    """Of those that differ from an ordinary text, by key."""
    return _forms(tx.all(_MESSAGES.forms, (json.dumps(message_ids),)))


# --- reading ---


async def find(db: Database, user_id: int, client_id: str) -> int | None:
    """See find_in."""
    row = await db.fetch_one(_MESSAGES.find_by_client_id, (user_id, client_id))
    return row[0] if row else None


async def forms(db: Database, message_ids: list[int]) -> dict[int, Form]:
    """See forms_in."""
    return _forms(await db.fetch_all(_MESSAGES.forms, (json.dumps(message_ids),)))


async def list_keys(
    db: Database, wanted: Wanted, *, newest_first: bool, offset: int, limit: int
) -> list[int]:
    if wanted.states is None:
        sql = _MESSAGES.newest if newest_first else _MESSAGES.oldest
    else:
        sql = _MESSAGES.newest_in_states if newest_first else _MESSAGES.oldest_in_states
    values = {
        "user_id": wanted.user_id,
        "states": None if wanted.states is None else json.dumps(wanted.states),
        "from_id": wanted.from_id,
        "before_id": wanted.before_id,
        "limit": limit,
        "offset": offset,
    }
    return [key for (key,) in await db.fetch_all(sql, values)]


async def list_keys_of_device(db: Database, wanted: Wanted, device_id: int) -> list[int]:
    """Oldest first: of the account's newest MAX_COUNTED messages those that went by this device."""
    values = {
        "user_id": wanted.user_id,
        "from_id": wanted.from_id,
        "before_id": wanted.before_id,
        "device_id": device_id,
        "looked_count": MAX_COUNTED,
    }
    rows = await db.fetch_all(_MESSAGES.of_device, values)
    return sorted(key for key, state in rows if wanted.states is None or state in wanted.states)


async def get_messages(db: Database, message_ids: list[int]) -> dict[int, Message]:
    """Those that exist, by key."""
    rows = await db.fetch_all(_MESSAGES.get_messages, (json.dumps(message_ids),))
    return {row[0]: read_message(row) for row in rows}


async def list_recipients(
    db: Database, message_ids: list[int], each_count: int
) -> dict[int, list[Told]]:
    """The first `each_count` of each message, by its key."""
    values = {"message_ids": json.dumps(message_ids), "each_count": each_count}
    found: dict[int, list[Told]] = {}
    for message_id, phone_number, state, *rest in await db.fetch_all(_MESSAGES.recipients, values):
        told = Told(message_id, phone_number, State(state), *rest)
        found.setdefault(message_id, []).append(told)
    return found


def _forms(rows: list[Row]) -> dict[int, Form]:
    return {
        key: Form(client_id, bool(is_encrypted), data_port, bool(is_report_wanted))
        for key, client_id, is_encrypted, data_port, is_report_wanted in rows
    }
