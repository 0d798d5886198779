"""What became of what webhooks are owed: how each of them stands, deliveries with their attempts,
what an attempt sent, and sending again.

Reads much and changes little; subscriptions are in webhooks.py, and webhook_outbox.py writes what
is owed. A `user_id` of None is the operator, as there.
"""

from collections.abc import Iterable, Sequence

import msgspec

from textko_server.clock import Clock
from textko_server.errors import Invalid, NotFound, TextkoError, WrongState
from textko_server.gateway.events import WebhookDue
from textko_server.gateway.public_ids import Kind, PublicIds
from textko_server.gateway.smsgate_payloads import SmsgateEvent
from textko_server.gateway.textlink_payloads import TextLinkEvent
from textko_server.gateway.webhook_payloads import WebhookEvent
from textko_server.gateway.webhook_requests import MASK, sent_body, sent_headers
from textko_server.gateway.webhooks import MAX_PAGE_COUNT, Webhooks, get_enabled
from textko_server.model import Webhook, WebhookAttempt, WebhookDelivery
from textko_server.store import webhook_deliveries, webhooks
from textko_server.store.database import Database, Transaction
from textko_server.store.webhook_deliveries import Standing

__all__ = ["Page", "SentRequest", "Standing", "WebhookLog"]

# What one page looks at where no index finds what is asked for.
MAX_EXAMINED = 2_000
EVENTS = frozenset({*WebhookEvent, *TextLinkEvent, *SmsgateEvent})
DELIVERY_STATES = ("pending", "delivered", "failed")

_NEWEST = (1 << 63) - 1
# One write's share of a bulk change, so that a million rows do not hold up other writes.
_BATCH_COUNT = 500


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

    async def list_deliveries(
        self,
        user_id: int | None,
        *,
        webhook_id: int | None = None,
        state: str | None = None,
        before_id: int | None = None,
        limit: int = MAX_PAGE_COUNT,
    ) -> list[WebhookDelivery]:
        """Newest first, of one webhook or the account; the next page starts before the last id.

        Raises: NotFound for the webhook; Invalid for a state that is none of DELIVERY_STATES.
        """
        if state is not None and state not in DELIVERY_STATES:
            raise Invalid("state", f"must be one of {', '.join(DELIVERY_STATES)}")
        if webhook_id is not None:
            await self._webhooks.get(user_id, webhook_id)
        return await webhook_deliveries.list_page(
            self._db,
            user_id=user_id,
            webhook_id=webhook_id,
            state=state,
            before_id=before_id or _NEWEST,
            limit=_page_count(limit),
        )

    async def get_delivery(
        self, user_id: int | None, delivery_id: int
    ) -> tuple[WebhookDelivery, list[WebhookAttempt]]:
        """A delivery and every attempt at it, oldest first. Raises: NotFound."""
        delivery = await webhook_deliveries.find(self._db, delivery_id, user_id)
        if delivery is None:
            raise NotFound("webhook delivery")
        return delivery, await webhook_deliveries.list_attempts(self._db, delivery_id)

    async def count_due(self) -> int:
        """Deliveries of all accounts whose attempt is due now."""
        return (await self.due())[0]

    async def due(self) -> tuple[int, int | None]:
        """How many those are, and since when the one is due that has been for longest."""
        return await webhook_deliveries.due(self._db, self._clock.now_ms())

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
            headers=sent_headers(
                webhook.format, webhook.secret, delivery_id=public_id, at=last.at, body=body
            ),
            body=sent_body(webhook.format, delivery.body, MASK),
            may_differ=webhook.updated_at > last.at,
        )

    async def redeliver(self, user_id: int | None, delivery_id: int) -> None:
        """Send it again now, with its id and body, whatever became of it; the schedule starts anew.

        Raises: NotFound; WrongState while the webhook is disabled.
        """
        now_ms = self._clock.now_ms()
        await self._db.write(lambda tx: _redeliver(tx, user_id, delivery_id, now_ms))

    async def redeliver_failed(self, user_id: int | None, webhook_id: int) -> int:
        """Send all again that were given up; return how many. Raises: as `redeliver`."""
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> int:
            webhook = get_enabled(tx, webhook_id, user_id)
            tx.after_commit(WebhookDue(user_id=webhook.user_id, at=now_ms))
            return webhook_deliveries.redeliver_failed(
                tx, webhook_id, now_ms=now_ms, limit=_BATCH_COUNT
            )

        redelivered_count = 0
        while batch_count := await self._db.write(write):
            redelivered_count += batch_count
        return redelivered_count

    async def redeliver_each(
        self, user_id: int | None, delivery_ids: Sequence[int]
    ) -> dict[int, TextkoError | None]:
        """Send each again now, as `redeliver`; why not, for those that cannot be.

        NotFound, or WrongState while the webhook is disabled.
        """
        now_ms = self._clock.now_ms()

        def write(tx: Transaction) -> dict[int, TextkoError | None]:
            return {key: _refusal(tx, user_id, key, now_ms) for key in delivery_ids}

        return await self._db.write(write)


def _refusal(
    tx: Transaction, user_id: int | None, delivery_id: int, now_ms: int
) -> TextkoError | None:
    """Send it again; why that cannot be, if it cannot."""
    try:
        _redeliver(tx, user_id, delivery_id, now_ms)
    except (NotFound, WrongState) as refusal:
        return refusal
    return None


def _redeliver(tx: Transaction, user_id: int | None, delivery_id: int, now_ms: int) -> None:
    delivery = webhook_deliveries.find_in(tx, delivery_id, user_id)
    if delivery is None:
        raise NotFound("webhook delivery")
    get_enabled(tx, delivery.webhook_id, user_id)
    webhook_deliveries.redeliver(tx, delivery_id, now_ms=now_ms)
    tx.after_commit(WebhookDue(user_id=delivery.user_id, at=now_ms))


def _page_count(limit: int) -> int:
    return max(1, min(limit, MAX_PAGE_COUNT))
