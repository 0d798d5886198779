"""What TextLink knows of a contact: its name and one tag, columns of the table `contacts`."""

import msgspec

from textko_server.store.database import Transaction
from textko_server.store.queries import load

_SQL = load("contact_tags")


class TaggedContact(msgspec.Struct, frozen=True):
    name: str | None
    tag: str | None


def find(tx: Transaction, user_id: int, phone_number: str) -> TaggedContact | None:
    """The account's contact of this number; None: nobody has saved it."""
    row = tx.one(_SQL.find, (user_id, phone_number))
    if row is None:
        return None
    first_name, last_name, tag = row
    return TaggedContact(f"{first_name} {last_name}".strip() or None, tag)


def put(tx: Transaction, user_id: int, phone_number: str, tag: str | None, *, now_ms: int) -> None:
    """Give the contact of this number a tag, or none; the contact is made if there is none."""
    values = {"user_id": user_id, "phone_number": phone_number, "tag": tag, "now_ms": now_ms}
    tx.execute(_SQL.put, values)
