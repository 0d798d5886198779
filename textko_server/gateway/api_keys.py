"""API keys: what applications show instead of a login.

A key is seen in full once, when it is made. How one looks is in api_key_format.py. Whether the
asker may manage an account's keys is for the caller to check.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from textko_server.clock import Clock
from textko_server.errors import AlreadyExists, Conflict, Invalid, NotFound, Unauthenticated
from textko_server.gateway import principals
from textko_server.gateway.api_key_format import (
    can_be_key,
    check_legacy_key,
    key_hash,
    key_prefix,
    make_key,
)
from textko_server.gateway.events import AccountChanged, Events
from textko_server.gateway.profile_fields import checked_name
from textko_server.model import ApiKey, Principal, Scope
from textko_server.store import api_keys, users
from textko_server.store.database import Database, Transaction

KeyStatus = Literal["active", "revoked", "all"]

# Revoked and expired ones count: they are rows too, and can be deleted.
MAX_KEYS_PER_USER = 100
_MAX_INTEGER = (1 << 53) - 1


class KeyChanges(msgspec.Struct, frozen=True):
    """What to change of a key; a field left out stays."""

    name: str | UnsetType = UNSET
    scopes: Sequence[str] | UnsetType | None = UNSET
    """None: all."""
    expires_at: int | UnsetType | None = UNSET
    """None: never."""
    device_ids: Sequence[int] | UnsetType | None = UNSET
    """None: all, those to come too."""


class ApiKeys:
    """The API keys of all accounts. `events` must be fed by the database's commits."""

    def __init__(self, db: Database, clock: Clock, events: Events) -> None:
        self._db = db
        self._clock = clock
        self._cache = principals.PrincipalCache(clock, events)
        self._last_used: dict[int, int] = {}

    # --- using ---

    def cached_principal(self, key: str) -> Principal | None:
        """Who this key belongs to, when that is known without looking. Counts as a use.

        None says nothing about the key: ask `authenticate_key`.
        """
        principal = self._cache.find(key_hash(key))
        if principal is not None and principal.api_key_id is not None:
            self._last_used[principal.api_key_id] = self._clock.now_ms()
        return principal

    async def authenticate_key(self, key: str) -> Principal:
        """Who this key belongs to. Counts as a use.

        Raises:
            Unauthenticated: unknown, revoked or expired.
        """
        known = self.cached_principal(key)
        if known is not None:
            return known
        if not can_be_key(key):
            raise Unauthenticated("invalid API key")
        digest = key_hash(key)

        async def read() -> tuple[Principal, int | None]:
            found = await api_keys.find_by_hash(self._db, digest)
            if found is None:
                raise Unauthenticated("invalid API key")
            api_key, role = found
            self._check_is_usable(api_key)
            return principals.of_api_key(api_key, role), api_key.expires_at

        principal = await self._cache.load(digest, read)
        if principal.api_key_id is not None:
            self._last_used[principal.api_key_id] = self._clock.now_ms()
        return principal

    def _check_is_usable(self, api_key: ApiKey) -> None:
        if api_key.revoked_at is not None:
            raise Unauthenticated("this API key was revoked")
        if api_key.expires_at is not None and self._clock.now_ms() >= api_key.expires_at:
            raise Unauthenticated("this API key has expired")

    async def flush_last_used(self) -> None:
        """Store when keys were last used. To be called once a minute and before stopping.

        Raises Unavailable; nothing is lost then, the next call stores it.
        """
        if not self._last_used:
            return
        last_used, self._last_used = self._last_used, {}
        try:
            await self._db.write(lambda tx: api_keys.touch(tx, last_used.items()))
        except BaseException:
            self._last_used = last_used | self._last_used
            raise

    # --- making ---

    async def create_key(
        self,
        user_id: int,
        name: str,
        scopes: Iterable[str] | None = None,
        expires_at: int | None = None,
        device_ids: Iterable[int] | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; returns it and its text, which is not kept.

        `scopes` None: all; `device_ids` None: all devices, those to come too.

        Raises:
            Invalid: no name, an unknown scope, an empty list, an `expires_at` not in the future.
            NotFound: user, or a device that is not theirs.
            Conflict: the account has 100 keys.
        """
        key = make_key()
        return await self._store(user_id, name, key, scopes, expires_at, device_ids), key

    async def import_key(
        self,
        user_id: int,
        name: str,
        key: str,
        scopes: Iterable[str] | None = None,
        expires_at: int | None = None,
        device_ids: Iterable[int] | None = None,
    ) -> ApiKey:
        """Let a token made elsewhere work here as a key: 16 to 256 visible ASCII characters.

        Raises:
            AlreadyExists: it is a key here, of this account or another; revoked ones count.
            And as `create_key`.
        """
        check_legacy_key(key)
        return await self._store(user_id, name, key, scopes, expires_at, device_ids)

    async def _store(
        self,
        user_id: int,
        name: str,
        key: str,
        scopes: Iterable[str] | None,
        expires_at: int | None,
        device_ids: Iterable[int] | None,
    ) -> ApiKey:
        now_ms = self._clock.now_ms()
        name = _checked_key_name(name)
        scope_list = _checked_scopes(scopes)
        _check_expiry(expires_at, now_ms)
        device_list = _checked_devices(device_ids)
        digest, prefix = key_hash(key), key_prefix(key)

        def insert(tx: Transaction) -> ApiKey:
            _check_may_be_added(tx, user_id, digest)
            _check_are_devices(tx, user_id, device_list)
            tx.after_commit(AccountChanged(user_id, "keys", now_ms))
            return api_keys.insert(
                tx, user_id, name, prefix, digest, scope_list, device_list, expires_at, now_ms
            )

        return await self._db.write(insert)

    # --- managing ---

    async def list_keys(self, user_id: int, status: KeyStatus = "all") -> list[ApiKey]:
        """An account's keys, oldest first; `last_used_at` may lag by a minute.

        active: can be used now. revoked: was revoked. An expired key is only among all.
        """
        now_ms = self._clock.now_ms()
        keys = await api_keys.list_of_user(self._db, user_id)
        if status == "active":
            return [
                k for k in keys if k.revoked_at is None and (k.expires_at or now_ms + 1) > now_ms
            ]
        if status == "revoked":
            return [k for k in keys if k.revoked_at is not None]
        return keys

    async def list_page(self, user_id: int | None, after_id: int, limit: int) -> list[ApiKey]:
        """Keys after the key `after_id`, of an account or (None) everybody's, oldest first."""
        return await api_keys.list_after(self._db, user_id, after_id, limit)

    async def get_key(self, api_key_id: int) -> ApiKey:
        """Whoever it belongs to; the caller checks. Raises NotFound."""
        api_key = await api_keys.find_committed(self._db, api_key_id)
        if api_key is None:
            raise NotFound("API key")
        return api_key

    async def rename_key(self, user_id: int, api_key_id: int, name: str) -> ApiKey:
        """Raises Invalid, NotFound."""
        return await self.change_key(user_id, api_key_id, KeyChanges(name=name))

    async def change_key(self, user_id: int, api_key_id: int, changes: KeyChanges) -> ApiKey:
        """Change what is given; the next use of the key is judged by it. A revoked one stays so.

        Raises:
            Invalid: as `create_key`.
            NotFound: the key, or a device that is not theirs.
        """
        fields = _checked_changes(changes, self._clock.now_ms())

        def change(tx: Transaction) -> None:
            changed = msgspec.structs.replace(_get(tx, user_id, api_key_id), **fields)
            if changes.device_ids is not UNSET:
                _check_are_devices(tx, user_id, changed.device_ids)
            api_keys.update(tx, changed)

        return await self._change(user_id, api_key_id, change)

    async def revoke_key(self, user_id: int, api_key_id: int) -> ApiKey:
        """The key stops working before this returns, and stays listed. Again: changes nothing.

        Raises NotFound.
        """
        now_ms = self._clock.now_ms()
        return await self._change(
            user_id, api_key_id, lambda tx: api_keys.revoke(tx, api_key_id, now_ms)
        )

    async def delete_key(self, user_id: int, api_key_id: int) -> None:
        """The key stops working before this returns, and is no longer listed. Raises NotFound."""
        now_ms = self._clock.now_ms()

        def delete(tx: Transaction) -> None:
            _get(tx, user_id, api_key_id)
            api_keys.delete(tx, api_key_id)
            tx.after_commit(AccountChanged(user_id, "keys", now_ms))

        await self._db.write(delete)

    async def _change(
        self, user_id: int, api_key_id: int, change: Callable[[Transaction], None]
    ) -> ApiKey:
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> ApiKey:
            _get(tx, user_id, api_key_id)
            change(tx)
            tx.after_commit(AccountChanged(user_id, "keys", now_ms))
            return _get(tx, user_id, api_key_id)

        return await self._db.write(write)


def _get(tx: Transaction, user_id: int, api_key_id: int) -> ApiKey:
    api_key = api_keys.find(tx, api_key_id, user_id)
    if api_key is None:
        raise NotFound("API key")
    return api_key


def _check_may_be_added(tx: Transaction, user_id: int, digest: bytes) -> None:
    if users.find(tx, user_id) is None:
        raise NotFound("user")
    if api_keys.count_of_user(tx, user_id) >= MAX_KEYS_PER_USER:
        raise Conflict(f"an account has at most {MAX_KEYS_PER_USER} API keys; delete one first")
    if api_keys.is_hash_known(tx, digest):
        raise AlreadyExists("this key is in use")


def _check_are_devices(tx: Transaction, user_id: int, device_list: str | None) -> None:
    for device_id in (device_list or "").split():
        if not api_keys.is_device_of_user(tx, int(device_id), user_id):
            raise NotFound("device")


def _checked_changes(changes: KeyChanges, now_ms: int) -> dict[str, str | int | None]:
    """The fields of model.ApiKey to replace."""
    fields: dict[str, str | int | None] = {}
    if changes.name is not UNSET:
        fields["name"] = _checked_key_name(changes.name)
    if changes.scopes is not UNSET:
        fields["scopes"] = _checked_scopes(changes.scopes)
    if changes.expires_at is not UNSET:
        _check_expiry(changes.expires_at, now_ms)
        fields["expires_at"] = changes.expires_at
    if changes.device_ids is not UNSET:
        fields["device_ids"] = _checked_devices(changes.device_ids)
    return fields


def _check_expiry(expires_at: int | None, now_ms: int) -> None:
    if expires_at is not None and not now_ms < expires_at <= _MAX_INTEGER:
        raise Invalid("expires_at", "must be in the future")


def _checked_devices(device_ids: Iterable[int] | None) -> str | None:
    """Space-separated, each once; None: all."""
    if device_ids is None:
        return None
    devices = sorted(set(device_ids))
    if not devices:
        raise Invalid("device_ids", "name at least one device, or leave it out for all")
    return " ".join(map(str, devices))


def _checked_key_name(name: str) -> str:
    checked = checked_name(name)
    if not checked:
        raise Invalid("name", "say what the key is for")
    return checked


def _checked_scopes(scopes: Iterable[str] | None) -> str:
    """Space-separated in the order of Scope, each once."""
    if scopes is None:
        return " ".join(Scope)
    asked = list(scopes)
    for index, scope in enumerate(asked):
        if scope not in principals.ALL_SCOPES:
            raise Invalid(f"scopes[{index}]", f"is none of {', '.join(Scope)}")
    if not asked:
        raise Invalid("scopes", "name at least one, or leave it out for all")
    return " ".join(scope for scope in Scope if scope in asked)
