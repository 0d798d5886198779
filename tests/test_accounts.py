"""Users: creation, login, roles, limits, deletion, and the first admin."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from typing import Any

import bcrypt
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import START_MS, FrozenClock
from textko_server.clock import DAY_MS
from textko_server.config import AccountSettings
from textko_server.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    Invalid,
    InvalidCredentials,
    LastAdmin,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)
from textko_server.gateway import passwords, principals
from textko_server.gateway.accounts import Accounts
from textko_server.gateway.api_keys import ApiKeys
from textko_server.gateway.events import AccountChanged, DeviceChanged, Event, Events
from textko_server.gateway.passwords import Passwords
from textko_server.gateway.profile_fields import checked_email
from textko_server.gateway.public_ids import PublicIds
from textko_server.gateway.tokens import LoginTokens, SignedLinks, make_secret
from textko_server.model import Role, User
from textko_server.store import secrets
from textko_server.store.database import Database, Transaction

SETTINGS = AccountSettings(bcrypt_rounds=4, failed_logins_per_quarter_hour=3)
PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"

MakeAccounts = Callable[..., Accounts]


@pytest.fixture
def events(db: Database) -> Events:
    events = Events()
    db.publish = events.publish
    return events


@pytest.fixture
def make_accounts(db: Database, clock: FrozenClock, events: Events) -> MakeAccounts:
    """Accounts with other settings, over the same database."""
    jwt_secret, links_secret = make_secret(), make_secret()

    def make(**changes: Any) -> Accounts:
        settings = msgspec.structs.replace(SETTINGS, **changes)
        tokens = LoginTokens(jwt_secret, PublicIds(b"test"), clock, settings.jwt_lifetime_s)
        return Accounts(db, clock, settings, tokens, SignedLinks(links_secret, clock), events)

    return make


@pytest.fixture
def accounts(make_accounts: MakeAccounts) -> Accounts:
    return make_accounts()


@pytest.fixture
async def anna(accounts: Accounts) -> User:
    return await accounts.create_user("anna@example.com", PASSWORD, Role.ADMIN, "Anna")


@pytest.fixture
async def ben(accounts: Accounts) -> User:
    return await accounts.create_user("ben@example.com", PASSWORD)


async def _count(db: Database, table: str) -> int:
    row = await db.fetch_one(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of this file
    assert row is not None
    return int(row[0])


# --- becoming a user ---


async def test_user_gets_the_limits_of_the_settings(make_accounts: MakeAccounts) -> None:
    accounts = make_accounts(credits=300, monthly_limit=-1)
    user = await accounts.create_user(" Carl@Example.com ", PASSWORD, name=" Carl ")

    assert user == User(
        1, "Carl@Example.com", "Carl", Role.REGULAR, 1, 300, None, None, START_MS, START_MS
    )


async def test_email_is_taken_whatever_its_case(accounts: Accounts, anna: User) -> None:
    with pytest.raises(AlreadyExists):
        await accounts.create_user("ANNA@example.com", PASSWORD)

    assert await accounts.find_user_by_email("ANNA@EXAMPLE.COM") == anna


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("short", "8 characters"),
        ("x" * 73, "72 bytes"),
        ("ä" * 37, "72 bytes"),
        ("\ud800" * 8, "Unicode"),
    ],
)
async def test_password_bcrypt_would_not_read_in_full_or_too_short_is_refused(
    accounts: Accounts, password: str, reason: str
) -> None:
    with pytest.raises(Invalid, match=reason) as refusal:
        await accounts.create_user("carl@example.com", password)

    assert refusal.value.field == "password"
    assert password not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    "email", ["", "anna", "@example.com", "anna@", "a b@example.com", "a@b@c", "a@-b.c", "ä@b.c"]
)
async def test_email_without_the_form_of_one_is_refused(accounts: Accounts, email: str) -> None:
    with pytest.raises(Invalid, match="email"):
        await accounts.create_user(email, PASSWORD)


def test_email_of_an_installation_without_a_domain_is_accepted() -> None:
    assert checked_email("admin@localhost") == "admin@localhost"


@given(st.emails())
def test_emails_pass_unless_no_browser_would_send_them(email: str) -> None:
    assert checked_email(f" {email} ") == email


@given(st.text())
def test_any_text_is_an_email_or_invalid(text: str) -> None:
    try:
        email = checked_email(text)
    except Invalid:
        return
    assert email.isascii()
    assert len(email) <= 254


@pytest.mark.parametrize("name", ["x" * 101, "red\x1b[31m", "two\nlines"])
async def test_name_that_would_garble_a_terminal_is_refused(accounts: Accounts, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        await accounts.create_user("carl@example.com", PASSWORD, name=name)


async def test_registration_is_closed_by_default(accounts: Accounts) -> None:
    with pytest.raises(Forbidden, match="closed"):
        await accounts.register("carl@example.com", PASSWORD, "", ADDRESS)


async def test_open_registration_makes_regular_users(make_accounts: MakeAccounts) -> None:
    accounts = make_accounts(registration="open")
    user, token = await accounts.register("carl@example.com", PASSWORD, "", ADDRESS)

    assert user.role is Role.REGULAR
    assert (await accounts.authenticate_jwt(token)).user_id == user.id


async def test_registering_to_find_out_who_is_here_is_throttled(
    make_accounts: MakeAccounts,
) -> None:
    accounts = make_accounts(registration="open")
    for email in ("a@example.com", "b@example.com", "c@example.com"):
        await accounts.create_user(email, PASSWORD)
        with pytest.raises(AlreadyExists):
            await accounts.register(email, PASSWORD, "", ADDRESS)

    with pytest.raises(TooManyRequests):
        await accounts.register("d@example.com", PASSWORD, "", ADDRESS)


# --- the first admin ---


async def test_first_admin_link_works_once(accounts: Accounts) -> None:
    assert not await accounts.has_admin()
    token = accounts.make_first_admin_link_token()
    user, jwt = await accounts.create_first_admin(token, "anna@example.com", PASSWORD)

    assert user.role is Role.ADMIN
    assert (await accounts.authenticate_jwt(jwt)).is_admin
    assert await accounts.has_admin()
    with pytest.raises(Conflict):
        await accounts.create_first_admin(token, "mallory@example.com", PASSWORD)


async def test_first_admin_link_used_twice_at_once_makes_one_admin(accounts: Accounts) -> None:
    token = accounts.make_first_admin_link_token()
    outcomes = await asyncio.gather(
        *(accounts.create_first_admin(token, f"{n}@example.com", PASSWORD) for n in range(4)),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == [*["Conflict"] * 3, "tuple"]
    assert len(await accounts.list_users()) == 1


async def test_first_admin_link_runs_out_after_a_day(
    accounts: Accounts, clock: FrozenClock
) -> None:
    token = accounts.make_first_admin_link_token()
    clock.advance(DAY_MS + 1_000)

    with pytest.raises(Invalid, match="run out"):
        await accounts.create_first_admin(token, "anna@example.com", PASSWORD)


# --- logging in ---


async def test_login_leads_to_a_principal_with_all_scopes(accounts: Accounts, anna: User) -> None:
    user, token = await accounts.login(" ANNA@example.com", PASSWORD, ADDRESS)
    principal = await accounts.authenticate_jwt(token)

    assert user == anna
    assert principal == principals.of_user(anna)
    assert principal.is_admin
    assert principal.scopes == principals.ALL_SCOPES
    assert principal.actor == "user:anna@example.com"


@pytest.mark.parametrize("email", ["anna@example.com", "nobody@example.com", "\ud800"])
@pytest.mark.parametrize("password", ["wrong horse", "", "x" * 100, PASSWORD + "\ud800"])
async def test_wrong_login_says_the_same_for_known_and_unknown_emails(
    accounts: Accounts, anna: User, email: str, password: str
) -> None:
    if email == "\ud800":
        email = "nobody"
    with pytest.raises(InvalidCredentials) as refusal:
        await accounts.login(email, password, None)

    assert refusal.value.message == "wrong e-mail or password"


async def test_unknown_email_costs_the_same_hash_as_a_known_one(
    accounts: Accounts, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[bytes] = []
    check = bcrypt.checkpw

    def record(password: bytes, hashed: bytes) -> bool:
        verified.append(hashed[:7])
        return check(password, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", record)
    for email in ("anna@example.com", "nobody@example.com"):
        with pytest.raises(InvalidCredentials):
            await accounts.login(email, "wrong horse", None)

    assert verified == [b"$2b$04$", b"$2b$04$"]


async def test_failed_logins_are_throttled_even_when_they_come_at_once(
    accounts: Accounts, anna: User
) -> None:
    outcomes = await asyncio.gather(
        *(accounts.login("anna@example.com", "wrong horse", None) for _ in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, InvalidCredentials) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, TooManyRequests) for outcome in outcomes) == 7
    with pytest.raises(TooManyRequests):
        await accounts.login("anna@example.com", PASSWORD, ADDRESS)


async def test_hash_of_other_rounds_is_renewed_at_login(
    make_accounts: MakeAccounts, anna: User, db: Database
) -> None:
    accounts = make_accounts(bcrypt_rounds=5)
    _, token = await accounts.login("anna@example.com", PASSWORD, None)

    row = await db.fetch_one("SELECT password_hash FROM users")
    assert row is not None
    assert row[0].startswith("$2b$05$")
    assert (await accounts.authenticate_jwt(token)).user_id == anna.id
    await accounts.login("anna@example.com", PASSWORD, None)


async def test_flood_of_hashes_is_refused_beyond_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(passwords, "MAX_WAITING_COUNT", 3)
    hasher = Passwords(rounds=4)
    outcomes = await asyncio.gather(
        *(hasher.verify(PASSWORD, None) for _ in range(5)), return_exceptions=True
    )

    assert [outcome is False for outcome in outcomes] == [True] * 3 + [False] * 2
    assert not await hasher.verify(PASSWORD, None)


async def test_token_ends_with_the_lifetime_of_the_settings(
    accounts: Accounts, anna: User, clock: FrozenClock
) -> None:
    _, token = await accounts.login("anna@example.com", PASSWORD, None)
    await accounts.authenticate_jwt(token)
    clock.advance(SETTINGS.jwt_lifetime_s * 1_000)

    with pytest.raises(Unauthenticated, match="expired"):
        await accounts.authenticate_jwt(token)


async def test_role_changed_behind_the_servers_back_is_seen_within_a_minute(
    accounts: Accounts, ben: User, clock: FrozenClock, db: Database
) -> None:
    _, token = await accounts.login("ben@example.com", PASSWORD, None)
    assert not (await accounts.authenticate_jwt(token)).is_admin
    await db.write(lambda tx: tx.execute("UPDATE users SET role = 'ADMIN'").rowcount)
    clock.advance(60_000)

    assert (await accounts.authenticate_jwt(token)).is_admin


# --- changing ---


async def test_demotion_ends_tokens_at_once(accounts: Accounts, anna: User, ben: User) -> None:
    await accounts.set_role(ben.id, Role.ADMIN)
    _, token = await accounts.login("ben@example.com", PASSWORD, None)
    assert (await accounts.authenticate_jwt(token)).is_admin
    demoted = await accounts.set_role(ben.id, Role.REGULAR)

    assert demoted.role is Role.REGULAR
    with pytest.raises(Unauthenticated, match="log in again"):
        await accounts.authenticate_jwt(token)
    _, token = await accounts.login("ben@example.com", PASSWORD, None)
    assert not (await accounts.authenticate_jwt(token)).is_admin


async def test_role_a_user_has_already_keeps_their_tokens(accounts: Accounts, anna: User) -> None:
    _, token = await accounts.login("anna@example.com", PASSWORD, None)

    assert await accounts.set_role(anna.id, Role.ADMIN) == anna
    assert (await accounts.authenticate_jwt(token)).is_admin


async def test_last_admin_can_be_neither_demoted_nor_deleted(
    accounts: Accounts, anna: User, ben: User
) -> None:
    with pytest.raises(LastAdmin):
        await accounts.set_role(anna.id, Role.REGULAR)
    with pytest.raises(LastAdmin):
        await accounts.delete_user(anna.id)

    assert await accounts.get_user(anna.id) == anna


async def test_two_admins_deleting_each_other_leave_one(accounts: Accounts, anna: User) -> None:
    other = await accounts.create_user("carl@example.com", PASSWORD, Role.ADMIN)
    outcomes = await asyncio.gather(
        accounts.delete_user(anna.id), accounts.delete_user(other.id), return_exceptions=True
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["LastAdmin", "NoneType"]
    assert [user.role for user in await accounts.list_users()] == [Role.ADMIN]


async def test_password_change_ends_old_tokens_and_gives_a_new_one(
    accounts: Accounts, anna: User
) -> None:
    _, old_token = await accounts.login("anna@example.com", PASSWORD, None)
    _, new_token = await accounts.change_password(anna.id, PASSWORD, "battery staple")

    with pytest.raises(Unauthenticated):
        await accounts.authenticate_jwt(old_token)
    assert (await accounts.authenticate_jwt(new_token)).user_id == anna.id
    with pytest.raises(InvalidCredentials):
        await accounts.login("anna@example.com", PASSWORD, None)
    await accounts.login("anna@example.com", "battery staple", None)


async def test_old_password_cannot_be_guessed_with_a_stolen_token(
    accounts: Accounts, anna: User
) -> None:
    for _ in range(3):
        with pytest.raises(InvalidCredentials, match="old password"):
            await accounts.change_password(anna.id, "wrong horse", "battery staple")

    with pytest.raises(TooManyRequests):
        await accounts.change_password(anna.id, PASSWORD, "battery staple")


async def test_two_password_changes_at_once_do_not_both_succeed(
    accounts: Accounts, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_verified = asyncio.Barrier(2)
    make_hash = accounts._passwords.hash

    async def hash_when_both_are_there(password: str) -> str:
        await both_verified.wait()
        return await make_hash(password)

    monkeypatch.setattr(accounts._passwords, "hash", hash_when_both_are_there)

    outcomes = await asyncio.gather(
        accounts.change_password(anna.id, PASSWORD, "battery staple"),
        accounts.change_password(anna.id, PASSWORD, "paper clip"),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "tuple"]


async def test_admin_reset_of_a_password_ends_tokens(accounts: Accounts, anna: User) -> None:
    _, token = await accounts.login("anna@example.com", PASSWORD, None)
    await accounts.authenticate_jwt(token)
    await accounts.set_password(anna.id, "battery staple")

    with pytest.raises(Unauthenticated):
        await accounts.authenticate_jwt(token)
    await accounts.login("anna@example.com", "battery staple", None)


async def test_profile_change_keeps_tokens_and_shows_at_once(
    accounts: Accounts, anna: User
) -> None:
    _, token = await accounts.login("anna@example.com", PASSWORD, None)
    await accounts.authenticate_jwt(token)
    renamed = await accounts.update_profile(anna.id, name="Anna K.")
    moved = await accounts.update_profile(anna.id, email="Anna@Example.org")

    assert (renamed.email, renamed.name) == ("anna@example.com", "Anna K.")
    assert (moved.email, moved.name) == ("Anna@Example.org", "Anna K.")
    assert (await accounts.authenticate_jwt(token)).actor == "user:Anna@Example.org"


async def test_email_of_another_user_cannot_be_taken(
    accounts: Accounts, anna: User, ben: User
) -> None:
    with pytest.raises(AlreadyExists):
        await accounts.update_profile(ben.id, email="Anna@example.com")

    assert (await accounts.update_profile(ben.id, email="Ben@example.com")).name == ""


async def test_limits_change_only_where_they_are_given(accounts: Accounts, anna: User) -> None:
    await accounts.set_limits(anna.id, credits=5, monthly_limit=10, subscription_ends_at=START_MS)
    changed = await accounts.set_limits(anna.id, credits=None)

    assert changed.credits is None
    assert (changed.monthly_limit, changed.subscription_ends_at) == (10, START_MS)


@pytest.mark.parametrize("limit", [-1, 1 << 53])
async def test_limit_out_of_range_is_refused(accounts: Accounts, anna: User, limit: int) -> None:
    with pytest.raises(Invalid, match="monthly_limit"):
        await accounts.set_limits(anna.id, monthly_limit=limit)


async def test_users_are_listed_in_pages(accounts: Accounts, anna: User, ben: User) -> None:
    assert await accounts.list_users(limit=1) == [anna]
    assert await accounts.list_users(after_id=anna.id) == [ben]


async def test_user_that_does_not_exist_is_not_found(accounts: Accounts) -> None:
    for attempt in (
        accounts.get_user(99),
        accounts.set_role(99, Role.ADMIN),
        accounts.set_password(99, PASSWORD),
        accounts.change_password(99, PASSWORD, PASSWORD),
        accounts.update_profile(99, name="x"),
        accounts.set_limits(99, credits=1),
        accounts.delete_user(99),
    ):
        with pytest.raises(NotFound, match="user"):
            await attempt
    assert await accounts.find_user_by_email("nobody@example.com") is None


# --- deleting ---


# :n is a JSON array of the keys 1, 2, ...
_FILL = """
INSERT INTO devices (id, user_id, name, model, app_name, app_version, created_at, updated_at)
VALUES (1, :u, 'Pixel', '', '', '', 0, 0), (2, :u, 'Moto', '', '', '', 0, 0);
INSERT INTO sims (device_id, slot) VALUES (1, 1);
INSERT INTO pairing_codes (code_hash, user_id, created_at, expires_at, device_id)
VALUES (x'01', :u, 0, 0, 1);
INSERT INTO messages (id, user_id, dialect, text, encoding, segments, recipient_count, state,
    priority, created_at, updated_at)
SELECT value, :u, 'textko', 'hello', 'GSM-7', 1, 1, 'sent', 5, 0, 0 FROM json_each(:n);
INSERT INTO recipients (message_id, user_id, phone_number, state, home_lane, priority, segments,
    created_at)
SELECT value, :u, '+15550100', 'sent', 'a1', 5, 1, 0 FROM json_each(:n);
INSERT INTO recipient_events (recipient_id, number, state, at, actor)
SELECT id, 1, 'sent', 0, 'device' FROM recipients;
INSERT INTO incoming_messages (user_id, device_id, phone_reference, sender, text, received_at,
    created_at)
SELECT :u, 1, value, '+15550101', 'hi', 0, 0 FROM json_each(:n);
INSERT INTO contacts (user_id, phone_number, created_at, updated_at)
VALUES (:u, '+15550100', 0, 0);
INSERT INTO webhooks (id, user_id, name, url, format, secret, events, created_at, updated_at)
VALUES (1, :u, '', 'http://192.0.2.9', 'textko', 's', '', 0, 0);
INSERT INTO webhook_deliveries (webhook_id, user_id, event, body, state, created_at)
SELECT 1, :u, '', x'', 'pending', 0 FROM json_each(:n);
INSERT INTO webhook_attempts (delivery_id, number, at, duration_ms) VALUES (1, 1, 0, 0);
INSERT INTO usage (user_id, month, messages, segments) VALUES (:u, '2026-01', 1, 1);
INSERT INTO idempotency_keys (principal, key, endpoint, fingerprint, message_ids, expires_at)
VALUES ('user:' || :u, 'a', '', x'', '', 0), ('key:' || :k, 'a', '', x'', '', 0);
"""
_FILLED = [*re.findall(r"INSERT INTO (\w+)", _FILL), "api_keys"]


async def _fill(db: Database, user_id: int, api_key_id: int, count: int) -> None:
    """A row in every table that can name a user, and `count` where there may be many."""
    parameters = {"u": user_id, "k": api_key_id, "n": str(list(range(1, count + 1)))}

    def insert(tx: Transaction) -> None:
        for statement in _FILL.split(";\n"):
            tx.execute(statement, parameters)

    await db.write(insert)


async def test_deleted_user_leaves_nothing_behind(
    accounts: Accounts, ben: User, anna: User, db: Database, clock: FrozenClock, events: Events
) -> None:
    api_keys = ApiKeys(db, clock, events)
    api_key, _ = await api_keys.create_key(ben.id, "app")
    await _fill(db, ben.id, api_key.id, count=250)
    assert all([await _count(db, table) for table in _FILLED])
    await accounts.delete_user(ben.id)

    assert {table: await _count(db, table) for table in _FILLED} == dict.fromkeys(_FILLED, 0)
    assert await accounts.list_users() == [anna]


async def test_deletion_spares_what_belongs_to_others(
    accounts: Accounts, ben: User, anna: User, db: Database, clock: FrozenClock, events: Events
) -> None:
    api_keys = ApiKeys(db, clock, events)
    api_key, key = await api_keys.create_key(anna.id, "app")
    await _fill(db, anna.id, api_key.id, count=2)
    counts = {table: await _count(db, table) for table in _FILLED}
    await accounts.delete_user(ben.id)

    assert {table: await _count(db, table) for table in _FILLED} == counts
    assert (await api_keys.authenticate_key(key)).user_id == anna.id


async def test_deletion_ends_tokens_keys_and_polls(
    accounts: Accounts, ben: User, db: Database, clock: FrozenClock, events: Events
) -> None:
    api_keys = ApiKeys(db, clock, events)
    api_key, key = await api_keys.create_key(ben.id, "app")
    await _fill(db, ben.id, api_key.id, count=1)
    _, token = await accounts.login("ben@example.com", PASSWORD, None)
    await accounts.authenticate_jwt(token)
    await api_keys.authenticate_key(key)
    seen: list[Event] = []
    events.listen(seen.append)
    await accounts.delete_user(ben.id)

    assert [e.device_id for e in seen if isinstance(e, DeviceChanged) and e.what == "deleted"] == [
        1,
        2,
    ]
    assert [e.what for e in seen if isinstance(e, AccountChanged)][-1] == "deleted"
    assert api_keys.cached_principal(key) is None
    for refused in (accounts.authenticate_jwt(token), api_keys.authenticate_key(key)):
        with pytest.raises(Unauthenticated):
            await refused
    with pytest.raises(InvalidCredentials):
        await accounts.login("ben@example.com", PASSWORD, None)


async def test_account_half_deleted_by_a_crash_is_closed_and_can_be_deleted_again(
    accounts: Accounts, ben: User, db: Database, clock: FrozenClock, events: Events
) -> None:
    api_key, key = await ApiKeys(db, clock, events).create_key(ben.id, "app")
    await _fill(db, ben.id, api_key.id, count=250)
    refuse = "CREATE TRIGGER stop BEFORE DELETE ON messages BEGIN SELECT RAISE(ABORT, ''); END"
    await db.write(lambda tx: tx.execute(refuse).rowcount)
    with pytest.raises(sqlite3.IntegrityError):
        await accounts.delete_user(ben.id)

    assert await _count(db, "messages") == 250
    for password in (PASSWORD, ""):
        with pytest.raises(InvalidCredentials):
            await accounts.login("ben@example.com", password, None)
    with pytest.raises(Unauthenticated):
        await ApiKeys(db, clock, events).authenticate_key(key)
    await db.write(lambda tx: tx.execute("DROP TRIGGER stop").rowcount)
    await accounts.delete_user(ben.id)
    assert {table: await _count(db, table) for table in _FILLED} == dict.fromkeys(_FILLED, 0)


# --- secrets of the installation ---


async def test_secret_is_made_once_and_kept(db: Database) -> None:
    first = await db.write(lambda tx: secrets.get_or_create(tx, "jwt", make_secret))
    again = await db.write(lambda tx: secrets.get_or_create(tx, "jwt", make_secret))
    other = await db.write(lambda tx: secrets.get_or_create(tx, "links", make_secret))

    assert first == again != other
    assert len(first) == 64


def test_operator_is_admin_without_an_account() -> None:
    operator = principals.operator()

    assert operator.is_admin
    assert (operator.user_id, operator.actor) == (0, "operator")
