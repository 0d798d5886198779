"""Principals: how a login, an API key and the operator become one, and a cache of those in use.

Refuses to know how they proved who they are; see accounts.py and api_keys.py.
"""

from collections.abc import Awaitable, Callable, Hashable

from textko_server.clock import MINUTE_MS, Clock
from textko_server.gateway.events import AccountChanged, Event, Events
from textko_server.model import ApiKey, Principal, Role, Scope, User

ALL_SCOPES = frozenset(scope.value for scope in Scope)

# Changes made through the server drop a principal at once. This bounds how long one made behind its
# back, with an SQL shell, goes unseen.
CACHE_MS = MINUTE_MS
MAX_CACHED_COUNT = 10_000


def operator() -> Principal:
    """Whoever may open the unix socket: owns the box, has no account (user 0)."""
    return Principal(
        user_id=0, role=Role.ADMIN, scopes=ALL_SCOPES, is_operator=True, actor="operator"
    )


def of_user(user: User) -> Principal:
    return Principal(user_id=user.id, role=user.role, scopes=ALL_SCOPES, actor=f"user:{user.email}")


def of_api_key(api_key: ApiKey, role: Role) -> Principal:
    """`role` is that of the key's user."""
    device_ids = api_key.device_ids
    return Principal(
        user_id=api_key.user_id,
        role=role,
        scopes=api_key.scope_set,
        api_key_id=api_key.id,
        device_ids=None if device_ids is None else frozenset(map(int, device_ids.split())),
        actor=f"key:{api_key.name}",
    )


class PrincipalCache:
    """Principals by what proved them. Bounded; an AccountChanged drops all of that user.

    `events` must be fed by the database's commits (Database.publish): that is what makes a
    revocation take effect before its caller hears of it.
    """

    def __init__(self, clock: Clock, events: Events) -> None:
        self._clock = clock
        self._entries: dict[Hashable, tuple[Principal, int]] = {}
        self._change_count = 0
        events.listen(self._drop_changed, AccountChanged)

    def find(self, proof: Hashable) -> Principal | None:
        """The principal, while it is known to be valid. Never waits."""
        entry = self._entries.get(proof)
        if entry is None:
            return None
        principal, good_until = entry
        if self._clock.now_ms() >= good_until:
            self._entries.pop(proof, None)
            return None
        return principal

    async def load(
        self, proof: Hashable, read: Callable[[], Awaitable[tuple[Principal, int | None]]]
    ) -> Principal:
        """What `read` returns, kept for next time, but no longer than the time beside it.

        Not kept when an account changed while it was read: it may be from before the change.
        Raises what `read` raises; a failure is not kept, so that garbage takes no memory.
        """
        change_count = self._change_count
        principal, expires_at = await read()
        if change_count == self._change_count:
            if len(self._entries) >= MAX_CACHED_COUNT:
                del self._entries[next(iter(self._entries))]
            good_until = self._clock.now_ms() + CACHE_MS
            if expires_at is not None:
                good_until = min(good_until, expires_at)
            self._entries[proof] = (principal, good_until)
        return principal

    def _drop_changed(self, event: Event) -> None:
        if not isinstance(event, AccountChanged):
            return
        self._change_count += 1
        gone = [p for p, (kept, _) in self._entries.items() if kept.user_id == event.user_id]
        for proof in gone:
            del self._entries[proof]
