"""`/admin/v1/webhooks` and `/webhook-deliveries`: subscriptions, and the log of what they got."""

import msgspec

from textko_server import admin_wire as wire
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.webhooks import WebhookChanges
from textko_server.http.admin.access import owner_of_new, owner_shown, visible_owner
from textko_server.http.admin.endpoint import Call, Endpoint
from textko_server.http.admin.names import Names
from textko_server.model import Webhook, WebhookDelivery


async def list_webhooks(call: Call, query: wire.WebhookQuery) -> wire.WebhookPage:
    """A page, newest first."""
    page = await call.gateway.webhooks.list_webhooks(
        await owner_shown(call, query.user),
        before_id=call.read_cursor(Kind.WEBHOOK, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _wire_webhook(call, names, webhook) for webhook in page]
    is_last = len(shown) < query.limit
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
    """Change what is given; enabling one sends what waited."""
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
    delivery_id = await call.gateway.webhooks.test(owner, _key(call))
    delivery, _ = await call.gateway.webhooks.get_delivery(owner, delivery_id)
    return wire.StartedTest(delivery_id=_delivery_id(call, delivery))


async def list_deliveries(call: Call, query: wire.DeliveryQuery) -> wire.DeliveryPage:
    """A page of one webhook's, newest first."""
    page = await call.gateway.webhooks.list_deliveries(
        visible_owner(call),
        webhook_id=_key(call),
        state=query.state,
        before_id=call.read_cursor(Kind.DELIVERY, query.before),
        limit=query.limit,
    )
    names = Names(call.gateway)
    shown = [await _wire_delivery(call, names, d) for d in page]
    is_last = len(shown) < query.limit
    return wire.DeliveryPage(deliveries=shown, next=None if is_last else shown[-1].id)


async def get_delivery(call: Call) -> wire.DeliveryDetail:
    """With its body and every attempt."""
    delivery, attempts = await call.gateway.webhooks.get_delivery(
        visible_owner(call), _delivery_key(call)
    )
    return wire.widened(
        await _wire_delivery(call, Names(call.gateway), delivery),
        wire.DeliveryDetail,
        body=delivery.body.decode("utf-8", "replace"),
        attempts=[
            wire.Attempt(
                number=a.number, at=a.at, duration_ms=a.duration_ms, status=a.status,
                error=a.error, answer=a.answer,
            )
            for a in attempts
        ],
    )  # fmt: skip


async def redeliver(call: Call) -> wire.Changed:
    """Send it again now, with the same id and body."""
    await call.gateway.webhooks.redeliver(visible_owner(call), _delivery_key(call))
    return wire.Changed(count=1)


async def redeliver_failed(call: Call) -> wire.Changed:
    """Send all again that were given up."""
    count = await call.gateway.webhooks.redeliver_failed(visible_owner(call), _key(call))
    return wire.Changed(count=count)


def _key(call: Call) -> int:
    return call.key(Kind.WEBHOOK, "webhook")


def _delivery_key(call: Call) -> int:
    return call.key(Kind.DELIVERY, "webhook delivery")


def _delivery_id(call: Call, delivery: WebhookDelivery) -> str:
    return call.gateway.public_ids.encode(Kind.DELIVERY, delivery.id, delivery.created_at)


async def _shown(call: Call, webhook: Webhook) -> wire.Webhook:
    return await _wire_webhook(call, Names(call.gateway), webhook)


async def _with_secret(call: Call, webhook: Webhook) -> wire.WebhookWithSecret:
    shown = await _wire_webhook(call, Names(call.gateway), webhook)
    return wire.widened(shown, wire.WebhookWithSecret, secret=webhook.secret)


async def _wire_webhook(call: Call, names: Names, webhook: Webhook) -> wire.Webhook:
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
        created_at=webhook.created_at,
        updated_at=webhook.updated_at,
    )


async def _wire_delivery(call: Call, names: Names, delivery: WebhookDelivery) -> wire.Delivery:
    return wire.Delivery(
        id=_delivery_id(call, delivery),
        webhook_id=await names.webhook(delivery.webhook_id) or "",
        event=delivery.event,
        state=msgspec.convert(delivery.state, wire.DeliveryState),
        attempt_count=delivery.attempt_count,
        next_attempt_at=delivery.next_attempt_at,
        created_at=delivery.created_at,
        ended_at=delivery.ended_at,
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
    Endpoint("GET", "/webhook-deliveries/{id}", get_delivery),
    Endpoint("POST", "/webhook-deliveries/{id}/redeliver", redeliver, status=202),
)
