"""`/admin/v1/webhooks` and `/webhook-deliveries`: subscriptions, and the log of what they got."""

import msgspec

from textko_server import admin_wire as wire
from textko_server.errors import NotFound
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.webhook_log import Page, SentRequest, Standing
from textko_server.gateway.webhooks import WebhookChanges
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Webhook, WebhookAttempt, WebhookDelivery


async def list_webhooks(call: Call, query: wire.WebhookQuery) -> wire.WebhookPage:
    """A page, newest first."""
    page = await call.gateway.webhooks.list_webhooks(
        await owner_shown(call, query.user),
        before_id=call.read_cursor(Kind.WEBHOOK, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    standings = await call.gateway.webhook_log.standings(page)
    # One that was deleted meanwhile has no standing.
    shown = [
        await _wire_webhook(call, names, w, standings[w.id]) for w in page if w.id in standings
    ]
    is_last = len(page) < query.limit or not shown
    return wire.WebhookPage(webhooks=shown, next=None if is_last else shown[-1].id)


async def create_webhook(
    call: Call, query: wire.UserQuery, body: wire.NewWebhook
) -> wire.WebhookWithSecret:
    """Subscribe a URL to events."""
    webhook = await call.gateway.webhooks.create(
        await owner_of_new(call, query.user),
        url=body.url,
        events=body.events,
        name=body.name,
        secret=body.secret,
        payload_format=body.format,
    )
    return await _with_secret(call, webhook)


async def get_webhook(call: Call) -> wire.Webhook:
    return await _shown(call, await call.gateway.webhooks.get(visible_owner(call), _key(call)))


async def change_webhook(call: Call, body: wire.WebhookChanges) -> wire.Webhook:
    """Change what is given.

    While one is disabled nothing new is owed to it, and what it was owed waits: `pendingCount` says
    how much. Enabling it sends what is due by then at once, the rest when its time comes.
    """
    changes = WebhookChanges(
        name=body.name, url=body.url, events=body.events, is_enabled=body.is_enabled
    )
    changed = await call.gateway.webhooks.update(visible_owner(call), _key(call), changes)
    return await _shown(call, changed)


async def delete_webhook(call: Call) -> None:
    """Remove it with the log of its deliveries."""
    await call.gateway.webhooks.delete(visible_owner(call), _key(call))


async def rotate_secret(call: Call) -> wire.WebhookWithSecret:
    """A new secret, for what is still owed too."""
    webhook = await call.gateway.webhooks.rotate_secret(visible_owner(call), _key(call))
    return await _with_secret(call, webhook)


async def test_webhook(call: Call) -> wire.StartedTest:
    """Send it a sample event; the delivery says how that went."""
    owner = visible_owner(call)
    delivery_id = await call.gateway.webhook_outbox.test(owner, _key(call))
    delivery, _ = await call.gateway.webhook_log.get_delivery(owner, delivery_id)
    return wire.StartedTest(delivery_id=_delivery_id(call, delivery))


async def list_deliveries(call: Call, query: wire.DeliveryQuery) -> wire.DeliveryPage:
    """A page of one webhook's, newest first."""
    page = await call.gateway.webhook_log.search(
        visible_owner(call),
        webhook_id=_key(call),
        state=query.state,
        before_id=call.read_cursor(Kind.DELIVERY, query.before),
        limit=query.limit,
    )
    return await _wire_page(call, page)


async def list_all_deliveries(call: Call, query: wire.AllDeliveriesQuery) -> wire.DeliveryPage:
    """A page over all webhooks, newest first.

    With a filter by event, or by the state `delivered`, it looks at 2,000 deliveries, and may be
    short or empty and yet have a next.
    """
    webhook = query.webhook
    page = await call.gateway.webhook_log.search(
        await owner_shown(call, query.user),
        webhook_id=None if webhook is None else call.read_id(Kind.WEBHOOK, webhook, "webhook"),
        state=query.state,
        event=query.event,
        before_id=call.read_cursor(Kind.DELIVERY, query.before),
        limit=query.limit,
    )
    return await _wire_page(call, page)


async def _wire_page(call: Call, page: Page) -> wire.DeliveryPage:
    names = Names(call.gateway)
    attempts = await call.gateway.webhook_log.last_attempts(page.deliveries)
    return wire.DeliveryPage(
        deliveries=[
            await _wire_delivery(call, names, d, attempts.get(d.id)) for d in page.deliveries
        ],
        next=None if page.next_before is None else _delivery_id(call, page.next_before),
    )


async def get_delivery(call: Call) -> wire.DeliveryDetail:
    """With its body, every attempt, and what the last one sent.

    The body is kept as it was sent. The rest of `request` is made anew from the time of the attempt
    and the webhook as it is now; `mayDiffer` says that it was changed since. A secret in the body
    reads ********.
    """
    delivery, attempts = await call.gateway.webhook_log.get_delivery(
        visible_owner(call), _delivery_key(call)
    )
    last = attempts[-1] if attempts else None
    request = await call.gateway.webhook_log.sent_request(delivery, last)
    return wire.widened(
        await _wire_delivery(call, Names(call.gateway), delivery, last),
        wire.DeliveryDetail,
        body=delivery.body.decode("utf-8", "replace"),
        attempts=[_wire_attempt(attempt) for attempt in attempts],
        request=None if request is None else _wire_request(request),
    )


async def redeliver_each(call: Call, body: wire.DeliveryIds) -> wire.Redelivered:
    """Send many again now, each with the same id and body; says which could not be."""
    decode = call.gateway.public_ids.decode
    keys = {public_id: decode(Kind.DELIVERY, public_id) for public_id in body.ids}
    outcomes = await call.gateway.webhook_log.redeliver_each(
        visible_owner(call), sorted({key for key in keys.values() if key is not None})
    )
    refusals = {
        public_id: NotFound("webhook delivery") if key is None else outcomes[key]
        for public_id, key in keys.items()
    }
    return wire.Redelivered(
        count=sum(refusal is None for refusal in outcomes.values()),
        refused=[
            wire.NotRedelivered(id=public_id, code=refusal.code, reason=refusal.message)
            for public_id, refusal in refusals.items()
            if refusal is not None
        ],
    )


async def redeliver(call: Call) -> wire.Changed:
    """Send it again now, with the same id and body."""
    await call.gateway.webhook_log.redeliver(visible_owner(call), _delivery_key(call))
    return wire.Changed(count=1)


async def redeliver_failed(call: Call) -> wire.Changed:
    """Send all again that were given up."""
    count = await call.gateway.webhook_log.redeliver_failed(visible_owner(call), _key(call))
    return wire.Changed(count=count)


def _key(call: Call) -> int:
    return call.key(Kind.WEBHOOK, "webhook")


def _delivery_key(call: Call) -> int:
    return call.key(Kind.DELIVERY, "webhook delivery")


def _delivery_id(call: Call, delivery: WebhookDelivery) -> str:
    return call.gateway.public_ids.encode(Kind.DELIVERY, delivery.id, delivery.created_at)


async def _shown(call: Call, webhook: Webhook) -> wire.Webhook:
    standings = await call.gateway.webhook_log.standings([webhook])
    if webhook.id not in standings:  # deleted since it was read
        raise NotFound("webhook")
    return await _wire_webhook(call, Names(call.gateway), webhook, standings[webhook.id])


async def _with_secret(call: Call, webhook: Webhook) -> wire.WebhookWithSecret:
    shown = await _shown(call, webhook)
    return wire.widened(shown, wire.WebhookWithSecret, secret=webhook.secret)


async def _wire_webhook(
    call: Call, names: Names, webhook: Webhook, standing: Standing
) -> wire.Webhook:
    user_id, email = await names.user(webhook.user_id)
    return wire.Webhook(
        id=call.gateway.public_ids.encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
        user_id=user_id,
        user=email,
        name=webhook.name,
        url=webhook.url,
        format=webhook.format,
        events=webhook.events.split(),
        is_enabled=webhook.is_enabled,
        disabled_reason=webhook.disabled_reason,
        success_count=webhook.success_count,
        failure_count=webhook.failure_count,
        last_success_at=webhook.last_success_at,
        last_failure_at=webhook.last_failure_at,
        failing_since=standing.failing_since,
        pending_count=standing.pending_count,
        failed_count=standing.failed_count,
        next_attempt_at=standing.next_attempt_at,
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )


async def _wire_delivery(
    call: Call, names: Names, delivery: WebhookDelivery, last: WebhookAttempt | None
) -> wire.Delivery:
    webhook = await names.named_webhook(delivery.webhook_id)
    _, email = await names.user(delivery.user_id)
    return wire.Delivery(
        id=_delivery_id(call, delivery),
        webhook_id="" if webhook is None else webhook.id,
        webhook_name="" if webhook is None else webhook.name,
        webhook_url="" if webhook is None else webhook.url,
        user=email,
        event=delivery.event,
        state=msgspec.convert(delivery.state, wire.DeliveryState),
        attempt_count=delivery.attempt_count,
        next_attempt_at=delivery.next_attempt_at,
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
        last_attempt=None if last is None else _wire_attempt(last),
    )


def _wire_attempt(attempt: WebhookAttempt) -> wire.Attempt:
    return wire.Attempt(
        number=attempt.number,
        at=attempt.at,
        duration_ms=attempt.duration_ms,
        status=attempt.status,
        error=attempt.error,
        answer=attempt.answer,
    )


def _wire_request(request: SentRequest) -> wire.DeliveryRequest:
    return wire.DeliveryRequest(
        attempt_at=request.at,
        method="POST",
        url=request.url,
        headers=request.headers,
        body=request.body.decode("utf-8", "replace"),
        may_differ=request.may_differ,
    )


ENDPOINTS = (
    Endpoint("GET", "/webhooks", list_webhooks),
    Endpoint("POST", "/webhooks", create_webhook, status=201),
    Endpoint("GET", "/webhooks/{id}", get_webhook),
    Endpoint("PATCH", "/webhooks/{id}", change_webhook),
    Endpoint("DELETE", "/webhooks/{id}", delete_webhook),
    Endpoint("POST", "/webhooks/{id}/rotate-secret", rotate_secret),
    Endpoint("POST", "/webhooks/{id}/test", test_webhook, status=202),
    Endpoint("GET", "/webhooks/{id}/deliveries", list_deliveries),
    Endpoint("POST", "/webhooks/{id}/redeliver-failed", redeliver_failed, status=202),
    Endpoint("GET", "/webhook-deliveries", list_all_deliveries),
    Endpoint("POST", "/webhook-deliveries/redeliver", redeliver_each, status=202),
    Endpoint("GET", "/webhook-deliveries/{id}", get_delivery),
    Endpoint("POST", "/webhook-deliveries/{id}/redeliver", redeliver, status=202),
)
