"""Users: logins and the limits of their accounts. Refuses to know what a role may do."""

import re

import msgspec

from textko_server.model import Role, User
from textko_server.store.database import Database, Row, Transaction
from textko_server.store.queries import load

_USERS = load("users")
# What LIKE does not take for itself.
_LIKE_SIGN = re.compile(r"[\\%_]")


class Holdings(msgspec.Struct, frozen=True):
    """How much an account has."""

    devices: int
    api_keys: int
    webhooks: int
    messages: int
    incoming: int
    webhook_deliveries: int
    contacts: int
    """Those that somebody saved."""
    groups: int
    templates: int
    scheduled: int
    opt_outs: int


# What no password verifies against.
NO_PASSWORD = ""


# --- inside a write ---


def insert(
    tx: Transaction,
    email: str,
    name: str,
    password_hash: str,
    role: Role,
    credits_count: int | None,
    monthly_limit: int | None,
    now_ms: int,
) -> User:
    """The e-mail must be free: see `find_by_email`."""
    values = (email, name, password_hash, role, credits_count, monthly_limit, now_ms, now_ms)
    user = find(tx, tx.insert(_USERS.insert, values))
    assert user is not None  # noqa: S101 - inserted in this transaction
    return user


def find(tx: Transaction, user_id: int) -> User | None:
    row = tx.one(_USERS.get, (user_id,))
    return _user(row) if row else None


def find_by_email(tx: Transaction, email: str) -> User | None:
    """Ignores the case of ASCII letters."""
    row = tx.one(_USERS.find_by_email, (email,))
    return _user(row) if row else None


def is_other_admin(tx: Transaction, user_id: int) -> bool:
    """Whether there is an admin besides this user; 0 asks for any."""
    row = tx.one(_USERS.is_other_admin, (user_id,))
    return row is not None and bool(row[0])


def set_role(tx: Transaction, user_id: int, role: Role, now_ms: int) -> None:
    """Raises the token version too."""
    tx.execute(_USERS.update_role, (role, now_ms, user_id))


def set_password_hash(tx: Transaction, user_id: int, password_hash: str, now_ms: int) -> None:
    """Raises the token version too."""
    tx.execute(_USERS.update_password, (password_hash, now_ms, user_id))


def replace_password_hash(tx: Transaction, user_id: int, old_hash: str, new_hash: str) -> None:
    """Store another hash of the same password, unless the password was changed meanwhile."""
    tx.execute(
        _USERS.replace_password_hash,
        {"user_id": user_id, "old_hash": old_hash, "new_hash": new_hash},
    )


def set_profile(tx: Transaction, user_id: int, email: str, name: str, now_ms: int) -> None:
    """The e-mail must be free or the user's own."""
    tx.execute(_USERS.update_profile, (email, name, now_ms, user_id))


def set_limits(
    tx: Transaction,
    user_id: int,
    credits_count: int | None,
    monthly_limit: int | None,
    subscription_ends_at: int | None,
    now_ms: int,
) -> None:
    values = (credits_count, monthly_limit, subscription_ends_at, now_ms, user_id)
    tx.execute(_USERS.update_limits, values)


def close_account(tx: Transaction, user_id: int, now_ms: int) -> list[int]:
    """Take away all that lets anybody in: password, JWTs, API keys, devices.

    Returns the keys of the devices that were deleted. The records stay; see `delete_some_records`.
    """
    device_ids = [int(key) for (key,) in tx.all(_USERS.devices_of_user, (user_id,))]
    tx.execute(_USERS.delete_idempotency_keys_of_login, (user_id,))
    tx.execute(_USERS.delete_idempotency_keys_of_api_keys, (user_id,))
    tx.execute(_USERS.delete_api_keys, (user_id,))
    tx.execute(_USERS.delete_pairing_codes, (user_id,))
    tx.execute(_USERS.delete_devices, (user_id,))
    tx.execute(_USERS.delete_scheduled_messages, (user_id,))
    set_role(tx, user_id, Role.REGULAR, now_ms)
    set_password_hash(tx, user_id, NO_PASSWORD, now_ms)
    return device_ids


def delete_some_records(tx: Transaction, user_id: int, limit: int) -> int:
    """Delete at most `limit` each of messages, incoming messages, webhook deliveries, contacts and
    ledger lines.

    Returns how many went, so that 0 means none is left.
    """
    queries = (
        _USERS.delete_some_messages,
        _USERS.delete_some_incoming_messages,
        _USERS.delete_some_webhook_deliveries,
        _USERS.delete_some_contacts,
        _USERS.delete_some_ledger_lines,
    )
    return sum(tx.execute(query, (user_id, limit)).rowcount for query in queries)


def delete(tx: Transaction, user_id: int) -> None:
    """Delete the row and by cascade everything that still names it."""
    tx.execute(_USERS.delete, (user_id,))


# --- outside ---


async def find_committed(db: Database, user_id: int) -> User | None:
    row = await db.fetch_one(_USERS.get, (user_id,))
    return _user(row) if row else None


async def find_committed_by_email(db: Database, email: str) -> User | None:
    row = await db.fetch_one(_USERS.find_by_email, (email,))
    return _user(row) if row else None


async def find_login(db: Database, email: str) -> tuple[User, str] | None:
    """The user of that e-mail and the hash of its password."""
    row = await db.fetch_one(_USERS.find_login, (email,))
    return (_user(row[:-1]), row[-1]) if row else None


async def find_login_of(db: Database, user_id: int) -> tuple[User, str] | None:
    """The same, by key."""
    row = await db.fetch_one(_USERS.get_login, (user_id,))
    return (_user(row[:-1]), row[-1]) if row else None


async def list_after(
    db: Database, after_id: int, limit: int, role: Role | None, beginning: str | None
) -> list[User]:
    """A page, oldest first. `beginning`: of an e-mail or name, whatever the case."""
    parameters = {
        "after_id": after_id,
        "limit": limit,
        "role": role,
        "beginning": None if beginning is None else _LIKE_SIGN.sub(r"\\\g<0>", beginning) + "%",
    }
    return [_user(row) for row in await db.fetch_all(_USERS.list_after, parameters)]


async def has_admin(db: Database) -> bool:
    row = await db.fetch_one(_USERS.is_other_admin, (0,))
    return row is not None and bool(row[0])


async def count_holdings(db: Database, user_id: int) -> Holdings:
    row = await db.fetch_one(_USERS.count_holdings, {"user_id": user_id})
    assert row is not None  # noqa: S101 - a SELECT of counts always has its row
    return Holdings(*row)


def _user(row: Row) -> User:
    return User(row[0], row[1], row[2], Role(row[3]), *row[4:])
