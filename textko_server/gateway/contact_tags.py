"""The free text that tells how things stand with a contact ("cold", "VIP"), as TextLink has it.

Refuses to know the lists of tags that other dialects have.
"""

from textko_server.clock import Clock
from textko_server.errors import Invalid
from textko_server.gateway.webhook_outbox import WebhookOutbox
from textko_server.model import Principal
from textko_server.store import contact_tags as store
from textko_server.store.database import Database, Transaction

MAX_LENGTH = 255


class ContactTags:
    def __init__(self, db: Database, clock: Clock, outbox: WebhookOutbox) -> None:
        self._db = db
        self._clock = clock
        self._outbox = outbox

    async def set_tag(self, principal: Principal, phone_number: str, tag: str | None) -> None:
        """Replace the tag of a contact, or take it away; a contact that is not known is made.

        Webhooks hear of it, unless it is what it was. `phone_number` is normalised.

        Raises:
            Invalid: the tag is longer than 255 characters.
        """
        if tag is not None and len(tag) > MAX_LENGTH:
            raise Invalid("tag", f"may have at most {MAX_LENGTH} characters")
        now_ms = self._clock.now_ms()
        user_id = principal.user_id

        def write(tx: Transaction) -> None:
            contact = store.find(tx, user_id, phone_number)
            if tag == (contact.tag if contact else None):
                return
            store.put(tx, user_id, phone_number, tag, now_ms=now_ms)
            self._outbox.record_tag(
                tx,
                now_ms=now_ms,
                user_id=user_id,
                phone_number=phone_number,
                name=contact.name if contact else None,
                tag=tag or "",
            )

        await self._db.write(write)
