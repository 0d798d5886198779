"""Conversations: what an account and a number that wrote to it wrote to each other.

One begins with the first text from a number; from then on texts of both sides are noted in it as
they are stored. Of what was sent before, the newest are looked through once. So a submit of an
account that nobody wrote to pays nothing, and a page costs the same in a file of any size.
"""

import msgspec

from textko_server.errors import Invalid, NotFound
from textko_server.gateway.phone_numbers import normalise
from textko_server.model import IncomingMessage
from textko_server.store import conversations as store
from textko_server.store.database import Database, Transaction

NEWEST = 1 << 62
# Of recipients, by primary key, once for each number that writes for the first time.
LOOK_BACK_COUNT = 10_000

Conversation = store.Conversation
SentText = store.SentText
Text = store.Text


class TextPage(msgspec.Struct, frozen=True):
    texts: list[Text]
    """Newest first."""
    next_id: int | None
    """None: this was the last page."""
    read_to_id: int
    searched_to: int | None
    """Set on the last page when older texts that were sent may exist."""


class Conversations:
    def __init__(self, db: Database, default_region: str) -> None:
        self._db = db
        self._default_region = default_region
        # At least the accounts that have any: submits of all others cost no look. The writer's
        # thread adds to it; that a write may run twice, or fail after all, does no harm.
        self._users: set[int] = set()

    async def start(self) -> None:
        self._users |= await store.users(self._db)

    # --- in a write ---

    def note_incoming(self, tx: Transaction, incoming: IncomingMessage) -> None:
        """A text that was stored just now."""
        self._users.add(incoming.user_id)
        number = self.key_of(incoming.sender)
        known = store.find_in(tx, incoming.user_id, number)
        if known is None:
            key = store.begin(tx, number, incoming, LOOK_BACK_COUNT)
        else:
            key = known.id
            store.tell_newest(tx, key, incoming)
        store.add_incoming(tx, key, incoming)

    def note_sent(self, tx: Transaction, user_ids: set[int], recipient_ids: range) -> None:
        """Recipients that were stored just now, of these accounts."""
        if not self._users.isdisjoint(user_ids):
            store.add_sent(tx, recipient_ids)

    # --- looking ---

    def key_of(self, sender: str) -> str:
        """How a conversation names the other side: a normalised number, or a name as it came."""
        try:
            return normalise(sender, self._default_region)
        except Invalid:
            return sender

    async def list_page(
        self,
        user_id: int | None,
        *,
        number: str | None = None,
        before_id: int | None,
        limit: int,
    ) -> list[Conversation]:
        """Who wrote last first: of an account, or (None) of everybody. `number`: only with this
        one, however it is written. `before_id`: the last incoming message of the last conversation
        of the page before."""
        newest = NEWEST if before_id is None else before_id
        key = None if number is None else self.key_of(number)
        return await store.list_page(self._db, user_id, key, before_id=newest, limit=limit)

    async def list_texts(
        self, user_id: int, number: str, *, before_id: int | None, limit: int
    ) -> TextPage:
        """Raises NotFound: that number never wrote to the account."""
        known = await store.find(self._db, user_id, self.key_of(number))
        if known is None:
            raise NotFound("conversation")
        newest = NEWEST if before_id is None else before_id
        texts, next_id = await store.list_texts(self._db, known.id, before_id=newest, limit=limit)
        searched_to = known.searched_to if next_id is None else None
        return TextPage(texts, next_id, known.read_to_id, searched_to)

    async def mark_read(self, user_id: int, number: str) -> int:
        """All that came in so far; returns how many were unread. Raises NotFound."""

        def write(tx: Transaction) -> int:
            known = store.find_in(tx, user_id, self.key_of(number))
            if known is None:
                raise NotFound("conversation")
            return store.mark_read(tx, known.id)

        return await self._db.write(write)
