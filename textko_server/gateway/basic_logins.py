"""Logins that come with every request, as HTTP's Basic scheme sends them: an account's e-mail, and
its password or one of its API keys.

A password that was right counts for a minute without being hashed again; one that was wrong counts
as a failed login, each time. An API key needs no hash and is never throttled. Refuses to know HTTP.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b

from textko_server.clock import Clock
from textko_server.errors import InvalidCredentials, Unauthenticated
from textko_server.gateway import principals
from textko_server.gateway.accounts import Accounts
from textko_server.gateway.api_keys import ApiKeys
from textko_server.gateway.events import Events
from textko_server.model import Principal


class BasicLogins:
    def __init__(self, clock: Clock, events: Events, accounts: Accounts, api_keys: ApiKeys) -> None:
        self._accounts = accounts
        self._api_keys = api_keys
        self._cache = principals.PrincipalCache(clock, events)
        # What is remembered of a password is of no use without this, nor after a restart.
        self._key = secrets.token_bytes(32)
        self._turns: dict[bytes, _Turn] = {}

    async def authenticate(self, email: str, password: str, address: str | None) -> Principal:
        """Who these belong to. `address` is the client's, as in `Accounts.login`.

        Raises:
            InvalidCredentials: they do not belong together.
            TooManyRequests: as `Accounts.login`.
        """
        proof = self._proof(email, password)
        known = self._cache.find(proof)
        if known is None:
            # Many requests at once wait for one hash, and are not counted as so many attempts.
            async with self._turn(proof):
                known = self._cache.find(proof) or await self._cache.load(
                    proof, lambda: self._read(email, password, address)
                )
        if known.api_key_id is not None:
            return await self._api_keys.authenticate_key(password)
        return known

    async def _read(self, email: str, password: str, address: str | None) -> tuple[Principal, None]:
        by_key = await self._find_by_key(email, password)
        if by_key is not None:
            return by_key, None
        user = await self._accounts.verify(email, password, address)
        return principals.of_user(user), None

    async def _find_by_key(self, email: str, key: str) -> Principal | None:
        try:
            principal = await self._api_keys.authenticate_key(key)
        except Unauthenticated:
            return None
        user = await self._accounts.find_user_by_email(email)
        if user is None or user.id != principal.user_id:
            raise InvalidCredentials("wrong e-mail or password")
        return principal

    def _proof(self, email: str, password: str) -> bytes:
        digest = blake2b(key=self._key, digest_size=32)
        login = email.strip().lower().encode("utf-8", "surrogatepass")
        digest.update(len(login).to_bytes(8, "big") + login)
        digest.update(password.encode("utf-8", "surrogatepass"))
        return digest.digest()

    @asynccontextmanager
    async def _turn(self, proof: bytes) -> AsyncIterator[None]:
        """One at a time for the same login."""
        turn = self._turns.setdefault(proof, _Turn())
        turn.waiting_count += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.waiting_count -= 1
            if not turn.waiting_count:
                del self._turns[proof]


class _Turn:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.waiting_count = 0
