"""Tokens of SMSGate's kind: a JWT for a quarter of an hour, and another to get the next pair with.

A family is a login that goes on: each refresh makes its next generation, and the refresh token of
an older one is proof that somebody copied it, which ends the whole family. So does revoking any
token of it, and another password or role of the user. One row is kept a family. Refuses to know
what the scopes mean to who asks.
"""

import secrets
from typing import Any, Literal

import msgspec

from textko_server.clock import DAY_MS, MINUTE_MS, Clock
from textko_server.errors import Forbidden, Invalid, Unauthenticated
from textko_server.gateway import principals
from textko_server.gateway.events import AccountChanged, Events
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.signed_claims import read_signed, sign
from textko_server.gateway.smsgate_scopes import Scopes, SmsgateScope, allows, read_scopes
from textko_server.model import Principal, Role, User
from textko_server.store import smsgate_tokens as store
from textko_server.store import users as user_store
from textko_server.store.database import Database, Transaction

# As SMSGate's own server has them: the longest an access token lives, and a refresh token.
ACCESS_MS = 15 * MINUTE_MS
REFRESH_MS = 30 * DAY_MS
# Of one account. The oldest makes way for one more.
MAX_FAMILY_COUNT = 1_000

_ISSUER = "textko"
_REQUIRED = ("jti", "sub", "iat", "exp", "scopes")


class Issued(msgspec.Struct, frozen=True):
    id: str
    """The access token's jti, by which the family is revoked."""
    access_token: str
    refresh_token: str
    expires_at: int
    """Unix ms; of the access token."""


class Bearer(msgspec.Struct, frozen=True):
    """Who showed an access token, and what it was made for."""

    principal: Principal
    scopes: Scopes


class _Claims(msgspec.Struct, frozen=True):
    jti: str
    exp: int
    scopes: list[str]
    use: Literal["access", "refresh"]
    """Ours: which of the two it is."""

    @property
    def family(self) -> str:
        return self.jti.partition("-")[0]

    @property
    def generation(self) -> int:
        number = self.jti.rpartition("-")[2]
        return int(number) if number.isdecimal() else 0


class SmsgateTokens:
    """`secret` signs; whoever has it can be anybody."""

    def __init__(
        self, db: Database, clock: Clock, events: Events, public_ids: PublicIds, secret: str
    ) -> None:
        self._db = db
        self._clock = clock
        self._public_ids = public_ids
        self._secret = secret
        self._cache = principals.PrincipalCache(clock, events)

    async def issue(
        self, user_id: int, granted: Scopes, names: list[str], ttl_s: int | None
    ) -> Issued:
        """The first pair of a new family. `granted`: what the asker may.

        `ttl_s`: how long an access token lives, a quarter of an hour at most and unless it is said.

        Raises:
            Invalid: an unknown scope, none at all, or a life of no length.
            Forbidden: a scope that the asker has not.
        """
        scopes = read_scopes(names)
        for scope in sorted(scopes):
            if not allows(granted, scope):
                raise Forbidden(f"scope required: {scope}")
        if ttl_s is not None and ttl_s < 0:
            raise Invalid("ttl", "must not be negative")
        now_ms = self._clock.now_ms()
        family = store.Family(
            id=secrets.token_hex(12),
            user_id=user_id,
            scopes=" ".join(sorted(scopes)),
            token_version=0,
            generation=1,
            access_ms=min(ttl_s * 1000, ACCESS_MS) if ttl_s else ACCESS_MS,
            expires_at=now_ms + REFRESH_MS,
        )

        def write(tx: Transaction) -> Issued:
            user = user_store.find(tx, user_id)
            if user is None:
                raise Unauthenticated("the account is gone")
            made = msgspec.structs.replace(family, token_version=user.token_version)
            store.insert(tx, made, now_ms=now_ms, keep=MAX_FAMILY_COUNT)
            return self._pair(made, user, now_ms)

        return await self._db.write(write)

    async def refresh(self, token: str) -> Issued:
        """The family's next pair; this refresh token has had its use.

        Raises:
            Unauthenticated: none of ours, past its time, or used before: then its family ends.
        """
        claims = self._read(token)
        if claims.use != "refresh":
            raise Forbidden(f"scope required: {SmsgateScope.TOKENS_REFRESH}")
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> Issued | None:
            family = store.find_in(tx, claims.family)
            user = None if family is None else user_store.find(tx, family.user_id)
            if family is None or user is None or user.token_version != family.token_version:
                return None
            if claims.generation != family.generation:
                self._end(tx, family, now_ms)
                return None
            next_one = msgspec.structs.replace(
                family, generation=family.generation + 1, expires_at=now_ms + REFRESH_MS
            )
            store.update(tx, next_one)
            return self._pair(next_one, user, now_ms)

        issued = await self._db.write(write)
        if issued is None:
            raise _no_longer_valid()
        return issued

    async def revoke(self, user_id: int, token_id: str) -> None:
        """End the family of the token with this jti. One that is not the user's, or ended before,
        changes nothing."""
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> None:
            family = store.find_in(tx, token_id.partition("-")[0])
            if family is not None and family.user_id == user_id:
                self._end(tx, family, now_ms)

        await self._db.write(write)

    async def authenticate(self, token: str) -> Bearer:
        """Raises Unauthenticated: not ours, past its time, revoked; a refresh token."""
        claims = self._read(token)
        if claims.use != "access":
            raise Unauthenticated("this is a refresh token: it only gets the next one")
        scopes = frozenset(SmsgateScope(name) for name in claims.scopes)
        known = self._cache.find(claims.jti)
        if known is None:
            known = await self._cache.load(claims.jti, lambda: self._find(claims))
        return Bearer(known, scopes)

    async def _find(self, claims: _Claims) -> tuple[Principal, int]:
        family = await store.find(self._db, claims.family)
        if family is None or not 0 < claims.generation <= family.generation:
            raise _no_longer_valid()
        user = await user_store.find_committed(self._db, family.user_id)
        if user is None or user.token_version != family.token_version:
            raise _no_longer_valid()
        # Whatever the user is: a token is for what is the account's own.
        principal = msgspec.structs.replace(principals.of_user(user), role=Role.REGULAR)
        return principal, claims.exp * 1000

    def _end(self, tx: Transaction, family: store.Family, now_ms: int) -> None:
        store.delete(tx, family.id)
        # What is remembered of its access tokens goes with this.
        tx.after_commit(AccountChanged(family.user_id, "keys", now_ms))

    def _pair(self, family: store.Family, user: User, now_ms: int) -> Issued:
        token_id = f"{family.id}-{family.generation}"
        scopes = family.scopes.split()
        user_id = self._public_ids.encode(Kind.USER, user.id, user.created_at)
        access_s = max(1, family.access_ms // 1000)
        common: dict[str, Any] = {
            "jti": token_id,
            "iss": _ISSUER,
            "sub": user_id,
            "user_id": user_id,
            "iat": now_ms // 1000,
        }
        access = common | {"exp": now_ms // 1000 + access_s, "scopes": scopes, "use": "access"}
        refresh = common | {
            "exp": family.expires_at // 1000,
            "scopes": [SmsgateScope.TOKENS_REFRESH],
            "original_scopes": scopes,
            "use": "refresh",
        }
        return Issued(
            token_id, sign(access, self._secret), sign(refresh, self._secret), access["exp"] * 1000
        )

    def _read(self, token: str) -> _Claims:
        claims = read_signed(token, self._secret, _Claims, required=_REQUIRED)
        if self._clock.now_ms() >= claims.exp * 1000:
            raise Unauthenticated("the token has expired")
        return claims


def _no_longer_valid() -> Unauthenticated:
    return Unauthenticated("the token is no longer valid")
