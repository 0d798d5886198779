"""What became of what webhooks are owed: how each of them stands, deliveries over all of them, what
an attempt sent, and sending many again.

Reads much and changes little; subscriptions and what is owed are in webhooks.py. A `user_id` of
None is the operator, as there.
"""

from collections.abc import Iterable, Sequence

import msgspec

from textko_server.clock import Clock
from textko_server.errors import Invalid, NotFound, TextkoError, WrongState
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.gateway.webhook_requests import MASK, sent_body, sent_headers
from textko_server.gateway.webhooks import MAX_PAGE_COUNT, Webhooks
from textko_server.model import Webhook, WebhookAttempt, WebhookDelivery
from textko_server.store import webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction
from textko_server.store.webhook_deliveries import Standing

__all__ = ["Page", "SentRequest", "Standing", "WebhookLog"]

# What one page looks at where no index finds what is asked for.
MAX_EXAMINED = 2_000
EVENTS = frozenset({*WebhookEvent, *TextLinkEvent})
_NEWEST = (1 << 63) - 1


class Page(msgspec.Struct, frozen=True):
    """Newest first. With a filter it may be short, or empty, and yet have a next."""

    deliveries: list[WebhookDelivery]
    next_before: WebhookDelivery | None
    """The next page is of what is older than this; None: there is nothing more."""


class SentRequest(msgspec.Struct, frozen=True):
    """An attempt's request, made anew from the delivery and its webhook as it is now."""

    at: int
    url: str
    headers: dict[str, str]
    body: bytes
    """As it was sent, but for a secret in it."""
    may_differ: bool
    """The webhook was changed since: URL and signatures may have been others."""


class WebhookLog:
    def __init__(
        self, db: Database, clock: Clock, public_ids: PublicIds, subscriptions: Webhooks
    ) -> None:
        self._db = db
        self._clock = clock
        self._public_ids = public_ids
        self._webhooks = subscriptions

    async def search(
        self,
        user_id: int | None,
        *,
        webhook_id: int | None = None,
        state: str | None = None,
        event: str | None = None,
        before_id: int | None = None,
        limit: int = MAX_PAGE_COUNT,
    ) -> Page:
        """Deliveries of a webhook, an account, or everybody.

        No index knows events, nor what was delivered, which is nearly all: of those a page looks at
        MAX_EXAMINED and says where to go on.

        Raises: NotFound for the webhook; Invalid for an event that is none.
        """
        if event is not None and event not in EVENTS:
            raise Invalid("event", f"must be one of {', '.join(sorted(EVENTS))}")
        if webhook_id is not None:
            await self._webhooks.get(user_id, webhook_id)
        is_filtered = event is not None or state == "delivered"
        examined = await webhook_deliveries.list_page(
            self._db,
            user_id=user_id,
            webhook_id=webhook_id,
            state=None if state == "delivered" else state,
            before_id=before_id or _NEWEST,
            limit=MAX_EXAMINED if is_filtered else limit,
        )
        found = [d for d in examined if event in (None, d.event) and state in (None, d.state)]
        if len(found) >= limit:
            return Page(found[:limit], found[limit - 1])
        is_cut = is_filtered and len(examined) == MAX_EXAMINED
        return Page(found, examined[-1] if is_cut else None)

    async def last_attempts(
        self, deliveries: Iterable[WebhookDelivery]
    ) -> dict[int, WebhookAttempt]:
        """Of each that has one, by the delivery's key."""
        return await webhook_deliveries.last_attempts(self._db, [d.id for d in deliveries])

    async def standings(self, subscribed: Sequence[Webhook]) -> dict[int, Standing]:
        """How each webhook stands, by its key."""
        return await webhook_deliveries.standings(self._db, subscribed)

    async def sent_request(
        self, delivery: WebhookDelivery, last: WebhookAttempt | None
    ) -> SentRequest | None:
        """What its last attempt sent; None: nothing was sent yet, or the webhook has gone."""
        webhook = await webhooks.find(self._db, delivery.webhook_id, None)
        if last is None or webhook is None:
            return None
        body = sent_body(webhook.format, delivery.body, webhook.secret)
        public_id = self._public_ids.encode(Kind.DELIVERY, delivery.id, delivery.created_at)
        return SentRequest(
            at=last.at,
            url=webhook.url,
            headers=sent_headers(webhook.secret, delivery_id=public_id, at=last.at, body=body),
            body=sent_body(webhook.format, delivery.body, MASK),
            may_differ=webhook.updated_at > last.at,
        )

    async def redeliver_each(
        self, user_id: int | None, delivery_ids: Sequence[int]
    ) -> dict[int, TextkoError | None]:
        """Send each again now, as Webhooks.redeliver; why not, for those that cannot be.

        NotFound, or WrongState while the webhook is disabled.
        """
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> dict[int, TextkoError | None]:
            return {key: _redeliver(tx, user_id, key, now_ms) for key in delivery_ids}

        return await self._db.write(write)


def _redeliver(
    tx: Transaction, user_id: int | None, delivery_id: int, now_ms: int
) -> TextkoError | None:
    delivery = webhook_deliveries.find_in(tx, delivery_id, user_id)
    webhook = None if delivery is None else webhooks.find_in(tx, delivery.webhook_id, user_id)
    if delivery is None or webhook is None:
        return NotFound("webhook delivery")
    if not webhook.is_enabled:
        return WrongState("the webhook is disabled: enable it first")
    webhook_deliveries.redeliver(tx, delivery_id, now_ms=now_ms)
    tx.after_commit(WebhookDue(user_id=delivery.user_id, at=now_ms))
    return None
