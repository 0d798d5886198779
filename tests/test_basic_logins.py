"""Logins that come with every request: an e-mail, and a password or an API key."""

import asyncio

import pytest

from tests.clocks import FrozenClock
from tests.gateways import World
from textko_server.clock import MINUTE_MS
from textko_server.errors import InvalidCredentials, TooManyRequests, Unauthenticated
from textko_server.model import Principal

EMAIL, PASSWORD = "a@example.org", "secret phrase"
ADDRESS = "192.0.2.1"
# Of failed logins in a quarter of an hour; see AccountSettings.
LIMIT = 10


async def authenticate(world: World, email: str = EMAIL, password: str = PASSWORD) -> Principal:
    return await world.gateway.basic_logins.authenticate(email, password, ADDRESS)


async def test_password_proves_the_account(world: World) -> None:
    principal = await authenticate(world, " A@Example.ORG ")

    assert (principal.user_id, principal.api_key_id) == (world.user.id, None)


async def test_api_key_proves_its_own_account_with_its_own_scopes(world: World) -> None:
    api_key, key = await world.gateway.api_keys.create_key(world.user.id, "n8n", ["send_sms"])

    principal = await authenticate(world, password=key)

    assert principal.api_key_id == api_key.id
    assert principal.scopes == {"send_sms"}


async def test_api_key_of_somebody_else_proves_nothing(world: World) -> None:
    other = await world.gateway.accounts.create_user("b@example.org", "another phrase")
    _, key = await world.gateway.api_keys.create_key(other.id, "theirs")

    with pytest.raises(InvalidCredentials):
        await authenticate(world, password=key)


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org"])
async def test_wrong_password_is_refused(world: World, email: str) -> None:
    with pytest.raises(InvalidCredentials):
        await authenticate(world, email, "wrong phrase")


async def test_right_password_is_hashed_once_a_minute(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    verify = world.gateway.accounts.verify

    async def counting(email: str, password: str, address: str | None) -> object:
        verified.append(email)
        return await verify(email, password, address)

    monkeypatch.setattr(world.gateway.accounts, "verify", counting)
    await asyncio.gather(*(authenticate(world) for _ in range(2 * LIMIT)))
    at_once = len(verified)
    clock.advance(MINUTE_MS)
    await authenticate(world)

    assert (at_once, len(verified)) == (1, 2)


async def test_changed_password_ends_the_old_one_at_once(world: World) -> None:
    await authenticate(world)

    await world.gateway.accounts.set_password(world.user.id, "another phrase")

    with pytest.raises(InvalidCredentials):
        await authenticate(world)
    assert (await authenticate(world, password="another phrase")).user_id == world.user.id


async def test_revoked_api_key_ends_at_once(world: World) -> None:
    api_key, key = await world.gateway.api_keys.create_key(world.user.id, "n8n")
    await authenticate(world, password=key)

    await world.gateway.api_keys.revoke_key(world.user.id, api_key.id)

    with pytest.raises(Unauthenticated):
        await authenticate(world, password=key)


async def test_guessing_is_throttled_and_api_keys_still_pass(world: World) -> None:
    _, key = await world.gateway.api_keys.create_key(world.user.id, "n8n")
    for attempt in range(LIMIT):
        with pytest.raises(InvalidCredentials):
            await authenticate(world, password=f"guess number {attempt}")

    with pytest.raises(TooManyRequests):
        await authenticate(world)
    assert (await authenticate(world, password=key)).user_id == world.user.id


async def test_nothing_is_kept_of_wrong_logins(world: World) -> None:
    for attempt in range(3):
        with pytest.raises(InvalidCredentials):
            await authenticate(world, password=f"guess number {attempt}")

    assert not world.gateway.basic_logins._turns
    assert not world.gateway.basic_logins._cache._entries
