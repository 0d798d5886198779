"""API keys: made once, found fast, dead at once."""

import asyncio
import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clocks import START_MS, FrozenClock
from textko_server.errors import (
    AlreadyExists,
    Conflict,
    Invalid,
    NotFound,
    TextkoError,
    Unauthenticated,
)
from textko_server.gateway import principals
from textko_server.gateway.api_key_format import (
    can_be_key,
    check_legacy_key,
    key_hash,
    key_prefix,
    make_key,
)
from textko_server.gateway.api_keys import MAX_KEYS_PER_USER, ApiKeys
from textko_server.gateway.events import AccountChanged, Events
from textko_server.model import Principal, Role
from textko_server.store import users
from textko_server.store.database import Database

ANNA, BEN = 1, 2
LEGACY = "old-token-in-ten-apps"


@pytest.fixture
def events(db: Database) -> Events:
    events = Events()
    db.publish = events.publish
    return events


@pytest.fixture
async def api_keys(db: Database, clock: FrozenClock, events: Events) -> ApiKeys:
    for email, role in (("anna@example.com", Role.ADMIN), ("ben@example.com", Role.REGULAR)):
        await db.write(
            lambda tx, e=email, r=role: users.insert(tx, e, "", "", r, None, None, START_MS)  # type: ignore[misc]  # defaults bind the loop's values
        )
    return ApiKeys(db, clock, events)


async def _add_device(db: Database, user_id: int) -> int:
    return await db.write(
        lambda tx: tx.insert(
            "INSERT INTO devices (user_id, name, model, app_name, app_version, created_at,"
            " updated_at) VALUES (?, '', '', '', '', 0, 0)",
            (user_id,),
        )
    )


# --- the form ---


def test_key_has_64_characters_and_no_two_are_alike() -> None:
    keys = {make_key() for _ in range(100)}

    assert len(keys) == 100
    assert all(re.fullmatch("txk_[0-9a-zA-Z]{60}", key) for key in keys)
    assert all(can_be_key(key) for key in keys)


def test_prefix_shows_twelve_characters_and_never_most_of_a_key() -> None:
    assert key_prefix("txk_" + "abcdefgh" * 8) == "txk_abcdefgh"
    assert key_prefix("0123456789abcdef") == "0123"


@given(st.text(max_size=300))
def test_any_text_is_a_legacy_key_or_invalid(text: str) -> None:
    try:
        check_legacy_key(text)
    except Invalid:
        return
    assert 16 <= len(text) <= 256
    assert text.isascii()
    assert " " not in text


# --- using ---


async def test_key_leads_to_its_principal(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, " shop ")
    principal = await api_keys.authenticate_key(key)

    assert principal.user_id == ANNA
    assert principal.api_key_id == api_key.id
    assert principal.scopes == principals.ALL_SCOPES
    assert principal.device_ids is None
    assert principal.actor == "key:shop"
    assert not principal.is_admin


async def test_key_is_stored_as_its_hash_only(api_keys: ApiKeys, db: Database) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")

    row = await db.fetch_one("SELECT * FROM api_keys")
    assert row is not None
    assert key_hash(key) in row
    assert key not in map(str, row)
    assert api_key.prefix == key[:12]


async def test_key_is_known_without_looking_after_its_first_use(api_keys: ApiKeys) -> None:
    _, key = await api_keys.create_key(ANNA, "shop")

    assert api_keys.cached_principal(key) is None
    principal = await api_keys.authenticate_key(key)
    assert api_keys.cached_principal(key) is principal


@pytest.mark.parametrize(
    "key",
    ["", "short", make_key(), "ä" * 64, "\udcff" * 64, "x" * 300],
    ids=["empty", "short", "well made", "not ASCII", "not text", "long"],
)
async def test_unknown_key_is_refused_without_repeating_it(api_keys: ApiKeys, key: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await api_keys.authenticate_key(key)

    assert refusal.value.message == "invalid API key"
    assert api_keys.cached_principal(key) is None


async def test_cache_is_bounded(api_keys: ApiKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(principals, "MAX_CACHED_COUNT", 2)
    keys = [(await api_keys.create_key(ANNA, "shop"))[1] for _ in range(4)]
    for key in keys:
        await api_keys.authenticate_key(key)

    assert [api_keys.cached_principal(key) is not None for key in keys] == [
        False,
        False,
        True,
        True,
    ]


async def test_expired_key_is_refused_cached_or_not(api_keys: ApiKeys, clock: FrozenClock) -> None:
    _, key = await api_keys.create_key(ANNA, "shop", expires_at=START_MS + 1_000)
    clock.advance(999)
    await api_keys.authenticate_key(key)
    assert api_keys.cached_principal(key) is not None
    clock.advance(1)

    assert api_keys.cached_principal(key) is None
    with pytest.raises(Unauthenticated, match="expired"):
        await api_keys.authenticate_key(key)


async def test_revoked_key_is_dead_at_once(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")
    await api_keys.authenticate_key(key)
    await api_keys.revoke_key(ANNA, api_key.id)

    assert api_keys.cached_principal(key) is None
    with pytest.raises(Unauthenticated, match="revoked"):
        await api_keys.authenticate_key(key)


async def test_deleted_key_is_dead_at_once(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")
    await api_keys.authenticate_key(key)
    await api_keys.delete_key(ANNA, api_key.id)

    assert api_keys.cached_principal(key) is None
    with pytest.raises(Unauthenticated):
        await api_keys.authenticate_key(key)
    assert await api_keys.list_keys(ANNA) == []


async def test_key_read_while_it_was_revoked_does_not_stay_known(
    clock: FrozenClock,
) -> None:
    events = Events()
    cache = principals.PrincipalCache(clock, events)

    async def read_from_before() -> tuple[Principal, None]:
        events.publish([AccountChanged(ANNA, "keys", START_MS)])
        return principals.operator(), None

    await cache.load("key", read_from_before)

    assert cache.find("key") is None


async def test_revocation_and_use_at_once_leave_no_live_key(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")
    await asyncio.gather(
        *(api_keys.authenticate_key(key) for _ in range(20)),
        api_keys.revoke_key(ANNA, api_key.id),
        *(api_keys.authenticate_key(key) for _ in range(20)),
        return_exceptions=True,
    )

    assert api_keys.cached_principal(key) is None


async def test_role_change_of_the_user_drops_their_keys(api_keys: ApiKeys, events: Events) -> None:
    _, key = await api_keys.create_key(ANNA, "shop")
    _, other_key = await api_keys.create_key(BEN, "shop")
    await api_keys.authenticate_key(key)
    await api_keys.authenticate_key(other_key)
    events.publish([AccountChanged(ANNA, "role", START_MS)])

    assert api_keys.cached_principal(key) is None
    assert api_keys.cached_principal(other_key) is not None


async def test_last_use_is_stored_by_the_flush(api_keys: ApiKeys, clock: FrozenClock) -> None:
    _, key = await api_keys.create_key(ANNA, "shop")
    await api_keys.create_key(ANNA, "unused")
    await api_keys.authenticate_key(key)
    clock.advance(5_000)
    api_keys.cached_principal(key)
    await api_keys.flush_last_used()

    used, unused = await api_keys.list_keys(ANNA)
    assert (used.last_used_at, unused.last_used_at) == (START_MS + 5_000, None)


async def test_last_use_survives_a_flush_the_store_refused(
    api_keys: ApiKeys, db: Database, clock: FrozenClock
) -> None:
    _, key = await api_keys.create_key(ANNA, "shop")
    await api_keys.authenticate_key(key)
    refuse = "CREATE TRIGGER stop BEFORE UPDATE ON api_keys BEGIN SELECT RAISE(ABORT, ''); END"
    await db.write(lambda tx: tx.execute(refuse).rowcount)
    with pytest.raises(sqlite3.IntegrityError):
        await api_keys.flush_last_used()
    await db.write(lambda tx: tx.execute("DROP TRIGGER stop").rowcount)
    await api_keys.flush_last_used()

    assert (await api_keys.list_keys(ANNA))[0].last_used_at == START_MS


# --- making ---


async def test_scopes_and_devices_narrow_a_key(api_keys: ApiKeys, db: Database) -> None:
    first, second = await _add_device(db, ANNA), await _add_device(db, ANNA)
    api_key, key = await api_keys.create_key(
        ANNA, "shop", scopes=["read_messages", "send_sms", "send_sms"], device_ids=[second, first]
    )
    principal = await api_keys.authenticate_key(key)

    assert api_key.scopes == "send_sms read_messages"
    assert principal.scopes == {"send_sms", "read_messages"}
    assert principal.device_ids == frozenset((first, second))


async def test_device_of_somebody_else_is_not_found(api_keys: ApiKeys, db: Database) -> None:
    device_id = await _add_device(db, BEN)

    with pytest.raises(NotFound, match="device"):
        await api_keys.create_key(ANNA, "shop", device_ids=[device_id])


@pytest.mark.parametrize(
    ("field", "arguments"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "x" * 101}),
        (r"scopes\[1\]", {"scopes": ["send_sms", "fly"]}),
        ("scopes", {"scopes": []}),
        ("device_ids", {"device_ids": []}),
        ("expires_at", {"expires_at": START_MS}),
        ("expires_at", {"expires_at": 1 << 63}),
    ],
)
async def test_wrong_wish_is_named(
    api_keys: ApiKeys, field: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(Invalid, match=f"^{field}: "):
        await api_keys.create_key(ANNA, **{"name": "shop", **arguments})  # type: ignore[arg-type]  # one wrong argument each


async def test_key_for_nobody_is_not_made(api_keys: ApiKeys) -> None:
    with pytest.raises(NotFound, match="user"):
        await api_keys.create_key(99, "shop")


async def test_account_has_at_most_100_keys(api_keys: ApiKeys) -> None:
    await asyncio.gather(*(api_keys.create_key(ANNA, "shop") for _ in range(MAX_KEYS_PER_USER)))
    with pytest.raises(Conflict, match="delete one"):
        await api_keys.create_key(ANNA, "one more")

    await api_keys.create_key(BEN, "shop")
    await api_keys.delete_key(ANNA, (await api_keys.list_keys(ANNA))[0].id)
    await api_keys.create_key(ANNA, "one more")


async def test_legacy_token_works_as_a_key(api_keys: ApiKeys) -> None:
    api_key = await api_keys.import_key(ANNA, "ten apps", LEGACY, scopes=["send_sms"])

    assert (await api_keys.authenticate_key(LEGACY)).api_key_id == api_key.id
    assert api_key.prefix == "old-t"


async def test_legacy_token_is_imported_once_in_the_whole_installation(api_keys: ApiKeys) -> None:
    await api_keys.import_key(ANNA, "ten apps", LEGACY)

    with pytest.raises(AlreadyExists):
        await api_keys.import_key(BEN, "mine", LEGACY)


@pytest.mark.parametrize(
    "key", ["fifteen-of-them", "with a space in it", "eyJhbGciOiJIUzI1NiJ9.e30.x"]
)
async def test_legacy_token_that_could_not_be_shown_is_refused(api_keys: ApiKeys, key: str) -> None:
    with pytest.raises(Invalid, match=r"^key: ") as refusal:
        await api_keys.import_key(ANNA, "ten apps", key)

    assert key not in str(refusal.value)


# --- managing ---


async def test_keys_are_listed_by_status(api_keys: ApiKeys, clock: FrozenClock) -> None:
    live, _ = await api_keys.create_key(ANNA, "live", expires_at=START_MS + 2_000)
    dead, _ = await api_keys.create_key(ANNA, "dead")
    old, _ = await api_keys.create_key(ANNA, "old", expires_at=START_MS + 1_000)
    await api_keys.create_key(BEN, "somebody else's")
    await api_keys.revoke_key(ANNA, dead.id)
    clock.advance(1_000)

    assert [key.id for key in await api_keys.list_keys(ANNA, "active")] == [live.id]
    assert [key.id for key in await api_keys.list_keys(ANNA, "revoked")] == [dead.id]
    assert [key.id for key in await api_keys.list_keys(ANNA)] == [live.id, dead.id, old.id]


async def test_renamed_key_shows_its_new_name_at_once(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")
    await api_keys.authenticate_key(key)
    renamed = await api_keys.rename_key(ANNA, api_key.id, "till")

    assert renamed.name == "till"
    assert (await api_keys.authenticate_key(key)).actor == "key:till"


async def test_revoking_again_keeps_the_first_time(api_keys: ApiKeys, clock: FrozenClock) -> None:
    api_key, _ = await api_keys.create_key(ANNA, "shop")
    first = await api_keys.revoke_key(ANNA, api_key.id)
    clock.advance(1_000)

    assert await api_keys.revoke_key(ANNA, api_key.id) == first


async def test_key_of_somebody_else_is_not_found(api_keys: ApiKeys) -> None:
    api_key, key = await api_keys.create_key(ANNA, "shop")
    for attempt in (
        api_keys.rename_key(BEN, api_key.id, "mine"),
        api_keys.revoke_key(BEN, api_key.id),
        api_keys.delete_key(BEN, api_key.id),
    ):
        with pytest.raises(NotFound, match="API key") as refusal:
            await attempt
        assert isinstance(refusal.value, TextkoError)

    assert (await api_keys.authenticate_key(key)).user_id == ANNA
