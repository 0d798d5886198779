"""Tokens of SMSGate's kind: issued, refreshed once each, revoked."""

import jwt
import pytest

from tests.clocks import FrozenClock
from tests.gateways import World
from textko_server.clock import DAY_MS, MINUTE_MS
from textko_server.errors import Forbidden, Invalid, Unauthenticated
from textko_server.gateway.smsgate_scopes import EVERYTHING, Scopes, SmsgateScope
from textko_server.gateway.smsgate_tokens import Issued
from textko_server.model import Role

SEND_AND_LIST = frozenset({SmsgateScope.MESSAGES_SEND, SmsgateScope.DEVICES_LIST})


async def issue(
    world: World, *names: str, ttl_s: int | None = None, granted: Scopes = EVERYTHING
) -> Issued:
    names = names or ("messages:send", "devices:list")
    return await world.gateway.smsgate_tokens.issue(world.user.id, granted, list(names), ttl_s)


async def refresh(world: World, token: str) -> Issued:
    return await world.gateway.smsgate_tokens.refresh(token)


async def is_accepted(world: World, token: str) -> bool:
    try:
        bearer = await world.gateway.smsgate_tokens.authenticate(token)
    except Unauthenticated:
        return False
    assert bearer.principal.user_id == world.user.id
    return True


async def test_token_carries_the_claims_of_smsgate(world: World, clock: FrozenClock) -> None:
    issued = await issue(world)

    claims = jwt.decode(issued.access_token, options={"verify_signature": False})
    assert claims["jti"] == issued.id
    assert claims["user_id"] == claims["sub"]
    assert claims["scopes"] == ["devices:list", "messages:send"]
    assert claims["iat"] * 1000 == clock.now_ms()
    assert claims["exp"] * 1000 == issued.expires_at == clock.now_ms() + 15 * MINUTE_MS
    again = jwt.decode(issued.refresh_token, options={"verify_signature": False})
    assert again["scopes"] == ["tokens:refresh"]
    assert again["original_scopes"] == ["devices:list", "messages:send"]
    assert again["exp"] * 1000 == clock.now_ms() + 30 * DAY_MS


async def test_access_token_is_who_it_was_made_for_and_what(world: World) -> None:
    await world.gateway.accounts.set_role(world.user.id, Role.ADMIN)
    issued = await issue(world)

    bearer = await world.gateway.smsgate_tokens.authenticate(issued.access_token)

    assert bearer.scopes == SEND_AND_LIST
    assert bearer.principal.user_id == world.user.id
    assert not bearer.principal.is_admin


@pytest.mark.parametrize(("asked_s", "lives_s"), [(None, 900), (0, 900), (60, 60), (86_400, 900)])
async def test_access_token_lives_a_quarter_of_an_hour_at_most(
    world: World, clock: FrozenClock, asked_s: int | None, lives_s: int
) -> None:
    issued = await issue(world, ttl_s=asked_s)

    clock.advance(lives_s * 1000 - 1)
    before = await is_accepted(world, issued.access_token)
    clock.advance(1)
    after = await is_accepted(world, issued.access_token)

    assert (before, after) == (True, False)


async def test_refresh_gives_the_same_scopes_again(world: World, clock: FrozenClock) -> None:
    issued = await issue(world, ttl_s=60)
    clock.advance(10 * MINUTE_MS)

    refreshed = await refresh(world, issued.refresh_token)

    bearer = await world.gateway.smsgate_tokens.authenticate(refreshed.access_token)
    assert bearer.scopes == SEND_AND_LIST
    assert refreshed.id != issued.id
    assert refreshed.expires_at == clock.now_ms() + MINUTE_MS


async def test_refresh_token_that_is_used_twice_ends_the_login(world: World) -> None:
    issued = await issue(world)
    refreshed = await refresh(world, issued.refresh_token)
    assert await is_accepted(world, refreshed.access_token)

    with pytest.raises(Unauthenticated):
        await refresh(world, issued.refresh_token)

    assert not await is_accepted(world, refreshed.access_token)
    with pytest.raises(Unauthenticated):
        await refresh(world, refreshed.refresh_token)


async def test_older_access_token_lives_on_after_a_refresh(world: World) -> None:
    issued = await issue(world)

    await refresh(world, issued.refresh_token)

    assert await is_accepted(world, issued.access_token)


async def test_refresh_token_runs_out(world: World, clock: FrozenClock) -> None:
    issued = await issue(world)
    clock.advance(30 * DAY_MS)

    with pytest.raises(Unauthenticated):
        await refresh(world, issued.refresh_token)


async def test_neither_token_does_the_others_work(world: World) -> None:
    issued = await issue(world)

    assert not await is_accepted(world, issued.refresh_token)
    with pytest.raises(Forbidden, match="scope required: tokens:refresh"):
        await refresh(world, issued.access_token)


async def test_revoked_token_ends_at_once_with_its_refresh_token(world: World) -> None:
    issued = await issue(world)
    assert await is_accepted(world, issued.access_token)

    await world.gateway.smsgate_tokens.revoke(world.user.id, issued.id)

    assert not await is_accepted(world, issued.access_token)
    with pytest.raises(Unauthenticated):
        await refresh(world, issued.refresh_token)


async def test_nobody_revokes_tokens_of_others(world: World) -> None:
    issued = await issue(world)
    other = await world.gateway.accounts.create_user("b@example.org", "another phrase")

    await world.gateway.smsgate_tokens.revoke(other.id, issued.id)

    assert await is_accepted(world, issued.access_token)


async def test_another_password_ends_all_tokens(world: World) -> None:
    issued = await issue(world)
    assert await is_accepted(world, issued.access_token)

    await world.gateway.accounts.set_password(world.user.id, "another phrase")

    assert not await is_accepted(world, issued.access_token)
    with pytest.raises(Unauthenticated):
        await refresh(world, issued.refresh_token)


async def test_token_may_no_more_than_who_made_it(world: World) -> None:
    granted = SEND_AND_LIST | {SmsgateScope.TOKENS_MANAGE}

    with pytest.raises(Forbidden, match="scope required: settings:write"):
        await issue(world, "messages:send", "settings:write", granted=granted)
    with pytest.raises(Forbidden, match="scope required: all:any"):
        await issue(world, "all:any", granted=granted)
    await issue(world, "messages:send", granted=granted)


@pytest.mark.parametrize("names", [[], ["messages:burn"]])
async def test_token_needs_scopes_that_exist(world: World, names: list[str]) -> None:
    with pytest.raises(Invalid):
        await world.gateway.smsgate_tokens.issue(world.user.id, EVERYTHING, names, None)


async def test_token_of_a_login_is_none_of_these(world: World) -> None:
    _, login = await world.gateway.accounts.login("a@example.org", "secret phrase", None)
    issued = await issue(world)

    assert not await is_accepted(world, login)
    assert not await is_accepted(world, issued.access_token[:-4] + "AAAA")
    with pytest.raises(Unauthenticated):
        await world.gateway.accounts.authenticate_jwt(issued.access_token)


async def test_account_keeps_its_newest_tokens_only(
    world: World, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("textko_server.gateway.smsgate_tokens.MAX_FAMILY_COUNT", 2)
    issued = []
    for _ in range(3):
        issued.append(await issue(world))
        clock.advance(1_000)

    accepted = [await is_accepted(world, one.access_token) for one in issued]

    assert accepted == [False, True, True]
