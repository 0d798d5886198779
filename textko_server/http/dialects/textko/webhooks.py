"""`/webhooks`: subscriptions, and the log of what was sent to them.

A phone that fell silent is told of as `UNKNOWN_STATE` to who asked for it, else as MESSAGE_FAILED.
`SMS_STATUS_UPDATED` of upstream is accepted beside other events and never fires, as there.
"""

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from textko_server.clock import iso_utc_ms
from textko_server.errors import Invalid, NotFound
from textko_server.gateway.clean_text import clean_text
from textko_server.gateway.gateway import Gateway
from textko_server.gateway.public_ids import Kind
from textko_server.gateway.webhooks import WebhookChanges
from textko_server.http.app_keys import GATEWAY
from textko_server.http.bodies import read_json
from textko_server.http.dialects.textko import wire
from textko_server.http.dialects.textko.access import with_all_scopes
from textko_server.http.dialects.textko.auth import public_user_id
from textko_server.http.dialects.textko.parameters import one_of, path_key, read_paging
from textko_server.http.dialects.textko.shape import Refused, data_response
from textko_server.model import Principal, Webhook, WebhookAttempt, WebhookDelivery

_NEVER_FIRED = frozenset({"SMS_STATUS_UPDATED"})
_STATES = {
    "pending": "pending",
    "retrying": "pending",
    "delivered": "delivered",
    "failed": "failed",
}
_CHUNK_COUNT = 100
# Bounds what one request reads when `eventType` leaves little.
_MAX_CHUNKS = 10

# (their field, what they say is wrong with it), by our field.
_WORDS = {
    "url": ("deliveryUrl", "Invalid delivery URL"),
    "secret": ("signingSecret", "Invalid signing secret"),
    "events": ("events", "Invalid event type"),
    "name": ("name", "Invalid name"),
}


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    """Unknown fields are ignored."""


class NewWebhookBody(_Body, frozen=True):
    delivery_url: str
    events: list[str]
    signing_secret: str | None = None
    """Left out: one is made."""
    name: str | None = None


class WebhookChangesBody(_Body, frozen=True):
    name: str | UnsetType = UNSET
    delivery_url: str | UnsetType = UNSET
    signing_secret: str | UnsetType = UNSET
    events: list[str] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET


def routes() -> list[web.RouteDef]:
    base = "/api/v1/webhooks"
    return [
        web.get(base, list_webhooks),
        web.post(base, post_webhook),
        web.get(base + "/notifications", list_notifications),
        web.get(base + "/{id}", get_webhook),
        web.patch(base + "/{id}", patch_webhook),
        web.delete(base + "/{id}", delete_webhook),
    ]


async def list_webhooks(request: web.Request) -> web.Response:
    """`GET /api/v1/webhooks`, newest first."""
    principal = await with_all_scopes(request)
    gateway = request.app[GATEWAY]
    found = await gateway.webhooks.list_webhooks(principal.user_id)
    user_id = await public_user_id(gateway, principal)
    return data_response([_wire_webhook(gateway, user_id, w) for w in found])


async def post_webhook(request: web.Request) -> web.Response:
    """`POST /api/v1/webhooks`, 201: `{deliveryUrl, events, signingSecret?, name?}`."""
    principal = await with_all_scopes(request)
    body = await read_json(request, NewWebhookBody)
    events = _events(body.events)
    try:
        webhook = await request.app[GATEWAY].webhooks.create(
            principal.user_id,
            url=body.delivery_url,
            events=events,
            name=clean_text(body.name or ""),
            secret=body.signing_secret,
        )
    except Invalid as error:
        raise _in_their_words(error) from error
    return await _answer(request, principal, webhook, status=201)


async def get_webhook(request: web.Request) -> web.Response:
    """`GET /api/v1/webhooks/:id`."""
    principal = await with_all_scopes(request)
    key = path_key(request, Kind.WEBHOOK, "webhook")
    webhook = await request.app[GATEWAY].webhooks.get(principal.user_id, key)
    return await _answer(request, principal, webhook)


async def patch_webhook(request: web.Request) -> web.Response:
    """`PATCH /api/v1/webhooks/:id`; what is left out stays."""
    principal = await with_all_scopes(request)
    key = path_key(request, Kind.WEBHOOK, "webhook")
    body = await read_json(request, WebhookChangesBody)
    changes = WebhookChanges(
        name=UNSET if body.name is UNSET else clean_text(body.name),
        url=body.delivery_url,
        events=UNSET if body.events is UNSET else _events(body.events),
        secret=body.signing_secret,
        is_enabled=body.is_active,
    )
    try:
        webhook = await request.app[GATEWAY].webhooks.update(principal.user_id, key, changes)
    except Invalid as error:
        raise _in_their_words(error) from error
    return await _answer(request, principal, webhook)


async def delete_webhook(request: web.Request) -> web.Response:
    """`DELETE /api/v1/webhooks/:id`, with its log."""
    principal = await with_all_scopes(request)
    key = path_key(request, Kind.WEBHOOK, "webhook")
    await request.app[GATEWAY].webhooks.delete(principal.user_id, key)
    return data_response(wire.Success(success=True))


def _events(events: list[str]) -> list[str]:
    if not events:
        raise Refused("Choose atleast one event to receive", "events")
    return [event for event in events if event not in _NEVER_FIRED]


def _in_their_words(error: Invalid) -> Refused:
    field, words = _WORDS.get(error.field, (error.field, "Invalid"))
    return Refused(f"{words}: {error.reason}", field)


async def _answer(
    request: web.Request, principal: Principal, webhook: Webhook, *, status: int = 200
) -> web.Response:
    gateway = request.app[GATEWAY]
    user_id = await public_user_id(gateway, principal)
    return data_response(_wire_webhook(gateway, user_id, webhook), status=status)


def _wire_webhook(gateway: Gateway, user_id: str, webhook: Webhook) -> wire.Webhook:
    """With the secret, as upstream: whoever may read this may also replace it."""
    attempted_at = max(webhook.last_success_at or 0, webhook.last_failure_at or 0)
    return wire.Webhook(
        id=gateway.public_ids.encode(Kind.WEBHOOK, webhook.id, webhook.created_at),
        user=user_id,
        name=webhook.name,
        is_active=webhook.is_enabled,
        disabled_reason=webhook.disabled_reason,
        events=webhook.events.split(),
        delivery_url=webhook.url,
        signing_secret=webhook.secret,
        successful_delivery_count=webhook.success_count,
        delivery_failure_count=webhook.failure_count,
        delivery_attempt_count=webhook.success_count + webhook.failure_count,
        last_delivery_attempt_at=_iso(attempted_at or None),
        last_delivery_success_at=_iso(webhook.last_success_at),
        last_delivery_failure_at=_iso(webhook.last_failure_at),
        created_at=iso_utc_ms(webhook.created_at),
        updated_at=iso_utc_ms(webhook.updated_at),
    )


# --- the log ---


async def list_notifications(request: web.Request) -> web.Response:
    """`GET /api/v1/webhooks/notifications`, newest first: `{data: {data, meta}}`.

    Filters: status (pending, retrying, delivered, failed), eventType, webhookSubscriptionId.
    """
    principal = await with_all_scopes(request)
    gateway = request.app[GATEWAY]
    paging = read_paging(request, 10)
    before_id = None
    if paging.cursor is not None:
        before_id = gateway.public_ids.decode(Kind.DELIVERY, paging.cursor)
        if before_id is None:
            raise Refused("Invalid cursor", "cursor")
    wanted_count = paging.skip_count + paging.limit
    found, next_key = await _deliveries(request, principal, before_id, wanted_count)
    shown = found[paging.skip_count :]
    cursor = None if next_key is None else gateway.public_ids.encode(Kind.DELIVERY, next_key, 0)
    notifications = []
    for delivery in shown:
        _, attempts = await gateway.webhook_log.get_delivery(principal.user_id, delivery.id)
        notifications.append(_wire_notification(gateway, delivery, attempts))
    meta = paging.meta(len(found), cursor)
    return data_response({"data": notifications, "meta": meta})


async def _deliveries(
    request: web.Request, principal: Principal, before_id: int | None, count: int
) -> tuple[list[WebhookDelivery], int | None]:
    """(the first `count` that are asked for, the key before which there may be more)"""
    webhook_log = request.app[GATEWAY].webhook_log
    status = one_of(request, "status", _STATES, None)
    event = request.query.get("eventType") or None
    webhook_id = None
    if request.query.get("webhookSubscriptionId"):
        public_id = request.query["webhookSubscriptionId"]
        webhook_id = request.app[GATEWAY].public_ids.decode(Kind.WEBHOOK, public_id)
        if webhook_id is None:
            raise NotFound("webhook")
    found: list[WebhookDelivery] = []
    for _ in range(_MAX_CHUNKS):
        chunk = await webhook_log.list_deliveries(
            principal.user_id,
            webhook_id=webhook_id,
            state=None if status is None else _STATES[status],
            before_id=before_id,
            limit=_CHUNK_COUNT,
        )
        found += [
            d
            for d in chunk
            if (event is None or d.event == event) and (status is None or _status(d) == status)
        ]
        if len(found) > count:
            return found[:count], found[count - 1].id
        if len(chunk) < _CHUNK_COUNT:
            return found, None
        before_id = chunk[-1].id
    return found, before_id


def _status(delivery: WebhookDelivery) -> wire.NotificationStatus:
    if delivery.state == "pending" and delivery.attempt_count:
        return "retrying"
    status: wire.NotificationStatus = msgspec.convert(delivery.state, wire.NotificationStatus)
    return status


def _wire_notification(
    gateway: Gateway, delivery: WebhookDelivery, attempts: list[WebhookAttempt]
) -> wire.Notification:
    public_id = gateway.public_ids.encode(Kind.DELIVERY, delivery.id, delivery.created_at)
    last = attempts[-1] if attempts else None
    is_delivered = delivery.state == "delivered"
    return wire.Notification(
        id=public_id,
        event=delivery.event,
        payload=msgspec.Raw(delivery.body),
        status=_status(delivery),
        idempotency_key=public_id,
        delivery_attempt_count=delivery.attempt_count,
        last_delivery_attempt_at=_iso(last.at) if last else None,
        next_delivery_attempt_at=_iso(delivery.next_attempt_at),
        delivered_at=_iso(delivery.ended_at) if is_delivered else None,
        delivery_attempt_aborted_at=None if is_delivered else _iso(delivery.ended_at),
        http_status_code=last.status if last else None,
        response_body=last.answer if last else None,
        error_message=last.error if last else None,
        created_at=iso_utc_ms(delivery.created_at),
    )


def _iso(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso_utc_ms(at_ms)
