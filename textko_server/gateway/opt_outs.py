"""Who asked an account not to write to them: kept, and looked up before anything is accepted.

A text to such a number is recorded as failed, `opted_out`; it is not charged and goes to no phone.
Numbers are compared as normalised ones. Refuses to know what happens to the message;
submitting.py asks, inbox.py tells.
"""

from collections.abc import Iterable

from textko_server.clock import Clock
from textko_server.config import OptOutSettings
from textko_server.errors import AlreadyExists, Invalid, NotFound
from textko_server.gateway.opt_out_words import Wish, wish_of
from textko_server.gateway.phone_numbers import normalise
from textko_server.model import OptOut
from textko_server.store import opt_outs as store
from textko_server.store.database import Database
from textko_server.store.transaction import Transaction

ERROR_CODE = "opted_out"
ERROR = "the recipient asked not to be written to"
NEWEST = 1 << 62
MAX_PAGE = 200


class OptOuts:
    def __init__(
        self, db: Database, clock: Clock, settings: OptOutSettings, default_region: str
    ) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings
        self._default_region = default_region
        # At least the accounts that have any: submits of all others cost no look. The writer's
        # thread adds to it before its row is there, so that no submit slips through between; that
        # a write may run twice, or fail after all, does no harm.
        self._users: set[int] = set()

    async def start(self) -> None:
        self._users |= await store.users(self._db)

    # --- in a write ---

    def among(self, tx: Transaction, asked: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
        """Those of (user, number as it was given) that have opted out, by one statement or none."""
        given = [(user_id, number) for user_id, number in asked if user_id in self._users]
        if not given:
            return set()
        keys = {pair: (pair[0], self._key(pair[1])) for pair in given}
        found = store.among(tx, set(keys.values()))
        return {pair for pair, key in keys.items() if key in found}

    def has(self, tx: Transaction, user_id: int, phone_number: str) -> bool:
        return bool(self.among(tx, [(user_id, phone_number)]))

    def may_have(self, user_id: int) -> bool:
        """Whether looking is worth while."""
        return user_id in self._users

    def hear(self, tx: Transaction, user_id: int, sender: str, text: str) -> str:
        """Do as an incoming text asks, if it asks for anything of this kind.

        Returns what the sender is to be told, or an empty text.
        """
        wish = wish_of(text) if self._settings.recognize else None
        if wish is None:
            return ""
        try:
            number = normalise(sender, self._default_region)
        except Invalid:  # a name: nobody could write to it anyway
            return ""
        if wish is Wish.START:
            store.delete(tx, user_id, number)
            return ""
        is_new = self._add(tx, user_id, number, "text")
        return self._settings.confirmation if is_new else ""

    def _add(self, tx: Transaction, user_id: int, number: str, source: str) -> bool:
        self._users.add(user_id)
        return store.insert(tx, user_id, number, source, self._clock.now_ms())

    def _key(self, phone_number: str) -> str:
        try:
            return normalise(phone_number, self._default_region)
        except Invalid:  # longer than a number can be, which one dialect lets pass
            return phone_number

    # --- by hand ---

    async def list_page(
        self, user_id: int | None, *, before_id: int | None = None, limit: int = 50
    ) -> list[OptOut]:
        """Newest first; a `user_id` of None lists everybody's."""
        return await store.list_page(
            self._db,
            user_id,
            before_id=NEWEST if before_id is None else before_id,
            limit=max(1, min(limit, MAX_PAGE)),
        )

    async def add(self, user_id: int, phone_number: str) -> OptOut:
        """Raises Invalid, AlreadyExists."""
        number = normalise(phone_number, self._default_region)
        if not await self._db.write(lambda tx: self._add(tx, user_id, number, "operator")):
            raise AlreadyExists(f"{number} has opted out already")
        [newest] = await self.list_page(user_id, limit=1)
        return newest

    async def remove(self, user_id: int, phone_number: str) -> None:
        """Let the account write to it again. Raises NotFound."""
        number = self._key(phone_number)
        if not await self._db.write(lambda tx: store.delete(tx, user_id, number)):
            raise NotFound("opt-out")
